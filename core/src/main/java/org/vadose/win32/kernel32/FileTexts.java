package org.vadose.win32.kernel32;

import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;
import org.vadose.win32.ApiCall;

/** {@link Texts} for names of files: their 8-bit form is in the code page that {@code SetFileApisToOEM} chooses. */
final class FileTexts {
    private FileTexts() {}

    private static Charset charset(ApiCall call) {
        return ProcessSettings.of(call).fileCharset();
    }

    /** The text at an address; null for a null pointer. */
    static @Nullable String read(ApiCall call, long address, boolean wide) {
        if (address == 0) {
            return null;
        }
        return wide ? call.wide(address) : CodePages.decode(call, address, charset(call));
    }

    /** The text at an address; empty for a null pointer. */
    static String readOrEmpty(ApiCall call, long address, boolean wide) {
        String text = read(call, address, wide);
        return text == null ? "" : text;
    }

    /** Characters the text takes in this form, without its terminator. */
    static int length(ApiCall call, String text, boolean wide) {
        return wide ? text.length() : text.getBytes(charset(call)).length;
    }

    static void write(ApiCall call, long address, String text, boolean wide) {
        if (wide) {
            call.writeWide(address, text);
        } else {
            byte[] bytes = text.getBytes(charset(call));
            call.memory().write(address, bytes);
            call.memory().writeByte(address + bytes.length, (byte) 0);
        }
    }

    /** See {@link Texts#fill}. */
    static long fill(ApiCall call, long address, long capacity, String text, boolean wide) {
        int length = length(call, text, wide);
        if (address == 0 || length >= capacity) {
            return length + 1L;
        }
        write(call, address, text, wide);
        return length;
    }
}
