package org.vadose.mm;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Subsection;

/**
 * Prototype PTEs: what all who map a page of a section share.
 *
 * <pre>
 *  empty         the page belongs to no part of an image, or is not committed
 *  subsection    in the file                    --first fault--> valid
 *  demand-zero   zeros                          --first fault--> valid
 *  valid         in RAM; share count = PTEs that map it  --last unmapping--> transition
 *  transition    on the standby list, or modified        --fault--> valid;  --repurposed--> what it was first, or page file
 *  page file     in a slot                      --fault--> valid
 * </pre>
 */
final class Prototypes {
    /** Instead of a frame: the page could not be read from its file. */
    static final long UNREADABLE = -2;

    private final Memory memory;
    private final PhysicalMemory ram;
    private final UserTables tables;
    private final PfnDatabase pfns;
    private final PageFiles files;
    private final PagingCounts counts;
    /** Files behind control areas; what a disk would hold. */
    private final Map<Long, PageSource> sources = new HashMap<>();

    private NtStatus readError = NtStatus.SUCCESS;

    Prototypes(MemoryManager manager, UserTables tables, PageFiles files) {
        this.files = files;
        this.memory = manager.kernelMemory();
        this.ram = manager.mmu().ram();
        this.tables = tables;
        this.pfns = manager.pfns();
        this.counts = manager.pagingCounts();
    }

    void setSource(ControlArea area, PageSource source) {
        sources.put(area.address(), source);
    }

    PageSource source(ControlArea area) {
        return Objects.requireNonNull(
                sources.get(area.address()), () -> "no file is behind controlArea=" + Hex.address(area.address()));
    }

    /** What stands behind a control area; null for one of page files. */
    @Nullable PageSource removeSource(ControlArea area) {
        return sources.remove(area.address());
    }

    /**
     * Takes a share of a prototype's page for a mapping to come; the page is read from the file now if it is not in RAM.
     *
     * @return its frame; {@link PfnDatabase#NONE} when there is no RAM, {@link #UNREADABLE} when the file cannot be read
     */
    long share(long prototypeAddress) {
        long prototype = memory.readLong(prototypeAddress);
        return switch (Pte.kind(prototype)) {
            case VALID -> {
                addShare(Pte.frame(prototype), 1);
                yield Pte.frame(prototype);
            }
            case TRANSITION -> {
                long frame = Pte.frame(prototype);
                pfns.reactivate(frame);
                memory.writeLong(
                        prototypeAddress, tables.allowed(Pte.validPrototype(frame, Pte.protection(prototype))));
                yield frame;
            }
            case DEMAND_ZERO -> {
                long frame = pfns.allocate(prototypeAddress, tables.tableFrame(prototypeAddress));
                if (frame != PfnDatabase.NONE) {
                    makeValid(prototypeAddress, prototype, frame);
                }
                yield frame;
            }
            case PROTOTYPE -> readIn(prototypeAddress, prototype);
            case PAGE_FILE -> pageIn(prototypeAddress, prototype);
            case EMPTY, DECOMMITTED ->
                throw new IllegalStateException("no page can be had from prototype=" + Hex.address(prototype) + " at="
                        + Hex.address(prototypeAddress));
        };
    }

    private long pageIn(long prototypeAddress, long prototype) {
        long frame = pfns.allocateForOverwrite(prototypeAddress, tables.tableFrame(prototypeAddress));
        if (frame == PfnDatabase.NONE) {
            return frame;
        }
        NtStatus status = files.read(prototype, frame);
        if (!status.isSuccess()) {
            pfns.free(frame);
            readError = status;
            return status == NtStatus.NO_MEMORY ? PfnDatabase.NONE : UNREADABLE;
        }
        makeValid(prototypeAddress, prototype, frame);
        if (files.isCompressed(prototype)) {
            Pfn pfn = pfns.pfn(frame);
            files.free(prototype);
            pfn.setOriginalPte(Pte.withoutSlot(prototype));
            pfn.setModified(true);
        }
        return frame;
    }

    private long readIn(long prototypeAddress, long prototype) {
        Subsection part = new Subsection(memory, Pte.prototypeAddress(prototype));
        ControlArea area = part.controlArea();
        byte[] page = new byte[(int) Pages.SIZE];
        NtStatus status = source(area).read(pageOf(area, part, prototypeAddress), page);
        if (!status.isSuccess()) {
            readError = status;
            return UNREADABLE;
        }
        long frame = pfns.allocateForOverwrite(prototypeAddress, tables.tableFrame(prototypeAddress));
        if (frame == PfnDatabase.NONE) {
            return frame;
        }
        ram.write(frame << Pages.SHIFT, page, 0, page.length);
        counts.countRead(1);
        makeValid(prototypeAddress, prototype, frame);
        part.countPage(1);
        return frame;
    }

