package org.vadose.target;

import org.vadose.base.Hex;
import org.vadose.memory.Memory;

/** Memory nobody may write: every write throws {@link UnsupportedOperationException}. */
public abstract class ReadOnlyMemory implements Memory {
    @Override
    public abstract void read(long address, byte[] target, int offset, int length);

    @Override
    public byte readByte(long address) {
        return (byte) readSmall(address, 1);
    }

    @Override
    public short readShort(long address) {
        return (short) readSmall(address, 2);
    }

    @Override
    public int readInt(long address) {
        return (int) readSmall(address, 4);
    }

    @Override
    public long readLong(long address) {
        return readSmall(address, 8);
    }

    /** Little-endian number of {@code length} bytes, 1 to 8, zero-extended. */
    protected long readSmall(long address, int length) {
        byte[] bytes = new byte[length];
        read(address, bytes, 0, length);
        long value = 0;
        for (int i = length - 1; i >= 0; i--) {
            value = value << 8 | bytes[i] & 0xFF;
        }
        return value;
    }

    private static UnsupportedOperationException refused(long address) {
        return new UnsupportedOperationException("the target is read-only address=" + Hex.address(address));
    }

    @Override
    public final void writeByte(long address, byte value) {
        throw refused(address);
    }

    @Override
    public final void writeShort(long address, short value) {
        throw refused(address);
    }

    @Override
    public final void writeInt(long address, int value) {
        throw refused(address);
    }

    @Override
    public final void writeLong(long address, long value) {
        throw refused(address);
    }

    @Override
    public final void write(long address, byte[] source, int offset, int length) {
        throw refused(address);
    }

    @Override
    public final void fill(long address, long length, byte value) {
        throw refused(address);
    }

    @Override
    public final boolean compareAndSetInt(long address, int expected, int value) {
        throw refused(address);
    }

    @Override
    public final boolean compareAndSetLong(long address, long expected, long value) {
        throw refused(address);
    }
}
