/**
 * Exceptions as the user-mode half of Windows handles them: {@link org.vadose.win32.exception.Dispatcher} offers one to vectored
 * handlers and to the frames of the stack, {@link org.vadose.win32.exception.Unwinder} takes frames off,
 * {@link org.vadose.pe.VirtualUnwind} interprets unwind codes. All of it works on the records and contexts in guest
 * memory.
 */
@NullMarked
package org.vadose.win32.exception;

import org.jspecify.annotations.NullMarked;
