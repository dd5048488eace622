/**
 * Typed views over bytes: a record of a {@link org.vadose.memory.Memory} and an address with domain methods over the generated
 * offsets of {@code layout}. A view never allocates, locks or decides; it reads and writes fields, and what it returns is an
 * enum, a number or another view. The manager lays them over {@code Mmu.kernel()}, the debugger and the checker over whatever
 * target they look at. Uses {@code base}, {@code layout}, {@code memory}.
 */
@NullMarked
package org.vadose.nt;

import org.jspecify.annotations.NullMarked;
