package org.vadose.win32.kernel32;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.vadose.memory.MemoryFault;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** Code pages, conversions between them and UTF-16, and the {@code lstr} functions. */
final class TextFunctions {
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_INVALID_FLAGS = 1004;
    private static final int ERROR_NO_UNICODE_TRANSLATION = 1113;
    private static final int MB_ERR_INVALID_CHARS = 8;
    private static final int WC_ERR_INVALID_CHARS = 0x80;
    private static final int US_ENGLISH = 0x409;

    private TextFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("GetACP", call -> CodePages.ANSI)
                .function("GetOEMCP", call -> CodePages.OEM)
                .function("IsValidCodePage", call -> CodePages.charset(call.intArg(0)) == null ? 0 : 1)
                .function("GetCPInfo", TextFunctions::getCpInfo)
                .function("IsDBCSLeadByte", call -> 0)
                .function("IsDBCSLeadByteEx", call -> 0)
                .function("GetUserDefaultLCID", call -> US_ENGLISH)
                .function("GetSystemDefaultLCID", call -> US_ENGLISH)
                .function("GetUserDefaultLangID", call -> US_ENGLISH)
                .function("GetSystemDefaultLangID", call -> US_ENGLISH)
                .function("GetUserDefaultUILanguage", call -> US_ENGLISH)
                .function("MultiByteToWideChar", TextFunctions::multiByteToWideChar)
                .function("WideCharToMultiByte", TextFunctions::wideCharToMultiByte)
                .function("lstrlenA", call -> length(call, false))
                .function("lstrlenW", call -> length(call, true));
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("lstrcpy" + letter, call -> copy(call, wide, 0, Integer.MAX_VALUE))
                    .function("lstrcpyn" + letter, call -> copy(call, wide, 0, call.intArg(2)))
                    .function("lstrcat" + letter, call -> concatenate(call, wide))
                    .function("lstrcmp" + letter, call -> compare(call, wide, false))
                    .function("lstrcmpi" + letter, call -> compare(call, wide, true));
        }
    }

    private static long getCpInfo(ApiCall call) {
        Charset charset = CodePages.charset(call.intArg(0));
        if (charset == null) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        // CPINFO: MaxCharSize, DefaultChar[2], LeadByte[12].
        long info = call.arg(1);
        call.memory().fill(info, 20, (byte) 0);
        call.memory().writeInt(info, charset.equals(StandardCharsets.UTF_8) ? 4 : 1);
        call.memory().writeByte(info + 4, (byte) '?');
        return 1;
    }

    private static long multiByteToWideChar(ApiCall call) {
        Charset charset = CodePages.charset(call.intArg(0));
        long source = call.arg(2);
        int sourceBytes = call.intArg(3);
        long target = call.arg(4);
        int capacity = call.intArg(5);
        if (charset == null || source == 0 || sourceBytes == 0 || sourceBytes < -1 || capacity < 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        byte[] bytes = sourceBytes > 0 ? call.memory().read(source, sourceBytes) : terminated(call, source);
        String text = CodePages.decode(bytes, charset, (call.intArg(1) & MB_ERR_INVALID_CHARS) != 0);
        if (text == null) {
            return call.fail(ERROR_NO_UNICODE_TRANSLATION);
        }
        if (capacity == 0) {
            return text.length();
        }
        if (text.length() > capacity) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        call.memory().write(target, text.getBytes(StandardCharsets.UTF_16LE));
        return text.length();
    }

    /** Bytes with their terminator. */
    private static byte[] terminated(ApiCall call, long source) {
        int length = 0;
        while (call.memory().readByte(source + length) != 0) {
            length++;
        }
        return call.memory().read(source, length + 1);
    }

    private static long wideCharToMultiByte(ApiCall call) {
        int codePage = call.intArg(0);
        Charset charset = CodePages.charset(codePage);
        long source = call.arg(2);
        int sourceChars = call.intArg(3);
        long target = call.arg(4);
        int capacity = call.intArg(5);
        long defaultChar = call.arg(6);
        long usedDefault = call.arg(7);
        if (charset == null || source == 0 || sourceChars == 0 || sourceChars < -1 || capacity < 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        boolean isUtf8 = codePage == CodePages.UTF8;
        if (isUtf8 && (defaultChar != 0 || usedDefault != 0)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (!isUtf8 && (call.intArg(1) & WC_ERR_INVALID_CHARS) != 0) {
            return call.fail(ERROR_INVALID_FLAGS);
        }
        String text = sourceChars > 0 ? call.memory().readUtf16(source, 2 * sourceChars) : call.wide(source) + "\0";
        byte[] replacement = defaultChar == 0 ? null : new byte[] {call.memory().readByte(defaultChar)};
        byte[] bytes = CodePages.encode(text, charset, replacement);
        if (usedDefault != 0) {
            boolean isUsed = !charset.newEncoder().canEncode(text);
            call.memory().writeInt(usedDefault, isUsed ? 1 : 0);
        }
        if (capacity == 0) {
            return bytes.length;
        }
        if (bytes.length > capacity) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        call.memory().write(target, bytes);
        return bytes.length;
    }

    /** As documented, a bad pointer has length 0. */
    private static long length(ApiCall call, boolean wide) {
        try {
            return Texts.length(Texts.readOrEmpty(call, call.arg(0), wide), wide);
        } catch (MemoryFault bad) {
            return 0;
        }
    }

    private static long copy(ApiCall call, boolean wide, int from, int capacity) {
        String text = Texts.readOrEmpty(call, call.arg(1), wide);
        if (capacity <= 0) {
            return call.arg(0);
        }
        Texts.write(call, call.arg(0), text.substring(from, Math.min(text.length(), capacity - 1)), wide);
        return call.arg(0);
    }

    private static long concatenate(ApiCall call, boolean wide) {
        String text = Texts.readOrEmpty(call, call.arg(0), wide);
        Texts.write(call, call.arg(0), text + Texts.readOrEmpty(call, call.arg(1), wide), wide);
        return call.arg(0);
    }

    private static long compare(ApiCall call, boolean wide, boolean ignoreCase) {
        String left = Texts.readOrEmpty(call, call.arg(0), wide);
        String right = Texts.readOrEmpty(call, call.arg(1), wide);
        // The word sort of a locale puts letters without regard to case first.
        int order = left.toLowerCase(Locale.ROOT).compareTo(right.toLowerCase(Locale.ROOT));
        if (order == 0 && !ignoreCase) {
            order = right.compareTo(left);
        }
        return Integer.signum(order);
    }
}
