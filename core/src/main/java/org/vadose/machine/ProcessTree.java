package org.vadose.machine;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.io.IoSystem;
import org.vadose.layout.KtrapFrameLayout;
import org.vadose.layout.LdrDdagStateValues;
import org.vadose.layout.LdrDllLoadReasonValues;
import org.vadose.layout.NtdllSymbols;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Eprocess;
import org.vadose.nt.HandleTable;
import org.vadose.nt.LdrDataTableEntry;
import org.vadose.nt.WaitReason;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;
import org.vadose.ps.Account;
import org.vadose.ps.ProcessManager;
import org.vadose.ps.ProcessSpec;
import org.vadose.ps.SystemClock;
import org.vadose.ps.ThreadSpec;
import org.vadose.ps.UserProcess;
import org.vadose.ps.UserProcessSpec;
import org.vadose.ps.UserThread;
import org.vadose.win32.LoaderHeap;
import org.vadose.win32.loader.ModuleLists;

/**
 * The processes of a machine at its desktop. None of them runs: each has its address space, PEB and modules, and threads that wait
 * in ntdll as those of an idle system do.
 */
final class ProcessTree {
    private static final int NONE = ProcessSpec.NO_SESSION;
    private static final String SYSTEM32 = SystemImages.SYSTEM_DIRECTORY;
    private static final int PAGE_READWRITE = 4;
    private static final long STACK_RESERVE = 0x8_0000;
    private static final long STACK_COMMIT = 0x3000;
    /** From a service stub's start to the instruction after its SYSCALL. */
    private static final long STUB_RETURN = 0x14;

    private static final short USER_CODE_SELECTOR = 0x33;
    private static final short USER_DATA_SELECTOR = 0x2B;
    private static final int EFLAGS = 0x246;

    /** What a parent is called in the table when it has ended by now; each name is a process of its own. */
    private static final String GONE = "gone ";

    /**
     * @param name what children call it
     * @param path its program; without a backslash, a process of the kernel's own
     * @param parent name of its creator
     * @param threads how many
     */
    private record Row(
            String name,
            String path,
            String arguments,
            String parent,
            int session,
            Account account,
            int threads,
            int priority) {}

    private static final String CSRSS =
            " ObjectDirectory=\\Windows SharedSection=1024,20480,768 Windows=On SubSystemType=Windows";

    private static final String COMPRESSION = "compression";

