/**
 * What a guest program sees of Windows above the system-call line: the functions of the built-in DLLs, processes and threads
 * that run guest code, exception dispatching, the loader.
 *
 * <p>An export of a built-in DLL is a system-call stub; its number leads through {@link org.vadose.win32.ApiTable} to an
 * {@link org.vadose.win32.ApiFunction}, which reads its arguments from an {@link org.vadose.win32.ApiCall}. A
 * {@link org.vadose.win32.GuestThread} is one processor state, one TEB and one Java thread; the
 * {@link org.vadose.win32.GuestProcess} hands a baton among its threads, so that exactly one of them runs at a time.
 *
 * <p>Uses {@code mm}, {@code ob}, {@code io}, {@code ps}, {@code cpu}, {@code pe} and {@code nt}; {@code machine} uses it.
 */
@NullMarked
package org.vadose.win32;

import org.jspecify.annotations.NullMarked;
