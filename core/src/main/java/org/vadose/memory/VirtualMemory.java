package org.vadose.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
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
    private static final int LARGEST_UNPROBED_READ = 1 << 16;

    private static final int ENTRIES = 1024;
    private static final int INDEX_MASK = ENTRIES - 1;
    private static final int FOLD_SHIFT = Pages.SHIFT + 9;
    /** No page address has its low bits set, so this tag never matches. */
    private static final long NO_TAG = 1;

    /*
     * Four longs an entry, beside each other so that a hit touches one cache line: the page of reads, the page of writes, what
     * added to a virtual address gives the physical one, the frame.
     */
    private static final int STRIDE_SHIFT = 2;
    private static final int READ_TAG = 0;
    private static final int WRITE_TAG = 1;
    private static final int DELTA = 2;
    private static final int FRAME = 3;

    private final Mmu mmu;
    private final PhysicalMemory ram;
    private final int privilege;
    private final long[] tlb = new long[ENTRIES << STRIDE_SHIFT];
    private final MemorySegment frames;
    private final PageWalk walk = new PageWalk();
    private int invalidations;

    VirtualMemory(Mmu mmu, int privilege) {
        this.mmu = mmu;
        this.ram = mmu.ram();
        this.frames = ram.segment();
        this.privilege = privilege;
        Arrays.fill(tlb, NO_TAG);
    }

    /**
     * The page number with higher bits added, so that a stack and a heap at round addresses do not fight for entries. From one page
     * to the next it grows by one or two: neighbours never share an entry.
     */
    private static int index(long address) {
        return (int) ((address >>> Pages.SHIFT) + (address >>> FOLD_SHIFT)) & INDEX_MASK;
    }

    /*
     * The tag is compared with the page of the access's last byte: if the access crosses into the next page the compare fails,
     * because the next page has another index, and the slow path splits it. Slow paths are methods of their own that do the
     * access too: merging them back into the hit costs the compiler what it knows about the hit.
     */

    @Override
    public byte readByte(long address) {
        int i = index(address);
        int at = i << STRIDE_SHIFT;
        if (tlb[at + READ_TAG] == (address & -Pages.SIZE)) {
            return frames.get(ValueLayout.JAVA_BYTE, address + tlb[at + DELTA]);
        }
        return (byte) readSlow(address, 1);
    }

    @Override
    public short readShort(long address) {
        int i = index(address);
        int at = i << STRIDE_SHIFT;
        if (tlb[at + READ_TAG] == ((address + 1) & -Pages.SIZE)) {
            return frames.get(PhysicalMemory.SHORT, address + tlb[at + DELTA]);
        }
        return (short) readSlow(address, 2);
    }

    @Override
    public int readInt(long address) {
        int i = index(address);
        int at = i << STRIDE_SHIFT;
        if (tlb[at + READ_TAG] == ((address + 3) & -Pages.SIZE)) {
            return frames.get(PhysicalMemory.INT, address + tlb[at + DELTA]);
        }
        return (int) readSlow(address, 4);
    }

    @Override
    public long readLong(long address) {
        int i = index(address);
        int at = i << STRIDE_SHIFT;
        if (tlb[at + READ_TAG] == ((address + 7) & -Pages.SIZE)) {
            return frames.get(PhysicalMemory.LONG, address + tlb[at + DELTA]);
        }
        return readSlow(address, 8);
    }

    @Override
    public void writeByte(long address, byte value) {
        int i = index(address);
        int at = i << STRIDE_SHIFT;
        if (tlb[at + WRITE_TAG] == (address & -Pages.SIZE)) {
            frames.set(ValueLayout.JAVA_BYTE, address + tlb[at + DELTA], value);
        } else {
            writeSlow(address, value, 1);
        }
    }

    @Override
    public void writeShort(long address, short value) {
        int i = index(address);
        int at = i << STRIDE_SHIFT;
        if (tlb[at + WRITE_TAG] == ((address + 1) & -Pages.SIZE)) {
            frames.set(PhysicalMemory.SHORT, address + tlb[at + DELTA], value);
        } else {
            writeSlow(address, value, 2);
        }
    }

    @Override
    public void writeInt(long address, int value) {
        int i = index(address);
        int at = i << STRIDE_SHIFT;
        if (tlb[at + WRITE_TAG] == ((address + 3) & -Pages.SIZE)) {
            frames.set(PhysicalMemory.INT, address + tlb[at + DELTA], value);
        } else {
            writeSlow(address, value, 4);
        }
    }

    @Override
    public void writeLong(long address, long value) {
        int i = index(address);
        int at = i << STRIDE_SHIFT;
        if (tlb[at + WRITE_TAG] == ((address + 7) & -Pages.SIZE)) {
            frames.set(PhysicalMemory.LONG, address + tlb[at + DELTA], value);
        } else {
            writeSlow(address, value, 8);
        }
    }

    private long readSlow(long address, int length) {
        if (crosses(address, length)) {
            return readSplit(address, length);
        }
        int i = fillForRead(address);
        long offset = address + delta(i);
        return switch (length) {
            case 1 -> frames.get(ValueLayout.JAVA_BYTE, offset);
            case 2 -> frames.get(PhysicalMemory.SHORT, offset);
            case 4 -> frames.get(PhysicalMemory.INT, offset);
            default -> frames.get(PhysicalMemory.LONG, offset);
        };
    }

    private void writeSlow(long address, long value, int length) {
        if (crosses(address, length)) {
            writeSplit(address, value, length);
            return;
        }
        int i = fillForWrite(address, length);
        long offset = address + delta(i);
        switch (length) {
            case 1 -> frames.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
            case 2 -> frames.set(PhysicalMemory.SHORT, offset, (short) value);
            case 4 -> frames.set(PhysicalMemory.INT, offset, (int) value);
            default -> frames.set(PhysicalMemory.LONG, offset, value);
        }
    }

    private long delta(int index) {
        return tlb[(index << STRIDE_SHIFT) + DELTA];
    }

    @Override
    public void read(long address, byte[] target, int offset, int length) {
        for (int done = 0; done < length; ) {
            long at = address + done;
            int run = (int) Math.min(length - done, Pages.SIZE - Pages.offset(at));
            int i = forRead(at);
            MemorySegment.copy(frames, ValueLayout.JAVA_BYTE, at + delta(i), target, offset + done, run);
            done += run;
        }
    }

    /** Allocates nothing for bytes that cannot be read: a guest's length may be a lie. */
    @Override
    public byte[] read(long address, int length) {
        if (length > LARGEST_UNPROBED_READ) {
            for (long at = address; at - address < length; at += Pages.SIZE) {
                readByte(at);
            }
        }
        return Memory.super.read(address, length);
    }

    @Override
    public void write(long address, byte[] source, int offset, int length) {
        for (int done = 0; done < length; ) {
            long at = address + done;
            int run = (int) Math.min(length - done, Pages.SIZE - Pages.offset(at));
            int i = forWrite(at, run);
            MemorySegment.copy(source, offset + done, frames, ValueLayout.JAVA_BYTE, at + delta(i), run);
            done += run;
        }
    }

    @Override
    public void fill(long address, long length, byte value) {
        // Unsigned, so that a guest's absurd length ends in a fault as it does on hardware.
        for (long done = 0; Long.compareUnsigned(done, length) < 0; ) {
            long at = address + done;
            long toPageEnd = Pages.SIZE - Pages.offset(at);
            long run = Long.compareUnsigned(length - done, toPageEnd) < 0 ? length - done : toPageEnd;
            int i = forWrite(at, run);
            frames.asSlice(at + delta(i), run).fill(value);
            done += run;
        }
    }

    @Override
    public int zeroLongs(long address, int count) {
        int zeros = 0;
        while (zeros < count) {
            long at = address + 8L * zeros;
            int end = (int) Math.min(count, zeros + (Pages.SIZE - Pages.offset(at)) / 8);
            long offset = address + delta(forRead(at));
            while (zeros < end && frames.get(PhysicalMemory.LONG, offset + 8L * zeros) == 0) {
                zeros++;
            }
            if (zeros < end) {
                break;
            }
        }
        return zeros;
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
            long sourceOffset;
            int w;
            int seen;
            do {
                seen = invalidations;
                int r = forRead(source);
                sourceOffset = source + delta(r);
                w = forWrite(target, run);
                // Resolving the target's fault may have taken the source's frame away.
            } while (seen != invalidations);
            MemorySegment.copy(frames, sourceOffset, frames, target + delta(w), run);
            done += run;
        }
    }

    @Override
    public boolean compareAndSetInt(long address, int expected, int value) {
        if ((address & 3) != 0) {
            prepareWrite(address, 4);
            synchronized (ram) {
                if (readInt(address) != expected) {
                    return false;
                }
                writeInt(address, value);
                return true;
            }
        }
        int i = forWrite(address, 4);
        return PhysicalMemory.ATOMIC_INT.compareAndSet(frames, address + delta(i), expected, value);
    }

    @Override
    public boolean compareAndSetLong(long address, long expected, long value) {
        if ((address & 7) != 0) {
            prepareWrite(address, 8);
            synchronized (ram) {
                if (readLong(address) != expected) {
                    return false;
                }
                writeLong(address, value);
                return true;
            }
        }
        int i = forWrite(address, 8);
        return PhysicalMemory.ATOMIC_LONG.compareAndSet(frames, address + delta(i), expected, value);
    }

    /**
     * Faults as a write of so many bytes (at most a page) would, and changes nothing. Until the processor stops executing guest
     * instructions, such a write does not fault then: whoever keeps others from locked accesses must not wait for a fault to be
     * resolved, which may wait for them.
     */
    public void prepareWrite(long address, int length) {
        long last = address + length - 1;
        if (tlb[(index(address) << STRIDE_SHIFT) + WRITE_TAG] == (last & -Pages.SIZE)) {
            return;
        }
        int seen;
        do {
            seen = invalidations;
            translate(address, privilege | PageFaultCode.WRITE);
            if (!crosses(address, length)) {
                return;
            }
            translate(last & -Pages.SIZE, privilege | PageFaultCode.WRITE);
            // Resolving the second page's fault may have taken the first one's frame away.
        } while (seen != invalidations);
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

    private int forRead(long address) {
        int i = index(address);
        return tlb[(i << STRIDE_SHIFT) + READ_TAG] == (address & -Pages.SIZE) ? i : fillForRead(address);
    }

    private int forWrite(long address, long length) {
        int i = index(address);
        return tlb[(i << STRIDE_SHIFT) + WRITE_TAG] == (address & -Pages.SIZE) ? i : fillForWrite(address, length);
    }

    private int fillForRead(long address) {
        long physicalAddress = translate(address, privilege);
        // What was never written must be seen when it is.
        return fill(address, physicalAddress, ram.isTouched(physicalAddress) && mayWriteFast(physicalAddress));
    }

    private int fillForWrite(long address, long length) {
        long physicalAddress = translate(address, privilege | PageFaultCode.WRITE);
        ram.writable(physicalAddress, length);
        return fill(address, physicalAddress, mayWriteFast(physicalAddress));
    }

    private boolean mayWriteFast(long physicalAddress) {
        return walk.writeReady && !ram.isCode(physicalAddress >>> Pages.SHIFT);
    }

    private int fill(long address, long physicalAddress, boolean writeFast) {
        int i = index(address);
        int at = i << STRIDE_SHIFT;
        long page = address & -Pages.SIZE;
        tlb[at + READ_TAG] = page;
        tlb[at + WRITE_TAG] = writeFast ? page : NO_TAG;
        tlb[at + DELTA] = physicalAddress - address;
        tlb[at + FRAME] = physicalAddress >>> Pages.SHIFT;
        return i;
    }

    /** Walks, handing refusals to the fault handler until it succeeds or gives up. */
    long translate(long address, int access) {
        while (!walkOnce(address, access)) {
            int errorCode = walk.errorCode;
            NtStatus status = mmu.fault(address, errorCode);
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
        int at = index(address) << STRIDE_SHIFT;
        tlb[at + READ_TAG] = NO_TAG;
        tlb[at + WRITE_TAG] = NO_TAG;
        walk.forgetTables();
        invalidations++;
    }

    /** @param isAlone whether no other processor uses the same RAM */
    void setAlone(boolean isAlone) {
        walk.isAlone = isAlone;
    }

    /** {@link #invalidatePage}s adjacent pages. */
    void invalidatePages(long first, int count) {
        for (int i = 0; i < count; i++) {
            int at = index(first + i * Pages.SIZE) << STRIDE_SHIFT;
            tlb[at + READ_TAG] = NO_TAG;
            tlb[at + WRITE_TAG] = NO_TAG;
        }
        walk.forgetTables();
        invalidations++;
    }

    void invalidateAll() {
        invalidations++;
        walk.forgetTables();
        Arrays.fill(tlb, NO_TAG);
    }

    void forbidFastWrites(long frame) {
        for (int at = 0; at < tlb.length; at += 1 << STRIDE_SHIFT) {
            if (tlb[at + FRAME] == frame) {
                tlb[at + WRITE_TAG] = NO_TAG;
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
        prepareWrite(address, length);
        for (int i = 0; i < length; i++) {
            writeByte(address + i, (byte) (value >>> (8 * i)));
        }
    }
}