    private static final Row[] ROWS = {
        row("registry", "Registry", "", "system", NONE, Account.SYSTEM, 2, 8),
        row("smss", SYSTEM32 + "smss.exe", "", "system", NONE, Account.SYSTEM, 2, 11),
        row("csrss0", SYSTEM32 + "csrss.exe", CSRSS, GONE + "smss0", 0, Account.SYSTEM, 3, 13),
        row("wininit", SYSTEM32 + "wininit.exe", "", GONE + "smss0", 0, Account.SYSTEM, 2, 13),
        row("csrss1", SYSTEM32 + "csrss.exe", CSRSS, GONE + "smss1", 1, Account.SYSTEM, 3, 13),
        row("winlogon", SYSTEM32 + "winlogon.exe", "", GONE + "smss1", 1, Account.SYSTEM, 2, 13),
        row("services", SYSTEM32 + "services.exe", "", "wininit", 0, Account.SYSTEM, 3, 9),
        row("lsass", SYSTEM32 + "lsass.exe", "", "wininit", 0, Account.SYSTEM, 3, 9),
        row("fontdrvhost0", SYSTEM32 + "fontdrvhost.exe", "", "wininit", 0, Account.FONT_DRIVER_HOST, 1, 8),
        row("fontdrvhost1", SYSTEM32 + "fontdrvhost.exe", "", "winlogon", 1, Account.FONT_DRIVER_HOST, 1, 8),
        row("dcom", SYSTEM32 + "svchost.exe", " -k DcomLaunch -p", "services", 0, Account.SYSTEM, 3, 8),
        row("rpc", SYSTEM32 + "svchost.exe", " -k RPCSS -p", "services", 0, Account.NETWORK_SERVICE, 2, 8),
        row("dwm", SYSTEM32 + "dwm.exe", "", "winlogon", 1, Account.WINDOW_MANAGER, 2, 13),
        row("netsvcs", SYSTEM32 + "svchost.exe", " -k netsvcs -p", "services", 0, Account.SYSTEM, 3, 8),
        row("local", SYSTEM32 + "svchost.exe", " -k LocalService -p", "services", 0, Account.LOCAL_SERVICE, 2, 8),
        row(
                "localnet",
                SYSTEM32 + "svchost.exe",
                " -k LocalServiceNetworkRestricted -p",
                "services",
                0,
                Account.LOCAL_SERVICE,
                2,
                8),
        row(
                "localsystem",
                SYSTEM32 + "svchost.exe",
                " -k LocalSystemNetworkRestricted -p",
                "services",
                0,
                Account.SYSTEM,
                2,
                8),
        row("network", SYSTEM32 + "svchost.exe", " -k NetworkService -p", "services", 0, Account.NETWORK_SERVICE, 2, 8),
        row(COMPRESSION, "MemCompression", "", "system", NONE, Account.SYSTEM, 2, 8),
        row("spooler", SYSTEM32 + "spoolsv.exe", "", "services", 0, Account.SYSTEM, 2, 8),
        row("unistack", SYSTEM32 + "svchost.exe", " -k UnistackSvcGroup", "services", 1, Account.USER, 1, 8),
        row("sihost", SYSTEM32 + "sihost.exe", "", "netsvcs", 1, Account.USER, 2, 8),
        row("taskhost", SYSTEM32 + "taskhostw.exe", "", "netsvcs", 1, Account.USER, 1, 8),
        row("explorer", "C:\\Windows\\Explorer.EXE", "", GONE + "userinit", 1, Account.USER, 4, 8),
        row("broker", SYSTEM32 + "RuntimeBroker.exe", " -Embedding", "dcom", 1, Account.USER, 1, 8),
        row("ctfmon", SYSTEM32 + "ctfmon.exe", "", "localsystem", 1, Account.USER, 1, 13),
        row("search", SYSTEM32 + "SearchIndexer.exe", " /Embedding", "services", 0, Account.SYSTEM, 2, 8),
        row(
                "dllhost",
                SYSTEM32 + "dllhost.exe",
                " /Processid:{973D20D7-562D-44B9-B70B-5A0F49CCDF3F}",
                "dcom",
                1,
                Account.USER,
                1,
                8)
    };

    private final MemoryManager memoryManager;
    private final Memory memory;
    private final ObjectManager objects;
    private final ProcessManager processes;
    private final IoSystem io;
    private final SystemImages images;
    private final long volume;
    private final SeededRandom pauses;
    private final Map<String, Long> ids = new HashMap<>();
    private long knownDlls;
    private @Nullable Eprocess memoryCompression;

    ProcessTree(
            MemoryManager memoryManager,
            ObjectManager objects,
            ProcessManager processes,
            IoSystem io,
            SystemImages images,
            long volume,
            long seed) {
        this.memoryManager = memoryManager;
        this.memory = memoryManager.kernelMemory();
        this.objects = objects;
        this.processes = processes;
        this.io = io;
        this.images = images;
        this.volume = volume;
        this.pauses = SeededRandom.of(seed, "process tree");
    }

    private static Row row(
            String name,
            String path,
            String arguments,
            String parent,
            int session,
            Account account,
            int threads,
            int priority) {
        return new Row(name, path, arguments, parent, session, account, threads, priority);
    }

