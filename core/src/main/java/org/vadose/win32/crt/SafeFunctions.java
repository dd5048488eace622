package org.vadose.win32.crt;

import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** The functions ending in {@code _s} on strings: room is given, errors are returned, a text that does not fit is refused. */
final class SafeFunctions {
    private static final long TRUNCATE = -1;
    private static final int STRUNCATE = 80;

    private SafeFunctions() {}

    static void addTo(ApiModule msvcrt) {
        for (boolean wide : new boolean[] {false, true}) {
            String str = wide ? "wcs" : "str";
            msvcrt.function(str + "ncpy_s", call -> copy(call, wide, 0, call.arg(3)))
                    .function(str + "ncat_s", call -> append(call, wide, call.arg(3)))
                    .function(str + "tok_s", call -> token(call, wide))
                    .function("_" + str + "lwr_s", call -> map(call, wide, false))
                    .function("_" + str + "upr_s", call -> map(call, wide, true))
                    .function("_" + str + "set_s", call -> fill(call, wide, Long.MAX_VALUE))
                    .function("_" + str + "nset_s", call -> fill(call, wide, call.arg(3)));
            String o = wide ? "w" : "a";
            msvcrt.function("_ito" + o + "_s", call -> number(call, wide, call.intArg(0), 32))
                    .function("_lto" + o + "_s", call -> number(call, wide, call.intArg(0), 32))
                    .function("_ulto" + o + "_s", call -> number(call, wide, call.unsignedIntArg(0), 64))
                    .function("_i64to" + o + "_s", call -> number(call, wide, call.arg(0), 64))
                    .function("_ui64to" + o + "_s", call -> unsignedNumber(call, wide));
        }
        msvcrt.function("wcscpy_s", call -> copy(call, true, 0, Long.MAX_VALUE))
                .function("wcscat_s", call -> append(call, true, Long.MAX_VALUE))
                .function("mbstowcs_s", call -> convert(call, true))
                .function("wcstombs_s", call -> convert(call, false))
                .function("strerror_s", SafeFunctions::errorText)
                .function("_strerror_s", SafeFunctions::errorText);
    }

    private static int character(ApiCall call, long at, boolean wide) {
        return wide ? call.memory().readUnsignedShort(at) : call.memory().readUnsignedByte(at);
    }

    private static void put(ApiCall call, long at, int c, boolean wide) {
        if (wide) {
            call.memory().writeShort(at, (short) c);
        } else {
            call.memory().writeByte(at, (byte) c);
        }
    }

    private static long size(boolean wide) {
        return wide ? 2 : 1;
    }

    private static long refuse(ApiCall call, boolean wide, int error) {
        if (call.arg(0) != 0 && call.arg(1) != 0) {
            put(call, call.arg(0), 0, wide);
        }
        CrtState.invalid(call, error);
        return error;
    }

    private static long copy(ApiCall call, boolean wide, long offset, long count) {
        long target = call.arg(0);
        long room = call.arg(1);
        long source = call.arg(2);
        if (count == 0 && target == 0 && room == 0) {
            return 0;
        }
        if (target == 0 || room == 0 || source == 0 && count != 0) {
            return refuse(call, wide, CrtState.EINVAL);
        }
        boolean truncates = count == TRUNCATE;
        for (long i = 0; ; i++) {
            boolean full = Long.compareUnsigned(offset + i, room) >= 0;
            if (full) {
                if (truncates) {
                    put(call, target + (room - 1) * size(wide), 0, wide);
                    return STRUNCATE;
                }
                return refuse(call, wide, CrtState.ERANGE);
            }
            int c = i == count ? 0 : character(call, source + i * size(wide), wide);
            put(call, target + (offset + i) * size(wide), c, wide);
            if (c == 0) {
                return 0;
            }
        }
    }

    private static long append(ApiCall call, boolean wide, long count) {
        long room = call.arg(1);
        if (call.arg(0) == 0 || room == 0) {
            return refuse(call, wide, CrtState.EINVAL);
        }
        long length = 0;
        while (length != room && character(call, call.arg(0) + length * size(wide), wide) != 0) {
            length++;
        }
        return length == room ? refuse(call, wide, CrtState.EINVAL) : copy(call, wide, length, count);
    }

    private static boolean isIn(ApiCall call, int c, boolean wide) {
        for (long at = call.arg(1); ; at += size(wide)) {
            int delimiter = character(call, at, wide);
            if (delimiter == 0) {
                return false;
            }
            if (delimiter == c) {
                return true;
            }
        }
    }

