/** The command line: thin front ends over {@code machine}, {@code debug}, {@code dump} and {@code check}. */
@NullMarked
package org.vadose.cli;

import org.jspecify.annotations.NullMarked;