    /** @param compressesMemory whether there is a process whose memory holds compressed pages */
    void create(boolean compressesMemory) {
        ids.put("system", ProcessManager.SYSTEM_PROCESS_ID);
        knownDlls = objects.namespace().lookup("\\KnownDlls").body();
        publishNtdll();
        createSessionDirectories();
        for (Row row : ROWS) {
            if (row.name().equals(COMPRESSION) && !compressesMemory) {
                continue;
            }
            processes.clock().advance((20 + pauses.below(400)) * SystemClock.MILLISECOND);
            create(row);
        }
        processes.clock().advance((2000 + pauses.below(3000)) * SystemClock.MILLISECOND);
    }

    /** {@code \KnownDlls\ntdll.dll}: the section every process is given. */
    private void publishNtdll() {
        long section = processes.createImageSection(images.ntdll().controlArea(), "ntdll.dll");
        objects.setPermanent(section, true);
        objects.namespace().insert(knownDlls, section);
    }

    private void createSessionDirectories() {
        long sessions = objects.namespace().lookup("\\Sessions").body();
        for (String session : new String[] {"0", "1"}) {
            long directory = objects.namespace().createDirectory(sessions, session);
            for (String name : new String[] {"DosDevices", "Windows", "AppContainerNamedObjects"}) {
                objects.namespace().createDirectory(directory, name);
            }
            if (session.equals("1")) {
                long named = objects.namespace().createDirectory(directory, "BaseNamedObjects");
                Devices.linkNamedObjects(
                        objects.namespace(),
                        named,
                        "\\Sessions\\1\\BaseNamedObjects",
                        processes.clock().now());
            }
        }
    }

    private void create(Row row) {
        long parent = parentId(row.parent());
        Eprocess process = row.path().indexOf('\\') < 0 ? createMinimal(row, parent) : createUser(row, parent);
        ids.put(row.name(), process.uniqueProcessId());
        if (row.name().equals(COMPRESSION)) {
            memoryCompression = process;
        }
    }

    /** The process MemCompression. */
    Eprocess memoryCompression() {
        return Objects.requireNonNull(memoryCompression, "memory is not compressed");
    }

    private long parentId(String name) {
        Long known = ids.get(name);
        if (known == null) {
            // It has come and gone; only its id is left, in its children.
            known = processes.spendId();
            ids.put(name, known);
        }
        return known;
    }

    private Eprocess createMinimal(Row row, long parent) {
        Eprocess process = processes.create(new ProcessSpec(
                row.path(),
                "",
                parent,
                row.session(),
                row.account(),
                memoryManager.createAddressSpace(),
                true,
                row.priority()));
        long start = objects.kernelBase() + org.vadose.layout.KernelSymbols.PSP_SYSTEM_THREAD_STARTUP;
        for (int i = 0; i < row.threads(); i++) {
            long event = processes.createEvent(DispatcherHeader.SYNCHRONIZATION_EVENT, "");
            open(process, event, KnownType.EVENT);
            processes.createThread(process, ThreadSpec.system(start, row.priority(), WaitReason.EXECUTIVE, event));
            objects.dereference(event);
        }
        return process;
    }

    private Eprocess createUser(Row row, long parent) {
        SystemImages.Image program = images.program(row.path());
        String quoted = row.path().concat(row.arguments());
        UserProcess made = processes.createUserProcess(new UserProcessSpec(
                row.path(),
                "\\Device\\HarddiskVolume2".concat(row.path().substring(2)),
                quoted,
                SYSTEM32,
                StandardEnvironment.of(row.account(), memoryManager.mmu().count()),
                parent,
                row.session(),
                row.account(),
                row.priority(),
                program.image(),
                program.controlArea(),
                program.file(),
                images.ntdll().controlArea()));
        Eprocess process = made.process();
        memoryManager.attached(process, () -> {
            writeModuleLists(made, program);
            return process;
        });
        long event = processes.createEvent(DispatcherHeader.SYNCHRONIZATION_EVENT, "");
        long queue = processes.createIoCompletion();
        open(process, event, KnownType.EVENT);
        openExisting(process, knownDlls, KnownType.DIRECTORY, 3);
        open(process, queue, KnownType.IO_COMPLETION);
        long directory = io.createFile(volume, "\\Windows\\System32");
        openExisting(process, directory, KnownType.FILE, 0x100020);
        objects.dereference(directory);
        for (int i = 0; i < row.threads(); i++) {
            createThread(made, program, i == 0, i == 0 ? event : queue);
        }
        objects.dereference(event);
        objects.dereference(queue);
        return process;
    }

