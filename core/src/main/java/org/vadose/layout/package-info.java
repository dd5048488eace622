/**
 * Where Windows puts things: the project's table of genuine types, enumerations and symbols, and the classes of offset constants
 * that the build generates from it ({@code *Layout}, {@code *Values}, {@code *Symbols}). Look-up by name
 * ({@link org.vadose.layout.TypeTable}, {@link org.vadose.layout.SymbolTable}) is for {@code dt} and its like; everything else
 * uses the constants. Uses {@code base}.
 */
@NullMarked
package org.vadose.layout;

import org.jspecify.annotations.NullMarked;
