package org.vadose.mm;

import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmu;
import org.vadose.memory.Mmus;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.Eprocess;
import org.vadose.nt.SelfMap;
import org.vadose.pe.PeBuilder;

/** The memory manager: what the rest of the kernel asks of memory, from boot on. */
public final class MemoryManager {
    private static final long DRIVER_IMAGES_OFFSET = 32 * Pages.LARGE_SIZE;
    private static final long DRIVER_IMAGES_PAGES = 1 << 14;

    private static final long POOL_PAGES_OF_A_CALL = 16;

    private final Mmus mmu;
    private final AddressSpaceRules rules;
    private final SelfMap selfMap;
    private final long kernelBase;
    private final OrderedLock kernelLock = new OrderedLock(OrderedLock.Rank.KERNEL);
    private final PfnDatabase pfns;
    private final SystemSpace systemSpace;
    private final PagingCounts pagingCounts;
    private final Commit commit;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final VirtualMemoryServices virtualMemory;
    private final UserPages pages;
    private final AwePages awePages;
    private final WriteWatch writeWatch;
    private final DisposableMemory disposable;
    private final Prefetch prefetch;
    private final Placeholders placeholders;
    private final ImageBases imageBases;
    private final Prototypes prototypes;
    private final LargeSections largeSections;
    private final SectionViews sectionViews;
    private final ImageSections sections;
    private final SectionServices sectionObjects;
    private final ViewServices views;
    private final DataSectionPages dataSections;
    private final SystemCache systemCache;
    private final PageFiles pageFiles;
    private final PageIn pageIn;
    private final ModifiedWriter modifiedWriter;
    private final BalanceSet balance;
    private final PageCombining combining;
    private final BackgroundWork background;
    private final RegionQueries regionQueries;
    private final WorkingSetServices workingSets;
    private final ControlFlowGuard controlFlowGuard;
    private final NodePreferences nodePreferences;
    private final MemoryEvents memoryEvents;
    private @Nullable Pool pool;
    private @Nullable CompressionStore store;
    private @Nullable SharedUserPage sharedUserData;

    private MemoryManager(Mmus mmu, BootMemory boot, PfnDatabase pfns, AddressSpaceRules rules, long seed) {
        this.mmu = mmu;
        this.rules = rules;
        this.selfMap = boot.selfMap();
        this.kernelBase = boot.kernelBase();
        this.pfns = pfns;
        this.pagingCounts = new PagingCounts(mmu);
        this.commit = new Commit(mmu.kernel(), kernelBase);
        if (!commit.chargeSystem(pfns.frames() - pfns.availablePages())) {
            throw new IllegalStateException("commit limit is below what the boot took limit=" + commit.limit());
        }
        commit.setReserve(pfns.frames());
        this.systemSpace = new SystemSpace(mmu, selfMap, pfns, commit);
        this.spaces = new AddressSpaces(mmu, selfMap, pfns, commit, kernelBase, this::pool, seed);
        this.tables = new UserTables(mmu, selfMap, pfns, commit);
        this.pages = new UserPages(this, tables, pfns);
        this.pageFiles = new PageFiles(this, commit);
        this.imageBases = new ImageBases(mmu.kernel(), kernelBase, rules, seed);
        this.regionQueries = new RegionQueries(this, spaces, tables, pages);
        this.virtualMemory = new VirtualMemoryServices(this, spaces, tables, pages, commit, regionQueries);
        this.awePages = new AwePages(this, spaces, tables, commit);
        this.writeWatch = new WriteWatch(this, spaces, tables);
        this.disposable = new DisposableMemory(this, spaces, tables, pages);
        this.placeholders = new Placeholders(this);
        this.prefetch = new Prefetch(this, spaces, tables, pages);
        this.combining = new PageCombining(this, spaces, tables, pages);
        this.prototypes = new Prototypes(this, tables, pageFiles);
        this.modifiedWriter = new ModifiedWriter(this, pageFiles, prototypes);
        this.balance = new BalanceSet(
                this, spaces, pageFiles, new Trimmer(this, tables, pages), modifiedWriter, new Ager(this, tables));
        this.background = new BackgroundWork(this, balance);
        balance.use(background);
        this.pageIn = new PageIn(this, pageFiles, tables, balance);
        pfns.use(pageFiles, balance);
        this.controlFlowGuard = new ControlFlowGuard(this, spaces, tables, seed);
        this.workingSets = new WorkingSetServices(this, spaces, tables, pages);
        this.nodePreferences = new NodePreferences(this, spaces);
        this.memoryEvents = new MemoryEvents(this);
        commit.setGrowth(pageFiles::extend);
        this.largeSections = new LargeSections(this, tables, prototypes);
        ControlAreas areas = new ControlAreas(this, prototypes, commit);
        this.sectionViews = new SectionViews(this, tables, pages, commit, prototypes, areas);
        this.sections = new ImageSections(this, spaces, commit, prototypes, areas, sectionViews, imageBases);
        this.dataSections = new DataSectionPages(this, prototypes, areas);
        this.sectionObjects = new SectionServices(this, commit, areas);
        this.views = new ViewServices(this, spaces, sectionViews);
        this.systemCache = new SystemCache(
                this,
                pages,
                prototypes,
                areas,
                new SystemCacheWorkingSet(mmu.kernel(), kernelBase, pfns.frames()),
                boot.regionBase(SystemRegion.SYSTEM_CACHE));
        for (SystemRegion region : new SystemRegion[] {
            SystemRegion.NON_PAGED_POOL,
            SystemRegion.PAGED_POOL,
            SystemRegion.SYSTEM_PTES,
            SystemRegion.KERNEL_STACKS,
            SystemRegion.SESSION
        }) {
            systemSpace.open(region, boot.regionBase(region), 0, pfns.frames());
        }
        // Drivers load behind the kernel image.
        systemSpace.open(SystemRegion.SYSTEM_IMAGES, boot.kernelBase() + DRIVER_IMAGES_OFFSET, 0, DRIVER_IMAGES_PAGES);
    }

