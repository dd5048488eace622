package org.vadose.win32.kernel32;

import org.vadose.win32.ApiCall;

/** {@code SECURITY_ATTRIBUTES}: length, descriptor, whether the handle is inherited. The descriptor does not matter here. */
final class SecurityAttributes {
    private static final int INHERIT_HANDLE = 16;

    private SecurityAttributes() {}

    /** Marks a new handle as the attributes at an address (0 for none) say; returns the handle. */
    static long apply(ApiCall call, long attributes, long handle) {
        if (attributes != 0 && handle != 0 && call.memory().readInt(attributes + INHERIT_HANDLE) != 0) {
            call.process().objects().setInheritable(handle, true);
        }
        return handle;
    }
}
