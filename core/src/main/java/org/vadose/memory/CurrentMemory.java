package org.vadose.memory;

/** Virtual memory at one privilege as the calling thread's processor sees it. */
final class CurrentMemory implements Memory {
    private final Mmus mmus;
    private final boolean user;

    CurrentMemory(Mmus mmus, boolean user) {
        this.mmus = mmus;
        this.user = user;
    }

    private VirtualMemory here() {
        Mmu mmu = mmus.current();
        return user ? mmu.user() : mmu.kernel();
    }

    @Override
    public byte readByte(long address) {
        return here().readByte(address);
    }

    @Override
    public short readShort(long address) {
        return here().readShort(address);
    }

    @Override
    public int readInt(long address) {
        return here().readInt(address);
    }

    @Override
    public long readLong(long address) {
        return here().readLong(address);
    }

    @Override
    public void writeByte(long address, byte value) {
        here().writeByte(address, value);
    }

    @Override
    public void writeShort(long address, short value) {
        here().writeShort(address, value);
    }

    @Override
    public void writeInt(long address, int value) {
        here().writeInt(address, value);
    }

    @Override
    public void writeLong(long address, long value) {
        here().writeLong(address, value);
    }

    @Override
    public void read(long address, byte[] target, int offset, int length) {
        here().read(address, target, offset, length);
    }

    @Override
    public void write(long address, byte[] source, int offset, int length) {
        here().write(address, source, offset, length);
    }

    @Override
    public void fill(long address, long length, byte value) {
        here().fill(address, length, value);
    }

    @Override
    public int zeroLongs(long address, int count) {
        return here().zeroLongs(address, count);
    }

    @Override
    public boolean compareAndSetInt(long address, int expected, int value) {
        return here().compareAndSetInt(address, expected, value);
    }

    @Override
    public boolean compareAndSetLong(long address, long expected, long value) {
        return here().compareAndSetLong(address, expected, value);
    }
}
