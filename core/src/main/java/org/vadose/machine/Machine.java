package org.vadose.machine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.cc.CacheManager;
import org.vadose.ex.PoolAllocator;
import org.vadose.ex.PoolPages;
import org.vadose.io.IoSystem;
import org.vadose.memory.Mmu;
import org.vadose.memory.Mmus;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.X64PageTables;
import org.vadose.mm.BackingStore;
import org.vadose.mm.MemoryManager;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.NxPolicy;
import org.vadose.nt.Token;
import org.vadose.ob.ObjectManager;
import org.vadose.pe.KernelImage;
import org.vadose.ps.ProcessManager;
import org.vadose.ps.SystemClock;
import org.vadose.target.Target;
import org.vadose.win32.loader.BuiltinDlls;

/**
 * A booted machine. Boot runs the {@link BootPhase}s in order; {@link #timings} says what each took.
 *
 * <p>All state is in {@link #physicalMemory}: two machines of one configuration hold the same bytes after boot.
 */
public final class Machine implements AutoCloseable {
    /**
     * What a phase of the boot took.
     *
     * @param nanos wall time
     */
    public record Timing(BootPhase phase, long nanos) {}

    private final MachineConfig config;
    private final PhysicalMemory ram;
    private final Mmus mmus;
    private final List<Timing> timings = new ArrayList<>();
    private final MemoryManager memoryManager;
    private final PoolAllocator pool;
    private final ObjectManager objects;
    private final SystemClock clock;
    private final ProcessManager processes;
    private final List<Processor> processors = new ArrayList<>();
    private final IoSystem io;
    private final CacheManager cache;
    private final Modules modules;
    private final Devices devices;
    private final SystemImages images;
    private final Map<String, HostFileStore> hostFiles = new LinkedHashMap<>();
    private long phaseStart = System.nanoTime();

    private Machine(MachineConfig config, @Nullable BuiltinDlls builtin) {
        this.config = config;
        ram = new PhysicalMemory(config.ramBytes());
        mmus = new Mmus(
                ram,
                new X64PageTables(config.nx() != NxPolicy.ALWAYS_OFF),
                config.processors(),
                config.background() == BackgroundMode.THREADS);
        memoryManager = MemoryManager.boot(mmus, config.rules(), config.nodes(), config.seed(), KernelImage.build());
        end(BootPhase.MEMORY);
        memoryManager.kernelLock().lock();
        try {
            clock = new SystemClock(memoryManager.kernelMemory(), memoryManager.kernelBase());
            clock.start(config.bootTime());
            SharedDataWriter.write(memoryManager, config.seed(), config.nx());
            DebuggerData.write(memoryManager);
            ServiceTables.write(memoryManager.kernelMemory(), memoryManager.kernelBase());
            end(BootPhase.KERNEL_DATA);
            pool = new PoolAllocator(
                    memoryManager.kernelMemory(), new ManagedPages(memoryManager), memoryManager.kernelBase());
            pool.initialize();
            memoryManager.setPool(pool);
            end(BootPhase.POOLS);
            objects = new ObjectManager(memoryManager.kernelMemory(), pool, memoryManager.kernelBase());
            objects.initialize(config.seed());
            Devices.createDirectories(objects.namespace(), clock.now());
            end(BootPhase.OBJECTS);
            Nodes.create(memoryManager);
            for (int number = 0; number < config.processors(); number++) {
                processors.add(Processor.create(memoryManager, number));
            }
            end(BootPhase.PROCESSORS);
            processes = new ProcessManager(memoryManager, pool, objects, clock, config.seed());
            if (config.locksPages()) {
                processes.grantToUsers(1L << Token.SE_LOCK_MEMORY | 1L << Token.SE_INCREASE_QUOTA);
            }
            memoryManager.background().setCombinesWhenIdle(config.saving().combinesWhenIdle());
            if (config.saving().combines()) {
                processes.grantToUsers(1L << Token.SE_PROFILE_SINGLE_PROCESS);
            } else {
                memoryManager.combining().disable();
            }
            processes.initialize(processor().prcb());
            for (Processor other : processors.subList(1, processors.size())) {
                processes.createIdleThread(other.prcb());
            }
            memoryManager.switchTo(processes.system());
            SystemThreads.create(processes, objects, memoryManager.background());
            end(BootPhase.FIRST_PROCESSES);
            modules = new Modules(memoryManager, pool);
            modules.load();
            end(BootPhase.MODULES);
            io = new IoSystem(objects, pool, memoryManager.dataSections());
            cache = new CacheManager(memoryManager, objects, pool, io);
            cache.initialize();
            devices = new Devices(objects, io, modules);
            devices.create(config.seed(), clock.now());
            MemoryObjects.create(memoryManager, objects, processes);
            end(BootPhase.DEVICES);
            createPageFiles();
            end(BootPhase.PAGE_FILES);
            images = new SystemImages(
                    memoryManager.sections(), memoryManager.kernelMemory(), io, devices.volume(), builtin);
            if (!config.bare()) {
                ProcessTree tree =
                        new ProcessTree(memoryManager, objects, processes, io, images, devices.volume(), config.seed());
                tree.create(config.saving().compresses());
                if (config.saving().compresses()) {
                    memoryManager.compressMemory(tree.memoryCompression());
                }
                end(BootPhase.PROCESS_TREE);
            }
        } finally {
            memoryManager.kernelLock().unlock();
        }
        if (config.background() == BackgroundMode.THREADS) {
            memoryManager.background().start();
        }
    }

