package org.vadose.win32.crt;

import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code wchar.h}: strings of 16-bit characters, and the way between them and bytes ("C" locale: a byte is a character). */
final class WideFunctions {
    private WideFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("wcslen", call -> GuestText.wideLength(call.memory(), call.arg(0)))
                .function("wcsnlen", call -> GuestText.wideLength(call.memory(), call.arg(0), call.arg(1)))
                .function("wcscpy", call -> copyTo(call, call.arg(0)))
                .function("wcscat", call -> copyTo(call, end(call, call.arg(0))))
                .function("wcsncpy", WideFunctions::copyBounded)
                .function("wcsncat", WideFunctions::appendBounded)
                .function("wcscmp", call -> compare(call, Long.MAX_VALUE, false))
                .function("wcsncmp", call -> compare(call, limit(call), false))
                .function("wcscoll", call -> compare(call, Long.MAX_VALUE, false))
                .function("_wcsicmp", call -> compare(call, Long.MAX_VALUE, true))
                .function("wcsicmp", call -> compare(call, Long.MAX_VALUE, true))
                .function("_wcsnicmp", call -> compare(call, limit(call), true))
                .function("wcschr", call -> findFirst(call, text(call, 0)))
                .function("wcsrchr", call -> findLast(call, text(call, 0)))
                .function("wcsstr", call -> place(call, text(call, 0).indexOf(text(call, 1))))
                .function("wcsspn", call -> span(call, true))
                .function("wcscspn", call -> span(call, false))
                .function("wcspbrk", WideFunctions::findAny)
                .function("wcstok", WideFunctions::token)
                .function("_wcsdup", WideFunctions::duplicate)
                .function("_wcslwr", call -> map(call, Characters::toLower))
                .function("_wcsupr", call -> map(call, Characters::toUpper))
                .function("_wcsrev", WideFunctions::reverse)
                .function("wmemcpy", WideFunctions::copyMemory)
                .function("wmemset", WideFunctions::fillMemory)
                .function("mbstowcs", WideFunctions::toWide)
                .function("wcstombs", WideFunctions::toBytes)
                .function("mbtowc", WideFunctions::characterToWide)
                .function("wctomb", WideFunctions::characterToByte)
                .function("mblen", WideFunctions::characterLength)
                .function("btowc", call -> call.intArg(0) == -1 ? 0xFFFF : Locales.toWide(call, call.intArg(0) & 0xFF))
                .function("wctob", call -> Locales.toByte(call, call.intArg(0) & 0xFFFF))
                .function("mbrtowc", WideFunctions::characterToWide)
                .function("wcrtomb", WideFunctions::characterToByte)
                .function("mbrlen", WideFunctions::characterLength);
    }

    private static String text(ApiCall call, int argument) {
        return GuestText.wide(call.memory(), call.arg(argument));
    }

    private static long limit(ApiCall call) {
        return call.arg(2) < 0 ? Long.MAX_VALUE : call.arg(2);
    }

    private static long end(ApiCall call, long text) {
        return text + 2 * GuestText.wideLength(call.memory(), text);
    }

    private static long copyTo(ApiCall call, long target) {
        long length = GuestText.wideLength(call.memory(), call.arg(1));
        GuestText.copy(call.memory(), call.arg(1), target, 2 * length + 2);
        return call.arg(0);
    }

    private static long copyBounded(ApiCall call) {
        long length = GuestText.wideLength(call.memory(), call.arg(1), limit(call));
        GuestText.copy(call.memory(), call.arg(1), call.arg(0), 2 * length);
        call.memory().fill(call.arg(0) + 2 * length, 2 * (call.arg(2) - length), (byte) 0);
        return call.arg(0);
    }

    private static long appendBounded(ApiCall call) {
        long target = end(call, call.arg(0));
        long length = GuestText.wideLength(call.memory(), call.arg(1), limit(call));
        GuestText.copy(call.memory(), call.arg(1), target, 2 * length);
        call.memory().writeShort(target + 2 * length, (short) 0);
        return call.arg(0);
    }

    private static long compare(ApiCall call, long limit, boolean ignoreCase) {
        Memory memory = call.memory();
        for (long i = 0; i < limit; i++) {
            int a = memory.readUnsignedShort(call.arg(0) + 2 * i);
            int b = memory.readUnsignedShort(call.arg(1) + 2 * i);
            if (ignoreCase) {
                a = Characters.toLower(a);
                b = Characters.toLower(b);
            }
            if (a != b) {
                return ignoreCase ? a - b : a < b ? -1 : 1;
            }
            if (a == 0) {
                break;
            }
        }
        return 0;
    }

    private static long place(ApiCall call, int index) {
        return index < 0 ? 0 : call.arg(0) + 2L * index;
    }

    private static long findFirst(ApiCall call, String text) {
        return place(call, (text + "\0").indexOf(call.intArg(1) & 0xFFFF));
    }

    private static long findLast(ApiCall call, String text) {
        return place(call, (text + "\0").lastIndexOf(call.intArg(1) & 0xFFFF));
    }

    private static long span(ApiCall call, boolean inSet) {
        String text = text(call, 0);
        String set = text(call, 1);
        int at = 0;
        while (at < text.length() && set.indexOf(text.charAt(at)) >= 0 == inSet) {
            at++;
        }
        return at;
    }

    private static long findAny(ApiCall call) {
        int at = (int) span(call, false);
        return at == text(call, 0).length() ? 0 : call.arg(0) + 2L * at;
    }

    private static long token(ApiCall call) {
        Memory memory = call.memory();
        long kept = CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_WIDE_TOKEN;
        long at = call.arg(0) != 0 ? call.arg(0) : memory.readLong(kept);
        if (at == 0) {
            return 0;
        }
        String delimiters = text(call, 1);
        while (memory.readShort(at) != 0 && delimiters.indexOf(memory.readUnsignedShort(at)) >= 0) {
            at += 2;
        }
        long start = at;
        while (memory.readShort(at) != 0 && delimiters.indexOf(memory.readUnsignedShort(at)) < 0) {
            at += 2;
        }
        if (memory.readShort(at) != 0) {
            memory.writeShort(at, (short) 0);
            at += 2;
        }
        memory.writeLong(kept, at);
        return start == at ? 0 : start;
    }

    private static long duplicate(ApiCall call) {
        if (call.arg(0) == 0) {
            return 0;
        }
        long bytes = 2 * GuestText.wideLength(call.memory(), call.arg(0)) + 2;
        long copy = MemoryFunctions.allocate(call, 0, bytes);
        if (copy != 0) {
            GuestText.copy(call.memory(), call.arg(0), copy, bytes);
        }
        return copy;
    }

    private interface Mapping {
        int of(int c);
    }

    private static long map(ApiCall call, Mapping mapping) {
        Memory memory = call.memory();
        for (long at = call.arg(0); memory.readShort(at) != 0; at += 2) {
            memory.writeShort(at, (short) mapping.of(memory.readUnsignedShort(at)));
        }
        return call.arg(0);
    }

    private static long reverse(ApiCall call) {
        GuestText.writeWide(call.memory(), call.arg(0), new StringBuilder(text(call, 0)).reverse());
        return call.arg(0);
    }

    private static long copyMemory(ApiCall call) {
        GuestText.copy(call.memory(), call.arg(1), call.arg(0), 2 * call.arg(2));
        return call.arg(0);
    }

    private static long fillMemory(ApiCall call) {
        for (long i = 0; i < call.arg(2); i++) {
            call.memory().writeShort(call.arg(0) + 2 * i, (short) call.intArg(1));
        }
        return call.arg(0);
    }

    // ---- between bytes and wide characters
    // ---------------------------------------------------------------------------

    private static long toWide(ApiCall call) {
        Memory memory = call.memory();
        long length = GuestText.length(memory, call.arg(1));
        if (call.arg(0) == 0) {
            return length;
        }
        for (long i = 0; i < call.arg(2); i++) {
            int c = memory.readUnsignedByte(call.arg(1) + i);
            memory.writeShort(call.arg(0) + 2 * i, (short) Locales.toWide(call, c));
            if (c == 0) {
                return i;
            }
        }
        return call.arg(2);
    }

    private static long toBytes(ApiCall call) {
        Memory memory = call.memory();
        long most = call.arg(0) == 0 ? Long.MAX_VALUE : call.arg(2);
        for (long i = 0; i < most; i++) {
            int c = Locales.toByte(call, memory.readUnsignedShort(call.arg(1) + 2 * i));
            if (c < 0) {
                return CrtState.fail(call, CrtState.EILSEQ);
            }
            if (call.arg(0) != 0) {
                memory.writeByte(call.arg(0) + i, (byte) c);
            }
            if (c == 0) {
                return i;
            }
        }
        return most;
    }

    private static long characterToWide(ApiCall call) {
        if (call.arg(1) == 0 || call.arg(2) == 0) {
            return 0;
        }
        int c = call.memory().readUnsignedByte(call.arg(1));
        if (call.arg(0) != 0) {
            call.memory().writeShort(call.arg(0), (short) Locales.toWide(call, c));
        }
        return c == 0 ? 0 : 1;
    }

    private static long characterToByte(ApiCall call) {
        if (call.arg(0) == 0) {
            return 0;
        }
        int c = Locales.toByte(call, call.intArg(1) & 0xFFFF);
        if (c < 0) {
            return CrtState.fail(call, CrtState.EILSEQ);
        }
        call.memory().writeByte(call.arg(0), (byte) c);
        return 1;
    }

    private static long characterLength(ApiCall call) {
        return call.arg(0) == 0 || call.arg(1) == 0 || call.memory().readByte(call.arg(0)) == 0 ? 0 : 1;
    }
}
