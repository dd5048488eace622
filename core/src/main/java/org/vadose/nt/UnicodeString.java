package org.vadose.nt;

import java.nio.charset.StandardCharsets;
import org.vadose.layout.UnicodeStringLayout;
import org.vadose.memory.Memory;

/** A counted UTF-16 string ({@code _UNICODE_STRING}); lengths are in bytes. */
public record UnicodeString(Memory memory, long address) {
    public int lengthBytes() {
        return memory.readUnsignedShort(address + UnicodeStringLayout.LENGTH);
    }

    public int maximumLengthBytes() {
        return memory.readUnsignedShort(address + UnicodeStringLayout.MAXIMUM_LENGTH);
    }

    public long buffer() {
        return memory.readLong(address + UnicodeStringLayout.BUFFER);
    }

    /** The text; empty when there is no buffer. */
    public String text() {
        long buffer = buffer();
        return buffer == 0 ? "" : memory.readUtf16(buffer, lengthBytes());
    }

    /** Points the string at a buffer that holds {@code lengthBytes} bytes of text. */
    public void set(int lengthBytes, int maximumLengthBytes, long buffer) {
        memory.writeShort(address + UnicodeStringLayout.LENGTH, (short) lengthBytes);
        memory.writeShort(address + UnicodeStringLayout.MAXIMUM_LENGTH, (short) maximumLengthBytes);
        memory.writeLong(address + UnicodeStringLayout.BUFFER, buffer);
    }

    /**
     * Writes text with a terminating zero into {@code buffer} and points the string at it.
     *
     * @param buffer room for {@code 2 * text.length() + 2} bytes
     */
    public void set(String text, long buffer) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_16LE);
        memory.write(buffer, bytes);
        memory.writeShort(buffer + bytes.length, (short) 0);
        set(bytes.length, bytes.length + 2, buffer);
    }
}
