package org.vadose.mm;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiNodeInformationLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionPageListsLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MmpfnLayout;
import org.vadose.layout.Mmpfnentry1Layout;
import org.vadose.layout.MmpfnlistLayout;
import org.vadose.layout.MmpfnlistShortLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Subsection;

/**
 * The lists of frames whose pages are in RAM and in no working set: standby, by priority, and modified. {@link PfnDatabase} holds
 * their lock.
 *
 * <p>With one node, standby frames are on {@code StandbyPageListByPriority}; with several, on {@code StandbyPageList} of their node's
 * {@code _MI_NODE_INFORMATION}, first channel, so that who prefers a node need not search. (The structures are genuine; that Windows
 * leaves the other lists empty then is inferred.)
 */
final class TransitionLists {
    static final int PRIORITIES = 8;
    /** Lists that modified pages of files, and those with reserved slots, are spread over. */
    private static final int BUCKETS = 16;

    // Of the 32 bits of u3: the reference count, e1, e3.
    private static final int REFERENCES = 0xFFFF;
    private static final int E1_SHIFT = 16;
    private static final int LOCATION = (int) Mmpfnentry1Layout.PAGE_LOCATION_MASK << E1_SHIFT;
    private static final int MODIFIED = 1 << Mmpfnentry1Layout.MODIFIED_SHIFT + E1_SHIFT;
    private static final int PRIORITY_SHIFT = 24;

    private final Memory memory;
    private final PhysicalMemory ram;
    private final long base;
    private final PageList modified;
    private final PageList modifiedNoWrite;
    private final PageList mapped;
    /** By priority, and then by node. */
    private final PageList[] standby;

    private final PageList[] standbyByPriority;
    private final NodeTopology topology;
    private final int nodes;
    private final PageList[] empty;
    private final long repurposed;
    private final AvailablePages available;
    private @Nullable PageFiles pageFiles;

    /**
     * @param base address of the PFN entry of frame 0
     * @param unused lists of the same frames, which know the nodes
     */
    TransitionLists(
            Memory memory,
            PhysicalMemory ram,
            long base,
            long kernelBase,
            ColourLists unused,
            AvailablePages available) {
        this.memory = memory;
        this.ram = ram;
        this.base = base;
        long partition = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION;
        long lists = partition + MiPartitionLayout.PAGE_LISTS;
        long visible = partition + MiPartitionLayout.VP;
        modified = new PageList(memory, visible + MiVisiblePartitionLayout.MODIFIED_PAGE_LIST_HEAD, base);
        modifiedNoWrite =
                new PageList(memory, visible + MiVisiblePartitionLayout.MODIFIED_NO_WRITE_PAGE_LIST_HEAD, base);
        mapped = new PageList(memory, lists + MiPartitionPageListsLayout.MAPPED_PAGE_LIST_HEAD, base);
        topology = unused.topology();
        nodes = topology.count();
        boolean isNuma = nodes > 1;
        empty = new PageList[2 + 2 * BUCKETS - 1];
        empty[0] = new PageList(memory, lists + MiPartitionPageListsLayout.STANDBY_PAGE_LIST_HEAD, base);
        empty[1] = new PageList(memory, lists + MiPartitionPageListsLayout.MODIFIED_PAGE_LIST_NO_RESERVATION, base);
        for (int i = 0; i < BUCKETS; i++) {
            long next = i * MmpfnlistLayout.SIZE;
            empty[2 + i] = new PageList(
                    memory, lists + MiPartitionPageListsLayout.MODIFIED_PAGE_LIST_BY_RESERVATION + next, base);
            if (i != 0) {
                empty[1 + BUCKETS + i] = new PageList(memory, mapped.address() + next, base);
            }
        }
        PageList[] byPriority = new PageList[PRIORITIES];
        standby = isNuma ? new PageList[PRIORITIES * nodes] : byPriority;
        for (int priority = 0; priority < PRIORITIES; priority++) {
            byPriority[priority] = new PageList(
                    memory,
                    lists + MiPartitionPageListsLayout.STANDBY_PAGE_LIST_BY_PRIORITY + priority * MmpfnlistLayout.SIZE,
                    base);
            for (int node = 0; isNuma && node < nodes; node++) {
                standby[priority * nodes + node] = PageList.ofShort(
                        memory,
                        unused.information(node)
                                + MiNodeInformationLayout.STANDBY_PAGE_LIST
                                + priority * MmpfnlistShortLayout.SIZE,
                        base);
            }
        }
        standbyByPriority = byPriority;
        repurposed = lists + MiPartitionPageListsLayout.STANDBY_REPURPOSED_BY_PRIORITY;
        this.available = available;
    }

