package org.vadose.mm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionPageListsLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MmpfnLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;

/**
 * The PFN database: one {@code _MMPFN} for each frame of RAM, and the lists of frames that nobody uses.
 *
 * <pre>
 *   zeroed --allocate--> active --free--> free --zeroFreePages / allocate--> zeroed / active
 *   active --toModified--> modified --fromModified--> active
 * </pre>
 *
 * Heads of the lists and the count of available pages are in {@code nt!MiSystemPartition}.
 */
public final class PfnDatabase {
    /** No frame: what {@link #allocate} returns when RAM is used up. */
    public static final long NONE = -1;

    private static final int BATCH = 1024;
    private static final int ACTIVE_BYTE = PageLocation.ACTIVE.value() | 1 << 6;
    private static final int ZEROED_BYTE = PageLocation.ZEROED.value() | 1 << 6;

    private final Memory memory;
    private final PhysicalMemory ram;
    private final long base;
    private final PageList zeroed;
    private final PageList free;
    private final PageList modified;
    private final long availablePages;

    /** @param base address of the entry of frame 0 */
    PfnDatabase(Memory memory, PhysicalMemory ram, long base, long kernelBase) {
        this.memory = memory;
        this.ram = ram;
        this.base = base;
        long partition = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION;
        long lists = partition + MiPartitionLayout.PAGE_LISTS;
        zeroed = new PageList(memory, lists + MiPartitionPageListsLayout.ZEROED_PAGE_LIST_HEAD);
        free = new PageList(memory, lists + MiPartitionPageListsLayout.FREE_PAGE_LIST_HEAD);
        modified = new PageList(
                memory, partition + MiPartitionLayout.VP + MiVisiblePartitionLayout.MODIFIED_PAGE_LIST_HEAD);
        availablePages = partition + MiPartitionLayout.VP + MiVisiblePartitionLayout.AVAILABLE_PAGES;
    }

    /** Bytes of PFN entries for so much RAM. */
    static long sizeBytes(long frames) {
        return Pages.up(frames * Pfn.SIZE);
    }

    /**
     * Fills the database at boot: frames that the boot took become active with no mapping yet, all others go to the zeroed
     * list in ascending order, since RAM that was never written is zero.
     *
     * @param taken one flag a frame
     */
    void initialize(boolean[] taken) {
        zeroed.initialize(PageLocation.ZEROED);
        free.initialize(PageLocation.FREE);
        modified.initialize(PageLocation.MODIFIED);
        long frames = ram.frames();
        byte[] batch = new byte[(int) (BATCH * Pfn.SIZE)];
        ByteBuffer entries = ByteBuffer.wrap(batch).order(ByteOrder.LITTLE_ENDIAN);
        long first = Pfn.LIST_END;
        long previous = Pfn.LIST_END;
        long total = 0;
        for (long start = 0; start < frames; start += BATCH) {
            int count = (int) Math.min(BATCH, frames - start);
            for (int i = 0; i < count; i++) {
                int frame = (int) start + i;
                int at = i * (int) Pfn.SIZE;
                boolean used = frame < taken.length && taken[frame];
                entries.putLong(at + (int) MmpfnLayout.U1, used ? 0 : nextFree(frame, taken, frames));
                entries.putLong(at + (int) MmpfnLayout.U2, used ? 1 : previous);
                entries.putInt(at + (int) MmpfnLayout.U3, used ? 1 | ACTIVE_BYTE << 16 : ZEROED_BYTE << 16);
                if (!used) {
                    first = first == Pfn.LIST_END ? frame : first;
                    previous = frame;
                    total++;
                }
            }
            memory.write(base + start * Pfn.SIZE, batch, 0, count * (int) Pfn.SIZE);
        }
        zeroed.setFirst(first);
        zeroed.setLast(previous);
        zeroed.setTotal(total);
        memory.writeLong(availablePages, total);
    }

    private static long nextFree(int frame, boolean[] taken, long frames) {
        int next = frame + 1;
        while (next < taken.length && taken[next]) {
            next++;
        }
        return next < frames ? next : Pfn.LIST_END;
    }

    public Pfn pfn(long frame) {
        return new Pfn(memory, base + frame * Pfn.SIZE);
    }

    public long frames() {
        return ram.frames();
    }

    /** Frames on the zeroed and free lists. */
    public long availablePages() {
        return memory.readLong(availablePages);
    }

