package org.vadose.win32.crt;

import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** What is left: process, console, versions. */
final class ProcessFunctions {
    private ProcessFunctions() {}

    static void addTo(ApiModule msvcrt) {
        Locales.addTo(msvcrt);
        msvcrt.function("_getpid", call -> call.process().processId())
                .function("getpid", call -> call.process().processId())
                .function("system", ProcessFunctions::system)
                .function("_get_osver", call -> write(call, 19041))
                .function("_get_winmajor", call -> write(call, 10))
                .function("_get_winminor", call -> write(call, 0))
                .data("_osver", 4, (process, at) -> process.memory().writeInt(at, 19041))
                .data("_winmajor", 4, (process, at) -> process.memory().writeInt(at, 10))
                .data("_winminor", 4, null)
                .data("_winver", 4, (process, at) -> process.memory().writeInt(at, 0xA00))
                .data("_osplatform", 4, (process, at) -> process.memory().writeInt(at, 2))
                .function("_wsystem", ProcessFunctions::system)
                .function("_beep", ProcessFunctions::beep)
                .function("_seterrormode", ProcessFunctions::setErrorMode)
                .function("_purecall", ProcessFunctions::pureCall)
                .function("_assert", call -> assertion(call, false))
                .function("_wassert", call -> assertion(call, true))
                .function("_cputs", ProcessFunctions::putText)
                .function(
                        "_getch",
                        StreamLocks.locked(
                                StreamLocks.STANDARD_INPUT,
                                call -> StreamFunctions.standard(call, 0).read()))
                .function(
                        "_getche",
                        StreamLocks.locked(
                                StreamLocks.STANDARD_INPUT,
                                call -> StreamFunctions.standard(call, 0).read()))
                .function("_kbhit", call -> call.process().console().typedAhead() > 0 ? 1 : 0)
                .function("_putch", ProcessFunctions::putCharacter)
                .function("_sleep", ProcessFunctions::sleep);
    }

    private static long write(ApiCall call, int value) {
        call.memory().writeInt(call.arg(0), value);
        return 0;
    }

    /** There is no command processor: 0 to the question, failure to a command. */
    private static long system(ApiCall call) {
        return call.arg(0) == 0 ? 0 : CrtState.fail(call, CrtState.ENOENT);
    }

    /** Text and file of an {@code assert} that failed, and its line; the program then aborts. */
    private static long assertion(ApiCall call, boolean wide) {
        String text = wide ? GuestText.wide(call.memory(), call.arg(0)) : GuestText.ansi(call.memory(), call.arg(0));
        String file = wide ? GuestText.wide(call.memory(), call.arg(1)) : GuestText.ansi(call.memory(), call.arg(1));
        RuntimeErrors.tell(
                call, "Assertion failed: %s, file %s, line %d\n".formatted(text, file, call.unsignedIntArg(2)));
        return StartupFunctions.abort(call);
    }

    private static long beep(ApiCall call) {
        call.process().console().beep();
        long ticks = call.unsignedIntArg(1) * 10_000;
        call.thread().sleepUntil(call.process().clock().now() + ticks);
        return 0;
    }

    private static long setErrorMode(ApiCall call) {
        call.process().eprocess().setErrorMode(call.intArg(0));
        return 0;
    }

    private static long pureCall(ApiCall call) {
        RuntimeErrors.tell(call, "\nruntime error R6025\n- pure virtual function call\n");
        return StartupFunctions.abort(call);
    }

    private static long putText(ApiCall call) {
        StreamFunctions.standard(call, 1).write(GuestText.toBytes(GuestText.ansi(call.memory(), call.arg(0))));
        return 0;
    }

    private static long putCharacter(ApiCall call) {
        StreamFunctions.standard(call, 1).write(new byte[] {(byte) call.intArg(0)});
        return call.intArg(0);
    }

    private static long sleep(ApiCall call) {
        long ticks = Math.max(1, call.unsignedIntArg(0)) * 10_000;
        call.thread().sleepUntil(call.process().clock().now() + ticks);
        return 0;
    }
}
