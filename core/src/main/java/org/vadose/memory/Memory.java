package org.vadose.memory;

import java.nio.charset.StandardCharsets;

/**
 * Little-endian memory addressed by byte. Accesses need no alignment.
 *
 * <p>What an address is (physical, virtual, an offset in a file) and what a bad one throws is the implementation's to say:
 * {@link PhysicalMemory} throws {@link IndexOutOfBoundsException}, {@link VirtualMemory} throws {@link MemoryFault}.
 */
public interface Memory {
    byte readByte(long address);

    short readShort(long address);

    int readInt(long address);

    long readLong(long address);

    void writeByte(long address, byte value);

    void writeShort(long address, short value);

    void writeInt(long address, int value);

    void writeLong(long address, long value);

    void read(long address, byte[] target, int offset, int length);

    void write(long address, byte[] source, int offset, int length);

    void fill(long address, long length, byte value);

    /** Atomic when {@code address} is a multiple of 4. */
    boolean compareAndSetInt(long address, int expected, int value);

    /** Atomic when {@code address} is a multiple of 8. */
    boolean compareAndSetLong(long address, long expected, long value);

    default int readUnsignedByte(long address) {
        return readByte(address) & 0xFF;
    }

    default int readUnsignedShort(long address) {
        return readShort(address) & 0xFFFF;
    }

    default long readUnsignedInt(long address) {
        return readInt(address) & 0xFFFF_FFFFL;
    }

    default byte[] read(long address, int length) {
        byte[] bytes = new byte[length];
        read(address, bytes, 0, length);
        return bytes;
    }

    default void write(long address, byte[] source) {
        write(address, source, 0, source.length);
    }

    default int getAndAddInt(long address, int delta) {
        int old;
        do {
            old = readInt(address);
        } while (!compareAndSetInt(address, old, old + delta));
        return old;
    }

    default long getAndAddLong(long address, long delta) {
        long old;
        do {
            old = readLong(address);
        } while (!compareAndSetLong(address, old, old + delta));
        return old;
    }

    /** How many of up to {@code count} longs from an address on, which is a multiple of 8, are zero before the first that is not. */
    default int zeroLongs(long address, int count) {
        int zeros = 0;
        while (zeros < count && readLong(address + 8L * zeros) == 0) {
            zeros++;
        }
        return zeros;
    }

    /** UTF-16 text of {@code lengthBytes} bytes, no terminator. */
    default String readUtf16(long address, int lengthBytes) {
        return new String(read(address, lengthBytes & ~1), StandardCharsets.UTF_16LE);
    }

    /** Bytes up to a zero byte or {@code maximum}, as Latin-1. */
    default String readLatin1(long address, int maximum) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < maximum; i++) {
            int b = readUnsignedByte(address + i);
            if (b == 0) {
                break;
            }
            text.append((char) b);
        }
        return text.toString();
    }
}