    private static long token(ApiCall call, boolean wide) {
        Memory memory = call.memory();
        long context = call.arg(2);
        if (context == 0 || call.arg(1) == 0) {
            CrtState.invalid(call, CrtState.EINVAL);
            return 0;
        }
        long at = call.arg(0) != 0 ? call.arg(0) : memory.readLong(context);
        if (at == 0) {
            CrtState.invalid(call, CrtState.EINVAL);
            return 0;
        }
        int c = character(call, at, wide);
        while (c != 0 && isIn(call, c, wide)) {
            at += size(wide);
            c = character(call, at, wide);
        }
        long start = at;
        while (c != 0 && !isIn(call, c, wide)) {
            at += size(wide);
            c = character(call, at, wide);
        }
        if (c != 0) {
            put(call, at, 0, wide);
            at += size(wide);
        }
        memory.writeLong(context, at);
        return start == at ? 0 : start;
    }

    private static long map(ApiCall call, boolean wide, boolean upper) {
        for (long i = 0; i != call.arg(1); i++) {
            long at = call.arg(0) + i * size(wide);
            int c = character(call, at, wide);
            if (c == 0) {
                return 0;
            }
            put(call, at, upper ? Characters.toUpper(c) : Characters.toLower(c), wide);
        }
        return refuse(call, wide, CrtState.EINVAL);
    }

    private static long fill(ApiCall call, boolean wide, long count) {
        for (long i = 0; i != call.arg(1); i++) {
            long at = call.arg(0) + i * size(wide);
            if (i == count || character(call, at, wide) == 0) {
                return 0;
            }
            put(call, at, call.intArg(2), wide);
        }
        return refuse(call, wide, CrtState.EINVAL);
    }

    private static boolean isBase(int base) {
        return base >= Character.MIN_RADIX && base <= Character.MAX_RADIX;
    }

    /** Arguments: the number, buffer, room, base. Only in base ten is a number negative. */
    private static long number(ApiCall call, boolean wide, long value, int bits) {
        int base = call.intArg(3);
        if (!isBase(base)) {
            return refuseNumber(call, wide, CrtState.EINVAL);
        }
        boolean signed = base == 10;
        long shown = signed || bits == 64 ? value : value & 0xFFFF_FFFFL;
        return put(call, wide, signed ? Long.toString(shown, base) : Long.toUnsignedString(shown, base));
    }

    private static long unsignedNumber(ApiCall call, boolean wide) {
        int base = call.intArg(3);
        return isBase(base)
                ? put(call, wide, Long.toUnsignedString(call.arg(0), base))
                : refuseNumber(call, wide, CrtState.EINVAL);
    }

    private static long refuseNumber(ApiCall call, boolean wide, int error) {
        if (call.arg(1) != 0 && call.arg(2) != 0) {
            put(call, call.arg(1), 0, wide);
        }
        CrtState.invalid(call, error);
        return error;
    }

    private static long put(ApiCall call, boolean wide, String text) {
        if (call.arg(1) == 0 || Long.compareUnsigned(text.length(), call.arg(2)) >= 0) {
            return refuseNumber(call, wide, call.arg(1) == 0 ? CrtState.EINVAL : CrtState.ERANGE);
        }
        if (wide) {
            GuestText.writeWide(call.memory(), call.arg(1), text);
        } else {
            GuestText.writeAnsi(call.memory(), call.arg(1), text);
        }
        return 0;
    }

    /** Arguments: where the count goes, buffer, room, text, most characters. */
    private static long convert(ApiCall call, boolean toWide) {
        Memory memory = call.memory();
        long target = call.arg(1);
        long room = call.arg(2);
        boolean truncates = call.arg(4) == TRUNCATE;
        String text = toWide ? GuestText.ansi(memory, call.arg(3)) : GuestText.wide(memory, call.arg(3));
        if (target != 0 && !truncates && call.arg(4) >= 0 && text.length() > call.arg(4)) {
            text = text.substring(0, (int) call.arg(4));
        }
        long needed = text.length() + 1L;
        if (target == 0) {
            if (call.arg(0) != 0) {
                memory.writeLong(call.arg(0), needed);
            }
            return 0;
        }
        int result = 0;
        if (Long.compareUnsigned(needed, room) > 0) {
            if (!truncates || room == 0) {
                if (room != 0) {
                    put(call, target, 0, toWide);
                }
                CrtState.invalid(call, CrtState.ERANGE);
                return CrtState.ERANGE;
            }
            text = text.substring(0, (int) room - 1);
            needed = room;
            result = STRUNCATE;
        }
        if (toWide) {
            GuestText.writeWide(memory, target, text);
        } else {
            GuestText.writeAnsi(memory, target, text);
        }
        if (call.arg(0) != 0) {
            memory.writeLong(call.arg(0), needed);
        }
        return result;
    }

    private static long errorText(ApiCall call) {
        if (call.arg(0) == 0 || call.arg(1) == 0) {
            CrtState.invalid(call, CrtState.EINVAL);
            return CrtState.EINVAL;
        }
        String text = ErrorText.of(call.intArg(2));
        long room = call.arg(1) < 0 ? Integer.MAX_VALUE : Math.min(call.arg(1), Integer.MAX_VALUE);
        GuestText.writeAnsi(call.memory(), call.arg(0), text.substring(0, (int) Math.min(text.length(), room - 1)));
        return 0;
    }
}
