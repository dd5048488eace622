package org.vadose.win32.crt;

import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** Between text and numbers, for both widths of character. */
final class ConversionFunctions {
    /** More digits than a double has. */
    private static final int LONGEST_GENERAL = 400;

    private ConversionFunctions() {}

    private record Limits(long smallest, long largest) {}

    private static final Limits INT32 = new Limits(Integer.MIN_VALUE, Integer.MAX_VALUE);
    private static final Limits INT64 = new Limits(Long.MIN_VALUE, Long.MAX_VALUE);

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("atoi", call -> (int) decimal(call, text(call, false), INT32))
                .function("atol", call -> (int) decimal(call, text(call, false), INT32))
                .function("_atoi64", call -> decimal(call, text(call, false), INT64))
                .function(
                        "atof",
                        call -> call.returnDouble(
                                NumberText.floating(text(call, false)).value()))
                .function("_wtoi", call -> (int) decimal(call, text(call, true), INT32))
                .function("_wtol", call -> (int) decimal(call, text(call, true), INT32))
                .function("_wtoi64", call -> decimal(call, text(call, true), INT64))
                .function(
                        "_wtof",
                        call -> call.returnDouble(
                                NumberText.floating(text(call, true)).value()));
        add(msvcrt, "strtol", "wcstol", (call, wide) -> signed(call, wide, INT32));
        add(msvcrt, "strtoul", "wcstoul", (call, wide) -> unsigned(call, wide, 0xFFFF_FFFFL));
        add(msvcrt, "_strtoi64", "_wcstoi64", (call, wide) -> signed(call, wide, INT64));
        add(msvcrt, "strtoll", "wcstoll", (call, wide) -> signed(call, wide, INT64));
        add(msvcrt, "_strtoui64", "_wcstoui64", (call, wide) -> unsigned(call, wide, -1));
        add(msvcrt, "strtoull", "wcstoull", (call, wide) -> unsigned(call, wide, -1));
        add(msvcrt, "strtod", "wcstod", ConversionFunctions::floating);
        add(msvcrt, "_itoa", "_itow", (call, wide) -> write(call, wide, call.intArg(0), 32, call.intArg(2)));
        add(msvcrt, "itoa", "_ltow", (call, wide) -> write(call, wide, call.intArg(0), 32, call.intArg(2)));
        add(msvcrt, "_ltoa", "_itow_l", (call, wide) -> write(call, wide, call.intArg(0), 32, call.intArg(2)));
        add(
                msvcrt,
                "_ultoa",
                "_ultow",
                (call, wide) -> put(call, wide, Long.toString(call.unsignedIntArg(0), call.intArg(2))));
        add(msvcrt, "_i64toa", "_i64tow", (call, wide) -> write(call, wide, call.arg(0), 64, call.intArg(2)));
        add(
                msvcrt,
                "_ui64toa",
                "_ui64tow",
                (call, wide) -> put(call, wide, Long.toUnsignedString(call.arg(0), call.intArg(2))));
        msvcrt.function("_gcvt", ConversionFunctions::general)
                .function("_ecvt", call -> digits(call, true))
                .function("_fcvt", call -> digits(call, false));
    }

    private interface Body {
        long call(ApiCall call, boolean wide);
    }

    private static void add(ApiModule msvcrt, String narrow, String wide, Body body) {
        msvcrt.function(narrow, call -> body.call(call, false)).function(wide, call -> body.call(call, true));
    }

    private static String text(ApiCall call, boolean wide) {
        return wide ? GuestText.wide(call.memory(), call.arg(0)) : GuestText.ansi(call.memory(), call.arg(0));
    }

    private static long decimal(ApiCall call, String text, Limits limits) {
        return clamped(call, NumberText.integral(text, 10), limits);
    }

    private static long clamped(ApiCall call, NumberText.Integral number, Limits limits) {
        long magnitude = number.magnitude();
        if (number.isNegative()) {
            if (number.overflowed() || Long.compareUnsigned(magnitude, -limits.smallest) > 0) {
                CrtState.setErrno(call, CrtState.ERANGE);
                return limits.smallest;
            }
            return -magnitude;
        }
        if (number.overflowed() || Long.compareUnsigned(magnitude, limits.largest) > 0) {
            CrtState.setErrno(call, CrtState.ERANGE);
            return limits.largest;
        }
        return magnitude;
    }

    private static boolean refusesBase(ApiCall call) {
        int base = call.intArg(2);
        if (base == 0 || base >= 2 && base <= 36) {
            return false;
        }
        CrtState.setErrno(call, CrtState.EINVAL);
        setEnd(call, false, 0);
        return true;
    }

    private static void setEnd(ApiCall call, boolean wide, int index) {
        if (call.arg(1) != 0) {
            call.memory().writeLong(call.arg(1), call.arg(0) + (wide ? 2L : 1L) * index);
        }
    }

    private static long signed(ApiCall call, boolean wide, Limits limits) {
        if (refusesBase(call)) {
            return 0;
        }
        NumberText.Integral number = NumberText.integral(text(call, wide), call.intArg(2));
        setEnd(call, wide, number.end());
        return number.end() == 0 ? 0 : clamped(call, number, limits);
    }

    private static long unsigned(ApiCall call, boolean wide, long largest) {
        if (refusesBase(call)) {
            return 0;
        }
        NumberText.Integral number = NumberText.integral(text(call, wide), call.intArg(2));
        setEnd(call, wide, number.end());
        if (number.end() == 0) {
            return 0;
        }
        if (number.overflowed() || Long.compareUnsigned(number.magnitude(), largest) > 0) {
            CrtState.setErrno(call, CrtState.ERANGE);
            return largest;
        }
        return number.isNegative() ? -number.magnitude() : number.magnitude();
    }

    private static long floating(ApiCall call, boolean wide) {
        NumberText.Floating number = NumberText.floating(text(call, wide));
        setEnd(call, wide, number.end());
        if (Double.isInfinite(number.value())) {
            CrtState.setErrno(call, CrtState.ERANGE);
        }
        return call.returnDouble(number.value());
    }

    /** Only base 10 has negative numbers. */
    private static long write(ApiCall call, boolean wide, long value, int bits, int base) {
        long shown = base == 10 || bits == 64 ? value : value & 0xFFFF_FFFFL;
        return put(call, wide, base == 10 ? Long.toString(shown) : Long.toUnsignedString(shown, base));
    }

    private static long put(ApiCall call, boolean wide, String text) {
        if (wide) {
            GuestText.writeWide(call.memory(), call.arg(1), text);
        } else {
            GuestText.writeAnsi(call.memory(), call.arg(1), text);
        }
        return call.arg(1);
    }

    private static long general(ApiCall call) {
        double value = call.doubleArg(0);
        String text = FloatText.general(value, Math.clamp(call.intArg(1), 0, LONGEST_GENERAL), false, 'e', 3);
        GuestText.writeAnsi(call.memory(), call.arg(2), (FloatText.isNegative(value) ? "-" : "") + text);
        return call.arg(2);
    }

    private static long digits(ApiCall call, boolean significant) {
        Memory memory = call.memory();
        double value = call.doubleArg(0);
        int count = Math.clamp(call.intArg(1), 0, 80);
        String text = significant
                ? FloatText.exponential(value, Math.max(0, count - 1), false, 'e', 3)
                : FloatText.fixed(value, count, false);
        String digits;
        int point;
        if (significant) {
            int mark = text.indexOf('e');
            digits = text.substring(0, mark).replace(".", "");
            point = value == 0 ? 0 : Integer.parseInt(text.substring(mark + 1)) + 1;
        } else {
            int dot = text.indexOf('.');
            point = dot < 0 ? text.length() : dot;
            digits = text.replace(".", "");
            while (digits.length() > 1 && digits.charAt(0) == '0' && point > -count) {
                digits = digits.substring(1);
                point--;
            }
        }
        memory.writeInt(call.arg(2), point);
        memory.writeInt(call.arg(3), FloatText.isNegative(value) ? 1 : 0);
        long buffer = CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_STRERROR;
        GuestText.writeAnsi(memory, buffer, digits);
        return buffer;
    }
}