    /**
     * Sets memory up as the boot loader and the kernel's first phase do: System's page tables with their self-map, the kernel image
     * at its randomised base, the PFN database, system space.
     *
     * @param mmu of the only processor; its RAM is untouched so far
     */
    public static MemoryManager boot(Mmu mmu, long seed, PeBuilder kernelImage) {
        return boot(new Mmus(mmu), seed, kernelImage);
    }

    /** {@link #boot(Mmu, long, PeBuilder)} with several processors, the first of which boots. */
    public static MemoryManager boot(Mmus mmu, long seed, PeBuilder kernelImage) {
        return boot(mmu, AddressSpaceRules.STANDARD, 1, seed, kernelImage);
    }

    /**
     * {@link #boot(Mmus, long, PeBuilder)} of any machine.
     *
     * @param rules by which address spaces are laid out
     * @param nodes among which RAM and the processors are shared out, 1 to {@link NodeTopology#MOST}
     */
    public static MemoryManager boot(Mmus mmu, AddressSpaceRules rules, int nodes, long seed, PeBuilder kernelImage) {
        NodeTopology topology = new NodeTopology(nodes, mmu.ram().frames(), mmu.count());
        BootMemory boot = new BootMemory(mmu.ram(), topology, seed, kernelImage);
        boot.mapKernel(mmu, kernelImage);
        return new MemoryManager(mmu, boot, boot.buildPfnDatabase(mmu), rules, seed);
    }

    /** By what rules address spaces are laid out. */
    public AddressSpaceRules rules() {
        return rules;
    }

    /** Memory as the kernel sees it. */
    public Memory kernelMemory() {
        return mmu.kernel();
    }

    public Mmus mmu() {
        return mmu;
    }

    /** With several processors, held by whoever uses the manager, or the kernel around it; page faults see to it themselves. */
    public OrderedLock kernelLock() {
        return kernelLock;
    }

    public long kernelBase() {
        return kernelBase;
    }

    public SelfMap selfMap() {
        return selfMap;
    }

    public PfnDatabase pfns() {
        return pfns;
    }

    public SystemSpace systemSpace() {
        return systemSpace;
    }

    /** Physical address of System's PML4. */
    public long systemRoot() {
        return BootMemory.SYSTEM_ROOT;
    }

