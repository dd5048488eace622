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

    private static final int CPP_EXCEPTION = 0xE06D_7363;
    private static final int CONTINUE_EXECUTION = -1;
    private static final int CONTINUE_SEARCH = 0;
    private static final int EXECUTE_HANDLER = 1;

    /** {@code SIG_DIE}: the handler of whoever asks for the filter's opinion. */
    private static final long DIE = 5;

    private static final int FPE_EXPLICIT = 0x8C;

    private SignalFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.data(ACTIONS, 8 * SIGNALS, (process, at) -> CrtState.of(process).placed(ACTIONS, at))
                .function("signal", SignalFunctions::signal)
                .function("_XcptFilter", call -> filter(call, call.intArg(0), call.arg(1)))
                .function(
                        "__CppXcptFilter",
                        call -> call.intArg(0) == CPP_EXCEPTION ? filter(call, call.intArg(0), call.arg(1)) : 0)
                .function(
                        "__pxcptinfoptrs",
                        call -> CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_EXCEPTION)
                .function(
                        "__fpecode", call -> CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_FLOAT_ERROR)
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

    /** The signal that an exception is, 0 for none: integer divisions are none. */
    private static int signalOf(int code) {
        return switch (code) {
            case 0xC000_0005 -> SIGSEGV;
            case 0xC000_001D, 0xC000_0096 -> SIGILL;
            case 0xC000_008D, 0xC000_008E, 0xC000_008F, 0xC000_0090, 0xC000_0091, 0xC000_0092, 0xC000_0093 -> SIGFPE;
            default -> 0;
        };
    }

    /** {@code _FPE_*} of {@code float.h} for the status of a floating-point exception. */
    private static int floatError(int code) {
        return switch (code) {
            case 0xC000_008D -> 0x82;
            case 0xC000_008E -> 0x83;
            case 0xC000_008F -> 0x86;
            case 0xC000_0090 -> 0x81;
            case 0xC000_0091 -> 0x84;
            case 0xC000_0092 -> 0x8A;
            default -> 0x85;
        };
    }

    /** What a {@code __except} around the program shall do: the action of the signal that the exception is. */
    private static long filter(ApiCall call, int code, long pointers) {
        int number = signalOf(code);
        Memory memory = call.memory();
        long handler = number == 0 ? DEFAULT : memory.readLong(action(call, number));
        if (handler == DEFAULT) {
            return CONTINUE_SEARCH;
        }
        if (handler == DIE || handler == IGNORE) {
            return handler == DIE ? EXECUTE_HANDLER : CONTINUE_EXECUTION;
        }
        memory.writeLong(action(call, number), DEFAULT);
        long block = CrtState.of(call).threadBlock(call.thread());
        long before = memory.readLong(block + CrtState.THREAD_EXCEPTION);
        memory.writeLong(block + CrtState.THREAD_EXCEPTION, pointers);
        if (number == SIGFPE) {
            memory.writeInt(block + CrtState.THREAD_FLOAT_ERROR, floatError(code));
            call.callGuest(handler, number, floatError(code));
        } else {
            call.callGuest(handler, number);
        }
        memory.writeLong(block + CrtState.THREAD_EXCEPTION, before);
        return CONTINUE_EXECUTION;
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
        if (number == SIGFPE) {
            call.memory()
                    .writeInt(CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_FLOAT_ERROR, FPE_EXPLICIT);
            call.callGuest(handler, number, FPE_EXPLICIT);
        } else {
            call.callGuest(handler, number);
        }
        return 0;
    }
}
