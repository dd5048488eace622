package org.vadose.win32.crt;

import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ArgumentList;

/** The {@code printf} family. */
final class PrintFunctions {
    private static final int THREE_DIGITS = 3;
    private static final int TWO_DIGITS = 2;
    private static final String OUTPUT_FORMAT = "__crt_output_format";

    private PrintFunctions() {}

    /** Where a call's arguments come from. */
    private interface Arguments {
        ArgumentList of(ApiCall call, int index);
    }

    private static final Arguments VARIADIC = ApiCall::variadic;
    private static final Arguments LIST = (call, index) -> call.argumentsAt(call.arg(index));

    static void addTo(ApiModule msvcrt) {
        msvcrt.data(
                        OUTPUT_FORMAT,
                        Integer.BYTES,
                        (process, at) -> CrtState.of(process).placed(OUTPUT_FORMAT, at))
                .function("_set_output_format", PrintFunctions::setOutputFormat)
                .function(
                        "_get_output_format",
                        call -> call.memory().readInt(CrtState.of(call).variable(OUTPUT_FORMAT)))
                .function("_scprintf", call -> count(call, 0, call.variadic(1)))
                .function("_vscprintf", call -> count(call, 0, call.argumentsAt(call.arg(1))))
                .function("_scwprintf", call -> countWide(call, call.variadic(1)))
                .function("_vscwprintf", call -> countWide(call, call.argumentsAt(call.arg(1))));
        addNarrow(msvcrt, "", VARIADIC);
        addNarrow(msvcrt, "v", LIST);
        addWide(msvcrt, "", VARIADIC);
        addWide(msvcrt, "v", LIST);
    }

    private static void addNarrow(ApiModule msvcrt, String v, Arguments from) {
        msvcrt.function(v + "printf", call -> print(call, StreamFunctions.standard(call, 1), 0, from.of(call, 1)))
                .function(v + "printf_s", call -> print(call, StreamFunctions.standard(call, 1), 0, from.of(call, 1)))
                .function(v + "fprintf", call -> print(call, StreamFunctions.stream(call, 0), 1, from.of(call, 2)))
                .function(v + "fprintf_s", call -> print(call, StreamFunctions.stream(call, 0), 1, from.of(call, 2)))
                .function(v + "sprintf", call -> printToString(call, 1, from.of(call, 2)))
                .function("_" + v + "snprintf", call -> printBounded(call, 2, from.of(call, 3)))
                .function("_" + v + "snprintf_s", call -> printTruncated(call, 3, from.of(call, 4), false))
                .function(v + "sprintf_s", call -> printSafely(call, 2, from.of(call, 3)));
    }

    private static void addWide(ApiModule msvcrt, String v, Arguments from) {
        msvcrt.function(v + "wprintf", call -> printWide(call, StreamFunctions.standard(call, 1), 0, from.of(call, 1)))
                .function(v + "fwprintf", call -> printWide(call, StreamFunctions.stream(call, 0), 1, from.of(call, 2)))
                .function(v + "swprintf", call -> printToWideString(call, 1, from.of(call, 2)))
                .function(
                        v + "wprintf_s",
                        call -> printWide(call, StreamFunctions.standard(call, 1), 0, from.of(call, 1)))
                .function(
                        v + "fwprintf_s", call -> printWide(call, StreamFunctions.stream(call, 0), 1, from.of(call, 2)))
                .function(v + "swprintf_s", call -> printWideSafely(call, 2, from.of(call, 3)))
                .function("_" + v + "swprintf_c", call -> printWideBounded(call, 2, from.of(call, 3)))
                .function("_" + v + "snwprintf_s", call -> printTruncated(call, 3, from.of(call, 4), true))
                .function("_" + v + "snwprintf", call -> printWideBounded(call, 2, from.of(call, 3)));
    }

    private static long setOutputFormat(ApiCall call) {
        long at = CrtState.of(call).variable(OUTPUT_FORMAT);
        int old = call.memory().readInt(at);
        call.memory().writeInt(at, call.intArg(0));
        return old;
    }

    private static CharSequence format(ApiCall call, int formatIndex, ArgumentList arguments, boolean wide) {
        long at = CrtState.of(call).variable(OUTPUT_FORMAT);
        int digits = (call.memory().readInt(at) & 1) != 0 ? TWO_DIGITS : THREE_DIGITS;
        String format = wide
                ? GuestText.wide(call.memory(), call.arg(formatIndex))
                : GuestText.ansi(call.memory(), call.arg(formatIndex));
        return new PrintFormat(call.memory(), arguments::next, wide, digits).format(format);
    }

    private static long invalid(ApiCall call) {
        return CrtState.failInvalid(call, CrtState.EINVAL);
    }

