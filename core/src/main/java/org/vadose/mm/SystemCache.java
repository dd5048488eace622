package org.vadose.mm;

import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmus;
import org.vadose.memory.PageFaultCode;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pte;
import org.vadose.nt.SelfMap;
import org.vadose.nt.Subsection;
import org.vadose.nt.Token;
import org.vadose.nt.Vacb;

/**
 * The system cache's part of the address space, for the cache manager: views of data files, {@link #VIEW_BYTES} each, whose pages
 * are those that programs map. What a view shows is the manager's affair here; which views there are, the cache manager's.
 *
 * <pre>
 *  PTE of a view     the page is
 *  empty             in no view
 *  prototype         not in the cache's working set; the entry names the prototype PTE
 *  valid             in it: one share of the prototype's page
 * </pre>
 *
 * The tables come with {@link #reserve} and stay. Everything here needs the kernel's lock.
 */
public final class SystemCache {
    /** Bytes of a view, where one begins, and what a section for the cache is a multiple of. */
    public static final long VIEW_BYTES = Vacb.VIEW_BYTES;

    private static final int VIEW_PAGES = (int) (VIEW_BYTES >>> Pages.SHIFT);
    private static final int TABLES_OF_A_VIEW = 3;

    /** Frames that are left to others when pages are read that nobody has asked for yet. */
    private static final long SPARE_FRAMES = 64;

    private static final long VALID = X64PageTables.PRESENT
            | X64PageTables.WRITE
            | X64PageTables.ACCESSED
            | X64PageTables.NO_EXECUTE
            | Pte.SOFTWARE_WRITE;

    private final MemoryManager manager;
    private final Mmus mmu;
    private final Memory memory;
    private final SelfMap selfMap;
    private final PfnDatabase pfns;
    private final UserPages pages;
    private final Prototypes prototypes;
    private final ControlAreas areas;
    private final SystemCacheWorkingSet workingSet;
    private final long base;
    /** Behind the last address that has tables. */
    private long end;

    SystemCache(
            MemoryManager manager,
            UserPages pages,
            Prototypes prototypes,
            ControlAreas areas,
            SystemCacheWorkingSet workingSet,
            long base) {
        this.manager = manager;
        this.mmu = manager.mmu();
        this.memory = manager.kernelMemory();
        this.selfMap = manager.selfMap();
        this.pfns = manager.pfns();
        this.pages = pages;
        this.prototypes = prototypes;
        this.areas = areas;
        this.workingSet = workingSet;
        this.base = base;
        this.end = base;
    }

    /** Where views begin; they are side by side. */
    public long base() {
        return base;
    }

    /** The most views that a machine of this much RAM should have: what shows half of it. */
    public long mostViews() {
        return Math.max(Vacb.IN_ARRAY, pfns.frames() / 2 / VIEW_PAGES);
    }

    /**
     * Makes the tables for so many views behind those that have theirs.
     *
     * @return false when there is no RAM for them; then nothing has changed
     */
    public boolean reserve(int views) {
        long wanted = end + views * VIEW_BYTES;
        long tables = (wanted - end) / Pages.LARGE_SIZE + 1 + TABLES_OF_A_VIEW;
        pfns.makeAvailable(tables);
        if (pfns.availablePages() < tables + SPARE_FRAMES) {
            return false;
        }
        for (; end < wanted; end += VIEW_BYTES) {
            manager.systemSpace().makeTables(end);
        }
        return true;
    }

    /** Whether what one call needs of the pools can be had; asked before anything changes. */
    public boolean hasRoom() {
        return manager.canGrowPools();
    }

    // --- sections ---

    /**
     * Makes the section through which the cache reads and writes a file ({@code MmCreateCacheManagerSection}): programs' rights to
     * the file do not depend on it.
     *
     * @param body a {@code _SECTION} of zeros
     * @param bytes a multiple of a view
     */
    public NtStatus createSection(long body, MappedFile file, long bytes) {
        return manager.sectionObjects().createForCache(body, file, bytes);
    }

    /** Makes a section that {@link #createSection} made larger. */
    public NtStatus extendSection(long body, MappedFile file, long bytes) {
        return manager.sectionObjects().extendForCache(body, file, bytes);
    }

    // --- views ---

