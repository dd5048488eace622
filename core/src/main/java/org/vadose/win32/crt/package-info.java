/**
 * The C run-time library {@code msvcrt.dll}: what programs made by mingw-w64 import. {@link org.vadose.win32.crt.CrtModule} puts the
 * DLL together from groups of functions, one class each; {@link org.vadose.win32.crt.CrtState} finds the library's variables in a
 * process.
 *
 * <p>As in the genuine library there are three layers of input and output, all with their state in guest memory: operating-system
 * handles, the descriptor table with text-mode translation ({@code LowIo}), and buffered streams ({@code FileStream}, a
 * {@code FILE} of 48 bytes). Narrow text is Windows-1252 taken as Latin-1, the locale is "C".
 *
 * <p>Uses the rest of {@code win32}; nothing but the machine's assembly uses it.
 */
@NullMarked
package org.vadose.win32.crt;

import org.jspecify.annotations.NullMarked;