    void initialize() {
        modified.initialize(PageLocation.MODIFIED);
        modifiedNoWrite.initialize(PageLocation.MODIFIED_NO_WRITE);
        mapped.initialize(PageLocation.MODIFIED);
        for (PageList list : empty) {
            list.initialize(list == empty[0] ? PageLocation.STANDBY : PageLocation.MODIFIED);
        }
        for (PageList list : standby) {
            list.initialize();
        }
        for (PageList list : standbyByPriority) {
            list.initialize(PageLocation.STANDBY);
        }
    }

    /** Tells where slots of page files go back to. */
    void use(PageFiles files) {
        pageFiles = files;
    }

    private Pfn pfn(long frame) {
        return new Pfn(memory, base + frame * Pfn.SIZE);
    }

    PageList modified() {
        return modified;
    }

    /** Modified pages of files. */
    PageList mapped() {
        return mapped;
    }

    /** All lists of standby frames, the lowest priority first. */
    PageList[] standby() {
        return standby;
    }

    /** Modified pages that nobody writes for now. */
    PageList modifiedNoWrite() {
        return modifiedNoWrite;
    }

    /** Standby frames of a priority. */
    long standbyPagesOf(int priority) {
        long total = 0;
        for (int node = 0; node < nodes; node++) {
            total += standby[priority * nodes + node].total();
        }
        return total;
    }

    /** How many standby frames of a priority have been taken from their owners. */
    long repurposed(int priority) {
        return memory.readUnsignedInt(repurposed + (long) priority * Integer.BYTES);
    }

    /** Standby frames of a node. */
    long standbyPages(int node) {
        long total = 0;
        for (int priority = 0; priority < PRIORITIES; priority++) {
            total += standby[priority * nodes + node].total();
        }
        return total;
    }

    private PageList standbyOf(long frame, int priority) {
        return standby[nodes == 1 ? priority : priority * nodes + topology.ofFrame(frame)];
    }

    /**
     * Takes the page that was least recently released, of the lowest priority that has any, from its owner.
     *
     * @param byDistance the nodes, in the order in which they are looked at
     */
    long repurpose(int[] byDistance) {
        for (int priority = 0; priority < PRIORITIES; priority++) {
            for (int node : byDistance) {
                long frame = standby[priority * nodes + node].first();
                if (frame != Pfn.LIST_END) {
                    repurpose(frame, priority);
                    return frame;
                }
            }
        }
        return PfnDatabase.NONE;
    }

    /**
     * Takes several as {@link #repurpose(int[])} does, all off one list.
     *
     * @return how many; 0 when there is none
     */
    int repurpose(int[] byDistance, long[] frames, int from, int to) {
        for (int priority = 0; priority < PRIORITIES; priority++) {
            for (int node : byDistance) {
                PageList list = standby[priority * nodes + node];
                if (list.first() == Pfn.LIST_END) {
                    continue;
                }
                int count = list.removeFirst(frames, from, to);
                int firstOfTable = from;
                long table = 0;
                for (int i = from; i < from + count; i++) {
                    long owner = takeFromOwner(frames[i]);
                    if (owner != table) {
                        uncount(table, i - firstOfTable);
                        table = owner;
                        firstOfTable = i;
                    }
                }
                uncount(table, from + count - firstOfTable);
                countRepurposed(priority, count);
                return count;
            }
        }
        return 0;
    }

    void repurpose(long frame, int priority) {
        standbyOf(frame, priority).remove(frame);
        uncount(takeFromOwner(frame), 1);
        countRepurposed(priority, 1);
    }

    /** Gives a page's entry what the page will be found by; answers the frame of the table, which has an entry less that counts. */
    private long takeFromOwner(long frame) {
        long at = base + frame * Pfn.SIZE;
        long original = memory.readLong(at + MmpfnLayout.ORIGINAL_PTE);
        long tableFrame = pfn(frame).pteFrame();
        // The owner may be another process: its tables are reached by their frame, as through a system PTE.
        ram.writeLong(
                tableFrame << Pages.SHIFT | Pages.offset(memory.readLong(at + MmpfnLayout.PTE_ADDRESS)), original);
        if (Pte.kind(original) == Pte.Kind.PROTOTYPE) {
            new Subsection(memory, Pte.prototypeAddress(original)).countPage(-1);
        }
        return tableFrame;
    }