    /**
     * Shows a part of a file ({@code MmMapViewInSystemCache}).
     *
     * @param view a free view with tables
     * @param offsetBytes in the file, a multiple of a view, inside the section
     */
    public void map(long view, long controlArea, long offsetBytes) {
        ControlArea area = new ControlArea(memory, controlArea);
        long page = offsetBytes >>> Pages.SHIFT;
        Subsection part = areas.subsectionOf(area, page);
        part.addMappedViews(1);
        for (int i = 0; i < VIEW_PAGES; i++, page++) {
            if (page - part.startingPage() >= part.pages()) {
                part = new Subsection(memory, part.next());
                part.addMappedViews(1);
            }
            long prototype = part.base() + (page - part.startingPage()) * Long.BYTES;
            memory.writeLong(selfMap.pte(view + i * Pages.SIZE), Pte.prototype(prototype, PageProtection.READWRITE));
        }
        area.addMappedViews(1);
        area.addSystemCacheViews(1);
    }

    /** Ends a view ({@code MmUnmapViewInSystemCache}); its pages stay in RAM until somebody needs their frames. */
    public void unmap(long view, long controlArea, long offsetBytes) {
        for (long page = view; page < view + VIEW_BYTES; page += Pages.SIZE) {
            evict(page);
            memory.writeLong(selfMap.pte(page), 0);
        }
        mmu.invalidateAll();
        ControlArea area = new ControlArea(memory, controlArea);
        long first = offsetBytes >>> Pages.SHIFT;
        for (Subsection part = areas.subsectionOf(area, first); ; part = new Subsection(memory, part.next())) {
            part.addMappedViews(-1);
            if (part.startingPage() + part.pages() >= first + VIEW_PAGES) {
                break;
            }
        }
        area.addMappedViews(-1);
        area.addSystemCacheViews(-1);
    }

    /** Makes an entry that may be valid a prototype entry. The caller invalidates. */
    private boolean evict(long page) {
        long at = selfMap.pte(page);
        long pte = memory.readLong(at);
        if ((pte & X64PageTables.PRESENT) == 0) {
            return false;
        }
        long frame = Pte.frame(pte);
        memory.writeLong(at, Pte.prototype(pfns.pfn(frame).pteAddress(), PageProtection.READWRITE));
        pfns.pfn(tableFrame(at)).addShares(-1);
        workingSet.add(-1);
        pages.unshare(frame, (pte & X64PageTables.DIRTY) != 0);
        return true;
    }

    private long tableFrame(long entry) {
        return Pte.frame(memory.readLong(selfMap.pte(entry)));
    }

    // --- pages ---

    /**
     * Makes pages of a view valid, reading those from the file that must be. They stay so until something else is asked of memory.
     *
     * @param address of the first page
     * @param freshFrom the first of the pages, counted from it, whose contents do not matter, since they will be written over or
     *     are behind what the file holds; they are zeros if they were not in RAM
     * @param freshTo behind the last of these
     * @return SUCCESS; NO_MEMORY when there are too few frames; else what the file system says
     */
    public NtStatus makeValid(long address, int count, int freshFrom, int freshTo) {
        int missing = 0;
        for (int i = 0; i < count; i++) {
            missing += isValid(address + i * Pages.SIZE) ? 0 : 1;
        }
        if (missing == 0) {
            return NtStatus.SUCCESS;
        }
        workingSet.countFault();
        long over = workingSet.overMaximum(missing);
        if (over > 0) {
            trim(over, Trimmer.Choice.ANY);
        }
        pfns.makeAvailable(count + TABLES_OF_A_VIEW);
        if (pfns.availablePages() < count + TABLES_OF_A_VIEW) {
            return NtStatus.NO_MEMORY;
        }
        for (int i = 0; i < count; i++) {
            long page = address + i * Pages.SIZE;
            if (isValid(page)) {
                continue;
            }
            boolean isFresh = i >= freshFrom && i < freshTo;
            NtStatus status =
                    isFresh ? mapFresh(page) : mapRead(page, (i < freshFrom ? Math.min(count, freshFrom) : count) - i);
            if (!status.isSuccess()) {
                return status;
            }
        }
        return NtStatus.SUCCESS;
    }