    private void createPageFiles() {
        for (PageFileSetup setup : config.pageFiles()) {
            boolean isOnVolume = setup.path().regionMatches(true, 0, "C:", 0, 2);
            NtStatus status = memoryManager
                    .pageFiles()
                    .create(
                            "\\??\\" + setup.path(),
                            setup.minimumBytes() >>> Pages.SHIFT,
                            setup.maximumBytes() >>> Pages.SHIFT,
                            isOnVolume
                                    ? io.createFile(
                                            devices.volume(), setup.path().substring(2))
                                    : 0,
                            store(setup));
            if (!status.isSuccess()) {
                throw new IllegalArgumentException("page file cannot be made file=" + setup + " status=" + status);
            }
        }
    }

    private BackingStore store(PageFileSetup setup) {
        PageFileSetup.Disk disk = setup.disk();
        HostFileStore file = new HostFileStore(disk.folder());
        hostFiles.put(setup.path(), file);
        return disk.isGood()
                ? file
                : new FailingStore(file, disk, SeededRandom.of(config.seed(), "disk of " + setup.path()));
    }

    /**
     * Boots a machine.
     *
     * @throws IllegalStateException when the RAM does not suffice
     */
    public static Machine boot(MachineConfig config) {
        return new Machine(config, null);
    }

    /** Boots a machine whose ntdll is the one among these DLLs, so that programs it runs share its pages. */
    public static Machine boot(MachineConfig config, BuiltinDlls builtin) {
        return new Machine(config, builtin);
    }

    /** A class, since a lambda would cost a cold boot milliseconds. */
    private static final class ManagedPages implements PoolPages {
        private final MemoryManager memoryManager;

        ManagedPages(MemoryManager memoryManager) {
            this.memoryManager = memoryManager;
        }

        @Override
        public long allocatePages(boolean paged, long pages) {
            return memoryManager.allocatePoolPages(paged, pages);
        }

        @Override
        public void freePages(boolean paged, long address, long pages) {
            memoryManager.freePoolPages(paged, address, pages);
        }
    }

    private void end(BootPhase phase) {
        long now = System.nanoTime();
        timings.add(new Timing(phase, now - phaseStart));
        phaseStart = now;
    }

    public MachineConfig config() {
        return config;
    }

    /** Page files that the host could not always read and write, each with what it said: its disk is full, say. */
    public List<String> pageFileProblems() {
        List<String> problems = new ArrayList<>();
        hostFiles.forEach((path, file) -> {
            String problem = file.problem();
            if (problem != null) {
                problems.add("page file " + path + ": " + problem);
            }
        });
        return problems;
    }

    public PhysicalMemory physicalMemory() {
        return ram;
    }

    /** The first processor's. */
    public Mmu mmu() {
        return mmus.get(0);
    }

    /** The first processor. */
    public Processor processor() {
        return processors.getFirst();
    }

    /** All processors, by number. */
    public List<Processor> processors() {
        return List.copyOf(processors);
    }

    /** The processors' MMUs. */
    public Mmus mmus() {
        return mmus;
    }

    public MemoryManager memoryManager() {
        return memoryManager;
    }

    public PoolAllocator pool() {
        return pool;
    }

    public ObjectManager objectManager() {
        return objects;
    }

    public ProcessManager processManager() {
        return processes;
    }

    public IoSystem ioSystem() {
        return io;
    }

    public CacheManager cacheManager() {
        return cache;
    }

    public SystemClock clock() {
        return clock;
    }

    public long kernelBase() {
        return memoryManager.kernelBase();
    }

    /** Makes a volume of its own for a drive, unless it has one. The caller holds the kernel lock. */
    public void addDrive(char letter) {
        devices.addDrive(letter, config.seed(), clock.now());
    }

    /** Body of the device that {@code C:} means. */
    public long systemVolume() {
        return devices.volume();
    }

    /** Body of the console driver's device. */
    public long consoleDevice() {
        return devices.console();
    }

    /** Image files of the system, ntdll first of all. */
    public SystemImages images() {
        return images;
    }

    /** Wall time of each phase of the boot, in order. */
    public List<Timing> timings() {
        return List.copyOf(timings);
    }

    /** The thread the first processor runs, as its control block says. */
    public Ethread currentThread() {
        return processor().prcb().currentThread();
    }

    /** Switches the calling thread's processor to a thread: its control block, and CR3 if the process is another. */
    public void switchTo(Ethread thread) {
        processors.get(mmus.current().number()).prcb().setCurrentThread(thread.address());
        memoryManager.usePagePriority(thread.effectivePagePriority());
        attach(thread.process());
    }

    /** Loads a process's page tables, as {@code KeStackAttachProcess} does. */
    public void attach(Eprocess process) {
        memoryManager.switchTo(process);
    }

    /** The machine as a debugger sees it: its RAM, whatever the manager believes. */
    public Target target() {
        return new Target(
                "live machine",
                ram,
                ram.sizeBytes(),
                mmus.format(),
                memoryManager.systemRoot(),
                memoryManager.kernelBase(),
                List.of());
    }

    /** Gives RAM and page files back to the host. */
    @Override
    public void close() {
        memoryManager.kernelLock().lock();
        try {
            cache.flushAll();
        } finally {
            memoryManager.kernelLock().unlock();
        }
        memoryManager.close();
        ram.close();
    }
}