    private static long print(ApiCall call, FileStream stream, int formatIndex, ArgumentList arguments) {
        try {
            CharSequence text = format(call, formatIndex, arguments, false);
            byte[] bytes = GuestText.toBytes(text.toString());
            return stream.write(bytes) == bytes.length ? bytes.length : -1;
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }

    private static long printWide(ApiCall call, FileStream stream, int formatIndex, ArgumentList arguments) {
        try {
            CharSequence text = format(call, formatIndex, arguments, true);
            return StreamFunctions.putWideText(stream, text) == 0 ? text.length() : -1;
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }

    private static long printToString(ApiCall call, int formatIndex, ArgumentList arguments) {
        try {
            CharSequence text = format(call, formatIndex, arguments, false);
            GuestText.writeAnsi(call.memory(), call.arg(0), text);
            return text.length();
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }

    private static long printToWideString(ApiCall call, int formatIndex, ArgumentList arguments) {
        try {
            CharSequence text = format(call, formatIndex, arguments, true);
            GuestText.writeWide(call.memory(), call.arg(0), text);
            return text.length();
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }

    /** {@code _snprintf}: no terminator when the text fills the buffer, -1 when it does not fit. */
    private static long printBounded(ApiCall call, int formatIndex, ArgumentList arguments) {
        try {
            CharSequence text = format(call, formatIndex, arguments, false);
            long room = call.arg(1) < 0 ? Long.MAX_VALUE : call.arg(1);
            if (text.length() < room) {
                GuestText.writeAnsi(call.memory(), call.arg(0), text);
                return text.length();
            }
            call.memory()
                    .write(
                            call.arg(0),
                            GuestText.toBytes(text.subSequence(0, (int) room).toString()));
            return text.length() == room ? room : -1;
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }

    private static long printWideBounded(ApiCall call, int formatIndex, ArgumentList arguments) {
        try {
            CharSequence text = format(call, formatIndex, arguments, true);
            long room = call.arg(1) < 0 ? Long.MAX_VALUE : call.arg(1);
            if (text.length() < room) {
                GuestText.writeWide(call.memory(), call.arg(0), text);
                return text.length();
            }
            for (int i = 0; i < room; i++) {
                call.memory().writeShort(call.arg(0) + 2L * i, (short) text.charAt(i));
            }
            return text.length() == room ? room : -1;
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }

    private static long printSafely(ApiCall call, int formatIndex, ArgumentList arguments) {
        try {
            CharSequence text = format(call, formatIndex, arguments, false);
            if (Long.compareUnsigned(text.length(), call.arg(1)) >= 0) {
                call.memory().writeByte(call.arg(0), (byte) 0);
                return CrtState.failInvalid(call, CrtState.ERANGE);
            }
            GuestText.writeAnsi(call.memory(), call.arg(0), text);
            return text.length();
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }

    private static long printWideSafely(ApiCall call, int formatIndex, ArgumentList arguments) {
        try {
            CharSequence text = format(call, formatIndex, arguments, true);
            if (Long.compareUnsigned(text.length(), call.arg(1)) >= 0) {
                call.memory().writeShort(call.arg(0), (short) 0);
                return CrtState.failInvalid(call, CrtState.ERANGE);
            }
            GuestText.writeWide(call.memory(), call.arg(0), text);
            return text.length();
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }

    /** {@code _snprintf_s}: buffer, room, most characters, format; a count of -1 cuts what does not fit. */
    private static long printTruncated(ApiCall call, int formatIndex, ArgumentList arguments, boolean wide) {
        try {
            CharSequence text = format(call, formatIndex, arguments, wide);
            long room = call.arg(1);
            long most = call.arg(2);
            if (room == 0 || call.arg(0) == 0) {
                return invalid(call);
            }
            long kept = text.length();
            long result = kept;
            if (Long.compareUnsigned(kept, most) > 0) {
                kept = most;
                result = -1;
            }
            if (Long.compareUnsigned(kept, room) >= 0) {
                if (most != -1) {
                    call.memory().writeShort(call.arg(0), (short) 0);
                    return CrtState.failInvalid(call, CrtState.ERANGE);
                }
                kept = room - 1;
                result = -1;
            }
            CharSequence shown = text.subSequence(0, (int) kept);
            if (wide) {
                GuestText.writeWide(call.memory(), call.arg(0), shown);
            } else {
                GuestText.writeAnsi(call.memory(), call.arg(0), shown);
            }
            return result;
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }

    private static long count(ApiCall call, int formatIndex, ArgumentList arguments) {
        try {
            return format(call, formatIndex, arguments, false).length();
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }

    private static long countWide(ApiCall call, ArgumentList arguments) {
        try {
            return format(call, 0, arguments, true).length();
        } catch (PrintFormat.Invalid e) {
            return invalid(call);
        }
    }
}
