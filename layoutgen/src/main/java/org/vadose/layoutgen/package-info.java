/**
 * Build-time tools around the table of genuine types and symbols.
 *
 * <p>{@link org.vadose.layoutgen.ExtractTable} turns an ISF symbol file into the checked-in table; it runs by hand, when a
 * build of Windows is added. {@link org.vadose.layoutgen.GenerateLayouts} turns that table into {@code *Layout} classes of
 * offset constants; it runs in every build. Nothing here is on the product's class path.
 */
@NullMarked
package org.vadose.layoutgen;

import org.jspecify.annotations.NullMarked;
