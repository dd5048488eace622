package org.vadose.win32.crt;

import java.util.function.IntUnaryOperator;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code string.h} for bytes. */
final class StringFunctions {
    private StringFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("strlen", call -> GuestText.length(call.memory(), call.arg(0)))
                .function("strnlen", call -> GuestText.length(call.memory(), call.arg(0), call.arg(1)))
                .function("strcpy", call -> copyTo(call, call.arg(0)))
                .function("strcat", call -> copyTo(call, end(call, call.arg(0))))
                .function("strncpy", StringFunctions::copyBounded)
                .function("strncat", StringFunctions::appendBounded)
                .function("strcpy_s", StringFunctions::copySafely)
                .function("strcat_s", StringFunctions::appendSafely)
                .function("strcmp", call -> compare(call, Long.MAX_VALUE))
                .function("strncmp", call -> compare(call, limit(call)))
                .function("strcoll", call -> compare(call, Long.MAX_VALUE))
                .function("_stricmp", call -> compareIgnoringCase(call, Long.MAX_VALUE))
                .function("stricmp", call -> compareIgnoringCase(call, Long.MAX_VALUE))
                .function("_strcmpi", call -> compareIgnoringCase(call, Long.MAX_VALUE))
                .function("_stricoll", call -> compareIgnoringCase(call, Long.MAX_VALUE))
                .function("_strnicmp", call -> compareIgnoringCase(call, limit(call)))
                .function("strnicmp", call -> compareIgnoringCase(call, limit(call)))
                .function("strchr", StringFunctions::findFirst)
                .function("strrchr", StringFunctions::findLast)
                .function("strstr", StringFunctions::findText)
                .function("strspn", call -> span(call, true))
                .function("strcspn", call -> span(call, false))
                .function("strpbrk", StringFunctions::findAny)
                .function("strtok", StringFunctions::token)
                .function("_strdup", StringFunctions::duplicate)
                .function("strdup", StringFunctions::duplicate)
                .function("_strrev", StringFunctions::reverse)
                .function("_strlwr", call -> map(call, c -> Locales.toLower(call, c)))
                .function("_strupr", call -> map(call, c -> Locales.toUpper(call, c)))
                .function("_strset", call -> fill(call, GuestText.length(call.memory(), call.arg(0))))
                .function("_strnset", call -> fill(call, GuestText.length(call.memory(), call.arg(0), call.arg(2))))
                .function("strxfrm", StringFunctions::transform);
    }

    /** A count argument, which no string is longer than when it is negative as a number. */
    private static long limit(ApiCall call) {
        return call.arg(2) < 0 ? Long.MAX_VALUE : call.arg(2);
    }

    private static long end(ApiCall call, long text) {
        return text + GuestText.length(call.memory(), text);
    }

    private static long copyTo(ApiCall call, long target) {
        GuestText.copy(call.memory(), call.arg(1), target, GuestText.length(call.memory(), call.arg(1)) + 1);
        return call.arg(0);
    }

    private static long copyBounded(ApiCall call) {
        long length = GuestText.length(call.memory(), call.arg(1), limit(call));
        GuestText.copy(call.memory(), call.arg(1), call.arg(0), length);
        call.memory().fill(call.arg(0) + length, call.arg(2) - length, (byte) 0);
        return call.arg(0);
    }

    private static long appendBounded(ApiCall call) {
        long target = end(call, call.arg(0));
        long length = GuestText.length(call.memory(), call.arg(1), limit(call));
        GuestText.copy(call.memory(), call.arg(1), target, length);
        call.memory().writeByte(target + length, (byte) 0);
        return call.arg(0);
    }

    private static long failSafely(ApiCall call, int error) {
        if (call.arg(0) != 0 && call.arg(1) != 0) {
            call.memory().writeByte(call.arg(0), (byte) 0);
        }
        CrtState.invalid(call, error);
        return error;
    }

    private static long copySafely(ApiCall call) {
        return putSafely(call, 0);
    }

    private static long appendSafely(ApiCall call) {
        if (call.arg(0) == 0) {
            return failSafely(call, CrtState.EINVAL);
        }
        long length = GuestText.length(call.memory(), call.arg(0), call.arg(1));
        return length == call.arg(1) ? failSafely(call, CrtState.EINVAL) : putSafely(call, length);
    }

    private static long putSafely(ApiCall call, long offset) {
        if (call.arg(0) == 0 || call.arg(1) == 0 || call.arg(2) == 0) {
            return failSafely(call, CrtState.EINVAL);
        }
        long length = GuestText.length(call.memory(), call.arg(2));
        if (Long.compareUnsigned(offset + length, call.arg(1)) >= 0) {
            return failSafely(call, CrtState.ERANGE);
        }
        GuestText.copy(call.memory(), call.arg(2), call.arg(0) + offset, length + 1);
        return 0;
    }

    private static long compare(ApiCall call, long limit) {
        return GuestText.compareText(call.memory(), call.arg(0), call.arg(1), limit);
    }

    private static long compareIgnoringCase(ApiCall call, long limit) {
        Memory memory = call.memory();
        for (long i = 0; i < limit; i++) {
            int a = Locales.toLower(call, memory.readUnsignedByte(call.arg(0) + i));
            int b = Locales.toLower(call, memory.readUnsignedByte(call.arg(1) + i));
            if (a != b) {
                return a - b;
            }
            if (a == 0) {
                break;
            }
        }
        return 0;
    }

    private static long findFirst(ApiCall call) {
        long length = GuestText.length(call.memory(), call.arg(0));
        long found = GuestText.indexOf(call.memory(), call.arg(0), call.intArg(1), length + 1);
        return found < 0 ? 0 : call.arg(0) + found;
    }

    private static long findLast(ApiCall call) {
        int wanted = call.intArg(1) & 0xFF;
        for (long i = GuestText.length(call.memory(), call.arg(0)); i >= 0; i--) {
            if (call.memory().readUnsignedByte(call.arg(0) + i) == wanted) {
                return call.arg(0) + i;
            }
        }
        return 0;
    }

    private static String text(ApiCall call) {
        return GuestText.ansi(call.memory(), call.arg(0));
    }

    private static long findText(ApiCall call) {
        int found = text(call).indexOf(GuestText.ansi(call.memory(), call.arg(1)));
        return found < 0 ? 0 : call.arg(0) + found;
    }

    private static boolean[] set(Memory memory, long address) {
        boolean[] set = new boolean[256];
        for (byte b : GuestText.toBytes(GuestText.ansi(memory, address))) {
            set[b & 0xFF] = true;
        }
        return set;
    }

    /** Length of the start of a text in which every byte is in the set, or none. */
    private static long span(ApiCall call, boolean inSet) {
        boolean[] set = set(call.memory(), call.arg(1));
        for (long i = 0; ; i++) {
            int c = call.memory().readUnsignedByte(call.arg(0) + i);
            if (c == 0 || set[c] != inSet) {
                return i;
            }
        }
    }

    private static long findAny(ApiCall call) {
        long at = call.arg(0) + span(call, false);
        return call.memory().readByte(at) == 0 ? 0 : at;
    }

    private static long token(ApiCall call) {
        Memory memory = call.memory();
        long kept = CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_TOKEN;
        long at = call.arg(0) != 0 ? call.arg(0) : memory.readLong(kept);
        if (at == 0) {
            return 0;
        }
        boolean[] delimiters = set(memory, call.arg(1));
        while (delimiters[memory.readUnsignedByte(at)]) {
            at++;
        }
        long start = at;
        int c = memory.readUnsignedByte(at);
        while (c != 0 && !delimiters[c]) {
            c = memory.readUnsignedByte(++at);
        }
        if (c != 0) {
            memory.writeByte(at++, (byte) 0);
        }
        memory.writeLong(kept, at);
        return start == at ? 0 : start;
    }

    private static long duplicate(ApiCall call) {
        if (call.arg(0) == 0) {
            return 0;
        }
        long size = GuestText.length(call.memory(), call.arg(0)) + 1;
        long copy = MemoryFunctions.allocate(call, 0, size);
        if (copy != 0) {
            GuestText.copy(call.memory(), call.arg(0), copy, size);
        }
        return copy;
    }

    private static long reverse(ApiCall call) {
        return replace(call, new StringBuilder(text(call)).reverse().toString());
    }

    private static long replace(ApiCall call, String text) {
        call.memory().write(call.arg(0), GuestText.toBytes(text));
        return call.arg(0);
    }

    private static long map(ApiCall call, IntUnaryOperator mapping) {
        byte[] bytes = GuestText.toBytes(text(call));
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) mapping.applyAsInt(bytes[i] & 0xFF);
        }
        call.memory().write(call.arg(0), bytes);
        return call.arg(0);
    }

    private static long fill(ApiCall call, long length) {
        call.memory().fill(call.arg(0), length, (byte) call.intArg(1));
        return call.arg(0);
    }

    private static long transform(ApiCall call) {
        long length = GuestText.length(call.memory(), call.arg(1));
        if (Long.compareUnsigned(length, call.arg(2)) < 0) {
            GuestText.copy(call.memory(), call.arg(1), call.arg(0), length + 1);
        }
        return length;
    }
}
