package org.vadose.mm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionPageListsLayout;
import org.vadose.layout.MmpfnLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmus;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;

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

    /** No node is preferred: the processor's own, then the nearest. */
    public static final int ANY_NODE = -1;

    /** So many ints apart, two processors' state shares no cache line. */
    private static final int PADDING = 32;

    private static final int ZEROED_AT_ONCE = 512;

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
    private final Mmus mmus;
    private final UnusedFrames unused;
    /** There is one processor: what it has at hand is available. */
    private final boolean isAlone;

    /** What pages that each processor takes are worth: the page priority of the thread that runs. */
    private final int[] priorities;

    private final TransitionLists listed;
    private final PageList bad;
    private final AvailablePages available;
    private @Nullable BalanceSet balance;

    /** @param base address of the entry of frame 0; {@link #sizeBytes} bytes are mapped there */
    PfnDatabase(Mmus mmus, NodeTopology topology, long base, long kernelBase) {
        this.mmus = mmus;
        this.memory = mmus.kernel();
        this.ram = mmus.ram();
        this.base = base;
        available = new AvailablePages(memory, kernelBase);
        ColourLists colours =
                new ColourLists(memory, topology, kernelBase, base, base + Pages.up(ram.frames() * Pfn.SIZE));
        unused = new UnusedFrames(mmus, colours, lock, available, base);
        isAlone = topology.processors() == 1;
        priorities = new int[(topology.processors() + 2) * PADDING];
        Arrays.fill(priorities, NORMAL_PRIORITY);
        long lists = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.PAGE_LISTS;
        bad = new PageList(memory, lists + MiPartitionPageListsLayout.BAD_PAGE_LIST_HEAD, base);
        listed = new TransitionLists(memory, ram, base, kernelBase, colours, available);
    }

    /** Bytes of PFN entries, and of the arrays behind them. */
    static long sizeBytes(NodeTopology topology) {
        return Pages.up(topology.frames() * Pfn.SIZE) + ColourLists.sizeBytes(topology);
    }

    /**
     * Fills the database at boot: frames that the boot took become active with no mapping yet, all others go to the zeroed
     * list in ascending order, since RAM that was never written is zero.
     *
     * @param taken one flag a frame
     */
    void initialize(boolean[] taken) {
        ColourLists byColour = unused.lists();
        byColour.initialize();
        listed.initialize();
        bad.initialize(PageLocation.BAD);
        long frames = ram.frames();
        // Put together as longs, since a cold JVM interprets this loop over all of RAM.
        int stride = (int) Pfn.SIZE / Long.BYTES;
        long[] entries = new long[BATCH * stride];
        byte[] batch = new byte[entries.length * Long.BYTES];
        LongBuffer batchAsLongs =
                ByteBuffer.wrap(batch).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
        long[] first = new long[byColour.colours()];
        long[] last = new long[byColour.colours()];
        long[] totals = new long[byColour.colours()];
        Arrays.fill(first, Pfn.LIST_END);
        Arrays.fill(last, Pfn.LIST_END);
        long total = 0;
        for (long start = 0; start < frames; start += BATCH) {
            int count = (int) Math.min(BATCH, frames - start);
            for (int i = 0; i < count; i++) {
                int frame = (int) start + i;
                int at = i * stride;
                if (frame < taken.length && taken[frame]) {
                    entries[at + (int) MmpfnLayout.U1 / Long.BYTES] = 0;
                    entries[at + (int) MmpfnLayout.U2 / Long.BYTES] = 1;
                    entries[at + (int) MmpfnLayout.U3 / Long.BYTES] = 1 | ACTIVE_BYTE << 16;
                    continue;
                }
                int colour = byColour.colour(frame);
                entries[at + (int) MmpfnLayout.U1 / Long.BYTES] = nextFree(frame, taken);
                entries[at + (int) MmpfnLayout.U2 / Long.BYTES] = last[colour];
                entries[at + (int) MmpfnLayout.U3 / Long.BYTES] = ZEROED_BYTE << 16;
                if (first[colour] == Pfn.LIST_END) {
                    first[colour] = frame;
                }
                last[colour] = frame;
                totals[colour]++;
                total++;
            }
            batchAsLongs.put(0, entries, 0, count * stride);
            memory.write(base + start * Pfn.SIZE, batch, 0, count * (int) Pfn.SIZE);
        }
        for (int colour = 0; colour < first.length; colour++) {
            byColour.fill(colour, first[colour], last[colour], totals[colour]);
        }
        available.set(total);
        // So that the first frames given out ascend.
        unused.start((int) Arrays.stream(first).min().orElse(0));
    }

    /** The next frame of the same colour that the boot did not take. */
    private long nextFree(int frame, boolean[] taken) {
        long end = topology().firstFrame(topology().ofFrame(frame) + 1);
        int next = frame + ColourLists.COLOURS;
        while (next < taken.length && taken[next]) {
            next += ColourLists.COLOURS;
        }
        return next < end ? next : Pfn.LIST_END;
    }

    /** @param prcb control block of a processor, which from now on takes frames of colours of its own */
    void use(int processor, long prcb) {
        unused.use(processor, prcb);
    }

    /**
     * Until it is said otherwise, frames that the current processor takes are to be of this node, if it has any.
     *
     * @param node or {@link #ANY_NODE}: the processor's own
     */
    void prefer(int node) {
        unused.prefer(node);
    }

    /**
     * What pages that the current processor takes from now on are worth, until it is said otherwise.
     *
     * @param priority 0, the first to be taken away, to 7
     */
    void usePriority(int priority) {
        priorities[(mmus.current().number() + 1) * PADDING] = priority;
    }

    private int priority() {
        return priorities[(mmus.current().number() + 1) * PADDING];
    }

    /** Which node a frame and a processor belong to. */
    public NodeTopology topology() {
        return unused.lists().topology();
    }

    /** As {@link #availablePages()}, of one node. */
    public long availablePages(int node) {
        if (topology().count() == 1) {
            return availablePages();
        }
        lock.lock();
        try {
            return unused.total(node) + listed.standbyPages(node);
        } finally {
            lock.unlock();
        }
    }

    public Pfn pfn(long frame) {
        return new Pfn(memory, base + frame * Pfn.SIZE);
    }

    public long frames() {
        return ram.frames();
    }

    /** Frames that can be had at once: zeroed, free and standby; not those that other processors may have at hand. */
    public long availablePages() {
        return isAlone ? available.get() + unused.atHand() : available.get();
    }

    /** Frames on the lists that nobody has and whose contents nobody wants: zeroed and free. */
    long unusedPages() {
        return unused.listed();
    }

    /** Tells where slots of page files go back to, and who makes frames available when they run out. */
    void use(PageFiles files, BalanceSet balanceSet) {
        listed.use(files);
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

    /** Whether what is taken now serves to make more available. */
    boolean isMakingAvailable() {
        BalanceSet balanceSet = balance;
        return balanceSet != null && balanceSet.isRunning();
    }

    /** As {@link #makeAvailable}, for who is in the middle of changing system space: only page files are written to. */
    void makeAvailableForSystem(long frames) {
        BalanceSet balanceSet = balance;
        if (balanceSet != null && availablePages() - frames < balanceSet.lowPages()) {
            balanceSet.relieveForSystem(frames);
        }
    }

    public long zeroedPages() {
        return unused.zeroed();
    }

    public long freePages() {
        return unused.free();
    }

    /** Frames that are not in use but still have their contents. */
    public long standbyPages() {
        long total = 0;
        for (PageList list : listed.standby()) {
            total += list.total();
        }
        return total;
    }

    /** Modified pages that wait to be written to a page file. */
    long modifiedPages() {
        return listed.modified().total();
    }

    /** Modified pages that wait to be written to their own file. */
    long mappedModifiedPages() {
        return listed.mapped().total();
    }

    /** What the lists hold now. */
    MemoryLists.Counts counts() {
        lock.lock();
        try {
            long[] standby = new long[TransitionLists.PRIORITIES];
            long[] repurposed = new long[TransitionLists.PRIORITIES];
            for (int priority = 0; priority < TransitionLists.PRIORITIES; priority++) {
                standby[priority] = listed.standbyPagesOf(priority);
                repurposed[priority] = listed.repurposed(priority);
            }
            return new MemoryLists.Counts(
                    zeroedPages(),
                    freePages(),
                    modifiedPages() + mappedModifiedPages(),
                    modifiedPages(),
                    listed.modifiedNoWrite().total(),
                    bad.total(),
                    standby,
                    repurposed);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes standby frames from their owners, who read them again when they want them; they are free then.
     *
     * @param highestPriority of those that go
     */
    void purgeStandby(int highestPriority) {
        lock.lock();
        try {
            for (PageList list : listed.standby()) {
                for (long frame = list.first();
                        frame != Pfn.LIST_END && pfn(frame).priority() <= highestPriority;
                        frame = list.first()) {
                    listed.repurpose(frame, pfn(frame).priority());
                    activate(frame, 0, 0);
                    toFree(frame);
                    available.add(1);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** The page that was modified and released first, {@link Pfn#LIST_END} when there is none. */
    long firstModified() {
        return listed.modified().first();
    }

    long firstMappedModified() {
        return listed.mapped().first();
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
        long frame = isAlone ? allocateUnused(pteAddress, pteFrame) : NONE;
        if (frame != NONE) {
            return frame;
        }
        lock.lock();
        try {
            unused.drainIfShort();
            frame = unused.take(ColourLists.ZEROED);
            if (frame != NONE) {
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

    /**
     * As {@link #allocate}, but takes no frame from an owner: that needs the kernel's lock. Fails while there are few unused frames,
     * so that somebody makes more.
     */
    long allocateUnused(long pteAddress, long pteFrame) {
        long frame = unused.takeForProcessor();
        if (frame == NONE) {
            return NONE;
        }
        boolean mustZero = (frame & ProcessorFrames.DIRTY) != 0;
        frame &= ~ProcessorFrames.DIRTY;
        writeActive(frame, pteAddress, pteFrame);
        if (mustZero) {
            ram.zeroFrame(frame);
        }
        return frame;
    }

    /** Makes available what processors have at hand: frames are getting few. */
    void takeBackFromProcessors() {
        lock.lock();
        try {
            unused.drain();
        } finally {
            lock.unlock();
        }
    }

    /** Guards the lists of frames. */
    OrderedLock lock() {
        return lock;
    }

    /** As {@link #allocate}, for a caller that overwrites every byte. */
    long allocateForOverwrite(long pteAddress, long pteFrame) {
        lock.lock();
        try {
            unused.drainIfShort();
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

    /**
     * As {@link #allocateForOverwrite(long, long)}, for adjacent PTEs of one table.
     *
     * @param originals what the frames' {@code OriginalPte} is to be
     * @return how many there were
     */
    int allocateForOverwrite(long[] frames, int count, long pteAddress, long pteFrame, long[] originals) {
        lock.lock();
        try {
            unused.drainIfShort();
            int done = 0;
            while (done < count) {
                int taken = takeDirty(frames, done, count);
                if (taken == 0) {
                    break;
                }
                for (int end = done + taken; done < end; done++) {
                    writeActive(frames[done], pteAddress + (long) done * Long.BYTES, pteFrame, originals[done]);
                }
            }
            available.add(-done);
            return done;
        } finally {
            lock.unlock();
        }
    }

    /** Takes a free frame, or, when nothing is unused, somebody's. */
    private long takeDirty() {
        long frame = unused.take(ColourLists.FREE);
        if (frame != NONE) {
            return frame;
        }
        return unused.zeroed() != 0 ? NONE : listed.repurpose(unused.nodesByDistance());
    }

    /** Takes one frame that is unused, or, when none is, several of somebody's; answers how many. */
    private int takeDirty(long[] frames, int from, int to) {
        if (unusedPages() == 0) {
            return listed.repurpose(unused.nodesByDistance(), frames, from, to);
        }
        long frame = unused.take(ColourLists.FREE);
        frames[from] = frame != NONE ? frame : unused.take(ColourLists.ZEROED);
        return 1;
    }

    /**
     * Takes a frame of zeros that lies in none of the given runs of frames (first, end); it has no mapping yet.
     *
     * @return the frame, or {@link #NONE}
     */
    long allocateOutside(long[][] runs) {
        lock.lock();
        try {
            unused.drain();
            ColourLists byColour = unused.lists();
            for (int i = 0; i < 2 * byColour.colours(); i++) {
                int kind = i / byColour.colours();
                for (long frame = byColour.first(kind, i % byColour.colours());
                        frame != Pfn.LIST_END;
                        frame = pfn(frame).flink()) {
                    if (isOutside(frame, runs)) {
                        takeListed(frame);
                        return frame;
                    }
                }
            }
            for (PageList list : listed.standby()) {
                for (long frame = list.first();
                        frame != Pfn.LIST_END;
                        frame = pfn(frame).flink()) {
                    if (isOutside(frame, runs)) {
                        takeListed(frame);
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
            unused.drain();
            for (int node : unused.nodesByDistance()) {
                long end = topology().firstFrame(node + 1);
                for (long first = topology().firstFrame(node); first + count <= end; first += count) {
                    if (lastUnavailable(first, count) < 0) {
                        for (long frame = first; frame < first + count; frame++) {
                            takeListed(frame);
                        }
                        return first;
                    }
                }
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
            case ZEROED -> unused.lists().remove(ColourLists.ZEROED, frame);
            case FREE -> unused.lists().remove(ColourLists.FREE, frame);
            default -> listed.repurpose(frame, pfn.priority());
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
        available.add(-1);
        writeActive(frame, pteAddress, pteFrame);
    }

    /** The entry of a frame that is on no list any more: its new owner's. */
    private void writeActive(long frame, long pteAddress, long pteFrame) {
        writeActive(frame, pteAddress, pteFrame, 0);
    }

    private void writeActive(long frame, long pteAddress, long pteFrame, long originalPte) {
        long at = base + frame * Pfn.SIZE;
        memory.writeLong(at + MmpfnLayout.U1, 0);
        memory.writeLong(at + MmpfnLayout.PTE_ADDRESS, pteAddress);
        memory.writeLong(at + MmpfnLayout.ORIGINAL_PTE, originalPte);
        memory.writeLong(at + MmpfnLayout.U2, 1);
        memory.writeInt(at + MmpfnLayout.U3, 1 | ACTIVE_BYTE << 16 | priority() << 24);
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
            available.add(1);
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
        unused.lists().add(ColourLists.FREE, frame);
    }

    /**
     * The last mapping of an active frame is gone, its contents stay: its PTE, or prototype PTE, is in transition from now on.
     *
     * @param dirty what the mapping's dirty bit said
     */
    void release(long frame, boolean dirty) {
        lock.lock();
        try {
            listed.release(frame, dirty);
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@link #release}s many frames.
     *
     * @param released frame numbers, shifted left by one; the lowest bit says that the mapping was dirty. Only the numbers are left
     */
    void releaseAll(long[] released, int count) {
        lock.lock();
        try {
            listed.releaseAll(released, count);
        } finally {
            lock.unlock();
        }
    }

    /** Gives back the slot that an entry, or an {@code OriginalPte}, owns, if it does. */
    void freeSlot(long original) {
        listed.freeSlot(original);
    }

    /** A listed frame becomes active again, with its contents; share count 1. The caller makes its PTE valid. */
    void reactivate(long frame) {
        lock.lock();
        try {
            listed.reactivate(frame, priority());
        } finally {
            lock.unlock();
        }
    }

    /**
     * As {@link #reactivate}, without the kernel's lock, if the frame of a transition PTE is on standby, where nobody is about to do
     * something with it but taking it away as a whole.
     *
     * @param pte what stood at {@code pteAddress} when it was read
     * @return false when the frame is elsewhere, or somebody else's already
     */
    boolean reactivateStandby(long pteAddress, long pte) {
        lock.lock();
        try {
            boolean isThere =
                    memory.readLong(pteAddress) == pte && pfn(Pte.frame(pte)).location() == PageLocation.STANDBY;
            if (isThere) {
                listed.reactivate(Pte.frame(pte), priority());
            }
            return isThere;
        } finally {
            lock.unlock();
        }
    }

    /** The page was written to its file: it is no longer modified, and if it was listed, it is on standby. */
    void written(long frame) {
        lock.lock();
        try {
            listed.written(frame);
        } finally {
            lock.unlock();
        }
    }

    /** A modified page's contents are in a slot now: it is on standby. */
    void pagedOut(long frame, int file, long slot) {
        lock.lock();
        try {
            listed.pagedOut(frame, file, slot);
        } finally {
            lock.unlock();
        }
    }

    /** The pages that are first on the modified list have been written to adjacent slots: they are on standby. */
    void pagedOut(long[] frames, int count, int file, long slot) {
        lock.lock();
        try {
            listed.pagedOut(frames, count, file, slot);
        } finally {
            lock.unlock();
        }
    }

    /** A modified page could not be written: others go first the next time. */
    void postpone(long frame) {
        lock.lock();
        try {
            listed.postpone(frame);
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
            listed.remove(frame);
            toFree(frame);
            available.add(1);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Zeroes up to so many free frames and moves them to the zeroed lists, as the zero-page thread does. They go there in order, so
     * that frames taken one after the other, of one colour after the other, are neighbours as often as can be.
     *
     * @return how many there were
     */
    public long zeroFreePages(long atMost) {
        long[] batch = new long[ZEROED_AT_ONCE];
        long done = 0;
        int count;
        do {
            lock.lock();
            try {
                count = unused.takeFree(batch, (int) Math.min(atMost - done, ZEROED_AT_ONCE));
                Arrays.sort(batch, 0, count);
                for (int i = count - 1; i >= 0; i--) {
                    ram.zeroFrame(batch[i]);
                    pfn(batch[i]).setLocation(PageLocation.ZEROED);
                    unused.lists().add(ColourLists.ZEROED, batch[i]);
                }
            } finally {
                lock.unlock();
            }
            done += count;
        } while (count == ZEROED_AT_ONCE && done < atMost);
        return done;
    }
}
