package org.vadose.win32.kernel32;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;

/** Code pages: the machine's ANSI page is 1252, its OEM page 437. */
final class CodePages {
    static final int ANSI = 1252;
    static final int OEM = 437;
    static final int UTF7 = 65_000;
    static final int UTF8 = 65_001;
    private static final int CP_ACP = 0;
    private static final int CP_OEMCP = 1;
    private static final int CP_THREAD_ACP = 3;
    private static final Charset ANSI_CHARSET = Charset.forName("windows-1252");
    private static final int LONGEST = 1 << 24;

    private CodePages() {}

    /** The charset of a code page number; null for one this machine does not have. */
    static @Nullable Charset charset(int codePage) {
        return switch (codePage) {
            case CP_ACP, CP_THREAD_ACP, ANSI -> ANSI_CHARSET;
            case CP_OEMCP, OEM -> named("IBM437");
            case UTF8 -> StandardCharsets.UTF_8;
            case 20_127 -> StandardCharsets.US_ASCII;
            case 28_591 -> StandardCharsets.ISO_8859_1;
            case 737, 775, 850, 852, 855, 857, 858, 862, 866, 874 ->
                ifSupported(codePage == 858 ? "IBM00858" : "IBM" + codePage);
            default -> codePage >= 1250 && codePage <= 1258 ? ifSupported("windows-" + codePage) : null;
        };
    }

    private static @Nullable Charset ifSupported(String name) {
        if (Charset.isSupported(name)) {
            return Charset.forName(name);
        }
        String other = name.replace("IBM", "x-IBM");
        return Charset.isSupported(other) ? Charset.forName(other) : null;
    }

    private static Charset named(String name) {
        return Charset.isSupported(name) ? Charset.forName(name) : ANSI_CHARSET;
    }

    /** Text in the ANSI code page, up to its terminator. */
    static String decode(ApiCall call, long address) {
        return decode(call, address, ANSI_CHARSET);
    }

    /** Text in a charset of single bytes, up to its terminator. */
    static String decode(ApiCall call, long address, Charset charset) {
        Memory memory = call.memory();
        int length = 0;
        while (length < LONGEST && memory.readByte(address + length) != 0) {
            length++;
        }
        return new String(memory.read(address, length), charset);
    }

    /** The ANSI code page. */
    static Charset ansi() {
        return ANSI_CHARSET;
    }

    /** The OEM code page. */
    static Charset oem() {
        return named("IBM437");
    }

    /** In the ANSI code page; what it lacks becomes a question mark. */
    static byte[] encode(String text) {
        return text.getBytes(ANSI_CHARSET);
    }

    /** Null when the bytes are no text of the charset and {@code strict}. */
    static @Nullable String decode(byte[] bytes, Charset charset, boolean strict) {
        if (!strict) {
            return new String(bytes, charset);
        }
        try {
            return charset.newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException bad) {
            return null;
        }
    }

    /** @param replacement for what the charset lacks; null for its own */
    static byte[] encode(String text, Charset charset, byte @Nullable [] replacement) {
        var encoder = charset.newEncoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .onUnmappableCharacter(CodingErrorAction.REPLACE);
        if (replacement != null && encoder.isLegalReplacement(replacement)) {
            encoder.replaceWith(replacement);
        }
        try {
            ByteBuffer bytes = encoder.encode(CharBuffer.wrap(text));
            byte[] result = new byte[bytes.remaining()];
            bytes.get(result);
            return result;
        } catch (CharacterCodingException impossible) {
            return text.getBytes(charset);
        }
    }
}
