package org.vadose.check;

import java.util.BitSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiNodeInformationLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionPageListsLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MmpfnlistLayout;
import org.vadose.layout.MmpfnlistShortLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.SelfMap;
import org.vadose.nt.Subsection;
import org.vadose.target.UnreadableMemoryException;

/**
 * The frames of RAM as somebody else than the manager counts them: who maps each, which list it is on. In the end every count is
 * compared with the PFN database's.
 */
final class FrameLedger {
    private static final int STANDBY_PRIORITIES = 8;
    private static final int MODIFIED_BUCKETS = 16;
    private static final int MOST_FRAMES = 1 << 30;

    private final Memory kernel;
    private final Findings findings;
    private final long database;
    private final long kernelBase;
    private final long partition;
    private final int frames;
    /** Mappings and entries found, which an active frame's share count must equal. */
    private final int[] shares;

    private final BitSet listed;
    private final Set<Long> controlAreas = new TreeSet<>();

    FrameLedger(Memory kernel, long kernelBase, long frames, Findings findings) {
        this.kernel = kernel;
        this.findings = findings;
        this.kernelBase = kernelBase;
        this.database = kernel.readLong(kernelBase + KernelSymbols.MM_PFN_DATABASE);
        this.partition = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION;
        this.frames = (int) Math.min(frames, MOST_FRAMES);
        this.shares = new int[this.frames];
        this.listed = new BitSet(this.frames);
    }

    boolean isRam(long frame) {
        return frame >= 0 && frame < frames;
    }

    Pfn pfn(long frame) {
        return new Pfn(kernel, database + frame * Pfn.SIZE);
    }

    /** Something maps the frame, or an entry in it holds a frame. */
    void addShare(long frame) {
        shares[(int) frame]++;
    }

    /**
     * A page table, or a page that has one mapping: the frame must be active and point back.
     *
     * @param pteAddress the entry that maps it, as the self-map shows it
     * @param table frame of the table that the entry is in
     */
    void expectOwned(long frame, long pteAddress, long table, String what) {
        addShare(frame);
        Pfn pfn = pfn(frame);
        if (pfn.location() != PageLocation.ACTIVE) {
            findings.add(what + " maps a frame that is not active pfn=" + Hex.plain(frame) + " location="
                    + pfn.location() + " pte=" + Hex.address(pteAddress));
        }
        expectBacklink(pfn, frame, pteAddress, table, what);
    }

    /** A transition PTE's frame: listed, and pointing back. */
    void expectInTransition(long frame, long pteAddress, long table, long pte) {
        Pfn pfn = pfn(frame);
        PageLocation location = pfn.location();
        if (location != PageLocation.STANDBY
                && location != PageLocation.MODIFIED
                && location != PageLocation.MODIFIED_NO_WRITE) {
            findings.add("transition PTE names a frame elsewhere pfn=" + Hex.plain(frame) + " location=" + location
                    + " pte=" + Hex.address(pteAddress));
        }
        findings.expectEqual(
                "transition protection", pteAddress, Pte.protection(pfn.originalPte()), Pte.protection(pte));
        expectBacklink(pfn, frame, pteAddress, table, "transition PTE");
    }

    private void expectBacklink(Pfn pfn, long frame, long pteAddress, long table, String what) {
        if (pfn.pteAddress() != pteAddress) {
            findings.add(what + ": PFN points to another PTE pfn=" + Hex.plain(frame) + " pteAddress="
                    + Hex.address(pfn.pteAddress()) + " expected=" + Hex.address(pteAddress));
        }
        if (pfn.pteFrame() != table) {
            findings.add(what + ": PFN names another table pfn=" + Hex.plain(frame) + " pteFrame="
                    + Hex.plain(pfn.pteFrame()) + " expected=" + Hex.plain(table));
        }
    }

