/**
 * The debugger: {@link org.vadose.debug.Debugger} runs command lines over a {@link org.vadose.target.Target}, live or a dump, and
 * believes nothing but its bytes. {@link org.vadose.debug.Expression} evaluates addresses, {@link org.vadose.debug.ModuleTable}
 * names them, {@link org.vadose.debug.TypePrinter} is {@code dt}; each {@code ...Commands} class holds the commands of one
 * subject, which only parse and print. What only a running machine can do comes through
 * {@link org.vadose.debug.LiveControl}. Uses {@code target}, {@code nt}, {@code pe}, {@code cpu}, {@code layout}; never the manager.
 */
@NullMarked
package org.vadose.debug;

import org.jspecify.annotations.NullMarked;
