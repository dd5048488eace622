package org.vadose.win32.loader;

import java.util.Arrays;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.pe.PeImage;
import org.vadose.pe.PeSection;

/** Memory at a fixed address with a protection for each page, which writes obey; images lie behind each other in it. */
final class FlatMemory implements Memory, ImageMapper {
    static final long BASE = 0x7FF6_0000_0000L;
    private static final long SIZE = 64 << 20;
    private static final int PAGE_NOACCESS = 1;
    private static final int PAGE_READONLY = 2;

    private final PhysicalMemory bytes = new PhysicalMemory(SIZE);
    private final int[] protections = new int[(int) (SIZE >>> Pages.SHIFT)];
    private long next = BASE + Pages.GRANULARITY;
    private long heap;
    private long heapEnd;

    @Override
    public View map(String path, byte[] file, PeImage image) {
        long base = next;
        next = Pages.alignUp(next + image.sizeOfImage(), Pages.GRANULARITY);
        Arrays.fill(protections, page(base), page(next), PAGE_NOACCESS);
        bytes.write(base - BASE, image.read(0, (int) image.sizeOfImage()));
        set(base, image.sizeOfHeaders(), PAGE_READONLY);
        for (PeSection section : image.sections()) {
            set(base + section.rva(), section.sizeBytes(), section.pageProtection());
        }
        return new View(base, image.imageBase());
    }

    @Override
    public void unmap(long base) {
        protections[page(base)] = 0;
    }

    @Override
    public int protect(long address, long sizeBytes, int protection) {
        int before = protections[page(address)];
        set(address, sizeBytes, protection);
        return before;
    }

    @Override
    public long allocate(long sizeBytes, int protection) {
        long address = next;
        next = Pages.alignUp(next + sizeBytes, Pages.GRANULARITY);
        set(address, sizeBytes, protection);
        return address;
    }

    /** A piece of a heap that never takes back. */
    long carve(long sizeBytes) {
        if (heap + sizeBytes > heapEnd) {
            heap = allocate(0x10000, PAGE_READWRITE);
            heapEnd = heap + 0x10000;
        }
        long address = heap;
        heap = Pages.alignUp(heap + sizeBytes, 16);
        return address;
    }

    int protection(long address) {
        return protections[page(address)];
    }

    private static int page(long address) {
        return (int) ((address - BASE) >>> Pages.SHIFT);
    }

    private void set(long address, long sizeBytes, int protection) {
        Arrays.fill(protections, page(address), page(Pages.up(address + sizeBytes)), protection);
    }

    private long at(long address, long length, boolean write) {
        for (long page = Pages.down(address); page < address + length; page += Pages.SIZE) {
            int protection = protections[page(page)];
            boolean writable = (protection & (0x04 | 0x08 | 0x40 | 0x80)) != 0;
            if (protection == 0 || protection == PAGE_NOACCESS || write && !writable) {
                throw new AssertionError(
                        "access to %x is not allowed, write=%b protection=%x".formatted(address, write, protection));
            }
        }
        return address - BASE;
    }

    @Override
    public byte readByte(long address) {
        return bytes.readByte(at(address, 1, false));
    }

    @Override
    public short readShort(long address) {
        return bytes.readShort(at(address, 2, false));
    }

    @Override
    public int readInt(long address) {
        return bytes.readInt(at(address, 4, false));
    }

    @Override
    public long readLong(long address) {
        return bytes.readLong(at(address, 8, false));
    }

    @Override
    public void writeByte(long address, byte value) {
        bytes.writeByte(at(address, 1, true), value);
    }

    @Override
    public void writeShort(long address, short value) {
        bytes.writeShort(at(address, 2, true), value);
    }

    @Override
    public void writeInt(long address, int value) {
        bytes.writeInt(at(address, 4, true), value);
    }

    @Override
    public void writeLong(long address, long value) {
        bytes.writeLong(at(address, 8, true), value);
    }

    @Override
    public void read(long address, byte[] target, int offset, int length) {
        bytes.read(at(address, length, false), target, offset, length);
    }

    @Override
    public void write(long address, byte[] source, int offset, int length) {
        bytes.write(at(address, length, true), source, offset, length);
    }

    @Override
    public void fill(long address, long length, byte value) {
        bytes.fill(at(address, length, true), length, value);
    }

    @Override
    public boolean compareAndSetInt(long address, int expected, int value) {
        return bytes.compareAndSetInt(at(address, 4, true), expected, value);
    }

    @Override
    public boolean compareAndSetLong(long address, long expected, long value) {
        return bytes.compareAndSetLong(at(address, 8, true), expected, value);
    }
}