    private void uncount(long table, int entries) {
        if (entries != 0) {
            pfn(table).addShares(-entries);
        }
    }

    private void countRepurposed(int priority, int pages) {
        long counter = repurposed + 4L * priority;
        memory.writeInt(counter, memory.readInt(counter) + pages);
    }

    /**
     * The last mapping of an active frame is gone, its contents stay: its PTE, or prototype PTE, is in transition from now on.
     *
     * @param dirty what the mapping's dirty bit said
     */
    void release(long frame, boolean dirty) {
        long original = memory.readLong(base + frame * Pfn.SIZE + MmpfnLayout.ORIGINAL_PTE);
        PageList list = leave(frame, original, dirty);
        if (Pte.holdsSlot(original) && isModifiedList(list)) {
            freeSlot(original);
        }
        list.addLast(frame);
        available.add(isModifiedList(list) ? 0 : 1);
    }

    /**
     * {@link #release}s many frames.
     *
     * @param released frame numbers, shifted left by one; the lowest bit says that the mapping was dirty
     */
    void releaseAll(long[] released, int count) {
        int firstOfChain = 0;
        PageList list = null;
        long onStandby = 0;
        long slots = 0;
        int slotCount = 0;
        for (int i = 0; i < count; i++) {
            long frame = released[i] >>> 1;
            long original = memory.readLong(base + frame * Pfn.SIZE + MmpfnLayout.ORIGINAL_PTE);
            PageList to = leave(frame, original, (released[i] & 1) != 0);
            if (!isModifiedList(to)) {
                onStandby++;
            } else if (Pte.holdsSlot(original)) {
                if (slotCount != 0 && !Pte.isSlotAfter(original, slots, slotCount)) {
                    freeSlots(slots, slotCount);
                    slotCount = 0;
                }
                slots = slotCount == 0 ? original : slots;
                slotCount++;
            }
            released[i] = frame;
            if (to != list && list != null) {
                list.addLast(released, firstOfChain, i);
                firstOfChain = i;
            }
            list = to;
        }
        if (list != null) {
            list.addLast(released, firstOfChain, count);
        }
        freeSlots(slots, slotCount);
        available.add(onStandby);
    }

    /** An active frame is on its way to a list, which is returned; if that is one of modified pages, it gives up its slot. */
    private PageList leave(long frame, long original, boolean dirty) {
        long at = base + frame * Pfn.SIZE;
        int state = memory.readInt(at + MmpfnLayout.U3);
        if ((state & LOCATION) != location(PageLocation.ACTIVE)) {
            throw new IllegalStateException("releasing a frame that is not in use pfn=" + Hex.plain(frame)
                    + " location=" + pfn(frame).location());
        }
        // Written or not, the contents of what would else be demand-zero are nowhere else.
        boolean isModified = dirty || (state & MODIFIED) != 0 || Pte.kind(original) == Pte.Kind.DEMAND_ZERO;
        int kept = state & ~(REFERENCES | LOCATION | MODIFIED);
        if (!isModified) {
            memory.writeInt(at + MmpfnLayout.U3, kept | location(PageLocation.STANDBY));
            return standbyOf(frame, state >>> PRIORITY_SHIFT & PRIORITIES - 1);
        }
        memory.writeInt(at + MmpfnLayout.U3, kept | MODIFIED | location(PageLocation.MODIFIED));
        if (Pte.holdsSlot(original)) {
            memory.writeLong(at + MmpfnLayout.ORIGINAL_PTE, Pte.withoutSlot(original));
            return modified;
        }
        return modifiedListOf(pfn(frame));
    }

    private static int location(PageLocation location) {
        return location.value() << E1_SHIFT;
    }

    private boolean isModifiedList(PageList list) {
        return list == modified || list == mapped;
    }