    private boolean isValid(long page) {
        return (memory.readLong(selfMap.pte(page)) & X64PageTables.PRESENT) != 0;
    }

    private long prototypeOf(long page) {
        long pte = memory.readLong(selfMap.pte(page));
        if (Pte.kind(pte) != Pte.Kind.PROTOTYPE) {
            throw new IllegalStateException(
                    "page of the system cache is in no view va=" + Hex.address(page) + " pte=" + Hex.address(pte));
        }
        return Pte.prototypeAddress(pte);
    }

    private NtStatus mapFresh(long page) {
        return enter(page, prototypes.shareForOverwrite(prototypeOf(page)));
    }

    /** @param most pages from this one on that may be read with it */
    private NtStatus mapRead(long page, int most) {
        long prototype = prototypeOf(page);
        if (!prototypes.isResident(prototype)) {
            int run = 1;
            while (run < most && isReadable(page + run * Pages.SIZE, prototype + run * (long) Long.BYTES)) {
                run++;
            }
            if (run > 1) {
                // Whatever goes wrong is tried again alone: the error may be a neighbour's.
                prototypes.readCluster(prototype, run);
            }
        }
        return enter(page, prototypes.share(prototype));
    }

    /** Whether a page is the next of the subsection and has to be read. */
    private boolean isReadable(long page, long prototype) {
        return !isValid(page) && prototypeOf(page) == prototype && !prototypes.isResident(prototype);
    }

    private NtStatus enter(long page, long frame) {
        if (frame == Prototypes.UNREADABLE) {
            return prototypes.readError();
        }
        if (frame == PfnDatabase.NONE) {
            return NtStatus.NO_MEMORY;
        }
        long at = selfMap.pte(page);
        memory.writeLong(at, frame << Pages.SHIFT | VALID & mmu.format().validBits());
        pfns.pfn(tableFrame(at)).addShares(1);
        workingSet.add(1);
        return NtStatus.SUCCESS;
    }

    /** A page fault at a kernel address: the kernel touches a view whose page is not in the working set. */
    NtStatus fault(long address, int errorCode) {
        boolean isOurs = address >= base && address < end && (errorCode & PageFaultCode.USER) == 0;
        if (!isOurs || (errorCode & PageFaultCode.FETCH) != 0) {
            return NtStatus.ACCESS_VIOLATION;
        }
        long page = Pages.down(address);
        long pte = memory.readLong(selfMap.pte(page));
        if ((pte & X64PageTables.PRESENT) != 0) {
            mmu.invalidatePage(page);
            return NtStatus.SUCCESS;
        }
        if (Pte.kind(pte) != Pte.Kind.PROTOTYPE) {
            return NtStatus.ACCESS_VIOLATION;
        }
        NtStatus status = makeValid(page, 1, 0, 0);
        return status.isSuccess() || status == NtStatus.NO_MEMORY ? status : NtStatus.IN_PAGE_ERROR;
    }

    /**
     * Reads pages that somebody may want soon, and leaves them on standby.
     *
     * @param firstPage of the file
     * @return pages read; 0 also when frames are scarce or the file cannot be read
     */
    public int readAhead(long controlArea, long firstPage, int count) {
        if (pfns.availablePages() < count + SPARE_FRAMES + manager.balance().lowPages()) {
            return 0;
        }
        ControlArea area = new ControlArea(memory, controlArea);
        Subsection part = areas.subsectionOf(area, firstPage);
        int done = 0;
        int read = 0;
        while (done < count) {
            long inPart = firstPage + done - part.startingPage();
            int here = (int) Math.min(count - done, part.pages() - inPart);
            read += readAhead(part.base() + inPart * Long.BYTES, here);
            done += here;
            if (done < count) {
                part = new Subsection(memory, part.next());
            }
        }
        return read;
    }

    private int readAhead(long prototype, int count) {
        int read = 0;
        for (int i = 0; i < count; ) {
            int run = 0;
            while (i + run < count && !prototypes.isResident(prototype + (i + run) * (long) Long.BYTES)) {
                run++;
            }
            if (run == 0) {
                i++;
                continue;
            }
            read += prototypes.readCluster(prototype + i * (long) Long.BYTES, run);
            i += run;
        }
        return read;
    }

