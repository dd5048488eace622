package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.PoolTrackerTableLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.SectionServices;
import org.vadose.mm.ViewServices;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Eprocess;
import org.vadose.nt.HandleTable;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Section;
import org.vadose.nt.WaitReason;
import org.vadose.ob.KnownType;
import org.vadose.pe.PeImage;
import org.vadose.ps.Account;
import org.vadose.ps.ProcessManager;
import org.vadose.ps.ThreadSpec;
import org.vadose.ps.UserProcess;
import org.vadose.ps.UserProcessSpec;

/**
 * Whichever allocation fails while a process, a thread or an object is made: the answer is a status, or another way was found, and in the
 * end nothing is left of it.
 */
class PoolExhaustionTest {
    private static final String PATH = "C:\\Windows\\System32\\smss.exe";

    private final Machine machine =
            Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64L << 20));
    private final ProcessManager processes = machine.processManager();
    private long ntdllBase;

    @AfterEach
    void close() {
        machine.close();
    }

    @Test
    void eventIsMadeOrNot() {
        everyAllocationFailsOnce(() -> {
            long event = processes.createEvent(DispatcherHeader.NOTIFICATION_EVENT, "Global name");
            machine.objectManager().dereference(event);
        });
    }

    @Test
    void threadIsMadeOrNot() {
        everyAllocationFailsOnce(() -> {
            long event = processes.createEvent(DispatcherHeader.NOTIFICATION_EVENT, "");
            try {
                processes.exitThread(
                        processes.createThread(
                                processes.system(),
                                ThreadSpec.system(machine.kernelBase(), 8, WaitReason.EXECUTIVE, event)),
                        0);
            } finally {
                machine.objectManager().dereference(event);
            }
        });
    }

    @Test
    void processIsMadeOrNot() {
        everyAllocationFailsOnce(() -> {
            Eprocess process = create();
            try {
                processes.createUserThread(process, ntdllBase, 0, 0x10000, 0x1000, WaitReason.EXECUTIVE, 0);
            } finally {
                processes.exitProcess(process, 0);
            }
        });
    }

    private Eprocess create() {
        SystemImages.Image program = machine.images().program(PATH);
        UserProcess made = processes.createUserProcess(new UserProcessSpec(
                PATH,
                "\\Device\\HarddiskVolume2\\Windows\\System32\\smss.exe",
                "smss.exe",
                "C:\\Windows\\System32\\",
                StandardEnvironment.of(Account.SYSTEM, 1),
                4,
                0,
                Account.SYSTEM,
                8,
                program.image(),
                program.controlArea(),
                program.file(),
                machine.images().ntdll().controlArea()));
        ntdllBase = made.ntdllBase();
        return made.process();
    }

    private static final int RESERVE = VirtualMemoryServices.MEM_RESERVE;
    private static final int COMMIT = VirtualMemoryServices.MEM_COMMIT;
    private static final int RELEASE = VirtualMemoryServices.MEM_RELEASE;
    private static final int PRESERVE = RELEASE | 2;
    private static final int NO_ACCESS = PageProtection.PAGE_NOACCESS;
    private static final int READ_WRITE = PageProtection.PAGE_READWRITE;
    private static final long SIZE = 16 * Pages.SIZE;

    /** A call that may fail for want of pool: true when it did what it should. */
    private static boolean isDone(NtStatus status) {
        assertTrue(status.isSuccess() || status == NtStatus.INSUFFICIENT_RESOURCES, () -> "status=" + status);
        return status.isSuccess();
    }

    private NtStatus allocate(Eprocess process, Region region, int type, int protection) {
        return machine.memoryManager().virtualMemory().allocateEx(process, region, null, type, protection);
    }

    private NtStatus free(Eprocess process, long base, long size, int type) {
        Region region = new Region();
        region.base = base;
        region.sizeBytes = size;
        return machine.memoryManager().virtualMemory().free(process, region, type);
    }

    /** Allocates, takes the middle out, then the lowest and the highest page, then what is left. */
    @ParameterizedTest
    @ValueSource(
            ints = {
                RESERVE,
                RESERVE | COMMIT,
                RESERVE | COMMIT | VirtualMemoryServices.MEM_WRITE_WATCH,
                RESERVE | VirtualMemoryServices.MEM_RESERVE_PLACEHOLDER
            })
    void regionIsMadeAndCutOrNot(int type) {
        boolean isPlaceholder = (type & VirtualMemoryServices.MEM_RESERVE_PLACEHOLDER) != 0;
        withProcess(process -> everyAllocationFailsOnce(() -> {
            Region region = new Region();
            region.sizeBytes = SIZE;
            if (!isDone(allocate(process, region, type, isPlaceholder ? NO_ACCESS : READ_WRITE))) {
                return;
            }
            long base = region.base;
            long behind = base + 8 * Pages.SIZE;
            if (isDone(free(process, base + 4 * Pages.SIZE, 4 * Pages.SIZE, RELEASE))) {
                assertEquals(NtStatus.SUCCESS, free(process, behind, Pages.SIZE, RELEASE));
                assertEquals(NtStatus.SUCCESS, free(process, behind + Pages.SIZE, 0, RELEASE));
            }
            assertEquals(NtStatus.SUCCESS, free(process, base, 0, RELEASE));
            assertEquals(0, virtualSizeOf(process, base));
        }));
    }

    private long virtualSizeOf(Eprocess process, long base) {
        BasicInformation information = new BasicInformation();
        assertEquals(NtStatus.SUCCESS, machine.memoryManager().virtualMemory().query(process, base, information));
        return information.allocationBase;
    }

    @Test
    void placeholderIsSplitReplacedAndPutBackOrNot() {
        withProcess(process -> {
            ViewServices views = machine.memoryManager().views();
            long section = machine.objectManager().create(KnownType.SECTION, Section.SIZE);
            assertEquals(
                    NtStatus.SUCCESS,
                    machine.memoryManager()
                            .sectionObjects()
                            .create(
                                    section,
                                    process,
                                    Pages.GRANULARITY,
                                    READ_WRITE,
                                    SectionServices.SEC_COMMIT,
                                    null,
                                    ""));
            everyAllocationFailsOnce(() -> {
                Region region = new Region();
                region.sizeBytes = 3 * Pages.GRANULARITY;
                if (!isDone(allocate(
                        process, region, RESERVE | VirtualMemoryServices.MEM_RESERVE_PLACEHOLDER, NO_ACCESS))) {
                    return;
                }
                long base = region.base;
                long middle = base + Pages.GRANULARITY;
                boolean isSplit = isDone(free(process, middle, Pages.GRANULARITY, PRESERVE));
                if (isSplit) {
                    ViewServices.View view = new ViewServices.View();
                    view.base = middle;
                    view.sizeBytes = Pages.GRANULARITY;
                    boolean isMapped = isDone(views.mapEx(
                            section, process, view, null, VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER, READ_WRITE));
                    if (isMapped && !isDone(unmap(views, process, middle, true))) {
                        assertEquals(NtStatus.SUCCESS, views.unmap(process, middle, false));
                    } else {
                        // It is a placeholder, whether a view was there or not.
                        assertEquals(NtStatus.SUCCESS, free(process, middle, 0, RELEASE));
                    }
                    assertEquals(NtStatus.SUCCESS, free(process, middle + Pages.GRANULARITY, 0, RELEASE));
                }
                assertEquals(NtStatus.SUCCESS, free(process, base, 0, RELEASE));
            });
            machine.objectManager().dereference(section);
        });
    }

    private static NtStatus unmap(ViewServices views, Eprocess process, long address, boolean preserve) {
        try {
            return views.unmap(process, address, preserve);
        } catch (ResourcesException exhausted) {
            return exhausted.status();
        }
    }

    @Test
    void sectionIsMadeOrNot() {
        withProcess(process -> everyAllocationFailsOnce(() -> {
            long section = machine.objectManager().create(KnownType.SECTION, Section.SIZE);
            isDone(machine.memoryManager()
                    .sectionObjects()
                    .create(section, process, 40 * Pages.SIZE, READ_WRITE, SectionServices.SEC_COMMIT, null, ""));
            machine.objectManager().dereference(section);
        }));
    }

    @Test
    void imageSectionIsMadeOrNot() {
        PeImage image = machine.images().program(PATH).image();
        everyAllocationFailsOnce(() -> {
            long area = machine.memoryManager().sections().create(image, "again", 0);
            machine.memoryManager().sections().dereference(area);
        });
    }

    /** A system-made process to try things in; it is gone afterwards. */
    private void withProcess(Consumer<Eprocess> work) {
        machine.memoryManager().kernelLock().lock();
        try {
            Eprocess process = create();
            work.accept(process);
            processes.exitProcess(process, 0);
            Checks.check("process gone", machine);
        } finally {
            machine.memoryManager().kernelLock().unlock();
        }
    }

    private void everyAllocationFailsOnce(Runnable work) {
        machine.memoryManager().kernelLock().lock();
        try {
            work.run();
            String before = state();
            for (int which = 0; ; which++) {
                int[] left = {which};
                machine.pool().refuse(() -> left[0]-- == 0);
                try {
                    work.run();
                } catch (ResourcesException exhausted) {
                    assertTrue(!exhausted.status().isSuccess(), () -> "status=" + exhausted.status());
                } finally {
                    machine.pool().refuse(null);
                }
                assertEquals(before, state(), "allocation " + which);
                Checks.check("allocation " + which, machine);
                if (left[0] >= 0) {
                    assertTrue(which > 0);
                    return;
                }
            }
        } finally {
            machine.memoryManager().kernelLock().unlock();
        }
    }

    /** What must be the same again: ids, objects of each kind, processes. */
    private String state() {
        Memory memory = machine.memoryManager().kernelMemory();
        StringBuilder text = new StringBuilder();
        for (KnownType type : new KnownType[] {
            KnownType.EVENT, KnownType.THREAD, KnownType.PROCESS, KnownType.TOKEN, KnownType.SECTION, KnownType.FILE
        }) {
            long body = machine.objectManager().typeBody(type);
            text.append(type)
                    .append('=')
                    .append(memory.readInt(body + org.vadose.layout.ObjectTypeLayout.TOTAL_NUMBER_OF_OBJECTS))
                    .append(' ');
        }
        HandleTable cids = new HandleTable(memory, memory.readLong(machine.kernelBase() + KernelSymbols.PSP_CID_TABLE));
        return text + "ids=" + cids.handleCount() + " processes="
                + processes.processes().size()
                + " blocks=" + outstandingBlocks();
    }

    private long outstandingBlocks() {
        Memory memory = machine.memoryManager().kernelMemory();
        long table = memory.readLong(machine.kernelBase() + KernelSymbols.POOL_TRACK_TABLE);
        long entries = memory.readLong(machine.kernelBase() + KernelSymbols.POOL_TRACK_TABLE_SIZE);
        long blocks = 0;
        for (long i = 0; i < entries; i++) {
            long entry = table + i * PoolTrackerTableLayout.SIZE;
            blocks += memory.readLong(entry + PoolTrackerTableLayout.NON_PAGED_ALLOCS)
                    - memory.readLong(entry + PoolTrackerTableLayout.NON_PAGED_FREES)
                    + memory.readLong(entry + PoolTrackerTableLayout.PAGED_ALLOCS)
                    - memory.readLong(entry + PoolTrackerTableLayout.PAGED_FREES);
        }
        return blocks;
    }
}