    /** Walks all lists: links, totals, names, and that no frame is on two. */
    void checkLists() {
        long lists = partition + MiPartitionLayout.PAGE_LISTS;
        long visible = partition + MiPartitionLayout.VP;
        NodeTable nodes = new NodeTable(kernel, kernelBase, findings);
        ColourCheck unused = new ColourCheck(kernel, kernelBase, nodes, this, findings);
        long available = unused.checkLists(PageLocation.ZEROED) + unused.checkLists(PageLocation.FREE);
        for (int priority = 0; priority < STANDBY_PRIORITIES; priority++) {
            available += walk(
                    lists + MiPartitionPageListsLayout.STANDBY_PAGE_LIST_BY_PRIORITY + priority * MmpfnlistLayout.SIZE,
                    PageLocation.STANDBY);
            for (int node = 0; node < nodes.count(); node++) {
                available += walkStandby(nodes, node, priority);
            }
        }
        walk(visible + MiVisiblePartitionLayout.MODIFIED_PAGE_LIST_HEAD, PageLocation.MODIFIED);
        for (int bucket = 0; bucket < MODIFIED_BUCKETS; bucket++) {
            long next = bucket * MmpfnlistLayout.SIZE;
            walk(lists + MiPartitionPageListsLayout.MAPPED_PAGE_LIST_HEAD + next, PageLocation.MODIFIED);
        }
        walk(visible + MiVisiblePartitionLayout.MODIFIED_NO_WRITE_PAGE_LIST_HEAD, PageLocation.MODIFIED_NO_WRITE);
        walk(lists + MiPartitionPageListsLayout.BAD_PAGE_LIST_HEAD, PageLocation.BAD);
        long field = visible + MiVisiblePartitionLayout.AVAILABLE_PAGES;
        findings.expectEqual("AvailablePages", field, available, kernel.readLong(field));
    }

    private long walk(long head, PageLocation name) {
        return walk(head, name, frame -> {});
    }

    /** The lists of a node, those of its first channel; a machine with one node has none, and zeros there. */
    private long walkStandby(NodeTable nodes, int node, int priority) {
        long head = nodes.information(node)
                + MiNodeInformationLayout.STANDBY_PAGE_LIST
                + priority * MmpfnlistShortLayout.SIZE;
        if (nodes.count() == 1) {
            findings.expectEqual(
                    "StandbyPageList of the only node", head, 0, kernel.readLong(head + MmpfnlistShortLayout.TOTAL));
            return 0;
        }
        return walkLinks(head, head + MmpfnlistShortLayout.FLINK, PageLocation.STANDBY, frame -> {
            if (nodes.ofFrame(frame) != node) {
                findings.add("standby frame is on the list of another node pfn=" + Hex.plain(frame) + " list=" + node);
            }
        });
    }

    /** @param each told every frame of the list */
    long walk(long head, PageLocation name, LongConsumer each) {
        findings.expectEqual("page list name", head, name.value(), kernel.readInt(head + MmpfnlistLayout.LIST_NAME));
        return walkLinks(head, head + MmpfnlistLayout.FLINK, name, each);
    }

    private long walkLinks(long head, long links, PageLocation name, LongConsumer each) {
        long previous = Pfn.LIST_END;
        long count = 0;
        long frame = kernel.readLong(links);
        while (frame != Pfn.LIST_END) {
            if (!isRam(frame)) {
                findings.add("page list leaves RAM list=" + name + " pfn=" + Hex.plain(frame));
                return count;
            }
            Pfn pfn = pfn(frame);
            if (!expectListed(frame, name)) {
                return count;
            }
            each.accept(frame);
            findings.expectEqual("page list Blink pfn=" + Hex.plain(frame), pfn.address(), previous, pfn.blink());
            count++;
            previous = frame;
            frame = pfn.flink();
        }
        findings.expectEqual("page list end " + name, head, previous, kernel.readLong(links + Long.BYTES));
        findings.expectEqual("page list total " + name, head, count, kernel.readLong(head + MmpfnlistLayout.TOTAL));
        return count;
    }

    /** A frame was found on a list; false when that is not its first. */
    boolean expectListed(long frame, PageLocation name) {
        Pfn pfn = pfn(frame);
        if (listed.get((int) frame)) {
            findings.add("PFN on two lists, or twice on one pfn=" + Hex.plain(frame) + " list=" + name);
            return false;
        }
        listed.set((int) frame);
        if (pfn.location() != name) {
            findings.add("PFN on a list it does not know pfn=" + Hex.plain(frame) + " list=" + name + " location="
                    + pfn.location());
        }
        if (pfn.referenceCount() != 0) {
            findings.add(
                    "listed frame is referenced pfn=" + Hex.plain(frame) + " referenceCount=" + pfn.referenceCount());
        }
        return true;
    }

