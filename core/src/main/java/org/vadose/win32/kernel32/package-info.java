/**
 * The functions of kernel32 and kernelbase, and what ntdll exports beside exceptions, heaps and the loader. Each class holds the
 * functions about one noun and adds them to the modules that export them; {@link org.vadose.win32.kernel32.SystemDlls} puts all
 * together.
 */
@NullMarked
package org.vadose.win32.kernel32;

import org.jspecify.annotations.NullMarked;