    /**
     * Takes zeroed pages for a pool.
     *
     * @return address of the first
     * @throws IllegalStateException when RAM or the pool's region is used up
     */
    public long allocatePoolPages(boolean paged, long pages) {
        long address =
                systemSpace.allocate(paged ? SystemRegion.PAGED_POOL : SystemRegion.NON_PAGED_POOL, pages, false);
        if (address == 0) {
            throw new ResourcesException("out of pool paged=" + paged + " bytes=" + pages * Pages.SIZE);
        }
        return address;
    }

    /**
     * Whether the pools can take what one call of a program needs of them. To be asked before the call changes anything: working sets
     * may be trimmed.
     */
    boolean canGrowPools() {
        pfns.makeAvailable(poolPagesOfACall());
        if (haveRoom()) {
            return true;
        }
        // What is kept for files that nobody uses can go.
        dataSections.purgeUnused();
        return haveRoom();
    }

    private boolean haveRoom() {
        return commit.mayPoolsGrow() && pfns.availablePages() >= poolPagesOfACall();
    }

    /** With what must be left. */
    private long poolPagesOfACall() {
        return POOL_PAGES_OF_A_CALL + (pfns.isMakingAvailable() ? 0 : systemSpace.leftByPools());
    }

    public void freePoolPages(boolean paged, long address, long pages) {
        systemSpace.free(paged ? SystemRegion.PAGED_POOL : SystemRegion.NON_PAGED_POOL, address, pages);
    }

    /** Tells a processor, whose control block is there, which frames are its own. */
    public void useProcessor(int number, long prcb) {
        pfns.use(number, prcb);
        pagingCounts.use(number, prcb);
    }

    /** The pools, once the executive has made them; from then on processes can have address spaces. */
    public void setPool(Pool newPool) {
        pool = newPool;
        imageBases.initialize(newPool);
        sharedUserData = new SharedUserPage(this, tables, commit);
        for (Mmu each : mmu.all()) {
            each.setFaultHandler(new FaultHandler(this, each.number(), spaces, tables, pages));
        }
    }

    /** What was paged so far. */
    public PagingCounts pagingCounts() {
        return pagingCounts;
    }

    /**
     * Tells the current processor what the pages that it takes from now on are worth: the page priority of the thread that it runs.
     *
     * @param priority 0, the first to be taken away, to 7
     */
    public void usePagePriority(int priority) {
        pfns.usePriority(priority);
    }

    /** Which node pages come from. */
    public NodePreferences nodePreferences() {
        return nodePreferences;
    }

    SharedUserPage sharedUserData() {
        return Objects.requireNonNull(sharedUserData, "the pools are not there yet");
    }

    Pool pool() {
        return Objects.requireNonNull(pool, "the pools are not there yet");
    }

    public VirtualMemoryServices virtualMemory() {
        return virtualMemory;
    }

    /** Physical pages that processes own by number, and their windows. */
    public AwePages awePages() {
        return awePages;
    }

    /** Regions whose writes are watched. */
    public WriteWatch writeWatch() {
        return writeWatch;
    }

    /** Contents that can be done without. */
    public DisposableMemory disposable() {
        return disposable;
    }

    Placeholders placeholders() {
        return placeholders;
    }

    public Prefetch prefetch() {
        return prefetch;
    }

    public ImageSections sections() {
        return sections;
    }

    /** What section objects do. */
    public SectionServices sectionObjects() {
        return sectionObjects;
    }

    /** The system services on views of sections. */
    public ViewServices views() {
        return views;
    }

    /** What is asked about regions and single pages. */
    public RegionQueries regionQueries() {
        return regionQueries;
    }

    /** Pages of data files in RAM, for file systems. */
    public DataSectionPages dataSections() {
        return dataSections;
    }

    /** Views of files for the cache manager. */
    public SystemCache systemCache() {
        return systemCache;
    }

    /** The page files, none at first. */
    public PageFiles pageFiles() {
        return pageFiles;
    }

    /**
     * Begins memory compression: from now on modified pages go to a store in the user space of this process before a page file gets
     * them. Once, when the page files are there.
     */
    public void compressMemory(Eprocess storeProcess) {
        CompressionStore made = new CompressionStore(this, spaces, pageFiles, commit, storeProcess);
        pageFiles.setStore(made);
        modifiedWriter.setTaker(made);
        store = made;
    }