    /** Tells the PFNs that valid pages of a view were written just now. */
    public void markModified(long address, int count) {
        for (int i = 0; i < count; i++) {
            long pte = memory.readLong(selfMap.pte(address + i * Pages.SIZE));
            pfns.pfn(Pte.frame(pte)).setModified(true);
        }
    }

    /** Tells the PFNs which of a view's pages were written since they were last told. */
    public void captureDirty(long address, int count) {
        for (int i = 0; i < count; i++) {
            long page = address + i * Pages.SIZE;
            long at = selfMap.pte(page);
            long pte = memory.readLong(at);
            if ((pte & X64PageTables.PRESENT) != 0 && (pte & X64PageTables.DIRTY) != 0) {
                pfns.pfn(Pte.frame(pte)).setModified(true);
                memory.writeLong(at, pte & ~X64PageTables.DIRTY);
                mmu.invalidatePage(page);
            }
        }
    }

    /** Writes pages of a file that PFNs call modified to it, adjacent ones together ({@code MmFlushSection}). */
    public NtStatus flush(long controlArea, long firstPage, long count) {
        return areas.flush(new ControlArea(memory, controlArea), firstPage, count);
    }

    /** Gives up all pages of a file from one on, changed or not ({@code MmPurgeSection}); no view shows them. */
    public void purge(long controlArea, long firstPage) {
        areas.purge(new ControlArea(memory, controlArea), firstPage);
    }

    /** Takes a view's pages out of the working set. */
    public void evict(long address, int count) {
        boolean any = false;
        for (int i = 0; i < count; i++) {
            any |= evict(address + i * Pages.SIZE);
        }
        if (any) {
            mmu.invalidateAll();
        }
    }

    // --- the working set ---

    public SystemCacheWorkingSet workingSet() {
        return workingSet;
    }

    /**
     * {@code SetSystemFileCacheSize}.
     *
     * @param minimumBytes and the maximum -1 to empty the working set; 0 leaves a limit as it is
     * @param flags {@link SystemCacheWorkingSet#MAXIMUM_HARD_ENABLE} and its kin
     * @return PRIVILEGE_NOT_HELD without {@code SeIncreaseQuotaPrivilege}; INVALID_PARAMETER for flags that exclude each other and for
     *     limits that cannot be kept
     */
    public NtStatus setLimits(Eprocess caller, long minimumBytes, long maximumBytes, int flags) {
        if (!new Token(memory, caller.token()).holds(Token.SE_INCREASE_QUOTA)) {
            return NtStatus.PRIVILEGE_NOT_HELD;
        }
        if (minimumBytes == -1 && maximumBytes == -1) {
            empty();
            return NtStatus.SUCCESS;
        }
        NtStatus status = workingSet.setLimits(minimumBytes, maximumBytes, flags);
        long over = workingSet.overMaximum(0);
        if (over > 0) {
            trim(over, Trimmer.Choice.ANY);
        }
        return status;
    }

    /** Takes all pages out of the working set. */
    public void empty() {
        trim(Long.MAX_VALUE, Trimmer.Choice.ANY);
    }

    /**
     * Takes pages out of the working set, going on where it left off the last time, once around.
     *
     * @return how many
     */
    long trim(long most, Trimmer.Choice choice) {
        if (end == base || workingSet.sizePages() == 0) {
            return 0;
        }
        long hand = selfMap.mapped(workingSet.nextPteToTrim());
        long page = hand >= base && hand < end ? hand : base;
        long trimmed = 0;
        for (long left = end - base >>> Pages.SHIFT; left > 0 && trimmed < most; left--) {
            long at = selfMap.pte(page);
            long pte = memory.readLong(at);
            if ((pte & X64PageTables.PRESENT) != 0) {
                if (choice != Trimmer.Choice.ANY && (pte & X64PageTables.ACCESSED) != 0) {
                    memory.writeLong(at, pte & ~X64PageTables.ACCESSED);
                } else if (evict(page)) {
                    trimmed++;
                }
            }
            page = page + Pages.SIZE == end ? base : page + Pages.SIZE;
        }
        workingSet.setNextPteToTrim(selfMap.pte(page));
        workingSet.countTrimmed(trimmed);
        mmu.invalidateAll();
        return trimmed;
    }
}
