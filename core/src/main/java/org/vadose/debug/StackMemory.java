package org.vadose.debug;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.vadose.layout.ContextLayout;
import org.vadose.memory.Memory;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/**
 * A target's memory with a {@code _CONTEXT} beside it that can be written: what unwinding a stack works on. Pages of images that are
 * not in RAM are read from their files.
 */
final class StackMemory implements Memory {
    /** Where the context is; no processor's address. */
    static final long CONTEXT = 1L << 56;

    private final Debugger debugger;
    private final TargetMemory target;
    private final ByteBuffer context =
            ByteBuffer.allocate((int) ContextLayout.SIZE).order(ByteOrder.LITTLE_ENDIAN);

    StackMemory(Debugger debugger) {
        this.debugger = debugger;
        this.target = debugger.memory();
    }

    private long fromTarget(long address, int length) {
        try {
            return switch (length) {
                case 1 -> target.readUnsignedByte(address);
                case 2 -> target.readUnsignedShort(address);
                case 4 -> target.readUnsignedInt(address);
                default -> target.readLong(address);
            };
        } catch (UnreadableMemoryException notInRam) {
            Module module = debugger.modules().containing(address);
            byte[] image = module == null ? null : module.image(debugger.imageFiles());
            if (module == null || image == null || address - module.base() + length > image.length) {
                throw notInRam;
            }
            long value = 0;
            for (int i = length - 1; i >= 0; i--) {
                value = value << 8 | image[(int) (address - module.base()) + i] & 0xFF;
            }
            return value;
        }
    }

    private static boolean isContext(long address) {
        return address >= CONTEXT && address < CONTEXT + ContextLayout.SIZE;
    }

    private static int offset(long address) {
        return (int) (address - CONTEXT);
    }

    @Override
    public byte readByte(long address) {
        return isContext(address) ? context.get(offset(address)) : (byte) fromTarget(address, 1);
    }

    @Override
    public short readShort(long address) {
        return isContext(address) ? context.getShort(offset(address)) : (short) fromTarget(address, 2);
    }

    @Override
    public int readInt(long address) {
        return isContext(address) ? context.getInt(offset(address)) : (int) fromTarget(address, 4);
    }

    @Override
    public long readLong(long address) {
        return isContext(address) ? context.getLong(offset(address)) : fromTarget(address, 8);
    }

    @Override
    public void writeByte(long address, byte value) {
        context.put(offset(address), value);
    }

    @Override
    public void writeShort(long address, short value) {
        context.putShort(offset(address), value);
    }

    @Override
    public void writeInt(long address, int value) {
        context.putInt(offset(address), value);
    }

    @Override
    public void writeLong(long address, long value) {
        context.putLong(offset(address), value);
    }

    @Override
    public void read(long address, byte[] bytes, int start, int length) {
        if (isContext(address)) {
            context.get(offset(address), bytes, start, length);
        } else {
            target.read(address, bytes, start, length);
        }
    }

    @Override
    public void write(long address, byte[] bytes, int start, int length) {
        context.put(offset(address), bytes, start, length);
    }

    @Override
    public void fill(long address, long length, byte value) {
        for (long at = address; at < address + length; at++) {
            writeByte(at, value);
        }
    }

    @Override
    public boolean compareAndSetInt(long address, int expected, int value) {
        throw new UnsupportedOperationException("the target is read-only");
    }

    @Override
    public boolean compareAndSetLong(long address, long expected, long value) {
        throw new UnsupportedOperationException("the target is read-only");
    }
}
