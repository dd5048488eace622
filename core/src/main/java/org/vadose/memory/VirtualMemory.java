package org.vadose.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;

/**
 * Virtual memory at one privilege, seen through an {@link Mmu}. Accesses that hit the software TLB cost a compare and an add on
 * top of the access itself; the rest walk the page tables, and what the walk refuses goes to the {@link PageFaultHandler} and is
 * retried or thrown as {@link MemoryFault}.
 *
 * <p>The TLB is direct-mapped, one entry a 4 KB page also for larger pages. An entry has one tag for reads and one for writes:
 * the write tag is set only once the dirty bit is, and never for a frame that holds decoded code.
 */
public final class VirtualMemory implements Memory {
    private static final int ENTRIES = 1024;
    private static final int INDEX_MASK = ENTRIES - 1;
    /** No page address has its low bits set, so this tag never matches. */
    private static final long NO_TAG = 1;

    private final Mmu mmu;
    private final PhysicalMemory ram;
    private final int privilege;
    private final Entry[] tlb = new Entry[ENTRIES];
    private final PageWalk walk = new PageWalk();

    private static final class Entry {
        long readTag = NO_TAG;
        long writeTag = NO_TAG;
        /** Added to a virtual address it gives the offset in {@link #chunk}. */
        long delta;

        MemorySegment chunk = MemorySegment.NULL;
        long frame;
    }

    VirtualMemory(Mmu mmu, int privilege) {
        this.mmu = mmu;
        this.ram = mmu.ram();
        this.privilege = privilege;
        for (int i = 0; i < ENTRIES; i++) {
            tlb[i] = new Entry();
        }
    }

    private Entry entry(long address) {
        return tlb[(int) (address >>> Pages.SHIFT) & INDEX_MASK];
    }

    /*
     * The tag is compared with the page of the access's last byte: if the access crosses into the next page the compare fails,
     * because the next page has another index, and the slow path splits it.
     */

    @Override
    public byte readByte(long address) {
        Entry e = entry(address);
        if (e.readTag != (address & -Pages.SIZE)) {
            e = fillForRead(address);
        }
        return e.chunk.get(ValueLayout.JAVA_BYTE, address + e.delta);
    }

    @Override
    public short readShort(long address) {
        Entry e = entry(address);
        if (e.readTag != ((address + 1) & -Pages.SIZE)) {
            if (crosses(address, 2)) {
                return (short) readSplit(address, 2);
            }
            e = fillForRead(address);
        }
        return e.chunk.get(PhysicalMemory.SHORT, address + e.delta);
    }

    @Override
    public int readInt(long address) {
        Entry e = entry(address);
        if (e.readTag != ((address + 3) & -Pages.SIZE)) {
            if (crosses(address, 4)) {
                return (int) readSplit(address, 4);
            }
            e = fillForRead(address);
        }
        return e.chunk.get(PhysicalMemory.INT, address + e.delta);
    }

    @Override
    public long readLong(long address) {
        Entry e = entry(address);
        if (e.readTag != ((address + 7) & -Pages.SIZE)) {
            if (crosses(address, 8)) {
                return readSplit(address, 8);
            }
            e = fillForRead(address);
        }
        return e.chunk.get(PhysicalMemory.LONG, address + e.delta);
    }

    @Override
    public void writeByte(long address, byte value) {
        Entry e = entry(address);
        if (e.writeTag != (address & -Pages.SIZE)) {
            e = fillForWrite(address, 1);
        }
        e.chunk.set(ValueLayout.JAVA_BYTE, address + e.delta, value);
    }

    @Override
    public void writeShort(long address, short value) {
        Entry e = entry(address);
        if (e.writeTag != ((address + 1) & -Pages.SIZE)) {
            if (crosses(address, 2)) {
                writeSplit(address, value, 2);
                return;
            }
            e = fillForWrite(address, 2);
        }
        e.chunk.set(PhysicalMemory.SHORT, address + e.delta, value);
    }

    @Override
    public void writeInt(long address, int value) {
        Entry e = entry(address);
        if (e.writeTag != ((address + 3) & -Pages.SIZE)) {
            if (crosses(address, 4)) {
                writeSplit(address, value, 4);
                return;
            }
            e = fillForWrite(address, 4);
        }
        e.chunk.set(PhysicalMemory.INT, address + e.delta, value);
    }

    @Override
    public void writeLong(long address, long value) {
        Entry e = entry(address);
        if (e.writeTag != ((address + 7) & -Pages.SIZE)) {
            if (crosses(address, 8)) {
                writeSplit(address, value, 8);
                return;
            }
            e = fillForWrite(address, 8);
        }
        e.chunk.set(PhysicalMemory.LONG, address + e.delta, value);
    }

    @Override
    public void read(long address, byte[] target, int offset, int length) {
        for (int done = 0; done < length; ) {
            long at = address + done;
            int run = (int) Math.min(length - done, Pages.SIZE - Pages.offset(at));
            Entry e = forRead(at);
            MemorySegment.copy(e.chunk, ValueLayout.JAVA_BYTE, at + e.delta, target, offset + done, run);
            done += run;
        }
    }

    @Override
    public void write(long address, byte[] source, int offset, int length) {
        for (int done = 0; done < length; ) {
            long at = address + done;
            int run = (int) Math.min(length - done, Pages.SIZE - Pages.offset(at));
            Entry e = forWrite(at, run);
            MemorySegment.copy(source, offset + done, e.chunk, ValueLayout.JAVA_BYTE, at + e.delta, run);
            done += run;
        }
    }

