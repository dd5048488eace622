package org.vadose.win32.crt;

import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * What the library does about errors of the program: where it tells of them ({@code _set_error_mode}), what {@code abort} says, who hears
 * of parameters that are not valid and of arguments outside a function's domain. Each is a variable of the library.
 */
final class RuntimeErrors {
    private static final String ERROR_MODE = "__error_mode";
    private static final String APPLICATION_TYPE = "__app_type";
    private static final String ABORT_BEHAVIOR = "__abort_behavior";
    private static final String PARAMETER_HANDLER = "__pInvalidArgHandler";
    private static final String MATH_HANDLER = "__pusermatherr";
    private static final String LOCKS = "_locktable";

    // _OUT_TO_* and _REPORT_ERRMODE
    private static final int TO_DEFAULT = 0;
    private static final int TO_BOX = 2;
    private static final int ASK_MODE = 3;

    private static final int GRAPHICAL = 2;

    /** _WRITE_ABORT_MSG and _CALL_REPORTFAULT. */
    private static final int WRITE_ABORT_MESSAGE = 1;

    private static final int ABORT_DEFAULT = 3;

    /** {@code struct _exception}: type, name, two arguments, result. */
    private static final int MATH_BYTES = 40;

    /** Locks of the library's own; those above belong to streams. */
    private static final int LOCK_COUNT = 48;

    private RuntimeErrors() {}

    static void addTo(ApiModule msvcrt) {
        for (String name : new String[] {ERROR_MODE, APPLICATION_TYPE}) {
            msvcrt.data(
                    name, Integer.BYTES, (process, at) -> CrtState.of(process).placed(name, at));
        }
        for (String name : new String[] {PARAMETER_HANDLER, MATH_HANDLER}) {
            msvcrt.data(name, Long.BYTES, (process, at) -> CrtState.of(process).placed(name, at));
        }
        msvcrt.data(ABORT_BEHAVIOR, Integer.BYTES, (process, at) -> {
                    CrtState.of(process).placed(ABORT_BEHAVIOR, at);
                    process.memory().writeInt(at, ABORT_DEFAULT);
                })
                .data(
                        LOCKS,
                        LOCK_COUNT * Long.BYTES,
                        (process, at) -> CrtState.of(process).placed(LOCKS, at))
                .function("__set_app_type", call -> set(call, APPLICATION_TYPE))
                .function("_set_error_mode", RuntimeErrors::setErrorMode)
                .function("_set_abort_behavior", RuntimeErrors::setAbortBehavior)
                .function("_set_invalid_parameter_handler", call -> setHandler(call, PARAMETER_HANDLER))
                .function(
                        "_get_invalid_parameter_handler",
                        call -> call.memory().readLong(variable(call, PARAMETER_HANDLER)))
                .function("__setusermatherr", call -> setHandler(call, MATH_HANDLER))
                .function("_lock", call -> lock(call, true))
                .function("_unlock", call -> lock(call, false));
    }

    private static long variable(ApiCall call, String name) {
        return CrtState.of(call).variable(name);
    }

    private static long set(ApiCall call, String name) {
        call.memory().writeInt(variable(call, name), call.intArg(0));
        return 0;
    }

    private static long setHandler(ApiCall call, String name) {
        Memory memory = call.memory();
        long at = variable(call, name);
        long before = memory.readLong(at);
        memory.writeLong(at, call.arg(0));
        return before;
    }

    private static long setErrorMode(ApiCall call) {
        Memory memory = call.memory();
        long at = variable(call, ERROR_MODE);
        int before = memory.readInt(at);
        int mode = call.intArg(0);
        if (mode < TO_DEFAULT || mode > ASK_MODE) {
            return CrtState.fail(call, CrtState.EINVAL);
        }
        if (mode != ASK_MODE) {
            memory.writeInt(at, mode);
        }
        return before;
    }

    /** Flags, and which of them count. */
    private static long setAbortBehavior(ApiCall call) {
        Memory memory = call.memory();
        long at = variable(call, ABORT_BEHAVIOR);
        int before = memory.readInt(at);
        memory.writeInt(at, before & ~call.intArg(1) | call.intArg(0) & call.intArg(1));
        return before;
    }

    // --- telling ---

    /** Writes to the error stream, or, for a graphical program and who asked for that, shows a box: the person is told. */
    static void tell(ApiCall call, String text) {
        int mode = call.memory().readInt(variable(call, ERROR_MODE));
        boolean isGraphical = call.memory().readInt(variable(call, APPLICATION_TYPE)) == GRAPHICAL;
        if (mode == TO_BOX || mode == TO_DEFAULT && isGraphical) {
            call.process().console().report("Microsoft Visual C++ Runtime Library: " + text.strip());
        } else {
            StreamFunctions.writeError(call, text);
        }
    }

    static void tellOfAbort(ApiCall call) {
        if ((call.memory().readInt(variable(call, ABORT_BEHAVIOR)) & WRITE_ABORT_MESSAGE) != 0) {
            tell(
                    call,
                    "\nThis application has requested the Runtime to terminate it in an unusual way.\n"
                            + "Please contact the application's support team for more information.\n");
        }
    }

    /** A parameter is not valid: the program's handler hears of it, without names as in every library that is not for debugging. */
    static void invalidParameter(ApiCall call) {
        long handler = call.memory().readLong(variable(call, PARAMETER_HANDLER));
        if (handler != 0) {
            call.callGuest(handler, 0, 0, 0, 0, 0);
        }
    }

    /** A {@code _matherr} type. */
    enum MathProblem {
        DOMAIN(1, CrtState.EDOM),
        SINGULARITY(2, CrtState.ERANGE),
        OVERFLOW(3, CrtState.ERANGE);

        private final int type;
        private final int error;

        MathProblem(int type, int error) {
            this.type = type;
            this.error = error;
        }
    }

    /**
     * A function has no proper result: the program's handler may give one.
     *
     * @return the function's result; errno is set if the handler did not take care
     */
    static double mathProblem(ApiCall call, MathProblem problem, String name, double a, double b, double result) {
        long handler = call.memory().readLong(variable(call, MATH_HANDLER));
        if (handler == 0) {
            CrtState.setErrno(call, problem.error);
            return result;
        }
        CrtState crt = CrtState.of(call);
        Memory memory = call.memory();
        long record = crt.allocate(MATH_BYTES);
        try {
            memory.writeInt(record, problem.type);
            memory.writeLong(record + 8, call.process().constantText(name, name));
            memory.writeLong(record + 16, Double.doubleToRawLongBits(a));
            memory.writeLong(record + 24, Double.doubleToRawLongBits(b));
            memory.writeLong(record + 32, Double.doubleToRawLongBits(result));
            if ((int) call.callGuest(handler, record) == 0) {
                CrtState.setErrno(call, problem.error);
            }
            return Double.longBitsToDouble(memory.readLong(record + 32));
        } finally {
            crt.heap().free(0, record);
        }
    }

    // --- locks ---

    /** A lock of the library's by its number, for its owner as often as it likes. */
    private static long lock(ApiCall call, boolean takes) {
        int number = call.intArg(0);
        if (number >= 0 && number < LOCK_COUNT) {
            long word = variable(call, LOCKS) + (long) Long.BYTES * number;
            if (takes) {
                StreamLocks.lock(call, word);
            } else {
                StreamLocks.unlock(call, word);
            }
        }
        return 0;
    }
}
