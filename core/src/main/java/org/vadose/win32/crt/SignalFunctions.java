package org.vadose.win32.crt;

import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ControlHandlers;

/** {@code signal} and {@code raise}. */
final class SignalFunctions {
    private static final String ACTIONS = "__crt_signal_actions";
    private static final int SIGNALS = 23;
    private static final int SIGINT = 2;
    private static final int SIGILL = 4;
    private static final int SIGFPE = 8;
    private static final int SIGSEGV = 11;
    private static final int SIGTERM = 15;
    private static final int SIGBREAK = 21;
    private static final int SIGABRT = 22;
    /** Another number for the same signal. */
    private static final int SIGABRT_COMPATIBLE = 6;

    private static final long DEFAULT = 0;
    private static final long IGNORE = 1;
    private static final long ERROR = -1;
    private static final int DEFAULT_EXIT_CODE = 3;

    private static final ControlHandlers.Handler FROM_CONSOLE = SignalFunctions::fromConsole;

    private SignalFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.data(ACTIONS, 8 * SIGNALS, (process, at) -> CrtState.of(process).placed(ACTIONS, at))
                .function("signal", SignalFunctions::signal)
                .function("raise", call -> raise(call, call.intArg(0)));
    }

    private static boolean isKnown(int number) {
        return switch (number) {
            case SIGINT, SIGILL, SIGFPE, SIGSEGV, SIGTERM, SIGBREAK, SIGABRT, SIGABRT_COMPATIBLE -> true;
            default -> false;
        };
    }

    private static long action(ApiCall call, int number) {
        int index = number == SIGABRT_COMPATIBLE ? SIGABRT : number;
        return CrtState.of(call).variable(ACTIONS) + 8L * index;
    }

    private static long signal(ApiCall call) {
        int number = call.intArg(0);
        if (!isKnown(number) || call.arg(1) == 2 || call.arg(1) == 3) {
            CrtState.setErrno(call, CrtState.EINVAL);
            return ERROR;
        }
        Memory memory = call.memory();
        long at = action(call, number);
        long old = memory.readLong(at);
        memory.writeLong(at, call.arg(1));
        if ((number == SIGINT || number == SIGBREAK) && call.arg(1) != DEFAULT) {
            ControlHandlers.of(call.process()).addOnce(FROM_CONSOLE);
        }
        return old;
    }

    /** Ctrl-C and Ctrl-Break are signals to who has asked for them. */
    private static boolean fromConsole(ApiCall call, int event) {
        int number = event == ControlHandlers.CTRL_C ? SIGINT : SIGBREAK;
        boolean isKey = event == ControlHandlers.CTRL_C || event == ControlHandlers.CTRL_BREAK;
        if (!isKey || call.memory().readLong(action(call, number)) == DEFAULT) {
            return false;
        }
        raise(call, number);
        return true;
    }

    /** Runs what the program set for a signal; without it, the process ends with code 3. */
    static long raise(ApiCall call, int number) {
        if (!isKnown(number)) {
            return CrtState.fail(call, CrtState.EINVAL);
        }
        long at = action(call, number);
        long handler = call.memory().readLong(at);
        if (handler == IGNORE) {
            return 0;
        }
        if (handler == DEFAULT) {
            StartupFunctions.end(call, DEFAULT_EXIT_CODE);
        }
        call.memory().writeLong(at, DEFAULT);
        call.callGuest(handler, number);
        return 0;
    }
}