    /** The frame whose entry stands at an address, -1 when none does. */
    long frameOf(long entry) {
        long offset = entry - database;
        return offset % Pfn.SIZE == 0 && isRam(offset / Pfn.SIZE) ? offset / Pfn.SIZE : -1;
    }

    /** Compares every frame with what was counted. Call when all page tables have been walked. */
    void checkFrames(SelfMap selfMap, SlotLedger slots) {
        for (int frame = 0; frame < frames; frame++) {
            Pfn pfn = pfn(frame);
            PageLocation location = pfn.location();
            if (location == PageLocation.ACTIVE || isTransition(location)) {
                checkOriginal(pfn, frame, location, slots);
            }
            if (location.isListed() != listed.get(frame)) {
                findings.add("PFN says it is on a list and is not, or the reverse pfn=" + Hex.plain(frame)
                        + " location=" + location);
            }
            if (pfn.isResident()) {
                // The section in large pages that it belongs to holds it.
                addShare(frame);
                if (location != PageLocation.ACTIVE || !pfn.isPrototype()) {
                    findings.add("resident page is no section's pfn=" + Hex.plain(frame) + " location=" + location);
                }
            }
            if (pfn.isPrototype() && !listed.get(frame) | isTransition(location)) {
                checkPrototype(pfn, frame, selfMap);
            }
        }
        for (int frame = 0; frame < frames; frame++) {
            Pfn pfn = pfn(frame);
            if (pfn.location() == PageLocation.ACTIVE) {
                findings.expectEqual(
                        "share count pfn=" + Hex.plain(frame), pfn.address(), shares[frame], pfn.shareCount());
                findings.expectEqual("reference count pfn=" + Hex.plain(frame), pfn.address(), 1, pfn.referenceCount());
            } else if (shares[frame] != 0) {
                findings.add("frame is mapped and not active pfn=" + Hex.plain(frame) + " location=" + pfn.location());
            }
        }
    }

    private void checkOriginal(Pfn pfn, int frame, PageLocation location, SlotLedger slots) {
        long original = pfn.originalPte();
        slots.addOwner(original, "OriginalPte of pfn=" + Hex.plain(frame));
        boolean hasSource = Pte.holdsSlot(original) || Pte.kind(original) == Pte.Kind.PROTOTYPE;
        if (location == PageLocation.STANDBY && (pfn.isModified() || !hasSource)) {
            findings.add("standby page could not be had again pfn=" + Hex.plain(frame) + " originalPte="
                    + Hex.address(original) + " modified=" + pfn.isModified());
        }
        if (location == PageLocation.MODIFIED && (!pfn.isModified() || Pte.holdsSlot(original))) {
            findings.add("page on the modified list is not modified, or has a slot pfn=" + Hex.plain(frame)
                    + " originalPte=" + Hex.address(original));
        }
    }

    private static boolean isTransition(PageLocation location) {
        return location == PageLocation.STANDBY
                || location == PageLocation.MODIFIED
                || location == PageLocation.MODIFIED_NO_WRITE;
    }

    private void checkPrototype(Pfn pfn, long frame, SelfMap selfMap) {
        try {
            long prototype = kernel.readLong(pfn.pteAddress());
            if (!Pte.holdsFrame(prototype) || Pte.frame(prototype) != frame) {
                findings.add("prototype PTE does not hold its frame pfn=" + Hex.plain(frame) + " at="
                        + Hex.address(pfn.pteAddress()) + " prototype=" + Hex.address(prototype));
            }
            if (Pte.kind(pfn.originalPte()) == Pte.Kind.PROTOTYPE) {
                controlAreas.add(new Subsection(kernel, Pte.prototypeAddress(pfn.originalPte()))
                        .controlArea()
                        .address());
            }
            long table = Pte.frame(kernel.readLong(selfMap.pte(pfn.pteAddress())));
            findings.expectEqual("prototype's frame pfn=" + Hex.plain(frame), pfn.address(), table, pfn.pteFrame());
            if (isRam(table)) {
                addShare(table);
            }
        } catch (UnreadableMemoryException e) {
            findings.add("prototype PTE unreadable pfn=" + Hex.plain(frame) + " at=" + Hex.address(pfn.pteAddress()));
        }
    }

    /** Control areas of files with pages in RAM; known once frames are checked. */
    Set<Long> controlAreas() {
        return controlAreas;
    }

    static long address(long frame) {
        return frame << Pages.SHIFT;
    }
}
