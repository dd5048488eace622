package org.vadose.mm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionPageListsLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MmpfnLayout;
import org.vadose.layout.MmpfnlistLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Subsection;

/**
 * The PFN database: one {@code _MMPFN} for each frame of RAM, and the lists of frames that are in no working set.
 *
 * <pre>
 *   zeroed, free --allocate--> active --free--> free --zeroFreePages--> zeroed
 *   active --release--> standby (its contents can be had again) or modified (they cannot yet)
 *   modified --written--> standby
 *   standby, modified --reactivate--> active
 *   standby, modified --discard--> free
 *   standby --allocate, when nothing else is left--> active for somebody else; its old PTE becomes OriginalPte
 * </pre>
 *
 * <p>An active frame's share count is the number of valid PTEs that map it; for a frame that holds PTEs, the number of its
 * entries that are valid or in transition is added. Whoever writes an entry counts; what is counted here is only what happens
 * to the table of a repurposed frame. Zeroed, free and standby frames are <em>available</em>. Heads of the lists and the count
 * of available frames are in {@code nt!MiSystemPartition}.
 */
public final class PfnDatabase {
    /** No frame: what {@link #allocate} returns when RAM is used up. */
    public static final long NONE = -1;

    /** Priority of pages that nobody gave another one. */
    public static final int NORMAL_PRIORITY = 5;

    private static final int PRIORITIES = 8;
    /** Lists that modified pages of files, and those with reserved slots, are spread over. */
    private static final int BUCKETS = 16;

    private static final int BATCH = 1024;
    /** Cached, as almost all memory is. */
    private static final int CACHED = 1 << 6;

    private static final int ACTIVE_BYTE = PageLocation.ACTIVE.value() | CACHED;
    private static final int ZEROED_BYTE = PageLocation.ZEROED.value() | CACHED;

    /** Guards the lists and the count of available frames. An active frame's entry is its owner's. */
    private final OrderedLock lock = new OrderedLock(OrderedLock.Rank.FRAMES);

    private final Memory memory;
    private final PhysicalMemory ram;
    private final long base;
    private final PageList zeroed;
    private final PageList free;
    private final PageList modified;
    private final PageList modifiedNoWrite;
    private final PageList mapped;
    private final PageList bad;
    private final PageList[] standby = new PageList[PRIORITIES];
    private final PageList[] empty;
    private final long repurposed;
    private final long availablePages;
    private @Nullable PageFiles pageFiles;
    private @Nullable BalanceSet balance;