    private void freeSlots(long first, int count) {
        if (count != 0) {
            Objects.requireNonNull(pageFiles, "no page file").free(Pte.pageFileNumber(first), Pte.slot(first), count);
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

    /**
     * A listed frame becomes active again, with its contents; share count 1. The caller makes its PTE valid.
     *
     * @param leastPriority what a lower priority is raised to
     */
    void reactivate(long frame, int leastPriority) {
        long at = base + frame * Pfn.SIZE;
        int state = memory.readInt(at + MmpfnLayout.U3);
        int priority = state >>> PRIORITY_SHIFT & PRIORITIES - 1;
        if ((state & LOCATION) == location(PageLocation.STANDBY)) {
            standbyOf(frame, priority).remove(frame);
            available.add(-1);
        } else {
            remove(frame);
        }
        memory.writeLong(at + MmpfnLayout.U1, 0);
        memory.writeLong(at + MmpfnLayout.U2, 1);
        int raised = Math.max(0, leastPriority - priority) << PRIORITY_SHIFT;
        memory.writeInt(at + MmpfnLayout.U3, (state & ~LOCATION | location(PageLocation.ACTIVE) | 1) + raised);
    }

    /** The page was written to its file: it is no longer modified, and if it was listed, it is on standby. */
    void written(long frame) {
        Pfn pfn = pfn(frame);
        pfn.setModified(false);
        if (pfn.location() != PageLocation.MODIFIED && pfn.location() != PageLocation.MODIFIED_NO_WRITE) {
            return;
        }
        remove(frame);
        pfn.setLocation(PageLocation.STANDBY);
        standbyOf(frame, pfn.priority()).addLast(frame);
        available.add(1);
    }

    /** A modified page's contents are in a slot now: it is on standby. */
    void pagedOut(long frame, int file, long slot) {
        Pfn pfn = pfn(frame);
        modified.remove(frame);
        long original = pfn.originalPte();
        if (Pte.kind(original) == Pte.Kind.PROTOTYPE) {
            // A page of an image that was written in place: from now on it is the page file's.
            new Subsection(memory, Pte.prototypeAddress(original)).countPage(-1);
        }
        pfn.setOriginalPte(Pte.withSlot(original, file, slot));
        pfn.setModified(false);
        pfn.setLocation(PageLocation.STANDBY);
        standbyOf(frame, pfn.priority()).addLast(frame);
        available.add(1);
    }

    /** The pages that are first on the modified list have been written to adjacent slots: they are on standby. */
    void pagedOut(long[] frames, int count, int file, long slot) {
        int first = 0;
        PageList to = standby[0];
        for (int i = 0; i < count; i++) {
            long at = base + frames[i] * Pfn.SIZE;
            int state = memory.readInt(at + MmpfnLayout.U3);
            PageList next = standbyOf(frames[i], state >>> PRIORITY_SHIFT & PRIORITIES - 1);
            if (next != to) {
                modified.moveFirst(to, frames, first, i);
                first = i;
                to = next;
            }
            memory.writeInt(at + MmpfnLayout.U3, state & ~(LOCATION | MODIFIED) | location(PageLocation.STANDBY));
            long original = memory.readLong(at + MmpfnLayout.ORIGINAL_PTE);
            if (Pte.kind(original) == Pte.Kind.PROTOTYPE) {
                // A page of an image that was written in place: from now on it is the page file's.
                new Subsection(memory, Pte.prototypeAddress(original)).countPage(-1);
            }
            memory.writeLong(at + MmpfnLayout.ORIGINAL_PTE, Pte.withSlot(original, file, slot + i));
        }
        modified.moveFirst(to, frames, first, count);
        available.add(count);
    }

    /** A modified page could not be written: others go first the next time. */
    void postpone(long frame) {
        PageList list = modifiedListOf(pfn(frame));
        list.remove(frame);
        list.addLast(frame);
    }

    /** Takes a frame off the list it is on. */
    void remove(long frame) {
        Pfn pfn = pfn(frame);
        switch (pfn.location()) {
            case MODIFIED -> modifiedListOf(pfn).remove(frame);
            case MODIFIED_NO_WRITE -> modifiedNoWrite.remove(frame);
            case STANDBY -> {
                standbyOf(frame, pfn.priority()).remove(frame);
                available.add(-1);
            }
            case ZEROED, FREE, BAD, ACTIVE, TRANSITION ->
                throw new IllegalStateException("frame of a transition PTE is elsewhere pfn=" + Hex.plain(frame)
                        + " location=" + pfn.location());
        }
    }
}
