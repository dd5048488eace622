package org.vadose.win32.crt;

import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code errno} and what is said about it. */
final class ErrorFunctions {
    private static final int BUFFER_BYTES = 256;

    private ErrorFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("_errno", call -> CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_ERRNO)
                .function(
                        "__doserrno", call -> CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_DOS_ERROR)
                .function("_get_errno", ErrorFunctions::getErrno)
                .function("_set_errno", ErrorFunctions::setErrno)
                .function("strerror", call -> text(call, ErrorText.of(call.intArg(0))))
                .function("_strerror", ErrorFunctions::described);
    }

    private static long getErrno(ApiCall call) {
        call.memory().writeInt(call.arg(0), CrtState.errno(call));
        return 0;
    }

    private static long setErrno(ApiCall call) {
        CrtState.setErrno(call, call.intArg(0));
        return 0;
    }

    private static long text(ApiCall call, String text) {
        Memory memory = call.memory();
        long buffer = CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_STRERROR;
        GuestText.writeAnsi(memory, buffer, text.substring(0, Math.min(text.length(), BUFFER_BYTES - 1)));
        return buffer;
    }

    private static long described(ApiCall call) {
        String error = ErrorText.of(CrtState.errno(call));
        boolean plain = call.arg(0) == 0;
        return text(call, plain ? error : GuestText.ansi(call.memory(), call.arg(0)) + ": " + error + "\n");
    }
}