    /** The page a prototype stands for, counted from the start of the image or of the file. */
    private static long pageOf(ControlArea area, Subsection part, long prototypeAddress) {
        return area.isImage()
                ? (prototypeAddress - area.segment().prototypePtes()) / Long.BYTES
                : part.startingPage() + (prototypeAddress - part.base()) / Long.BYTES;
    }

    private void makeValid(long prototypeAddress, long prototype, long frame) {
        Pfn pfn = pfns.pfn(frame);
        pfn.setOriginalPte(prototype);
        long table = tables.tableFrame(prototypeAddress);
        pfn.setPteFrame(table, true);
        addShare(table, 1);
        memory.writeLong(prototypeAddress, tables.allowed(Pte.validPrototype(frame, Pte.protection(prototype))));
    }

    /** A prototype gets a page of zeros that stays until {@link #letGo}; the frame's one share is the section's. */
    void hold(long prototypeAddress, long frame) {
        pfns.pfn(frame).setPteAddress(prototypeAddress);
        makeValid(prototypeAddress, memory.readLong(prototypeAddress), frame);
        pfns.pfn(frame).setResident();
    }

    /** The page that {@link #hold} gave a prototype goes, nobody else having a share of it. */
    void letGo(long prototypeAddress) {
        long prototype = memory.readLong(prototypeAddress);
        if (Pte.kind(prototype) != Pte.Kind.VALID) {
            return;
        }
        long frame = Pte.frame(prototype);
        Pfn pfn = pfns.pfn(frame);
        if (pfn.shareCount() != 1) {
            throw new IllegalStateException(
                    "large page is given up and mapped pfn=" + Hex.plain(frame) + " shareCount=" + pfn.shareCount());
        }
        memory.writeLong(prototypeAddress, pfn.originalPte());
        addShare(pfn.pteFrame(), -1);
        pfns.free(frame);
    }

    private void addShare(long frame, long delta) {
        Pfn pfn = pfns.pfn(frame);
        pfn.setShareCount(pfn.shareCount() + delta);
    }

    /** The frame that holds a prototype's page; {@link PfnDatabase#NONE} when it is not in RAM. */
    long resident(long prototypeAddress) {
        long prototype = memory.readLong(prototypeAddress);
        return Pte.holdsFrame(prototype) ? Pte.frame(prototype) : PfnDatabase.NONE;
    }

    /**
     * Writes a page of a data file back if the PFN says that it is modified.
     *
     * @return the status of the write; SUCCESS also if there was nothing to do
     */
    private NtStatus flush(Subsection part, long prototypeAddress) {
        return modifiedRun(prototypeAddress, 1) == 0 ? NtStatus.SUCCESS : flush(part, prototypeAddress, 1);
    }

    /** How many prototypes in a row, from this one on, have pages in RAM that PFNs call modified. */
    int modifiedRun(long prototypeAddress, int most) {
        int run = 0;
        while (run < most) {
            long frame = resident(prototypeAddress + run * (long) Long.BYTES);
            if (frame == PfnDatabase.NONE || !pfns.pfn(frame).isModified()) {
                break;
            }
            run++;
        }
        return run;
    }

    /** Writes pages of a data file, all in RAM, back in one piece. */
    NtStatus flush(Subsection part, long prototypeAddress, int count) {
        byte[] bytes = new byte[count << Pages.SHIFT];
        for (int i = 0; i < count; i++) {
            long frame = resident(prototypeAddress + i * (long) Long.BYTES);
            ram.read(frame << Pages.SHIFT, bytes, i << Pages.SHIFT, (int) Pages.SIZE);
        }
        ControlArea area = part.controlArea();
        NtStatus status = source(area).write(pageOf(area, part, prototypeAddress), bytes);
        if (status.isSuccess()) {
            counts.countMappedWrite(count);
            for (int i = 0; i < count; i++) {
                pfns.written(resident(prototypeAddress + i * (long) Long.BYTES));
            }
        }
        return status;
    }

    /**
     * Reads adjacent pages of a data file, none of which is in RAM, in one piece and leaves them on standby.
     *
     * @return pages read; 0 if the file cannot be read or there is no RAM
     */
    int readCluster(long prototypeAddress, int count) {
        Subsection part = new Subsection(memory, Pte.prototypeAddress(memory.readLong(prototypeAddress)));
        ControlArea area = part.controlArea();
        byte[] bytes = new byte[count << Pages.SHIFT];
        if (!source(area).read(pageOf(area, part, prototypeAddress), bytes).isSuccess()) {
            return 0;
        }
        counts.countRead(count);
        for (int i = 0; i < count; i++) {
            long at = prototypeAddress + i * (long) Long.BYTES;
            long prototype = memory.readLong(at);
            long frame = pfns.allocateForOverwrite(at, tables.tableFrame(at));
            if (frame == PfnDatabase.NONE) {
                return i;
            }
            ram.write(frame << Pages.SHIFT, bytes, i << Pages.SHIFT, (int) Pages.SIZE);
            makeValid(at, prototype, frame);
            part.countPage(1);
            memory.writeLong(at, Pte.transition(frame, Pte.protection(prototype)));
            pfns.release(frame, false);
        }
        return count;
    }

