package org.vadose.win32.kernel32;

import org.vadose.memory.MemoryFault;
import org.vadose.win32.ApiFunction;

/** Win32 functions that hand their buffers on to a system service: what cannot be reached is an error, not an exception. */
final class Buffers {
    private static final int ERROR_NOACCESS = 998;

    private Buffers() {}

    /** The function, failing with ERROR_NOACCESS where it meets memory that the process cannot use. */
    static ApiFunction ofService(ApiFunction function) {
        return call -> {
            try {
                return function.call(call);
            } catch (MemoryFault bad) {
                return call.fail(ERROR_NOACCESS);
            }
        };
    }
}