    /**
     * Takes a frame of zeros.
     *
     * @param pteAddress what will map it
     * @param pteFrame frame of the table that holds that entry
     * @return an active frame with share and reference count 1, or {@link #NONE}
     */
    public long allocate(long pteAddress, long pteFrame) {
        long frame = zeroed.first();
        if (frame != Pfn.LIST_END) {
            unlink(zeroed, frame);
        } else {
            frame = free.first();
            if (frame == Pfn.LIST_END) {
                return NONE;
            }
            unlink(free, frame);
            ram.zeroFrame(frame);
        }
        activate(frame, pteAddress, pteFrame);
        return frame;
    }

    /**
     * Takes a frame of zeros that lies in none of the given runs of frames (first, end); it has no mapping yet.
     *
     * @return the frame, or {@link #NONE}
     */
    long allocateOutside(long[][] runs) {
        for (PageList list : new PageList[] {zeroed, free}) {
            for (long frame = list.first();
                    frame != Pfn.LIST_END;
                    frame = pfn(frame).flink()) {
                if (isOutside(frame, runs)) {
                    unlink(list, frame);
                    if (list.equals(free)) {
                        ram.zeroFrame(frame);
                    }
                    activate(frame, 0, 0);
                    return frame;
                }
            }
        }
        return NONE;
    }

    private static boolean isOutside(long frame, long[][] runs) {
        for (long[] run : runs) {
            if (frame >= run[0] && frame < run[1]) {
                return false;
            }
        }
        return true;
    }

    private void activate(long frame, long pteAddress, long pteFrame) {
        Pfn pfn = pfn(frame);
        pfn.setFlink(0);
        pfn.setShareCount(1);
        pfn.setPteAddress(pteAddress);
        pfn.setOriginalPte(0);
        pfn.setPteFrame(pteFrame, false);
        pfn.setReferenceCount(1);
        pfn.setLocation(PageLocation.ACTIVE);
        memory.writeLong(availablePages, memory.readLong(availablePages) - 1);
    }

    /** Gives an active frame, whose mappings are gone, back to the free list. */
    public void free(long frame) {
        Pfn pfn = pfn(frame);
        if (pfn.location() != PageLocation.ACTIVE) {
            throw new IllegalStateException(
                    "freeing a frame that is not in use pfn=" + Hex.plain(frame) + " location=" + pfn.location());
        }
        pfn.setReferenceCount(0);
        pfn.setModified(false);
        pfn.setLocation(PageLocation.FREE);
        pfn.setPteAddress(0);
        pfn.setPteFrame(0, false);
        linkFirst(free, frame);
        memory.writeLong(availablePages, memory.readLong(availablePages) + 1);
    }

    /** An active private page leaves its working set; its contents are nowhere else. */
    void toModified(long frame, long originalPte) {
        Pfn pfn = pfn(frame);
        pfn.setOriginalPte(originalPte);
        pfn.setReferenceCount(0);
        pfn.setModified(true);
        pfn.setLocation(PageLocation.MODIFIED);
        linkFirst(modified, frame);
    }

    /** A page on the modified list becomes active again. */
    void fromModified(long frame) {
        unlink(modified, frame);
        Pfn pfn = pfn(frame);
        pfn.setFlink(0);
        pfn.setShareCount(1);
        pfn.setReferenceCount(1);
        pfn.setLocation(PageLocation.ACTIVE);
    }

    /** Zeroes up to so many free frames and moves them to the zeroed list, as the zero-page thread does. */
    public void zeroFreePages(long atMost) {
        for (long done = 0; done < atMost; done++) {
            long frame = free.first();
            if (frame == Pfn.LIST_END) {
                return;
            }
            unlink(free, frame);
            ram.zeroFrame(frame);
            pfn(frame).setLocation(PageLocation.ZEROED);
            linkFirst(zeroed, frame);
        }
    }

    private void linkFirst(PageList list, long frame) {
        long next = list.first();
        Pfn pfn = pfn(frame);
        pfn.setFlink(next);
        pfn.setBlink(Pfn.LIST_END);
        if (next == Pfn.LIST_END) {
            list.setLast(frame);
        } else {
            pfn(next).setBlink(frame);
        }
        list.setFirst(frame);
        list.setTotal(list.total() + 1);
    }

    private void unlink(PageList list, long frame) {
        Pfn pfn = pfn(frame);
        long next = pfn.flink();
        long previous = pfn.blink();
        if (previous == Pfn.LIST_END) {
            list.setFirst(next);
        } else {
            pfn(previous).setFlink(next);
        }
        if (next == Pfn.LIST_END) {
            list.setLast(previous);
        } else {
            pfn(next).setBlink(previous);
        }
        list.setTotal(list.total() - 1);
    }
}