    @Override
    public void fill(long address, long length, byte value) {
        for (long done = 0; done < length; ) {
            long at = address + done;
            long run = Math.min(length - done, Pages.SIZE - Pages.offset(at));
            Entry e = forWrite(at, run);
            e.chunk.asSlice(at + e.delta, run).fill(value);
            done += run;
        }
    }

    /**
     * Copies bytes upwards, a page run at a time, as {@code rep movs} does; the ranges do not overlap, or {@code to} is below
     * {@code from}. A fault leaves what was copied before it.
     */
    public void copyForward(long from, long to, long length) {
        for (long done = 0; done < length; ) {
            long source = from + done;
            long target = to + done;
            long run = Math.min(
                    length - done, Math.min(Pages.SIZE - Pages.offset(source), Pages.SIZE - Pages.offset(target)));
            Entry w = forWrite(target, run);
            MemorySegment targetChunk = w.chunk;
            long targetOffset = target + w.delta;
            Entry r = forRead(source);
            MemorySegment.copy(r.chunk, source + r.delta, targetChunk, targetOffset, run);
            done += run;
        }
    }

    @Override
    public boolean compareAndSetInt(long address, int expected, int value) {
        if ((address & 3) != 0) {
            synchronized (ram) {
                if (readInt(address) != expected) {
                    return false;
                }
                writeInt(address, value);
                return true;
            }
        }
        Entry e = forWrite(address, 4);
        return PhysicalMemory.ATOMIC_INT.compareAndSet(e.chunk, address + e.delta, expected, value);
    }

    @Override
    public boolean compareAndSetLong(long address, long expected, long value) {
        if ((address & 7) != 0) {
            synchronized (ram) {
                if (readLong(address) != expected) {
                    return false;
                }
                writeLong(address, value);
                return true;
            }
        }
        Entry e = forWrite(address, 8);
        return PhysicalMemory.ATOMIC_LONG.compareAndSet(e.chunk, address + e.delta, expected, value);
    }

    /** Whether an access of this kind would succeed without raising anything; resolves faults on the way. */
    public boolean isAccessible(long address, int access) {
        try {
            translate(address, access | privilege);
            return true;
        } catch (MemoryFault e) {
            return false;
        }
    }

    private Entry forRead(long address) {
        Entry e = entry(address);
        return e.readTag == (address & -Pages.SIZE) ? e : fillForRead(address);
    }

    private Entry forWrite(long address, long length) {
        Entry e = entry(address);
        return e.writeTag == (address & -Pages.SIZE) ? e : fillForWrite(address, length);
    }

    private Entry fillForRead(long address) {
        long physicalAddress = translate(address, privilege);
        MemorySegment chunk = ram.readable(physicalAddress, 1);
        return fill(address, physicalAddress, chunk, !chunk.isReadOnly() && mayWriteFast(physicalAddress));
    }

    private Entry fillForWrite(long address, long length) {
        long physicalAddress = translate(address, privilege | PageFaultCode.WRITE);
        MemorySegment chunk = ram.writable(physicalAddress, length);
        return fill(address, physicalAddress, chunk, mayWriteFast(physicalAddress));
    }

    private boolean mayWriteFast(long physicalAddress) {
        return walk.writeReady && !ram.isCode(physicalAddress >>> Pages.SHIFT);
    }

    private Entry fill(long address, long physicalAddress, MemorySegment chunk, boolean writeFast) {
        Entry e = entry(address);
        long page = address & -Pages.SIZE;
        // The shared zeros stand in for RAM never written; an entry to them would miss the first write through another
        // page.
        e.readTag = chunk.isReadOnly() ? NO_TAG : page;
        e.writeTag = writeFast ? page : NO_TAG;
        e.chunk = chunk;
        e.delta = (physicalAddress & (PhysicalMemory.CHUNK_SIZE - 1)) - address;
        e.frame = physicalAddress >>> Pages.SHIFT;
        return e;
    }

    /** Walks, handing refusals to the fault handler until it succeeds or gives up. */
    long translate(long address, int access) {
        while (!walkOnce(address, access)) {
            int errorCode = walk.errorCode;
            NtStatus status = mmu.faultHandler().handle(address, errorCode);
            if (!status.isSuccess()) {
                throw new MemoryFault(address, errorCode, status);
            }
        }
        return walk.physicalAddress;
    }

    private boolean walkOnce(long address, int access) {
        try {
            return mmu.format().walk(ram, mmu.root(), address, access, walk);
        } catch (IndexOutOfBoundsException e) {
            // A table outside RAM: real hardware reads whatever the bus answers; we call it a reserved-bit fault.
            walk.errorCode = access | PageFaultCode.PRESENT | PageFaultCode.RESERVED;
            return false;
        }
    }

    void invalidatePage(long address) {
        Entry e = entry(address);
        e.readTag = NO_TAG;
        e.writeTag = NO_TAG;
    }

    void invalidateAll() {
        for (Entry e : tlb) {
            e.readTag = NO_TAG;
            e.writeTag = NO_TAG;
        }
    }

    void forbidFastWrites(long frame) {
        for (Entry e : tlb) {
            if (e.frame == frame) {
                e.writeTag = NO_TAG;
            }
        }
    }

    private static boolean crosses(long address, int length) {
        return Pages.offset(address) > Pages.SIZE - length;
    }

    private long readSplit(long address, int length) {
        long value = 0;
        for (int i = 0; i < length; i++) {
            value |= (readByte(address + i) & 0xFFL) << (8 * i);
        }
        return value;
    }

    private void writeSplit(long address, long value, int length) {
        // Both pages must take the write before either changes: a faulting store leaves memory as it was.
        translate(address + length - 1, privilege | PageFaultCode.WRITE);
        for (int i = 0; i < length; i++) {
            writeByte(address + i, (byte) (value >>> (8 * i)));
        }
    }
}