    private void createThread(UserProcess made, SystemImages.Image program, boolean first, long waitObject) {
        long ntdll = made.ntdllBase();
        long begin = first ? made.imageBase() + program.image().entryPoint() : ntdll + NtdllSymbols.TPP_WORKER_THREAD;
        UserThread thread = processes.createUserThread(
                made.process(),
                ntdll + NtdllSymbols.RTL_USER_THREAD_START,
                begin,
                STACK_RESERVE,
                STACK_COMMIT,
                first ? WaitReason.USER_REQUEST : WaitReason.WR_QUEUE,
                waitObject);
        open(made.process(), thread.thread().address(), KnownType.THREAD);
        long service =
                first ? NtdllSymbols.NT_WAIT_FOR_SINGLE_OBJECT : NtdllSymbols.NT_WAIT_FOR_WORK_VIA_WORKER_FACTORY;
        long frame = thread.thread().trapFrame();
        memory.writeLong(frame + KtrapFrameLayout.RIP, ntdll + service + STUB_RETURN);
        memory.writeLong(frame + KtrapFrameLayout.RSP, thread.stackBase() - 0x288);
        memory.writeShort(frame + KtrapFrameLayout.SEG_CS, USER_CODE_SELECTOR);
        memory.writeShort(frame + KtrapFrameLayout.SEG_SS, USER_DATA_SELECTOR);
        memory.writeInt(frame + KtrapFrameLayout.E_FLAGS, EFLAGS);
    }

    private void open(Eprocess process, long body, KnownType type) {
        openExisting(process, body, type, type.validAccess());
    }

    private void openExisting(Eprocess process, long body, KnownType type, int access) {
        if (objects.isType(body, type)) {
            objects.handles().open(new HandleTable(memory, process.objectTable()), body, 0, access);
        }
    }

    /** The program and ntdll in the three lists whose heads are ntdll's own variable. */
    private void writeModuleLists(UserProcess made, SystemImages.Image program) {
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.sizeBytes = Pages.SIZE;
        memoryManager
                .virtualMemory()
                .allocate(
                        made.process(),
                        region,
                        0,
                        VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE,
                        PAGE_READWRITE);
        ModuleLists lists = new ModuleLists(memory, made.peb(), made.ntdllBase(), new Entries(region.base));
        add(lists, program, made.imageBase(), LdrDllLoadReasonValues.LOAD_REASON_DYNAMIC_LOAD);
        lists.addToInitializationOrder(
                add(lists, images.ntdll(), made.ntdllBase(), LdrDllLoadReasonValues.LOAD_REASON_STATIC_DEPENDENCY));
    }

    private LdrDataTableEntry add(ModuleLists lists, SystemImages.Image image, long base, int reason) {
        LdrDataTableEntry entry = lists.add(
                image.path(), base, image.image(), 0, reason, processes.clock().now());
        entry.setState(LdrDdagStateValues.LDR_MODULES_READY_TO_RUN);
        return entry;
    }

    /** A page of the process for the entries, one after the other, in place of the process heap. */
    private static final class Entries implements LoaderHeap {
        private static final int ALIGNMENT = 16;

        private long next;

        Entries(long start) {
            next = start;
        }

        @Override
        public long allocate(long sizeBytes) {
            long at = next;
            next += sizeBytes + ALIGNMENT - 1 & -ALIGNMENT;
            return at;
        }

        @Override
        public void free(long address) {}
    }
}