    /** @param base address of the entry of frame 0 */
    PfnDatabase(Memory memory, PhysicalMemory ram, long base, long kernelBase) {
        this.memory = memory;
        this.ram = ram;
        this.base = base;
        long partition = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION;
        long lists = partition + MiPartitionLayout.PAGE_LISTS;
        long visible = partition + MiPartitionLayout.VP;
        zeroed = new PageList(memory, lists + MiPartitionPageListsLayout.ZEROED_PAGE_LIST_HEAD);
        free = new PageList(memory, lists + MiPartitionPageListsLayout.FREE_PAGE_LIST_HEAD);
        bad = new PageList(memory, lists + MiPartitionPageListsLayout.BAD_PAGE_LIST_HEAD);
        modified = new PageList(memory, visible + MiVisiblePartitionLayout.MODIFIED_PAGE_LIST_HEAD);
        modifiedNoWrite = new PageList(memory, visible + MiVisiblePartitionLayout.MODIFIED_NO_WRITE_PAGE_LIST_HEAD);
        mapped = new PageList(memory, lists + MiPartitionPageListsLayout.MAPPED_PAGE_LIST_HEAD);
        empty = new PageList[2 + 2 * BUCKETS - 1];
        empty[0] = new PageList(memory, lists + MiPartitionPageListsLayout.STANDBY_PAGE_LIST_HEAD);
        empty[1] = new PageList(memory, lists + MiPartitionPageListsLayout.MODIFIED_PAGE_LIST_NO_RESERVATION);
        for (int i = 0; i < BUCKETS; i++) {
            long next = i * MmpfnlistLayout.SIZE;
            empty[2 + i] =
                    new PageList(memory, lists + MiPartitionPageListsLayout.MODIFIED_PAGE_LIST_BY_RESERVATION + next);
            if (i != 0) {
                empty[1 + BUCKETS + i] = new PageList(memory, mapped.address() + next);
            }
        }
        for (int priority = 0; priority < PRIORITIES; priority++) {
            standby[priority] = new PageList(
                    memory,
                    lists + MiPartitionPageListsLayout.STANDBY_PAGE_LIST_BY_PRIORITY + priority * MmpfnlistLayout.SIZE);
        }
        repurposed = lists + MiPartitionPageListsLayout.STANDBY_REPURPOSED_BY_PRIORITY;
        availablePages = visible + MiVisiblePartitionLayout.AVAILABLE_PAGES;
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
        modifiedNoWrite.initialize(PageLocation.MODIFIED_NO_WRITE);
        bad.initialize(PageLocation.BAD);
        mapped.initialize(PageLocation.MODIFIED);
        for (PageList list : empty) {
            list.initialize(list == empty[0] ? PageLocation.STANDBY : PageLocation.MODIFIED);
        }
        for (PageList list : standby) {
            list.initialize(PageLocation.STANDBY);
        }
        long frames = ram.frames();
        // Put together as longs, since a cold JVM interprets this loop over all of RAM.
        int stride = (int) Pfn.SIZE / Long.BYTES;
        long[] entries = new long[BATCH * stride];
        byte[] batch = new byte[entries.length * Long.BYTES];
        LongBuffer batchAsLongs =
                ByteBuffer.wrap(batch).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
        long first = Pfn.LIST_END;
        long previous = Pfn.LIST_END;
        long total = 0;
        for (long start = 0; start < frames; start += BATCH) {
            int count = (int) Math.min(BATCH, frames - start);
            for (int i = 0; i < count; i++) {
                int frame = (int) start + i;
                int at = i * stride;
                boolean used = frame < taken.length && taken[frame];
                entries[at + (int) MmpfnLayout.U1 / Long.BYTES] = used ? 0 : nextFree(frame, taken, frames);
                entries[at + (int) MmpfnLayout.U2 / Long.BYTES] = used ? 1 : previous;
                entries[at + (int) MmpfnLayout.U3 / Long.BYTES] = used ? 1 | ACTIVE_BYTE << 16 : ZEROED_BYTE << 16;
                if (!used) {
                    first = first == Pfn.LIST_END ? frame : first;
                    previous = frame;
                    total++;
                }
            }
            batchAsLongs.put(0, entries, 0, count * stride);
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

    /** Frames that can be had at once: zeroed, free and standby. */
    public long availablePages() {
        return memory.readLong(availablePages);
    }

    /** Frames that nobody has and whose contents nobody wants: zeroed and free. */
    long unusedPages() {
        return zeroed.total() + free.total();
    }

    /** Tells where slots of page files go back to, and who makes frames available when they run out. */
    void use(PageFiles files, BalanceSet balanceSet) {
        pageFiles = files;
        balance = balanceSet;
    }

    /**
     * Makes frames available if so many would leave few of them: trims working sets and writes pages. Any page-table entry of a
     * user page may change from valid to transition, any shared one to prototype.
     */
    void makeAvailable(long frames) {
        BalanceSet balanceSet = balance;
        if (balanceSet != null && availablePages() - frames < balanceSet.lowPages()) {
            balanceSet.relieve(frames);
        }
    }

    /** Modified pages that wait to be written to a page file. */
    long modifiedPages() {
        return modified.total();
    }

    /** Modified pages that wait to be written to their own file. */
    long mappedModifiedPages() {
        return mapped.total();
    }

    /** The page that was modified and released first, {@link Pfn#LIST_END} when there is none. */
    long firstModified() {
        return modified.first();
    }

    long firstMappedModified() {
        return mapped.first();
    }

    // --- taking frames ---

    /**
     * Takes a frame of zeros.
     *
     * @param pteAddress what will map it
     * @param pteFrame frame of the table that holds that entry
     * @return an active frame with share and reference count 1, or {@link #NONE}
     */
    public long allocate(long pteAddress, long pteFrame) {
        long frame;
        lock.lock();
        try {
            frame = zeroed.first();
            if (frame != Pfn.LIST_END) {
                unlink(zeroed, frame);
                activate(frame, pteAddress, pteFrame);
                return frame;
            }
            frame = takeDirty();
            if (frame == NONE) {
                return NONE;
            }
            activate(frame, pteAddress, pteFrame);
        } finally {
            lock.unlock();
        }
        ram.zeroFrame(frame);
        return frame;
    }

    /** As {@link #allocate}, but takes no frame from an owner: that needs the kernel's lock. */
    long allocateUnused(long pteAddress, long pteFrame) {
        long frame;
        boolean mustZero;
        lock.lock();
        try {
            frame = zeroed.first();
            boolean isZero = frame != Pfn.LIST_END;
            if (!isZero) {
                frame = free.first();
                if (frame == Pfn.LIST_END) {
                    return NONE;
                }
            }
            unlink(isZero ? zeroed : free, frame);
            addAvailable(-1);
            mustZero = !isZero;
        } finally {
            lock.unlock();
        }
        writeActive(frame, pteAddress, pteFrame);
        if (mustZero) {
            ram.zeroFrame(frame);
        }
        return frame;
    }

    /** Guards the lists of frames. */
    OrderedLock lock() {
        return lock;
    }

    /** As {@link #allocate}, for a caller that overwrites every byte. */
    long allocateForOverwrite(long pteAddress, long pteFrame) {
        lock.lock();
        try {
            long frame = takeDirty();
            if (frame == NONE) {
                return allocate(pteAddress, pteFrame);
            }
            activate(frame, pteAddress, pteFrame);
            return frame;
        } finally {
            lock.unlock();
        }
    }

    private long takeDirty() {
        long frame = free.first();
        if (frame != Pfn.LIST_END) {
            unlink(free, frame);
            return frame;
        }
        if (zeroed.total() != 0) {
            return NONE;
        }
        return repurpose();
    }

    /** Takes the page that was least recently released, of the lowest priority that has any, from its owner. */
    private long repurpose() {
        for (int priority = 0; priority < PRIORITIES; priority++) {
            long frame = standby[priority].first();
            if (frame == Pfn.LIST_END) {
                continue;
            }
            repurpose(frame, priority);
            return frame;
        }
        return NONE;
    }

    private void repurpose(long frame, int priority) {
        unlink(standby[priority], frame);
        Pfn pfn = pfn(frame);
        // The owner may be another process: its tables are reached by their frame, as through a system PTE.
        long entry = pfn.pteFrame() << Pages.SHIFT | Pages.offset(pfn.pteAddress());
        ram.writeLong(entry, pfn.originalPte());
        Pfn table = pfn(pfn.pteFrame());
        table.addShares(-1);
        if (pfn.isPrototype() && Pte.kind(pfn.originalPte()) == Pte.Kind.PROTOTYPE) {
            new Subsection(memory, Pte.prototypeAddress(pfn.originalPte())).countPage(-1);
        }
        long counter = repurposed + 4L * priority;
        memory.writeInt(counter, memory.readInt(counter) + 1);
    }

    /**
     * Takes a frame of zeros that lies in none of the given runs of frames (first, end); it has no mapping yet.
     *
     * @return the frame, or {@link #NONE}
     */
    long allocateOutside(long[][] runs) {
        lock.lock();
        try {
            for (PageList list : new PageList[] {zeroed, free}) {
                for (long frame = list.first();
                        frame != Pfn.LIST_END;
                        frame = pfn(frame).flink()) {
                    if (isOutside(frame, runs)) {
                        unlink(list, frame);
                        if (list == free) {
                            ram.zeroFrame(frame);
                        }
                        activate(frame, 0, 0);
                        return frame;
                    }
                }
            }
            for (int priority = 0; priority < PRIORITIES; priority++) {
                for (long frame = standby[priority].first();
                        frame != Pfn.LIST_END;
                        frame = pfn(frame).flink()) {
                    if (isOutside(frame, runs)) {
                        repurpose(frame, priority);
                        ram.zeroFrame(frame);
                        activate(frame, 0, 0);
                        return frame;
                    }
                }
            }
            return NONE;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes frames in a row, zeroed, without mapping.
     *
     * @param count of frames, a power of two; the first one's number is a multiple of it
     * @return the first frame, or {@link #NONE} when no such row is available as a whole
     */
    long allocateContiguous(int count) {
        lock.lock();
        try {
            long first = 0;
            while (first + count <= frames()) {
                long unavailable = lastUnavailable(first, count);
                if (unavailable < 0) {
                    for (long frame = first; frame < first + count; frame++) {
                        takeListed(frame);
                    }
                    return first;
                }
                first += count;
            }
            return NONE;
        } finally {
            lock.unlock();
        }
    }

    private long lastUnavailable(long first, int count) {
        for (long frame = first + count - 1; frame >= first; frame--) {
            switch (pfn(frame).location()) {
                case ZEROED, FREE, STANDBY -> {}
                case MODIFIED, MODIFIED_NO_WRITE, BAD, ACTIVE, TRANSITION -> {
                    return frame;
                }
            }
        }
        return -1;
    }

    /** Takes an available frame off its list; its contents are zeros afterwards. */
    private void takeListed(long frame) {
        Pfn pfn = pfn(frame);
        switch (pfn.location()) {
            case ZEROED -> unlink(zeroed, frame);
            case FREE -> unlink(free, frame);
            default -> repurpose(frame, pfn.priority());
        }
        if (pfn.location() != PageLocation.ZEROED) {
            ram.zeroFrame(frame);
        }
        activate(frame, 0, 0);
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
        addAvailable(-1);
        writeActive(frame, pteAddress, pteFrame);
    }

    /** The entry of a frame that is on no list any more: its new owner's. */
    private void writeActive(long frame, long pteAddress, long pteFrame) {
        long at = base + frame * Pfn.SIZE;
        memory.writeLong(at + MmpfnLayout.U1, 0);
        memory.writeLong(at + MmpfnLayout.PTE_ADDRESS, pteAddress);
        memory.writeLong(at + MmpfnLayout.ORIGINAL_PTE, 0);
        memory.writeLong(at + MmpfnLayout.U2, 1);
        memory.writeInt(at + MmpfnLayout.U3, 1 | ACTIVE_BYTE << 16 | NORMAL_PRIORITY << 24);
        memory.writeLong(at + MmpfnLayout.U4, pteFrame);
    }

    // --- giving frames back ---

    /** Gives an active frame, whose mappings are gone, back to the free list; its contents are lost. */
    public void free(long frame) {
        lock.lock();
        try {
            Pfn pfn = pfn(frame);
            if (pfn.location() != PageLocation.ACTIVE) {
                throw new IllegalStateException(
                        "freeing a frame that is not in use pfn=" + Hex.plain(frame) + " location=" + pfn.location());
            }
            toFree(frame);
            addAvailable(1);
        } finally {
            lock.unlock();
        }
    }

    private void toFree(long frame) {
        long at = base + frame * Pfn.SIZE;
        freeSlot(memory.readLong(at + MmpfnLayout.ORIGINAL_PTE));
        memory.writeLong(at + MmpfnLayout.PTE_ADDRESS, 0);
        memory.writeLong(at + MmpfnLayout.ORIGINAL_PTE, 0);
        memory.writeInt(at + MmpfnLayout.U3, (PageLocation.FREE.value() | CACHED) << 16);
        memory.writeLong(at + MmpfnLayout.U4, 0);
        linkFirst(free, frame);
    }

    /**
     * The last mapping of an active frame is gone, its contents stay: its PTE, or prototype PTE, is in transition from now on.
     *
     * @param dirty what the mapping's dirty bit said
     */
    void release(long frame, boolean dirty) {
        lock.lock();
        try {
            Pfn pfn = pfn(frame);
            if (pfn.location() != PageLocation.ACTIVE) {
                throw new IllegalStateException(
                        "releasing a frame that is not in use pfn=" + Hex.plain(frame) + " location=" + pfn.location());
            }
            boolean isModified = dirty || pfn.isModified();
            long original = pfn.originalPte();
            if (isModified && Pte.holdsSlot(original)) {
                freeSlot(original);
                pfn.setOriginalPte(Pte.withoutSlot(original));
            } else if (Pte.kind(original) == Pte.Kind.DEMAND_ZERO) {
                // Written or not, its contents are nowhere else.
                isModified = true;
            }
            pfn.setModified(isModified);
            pfn.setReferenceCount(0);
            pfn.setLocation(isModified ? PageLocation.MODIFIED : PageLocation.STANDBY);
            linkLast(isModified ? modifiedListOf(pfn) : standby[pfn.priority()], frame);
            addAvailable(isModified ? 0 : 1);
        } finally {
            lock.unlock();
        }
    }

    /** Pages of data files go back to their files, all others to a page file. */
    private PageList modifiedListOf(Pfn pfn) {
        if (!pfn.isPrototype() || Pte.kind(pfn.originalPte()) != Pte.Kind.PROTOTYPE) {
            return modified;
        }
        ControlArea area = new Subsection(memory, Pte.prototypeAddress(pfn.originalPte())).controlArea();
        return area.isImage() ? modified : mapped;
    }

    /** Gives back the slot that an entry, or an {@code OriginalPte}, owns, if it does. */
    void freeSlot(long original) {
        if (Pte.holdsSlot(original)) {
            Objects.requireNonNull(pageFiles, "no page file").free(original);
        }
    }

    /** A listed frame becomes active again, with its contents; share count 1. The caller makes its PTE valid. */
    void reactivate(long frame) {
        lock.lock();
        try {
            Pfn pfn = pfn(frame);
            unlinkTransition(pfn, frame);
            pfn.setFlink(0);
            pfn.setShareCount(1);
            pfn.setReferenceCount(1);
            pfn.setLocation(PageLocation.ACTIVE);
        } finally {
            lock.unlock();
        }
    }

    /** The page was written to its file: it is no longer modified, and if it was listed, it is on standby. */
    void written(long frame) {
        lock.lock();
        try {
            Pfn pfn = pfn(frame);
            pfn.setModified(false);
            if (pfn.location() != PageLocation.MODIFIED && pfn.location() != PageLocation.MODIFIED_NO_WRITE) {
                return;
            }
            unlinkTransition(pfn, frame);
            pfn.setLocation(PageLocation.STANDBY);
            linkLast(standby[pfn.priority()], frame);
            addAvailable(1);
        } finally {
            lock.unlock();
        }
    }

    /** A modified page's contents are in a slot now: it is on standby. */
    void pagedOut(long frame, int file, long slot) {
        lock.lock();
        try {
            Pfn pfn = pfn(frame);
            unlink(modified, frame);
            long original = pfn.originalPte();
            if (Pte.kind(original) == Pte.Kind.PROTOTYPE) {
                // A page of an image that was written in place: from now on it is the page file's.
                new Subsection(memory, Pte.prototypeAddress(original)).countPage(-1);
            }
            pfn.setOriginalPte(Pte.withSlot(original, file, slot));
            pfn.setModified(false);
            pfn.setLocation(PageLocation.STANDBY);
            linkLast(standby[pfn.priority()], frame);
            addAvailable(1);
        } finally {
            lock.unlock();
        }
    }

    /** A modified page could not be written: others go first the next time. */
    void postpone(long frame) {
        lock.lock();
        try {
            PageList list = modifiedListOf(pfn(frame));
            unlink(list, frame);
            linkLast(list, frame);
        } finally {
            lock.unlock();
        }
    }

    /** Gives back the slots of pages that are in working sets; these are modified from then on. */
    void giveUpSlotsOfActivePages() {
        for (long frame = 0; frame < ram.frames(); frame++) {
            Pfn pfn = pfn(frame);
            if (pfn.location() == PageLocation.ACTIVE && Pte.holdsSlot(pfn.originalPte())) {
                freeSlot(pfn.originalPte());
                pfn.setOriginalPte(Pte.withoutSlot(pfn.originalPte()));
                pfn.setModified(true);
            }
        }
    }

    /** Nobody will want a listed frame's contents any more. The caller has written its PTE over. */
    void discard(long frame) {
        lock.lock();
        try {
            unlinkTransition(pfn(frame), frame);
            toFree(frame);
            addAvailable(1);
        } finally {
            lock.unlock();
        }
    }

    private void unlinkTransition(Pfn pfn, long frame) {
        switch (pfn.location()) {
            case MODIFIED -> unlink(modifiedListOf(pfn), frame);
            case MODIFIED_NO_WRITE -> unlink(modifiedNoWrite, frame);
            case STANDBY -> {
                unlink(standby[pfn.priority()], frame);
                addAvailable(-1);
            }
            case ZEROED, FREE, BAD, ACTIVE, TRANSITION ->
                throw new IllegalStateException("frame of a transition PTE is elsewhere pfn=" + Hex.plain(frame)
                        + " location=" + pfn.location());
        }
    }

    /** Zeroes up to so many free frames and moves them to the zeroed list, as the zero-page thread does. */
    public void zeroFreePages(long atMost) {
        lock.lock();
        try {
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
        } finally {
            lock.unlock();
        }
    }

    // --- lists ---

    private void addAvailable(long delta) {
        memory.writeLong(availablePages, memory.readLong(availablePages) + delta);
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

    private void linkLast(PageList list, long frame) {
        long previous = list.last();
        Pfn pfn = pfn(frame);
        pfn.setFlink(Pfn.LIST_END);
        pfn.setBlink(previous);
        if (previous == Pfn.LIST_END) {
            list.setFirst(frame);
        } else {
            pfn(previous).setFlink(frame);
        }
        list.setLast(frame);
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
