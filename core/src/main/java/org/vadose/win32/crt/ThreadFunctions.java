package org.vadose.win32.crt;

import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.loader.LoadedImage;
import org.vadose.win32.loader.Loader;

/** {@code _beginthreadex} and kin, by way of kernel32's functions. */
final class ThreadFunctions {
    private ThreadFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("_beginthreadex", ThreadFunctions::beginEx)
                .function("_beginthread", ThreadFunctions::begin)
                .function("_endthreadex", call -> end(call, call.intArg(0)))
                .function("_endthread", call -> end(call, 0));
    }

    private static long kernel32(ApiCall call, String function, long... arguments) {
        LoadedImage kernel32 = Loader.of(call.process()).find("kernel32.dll");
        if (kernel32 == null) {
            throw new IllegalStateException("kernel32.dll not loaded");
        }
        return call.callGuest(Loader.of(call.process()).procAddress(kernel32.base(), function), arguments);
    }

    private static long beginEx(ApiCall call) {
        if (call.arg(2) == 0) {
            CrtState.setErrno(call, CrtState.EINVAL);
            return 0;
        }
        long handle = kernel32(
                call, "CreateThread", call.arg(0), call.arg(1), call.arg(2), call.arg(3), call.arg(4), call.arg(5));
        if (handle == 0) {
            CrtState.failWin32(call, call.lastError());
        }
        return handle;
    }

    private static long begin(ApiCall call) {
        if (call.arg(0) == 0) {
            return CrtState.fail(call, CrtState.EINVAL);
        }
        long handle = kernel32(call, "CreateThread", 0, call.unsignedIntArg(1), call.arg(0), call.arg(2), 0, 0);
        return handle == 0 ? CrtState.failWin32(call, call.lastError()) : handle;
    }

    private static long end(ApiCall call, int code) {
        CrtState.of(call).threadEnds(call.thread());
        return kernel32(call, "ExitThread", code);
    }
}