    /** Limits of working sets, and pages locked in them. */
    public WorkingSetServices workingSets() {
        return workingSets;
    }

    /** What tells programs that memory is short, or plenty. */
    public MemoryEvents memoryEvents() {
        return memoryEvents;
    }

    /** What can be told of the page lists, and done to them. */
    public MemoryLists memoryLists() {
        return new MemoryLists(this);
    }

    /** Equal private pages that become one. */
    public PageCombining combining() {
        return combining;
    }

    /** Where indirect calls may go. */
    public ControlFlowGuard controlFlowGuard() {
        return controlFlowGuard;
    }

    PageIn pageIn() {
        return pageIn;
    }

    /** Writes all modified pages that can be written, as the modified-page writer does when told to. */
    public void writeModifiedPages() {
        balance.writeAll();
    }

    /** Ages the working sets of all processes, as the balance-set manager does once a second. */
    public void ageWorkingSets() {
        balance.age();
    }

    /** What the manager's threads of System do. */
    public BackgroundWork background() {
        return background;
    }

    ModifiedWriter modifiedWriter() {
        return modifiedWriter;
    }

    BalanceSet balance() {
        return balance;
    }

    /** Gives back what is outside RAM: the page files. */
    public void close() {
        background.stop();
        pageFiles.close();
    }

    Prototypes prototypes() {
        return prototypes;
    }

    LargeSections largeSections() {
        return largeSections;
    }

    SectionViews sectionViews() {
        return sectionViews;
    }

    /**
     * A new address space, its user half empty.
     *
     * @return physical address of its PML4, for {@code _KPROCESS.DirectoryTableBase}; 0 when there is no RAM
     */
    public long createAddressSpace() {
        return spaces.create();
    }

    /** Gives back an address space that no process got. */
    public void discardAddressSpace(long root) {
        spaces.delete(root);
    }

    /** Gives a new process the shared user data where every process has it. */
    public NtStatus mapSharedUserData(Eprocess process) {
        long before = spaces.enter(process);
        try {
            return sharedUserData().addTo(spaces.entered());
        } finally {
            spaces.leave(before);
        }
    }

    /** Frees everything a process has in its user half, but not its page tables' root; it may go on running in the kernel. */
    public void cleanAddressSpace(Eprocess process) {
        long before = spaces.enter(process);
        try {
            virtualMemory.regions().releaseAll(spaces.entered());
        } finally {
            spaces.leave(before);
        }
        CompressionStore compressed = store;
        if (compressed != null) {
            compressed.tidy();
        }
    }

    /** Frees everything a process has in its user half, and then its page tables. Processors that have it loaded load System's. */
    public void deleteAddressSpace(Eprocess process) {
        cleanAddressSpace(process);
        long root = process.directoryTableBase();
        mmu.unload(root, systemRoot());
        spaces.delete(root);
    }

    /** Loads a process's address space on this processor. */
    public void switchTo(Eprocess process) {
        spaces.switchTo(process);
    }

    /** Does something with a process's address space loaded, then loads the one before. */
    public <T> T attached(Eprocess process, Supplier<T> work) {
        long before = spaces.enter(process);
        try {
            return work.get();
        } finally {
            spaces.leave(before);
        }
    }

    /** Pages committed in the whole system. */
    public long totalCommittedPages() {
        return commit.total();
    }

    /** The most pages that were ever committed. */
    public long peakCommittedPages() {
        return commit.peakPages();
    }

    /** Pages of the paged or of the nonpaged pool. */
    public long poolPages(boolean paged) {
        return systemSpace.pagesInUse(paged ? SystemRegion.PAGED_POOL : SystemRegion.NON_PAGED_POOL);
    }

    /** Pages in RAM that belong to nobody's working set but still have their contents. */
    public long cachedPages() {
        return pfns.standbyPages() + pfns.modifiedPages() + pfns.mappedModifiedPages();
    }

    /** Pages charged for sections that are written in place. */
    public long sharedCommitPages() {
        return commit.sharedPages();
    }

    /** Of the pages that can be committed, those that no program can have: page tables and pools need some always. */
    public long commitReservePages() {
        return commit.reserve();
    }

    /** The most pages that can be committed. */
    public long commitLimitPages() {
        return commit.limit();
    }
}
