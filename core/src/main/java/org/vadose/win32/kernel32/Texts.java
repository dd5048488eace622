package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.win32.ApiCall;

/** Strings in and out of calls, for functions that exist with 8-bit and with 16-bit characters. */
final class Texts {
    static final int ERROR_INSUFFICIENT_BUFFER = 122;

    private Texts() {}

    /** The text at an address; null for a null pointer. */
    static @Nullable String read(ApiCall call, long address, boolean wide) {
        if (address == 0) {
            return null;
        }
        return wide ? call.wide(address) : CodePages.decode(call, address);
    }

    /** The text at an address; empty for a null pointer. */
    static String readOrEmpty(ApiCall call, long address, boolean wide) {
        String text = read(call, address, wide);
        return text == null ? "" : text;
    }

    /** Characters the text takes in this form, without its terminator. */
    static int length(String text, boolean wide) {
        return wide ? text.length() : CodePages.encode(text).length;
    }

    static void write(ApiCall call, long address, String text, boolean wide) {
        if (wide) {
            call.writeWide(address, text);
        } else {
            byte[] bytes = CodePages.encode(text);
            call.memory().write(address, bytes);
            call.memory().writeByte(address + bytes.length, (byte) 0);
        }
    }

    /**
     * The convention of {@code GetCurrentDirectory} and its kin: characters written without the terminator, or the characters needed
     * with it when the buffer is too small.
     */
    static long fill(ApiCall call, long address, long capacity, String text, boolean wide) {
        int length = length(text, wide);
        if (address == 0 || length >= capacity) {
            return length + 1L;
        }
        write(call, address, text, wide);
        return length;
    }
}