    /** As {@link #share}, for a caller to whom the contents do not matter: if the page is not in RAM, it begins with zeros. */
    long shareForOverwrite(long prototypeAddress) {
        long prototype = memory.readLong(prototypeAddress);
        if (Pte.kind(prototype) != Pte.Kind.PROTOTYPE) {
            return share(prototypeAddress);
        }
        long frame = pfns.allocate(prototypeAddress, tables.tableFrame(prototypeAddress));
        if (frame != PfnDatabase.NONE) {
            makeValid(prototypeAddress, prototype, frame);
            new Subsection(memory, Pte.prototypeAddress(prototype)).countPage(1);
        }
        return frame;
    }

    boolean isResident(long prototypeAddress) {
        return Pte.holdsFrame(memory.readLong(prototypeAddress));
    }

    /** Why a page was {@link #UNREADABLE} the last time. */
    NtStatus readError() {
        return readError;
    }

    /** Gives up a data file's page that nobody maps. */
    void purge(Subsection part, long prototypeAddress) {
        long prototype = memory.readLong(prototypeAddress);
        if (Pte.kind(prototype) != Pte.Kind.TRANSITION) {
            return;
        }
        long frame = Pte.frame(prototype);
        Pfn pfn = pfns.pfn(frame);
        long original = pfn.originalPte();
        addShare(pfn.pteFrame(), -1);
        memory.writeLong(prototypeAddress, original);
        pfns.discard(frame);
        part.countPage(-1);
    }

    /** Writes a modified page of a data file that nobody maps back to its file. */
    NtStatus writeBack(long frame) {
        Pfn pfn = pfns.pfn(frame);
        Subsection part = new Subsection(memory, Pte.prototypeAddress(pfn.originalPte()));
        return flush(part, pfn.pteAddress());
    }

    /** Gives up all pages of a control area that nobody maps any more. */
    void discardAll(ControlArea area) {
        for (long at = area.firstSubsection().address(); at != 0; ) {
            Subsection part = new Subsection(memory, at);
            boolean isDataFile = area.isFile() && !area.isImage();
            long left = isDataFile ? part.pfnReferences() : part.pages();
            for (long i = 0; i < part.pages() && left > 0; i++) {
                long address = part.base() + i * Long.BYTES;
                left -= !isDataFile || isResident(address) ? 1 : 0;
                discard(address);
            }
            at = part.next();
        }
    }

    /** Gives up zeros that an image's prototypes hold, which nobody maps any more: they are no part of its file. */
    void discardZeros(ControlArea area) {
        for (long at = area.firstSubsection().address(); at != 0; ) {
            Subsection part = new Subsection(memory, at);
            for (long i = 0; i < part.pages(); i++) {
                long address = part.base() + i * Long.BYTES;
                long prototype = memory.readLong(address);
                boolean isListed = Pte.kind(prototype) == Pte.Kind.TRANSITION;
                if (Pte.kind(prototype) == Pte.Kind.PAGE_FILE
                        || isListed && Pte.kind(pfns.pfn(Pte.frame(prototype)).originalPte()) != Pte.Kind.PROTOTYPE) {
                    discard(address);
                    memory.writeLong(address, Pte.demandZero(Pte.protection(prototype)));
                }
            }
            at = part.next();
        }
    }

    /** Gives up the page of a prototype PTE that nobody maps any more. */
    void discard(long address) {
        long prototype = memory.readLong(address);
        switch (Pte.kind(prototype)) {
            case TRANSITION -> {
                long frame = Pte.frame(prototype);
                addShare(pfns.pfn(frame).pteFrame(), -1);
                pfns.discard(frame);
                memory.writeLong(address, 0);
            }
            case VALID ->
                throw new IllegalStateException("page is discarded and mapped at=" + Hex.address(address)
                        + " prototype=" + Hex.address(prototype));
            case PAGE_FILE -> {
                pfns.freeSlot(prototype);
                memory.writeLong(address, 0);
            }
            case EMPTY, DEMAND_ZERO, DECOMMITTED, PROTOTYPE -> {
                // No frame is held.
            }
        }
    }
}
