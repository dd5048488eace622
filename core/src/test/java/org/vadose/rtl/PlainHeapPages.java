package org.vadose.rtl;

import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;

/**
 * Address space for a heap over physical memory at the same addresses: first fit, fresh pages zero. As memory it refuses what is
 * not committed.
 */
final class PlainHeapPages implements HeapPages, Memory, AutoCloseable {
    private static final long BASE = 0x10000;

    private final PhysicalMemory ram;
    private final TreeMap<Long, Long> reserved = new TreeMap<>();
    private final BitSet committed = new BitSet();
    /** Commits beyond this many pages fail. */
    int commitLimit = Integer.MAX_VALUE;

    PlainHeapPages(long sizeBytes) {
        ram = new PhysicalMemory(sizeBytes);
    }

    int reservations() {
        return reserved.size();
    }

    long committedBytes() {
        return (long) committed.cardinality() << Pages.SHIFT;
    }

    @Override
    public long reserve(long bytes) {
        long at = BASE;
        for (Map.Entry<Long, Long> entry : reserved.entrySet()) {
            if (entry.getKey() - at >= bytes) {
                break;
            }
            at = Pages.alignUp(entry.getKey() + entry.getValue(), Pages.GRANULARITY);
        }
        if (at + bytes > ram.sizeBytes()) {
            return 0;
        }
        reserved.put(at, bytes);
        return at;
    }

    @Override
    public boolean commit(long address, long bytes, boolean executable) {
        requireReserved(address, bytes);
        if (committed.cardinality() + (bytes >>> Pages.SHIFT) > commitLimit) {
            return false;
        }
        for (long at = address; at < address + bytes; at += Pages.SIZE) {
            if (committed.get((int) (at >>> Pages.SHIFT))) {
                throw new IllegalStateException("committed twice " + Hex.address(at));
            }
            committed.set((int) (at >>> Pages.SHIFT));
        }
        ram.fill(address, bytes, (byte) 0);
        return true;
    }

    @Override
    public void decommit(long address, long bytes) {
        requireReserved(address, bytes);
        for (long at = address; at < address + bytes; at += Pages.SIZE) {
            if (!committed.get((int) (at >>> Pages.SHIFT))) {
                throw new IllegalStateException("decommitted twice " + Hex.address(at));
            }
            committed.clear((int) (at >>> Pages.SHIFT));
        }
    }

    @Override
    public void release(long address) {
        Long bytes = reserved.remove(address);
        if (bytes == null) {
            throw new IllegalStateException("no reservation at " + Hex.address(address));
        }
        committed.clear((int) (address >>> Pages.SHIFT), (int) (address + bytes >>> Pages.SHIFT));
    }

    private void requireReserved(long address, long bytes) {
        Map.Entry<Long, Long> entry = reserved.floorEntry(address);
        if (entry == null
                || address + bytes > entry.getKey() + entry.getValue()
                || Pages.offset(address) != 0
                || Pages.offset(bytes) != 0
                || bytes == 0) {
            throw new IllegalStateException("not reserved " + Hex.address(address) + " bytes=" + bytes);
        }
    }

    private long committed(long address, long length) {
        for (long at = Pages.down(address); at < address + length; at += Pages.SIZE) {
            if (!committed.get((int) Math.min(at >>> Pages.SHIFT, Integer.MAX_VALUE))) {
                throw new IndexOutOfBoundsException("uncommitted address=" + Hex.address(address));
            }
        }
        return address;
    }

    @Override
    public byte readByte(long address) {
        return ram.readByte(committed(address, 1));
    }

    @Override
    public short readShort(long address) {
        return ram.readShort(committed(address, 2));
    }

    @Override
    public int readInt(long address) {
        return ram.readInt(committed(address, 4));
    }

    @Override
    public long readLong(long address) {
        return ram.readLong(committed(address, 8));
    }

    @Override
    public void writeByte(long address, byte value) {
        ram.writeByte(committed(address, 1), value);
    }

    @Override
    public void writeShort(long address, short value) {
        ram.writeShort(committed(address, 2), value);
    }

    @Override
    public void writeInt(long address, int value) {
        ram.writeInt(committed(address, 4), value);
    }

    @Override
    public void writeLong(long address, long value) {
        ram.writeLong(committed(address, 8), value);
    }

    @Override
    public void read(long address, byte[] target, int offset, int length) {
        ram.read(committed(address, length), target, offset, length);
    }

    @Override
    public void write(long address, byte[] source, int offset, int length) {
        ram.write(committed(address, length), source, offset, length);
    }

    @Override
    public void fill(long address, long length, byte value) {
        ram.fill(committed(address, length), length, value);
    }

    @Override
    public boolean compareAndSetInt(long address, int expected, int value) {
        return ram.compareAndSetInt(committed(address, 4), expected, value);
    }

    @Override
    public boolean compareAndSetLong(long address, long expected, long value) {
        return ram.compareAndSetLong(committed(address, 8), expected, value);
    }

    @Override
    public void close() {
        ram.close();
    }
}
