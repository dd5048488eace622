package org.vadose.machine;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.ResourcesException;
import org.vadose.base.SeededRandom;
import org.vadose.io.FileException;
import org.vadose.io.FileNode;
import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestPath;
import org.vadose.layout.ControlAreaLayout;
import org.vadose.layout.PebLayout;
import org.vadose.layout.RtlUserProcessParametersLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.CreationMitigations;
import org.vadose.nt.Eprocess;
import org.vadose.nt.HandleTable;
import org.vadose.nt.Mitigations;
import org.vadose.nt.Token;
import org.vadose.nt.WaitReason;
import org.vadose.ob.ObjectNamespace;
import org.vadose.pe.PeFormatException;
import org.vadose.pe.PeImage;
import org.vadose.ps.Account;
import org.vadose.ps.ProcessSpec;
import org.vadose.ps.UserProcess;
import org.vadose.ps.UserProcessSpec;
import org.vadose.ps.UserThread;
import org.vadose.rtl.HeapException;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ApiTable;
import org.vadose.win32.ConsoleEvents;
import org.vadose.win32.GuestClock;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.GuestKernel;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestProcessor;
import org.vadose.win32.GuestSystem;
import org.vadose.win32.GuestThread;
import org.vadose.win32.ProcessRequest;
import org.vadose.win32.ProcessorState;
import org.vadose.win32.crt.CrtModule;
import org.vadose.win32.heap.GuestHeaps;
import org.vadose.win32.heap.HeapFunctions;
import org.vadose.win32.heap.ProcessHeapPages;
import org.vadose.win32.kernel32.OtherDlls;
import org.vadose.win32.kernel32.SystemDlls;
import org.vadose.win32.loader.BuiltinDlls;
import org.vadose.win32.loader.GuestLoaderFiles;
import org.vadose.win32.loader.ImageMapper;
import org.vadose.win32.loader.Loader;
import org.vadose.win32.loader.LoaderException;
import org.vadose.win32.loader.SectionImageMapper;

/**
 * Runs Windows programs on a machine: makes the process with its drives, heap and modules, and lets its first thread go.
 *
 * <pre>
 * BuiltinDlls dlls = ProgramRunner.builtinDlls();
 * try (Machine machine = Machine.boot(MachineConfig.standard(), dlls)) {
 *     RunningProgram program = new ProgramRunner(machine, dlls).start(Launch.of(path, arguments, console));
 *     int exitCode = program.await();
 * }
 * </pre>
 */
public final class ProgramRunner {
    private static final String PROGRAMS = "C:\\Programs";
    /** Windows refuses images of 2 GB and more, too. */
    private static final long LARGEST_PROGRAM = Integer.MAX_VALUE - 64L;

    private static final int DETACHED_PROCESS = 0x8;
    private static final int CREATE_NEW_CONSOLE = 0x10;
    private static final int CREATE_NEW_PROCESS_GROUP = 0x200;
    private static final int CREATE_NO_WINDOW = 0x0800_0000;
    private static final int NORMAL_PRIORITY = 8;
    private static final int USER_SESSION = 1;
    private static final int SYSCALL_IN_STUB = 8;
    private static final long DEFAULT_STACK_RESERVE = 1 << 20;
    private static final long DEFAULT_STACK_COMMIT = 0x1000;
    private static final long STACK_PLACES = 128;
    private static final long STACK_ALIGNMENT = 16;
    private static final long FAST_REFERENCE_BITS = 0xF;
    /** Each takes a Java thread; more than a program of this size of machine has use for. */
    private static final int MOST_THREADS = 12_000;

    private final Machine machine;
    private final BuiltinDlls dlls;
    private final GuestSystem system;

    /** @param dlls those the machine was booted with */
    public ProgramRunner(Machine machine, BuiltinDlls dlls) {
        this.machine = machine;
        this.dlls = dlls;
        this.system = new GuestSystem(
                new GuestKernel(
                        machine.memoryManager(),
                        machine.objectManager(),
                        machine.processManager(),
                        machine.ioSystem(),
                        machine.cacheManager(),
                        machine.systemVolume(),
                        machine.consoleDevice(),
                        machine::switchTo),
                machine.mmus().all().stream().map(GuestProcessor::new).toList(),
                dlls.table(),
                new GuestClock(
                        machine.clock().bootTime(),
                        machine.clock().interruptTime(),
                        machine.config().processors()));
        system.setProcessMaker(this::create);
    }

    /** The DLLs that programs find: ntdll, kernel32, advapi32, kernelbase, msvcrt, and what is there of others. */
    public static BuiltinDlls builtinDlls() {
        ApiModule ntdll = new ApiModule("ntdll.dll");
        SystemDlls.addToNtdll(ntdll);
        HeapFunctions.addToNtdll(ntdll);
        ApiModule kernel32 = new ApiModule("kernel32.dll");
        SystemDlls.addToKernel32(kernel32);
        HeapFunctions.addToKernel32(kernel32);
        ApiModule advapi32 = new ApiModule("advapi32.dll");
        SystemDlls.addToAdvapi32(advapi32);
        ApiModule kernelbase = new ApiModule("kernelbase.dll").share(kernel32).share(advapi32);
        OtherDlls.addToAdvapi32(advapi32);
        ApiTable table = new ApiTable()
                .add(ntdll)
                .add(kernel32)
                .add(advapi32)
                .add(kernelbase)
                .add(SystemDlls.psapi())
                .add(CrtModule.create());
        OtherDlls.addTo(table);
        return new BuiltinDlls(table);
    }

    /**
     * Starts a program; it runs on Java threads of its own. Several may run at once.
     *
     * @throws IOException if the file cannot be read
     * @throws PeFormatException if it is no program this machine can run
     * @throws LoaderException if it or a DLL it needs cannot be loaded
     */
    public RunningProgram start(Launch launch) throws IOException {
        byte[] file = read(launch.program());
        PeImage image = program(file, launch.program().toString());
        GuestFileSystem files = new GuestFileSystem(system.clock()::systemTime);
        String path = populate(files, launch);
        GuestPath folder = GuestPath.parse(path, GuestPath.root('C')).parent();
        Start start = new Start(
                path,
                file,
                image,
                CommandLineText.of(path, launch.arguments()),
                folder,
                StandardEnvironment.of(Account.USER, machine.config().processors()),
                shellId(),
                files,
                launch.console(),
                launch.events(),
                CreationMitigations.NONE,
                null);
        return system.exclusively(() -> {
            launch.mounts().forEach(mount -> machine.addDrive(mount.letter()));
            GuestThread main = create(start);
            ConsoleEvents events = ConsoleEvents.of(main.process());
            events.setConsole(main.process().objects().open(launch.console().connection()));
            events.setGroup((int) main.process().processId());
            openStandardHandles(main.process());
            main.process().start(main);
            return new RunningProgram(system, main.process(), main);
        });
    }

    private static byte[] read(Path program) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(program, BasicFileAttributes.class);
        if (!attributes.isRegularFile()) {
            throw new FileSystemException(
                    program.toString(),
                    null,
                    attributes.isDirectory() ? "is a folder, not a program" : "is not a file");
        }
        if (attributes.size() > LARGEST_PROGRAM) {
            throw new FileSystemException(
                    program.toString(), null, "is too large for a program, fileSize=" + attributes.size());
        }
        return Files.readAllBytes(program);
    }

    /**
     * What is to be started, its file read.
     *
     * @param parent whose scheduling it inherits; null for none
     */
    private record Start(
            String path,
            byte[] file,
            PeImage image,
            String commandLine,
            GuestPath directory,
            List<String> environment,
            long parentId,
            GuestFileSystem files,
            GuestConsole console,
            GuestEvents events,
            CreationMitigations mitigations,
            @Nullable Eprocess parent) {}

    private static PeImage program(byte[] file, String name) {
        PeImage image = PeImage.ofFile(file);
        if (image.isDll()) {
            throw new LoaderException(NtStatus.INVALID_IMAGE_FORMAT, name + " is a DLL, not a program");
        }
        return image;
    }

    /** A process that another one makes. */
    private GuestThread create(ProcessRequest request) {
        GuestProcess parent = request.parent();
        byte[] file = new GuestLoaderFiles(parent.files(), parent::currentDirectory, () -> "").read(request.path());
        if (file == null) {
            throw new LoaderException(NtStatus.OBJECT_NAME_NOT_FOUND, "there is no " + request.path());
        }
        GuestThread main = create(new Start(
                request.path(),
                file,
                program(file, request.path()),
                request.commandLine(),
                GuestPath.parse(request.currentDirectory(), GuestPath.root('C')),
                request.environment(),
                parent.processId(),
                parent.files(),
                parent.console(),
                parent.events().followsChildren() ? parent.events() : GuestEvents.NONE,
                request.mitigations(),
                parent.eprocess()));
        GuestProcess child = main.process();
        HandleTable parents = new HandleTable(kernel(), parent.eprocess().objectTable());
        HandleTable childs = new HandleTable(kernel(), child.eprocess().objectTable());
        if (request.inheritsHandles()) {
            machine.objectManager().handles().inherit(parents, childs, request.inheritedHandles());
        }
        inheritToken(parent.eprocess(), child.eprocess());
        long[] standard = request.standardHandles();
        if (standard != null) {
            setStandardHandles(child, standard[0], standard[1], standard[2]);
        }
        connect(child, request);
        if (standard == null && ConsoleEvents.of(child).console() != 0) {
            openStandardHandles(child);
        }
        return main;
    }

    /** A child is on its parent's console, on one of its own, or on none. */
    private static void connect(GuestProcess child, ProcessRequest request) {
        ConsoleEvents events = ConsoleEvents.of(child);
        boolean leadsGroup = (request.flags() & CREATE_NEW_PROCESS_GROUP) != 0;
        events.setIgnoresCtrlC(leadsGroup || request.ignoresCtrlC());
        events.setGroup(leadsGroup ? (int) child.processId() : request.group());
        if ((request.flags() & (CREATE_NEW_CONSOLE | CREATE_NO_WINDOW)) != 0) {
            child.setConsole(child.console().another());
        } else if ((request.flags() & DETACHED_PROCESS) != 0 || !request.parentHasConsole()) {
            return;
        }
        events.setConsole(child.objects().open(child.console().connection()));
    }

    private static void openStandardHandles(GuestProcess process) {
        GuestConsole console = process.console();
        GuestObjects objects = process.objects();
        setStandardHandles(
                process, objects.open(console.input()), objects.open(console.output()), objects.open(console.errors()));
    }

    private String devicePath(String dosPath) {
        ObjectNamespace names = machine.objectManager().namespace();
        return names.path(names.lookup("\\??\\" + dosPath.substring(0, 2)).body()) + dosPath.substring(2);
    }

    /** A child has what privileges its parent has, enabled where they are. */
    private static void inheritToken(Eprocess parent, Eprocess child) {
        Token from = new Token(parent.memory(), parent.token());
        Token to = new Token(child.memory(), child.token());
        to.remove(to.present() & ~from.present());
        to.setEnabled(from.enabled());
    }

    /** Makes a process, which then is the one on the processor; its first thread waits to be started. */
    private GuestThread create(Start start) {
        SystemImages.Image ntdll = machine.images().ntdll();
        PeImage image = start.image();
        long area = machine.images().cache().area(start.path(), image, node(start.files(), start.path()));
        UserProcess user;
        try {
            user = machine.processManager()
                    .createUserProcess(new UserProcessSpec(
                            start.path(),
                            devicePath(start.path()),
                            start.commandLine(),
                            start.directory().parts().isEmpty()
                                    ? start.directory().toString()
                                    : start.directory() + "\\",
                            start.environment(),
                            start.parentId(),
                            machine.config().bare() ? ProcessSpec.NO_SESSION : USER_SESSION,
                            Account.USER,
                            NORMAL_PRIORITY,
                            image,
                            area,
                            kernel().readLong(area + ControlAreaLayout.FILE_POINTER) & ~FAST_REFERENCE_BITS,
                            ntdll.controlArea(),
                            start.mitigations()));
        } finally {
            machine.memoryManager().sections().dereference(area);
        }
        Eprocess parent = start.parent();
        if (parent != null) {
            machine.processManager().scheduling().inherit(parent, user.process());
        }
        machine.attach(user.process());

        GuestProcess process = new GuestProcess(system, user.process());
        process.setEvents(start.events());
        process.setConsole(start.console());
        process.setFiles(start.files());
        process.setCurrentDirectory(start.directory());
        process.setObjects(new GuestObjects(
                machine.objectManager(),
                machine.ioSystem(),
                new HandleTable(kernel(), user.process().objectTable()),
                machine.systemVolume(),
                machine.consoleDevice()));
        Threads threads = new Threads(process, image);
        process.setThreadMaker(threads);
        try {
            GuestHeaps heaps = GuestHeaps.createFor(
                    process,
                    new ProcessHeapPages(
                            machine.memoryManager().virtualMemory(),
                            user.process(),
                            SeededRandom.of(machine.config().seed(), "heap places " + process.processId())),
                    SeededRandom.of(machine.config().seed(), "heap " + process.processId()),
                    image.sizeOfHeapReserve(),
                    image.sizeOfHeapCommit());
            process.setHeap(heaps);
            Loader loader = load(process, user, area, start.path(), start.file(), ntdll, heaps);
            GuestThread main = threads.create(loader.entryPoint(), user.peb(), 0, 0);
            machine.switchTo(main.ethread());
            GuestEvents events = start.events();
            if (events != GuestEvents.NONE) {
                long entry = loader.entryPoint();
                main.stopWhen(() -> main.cpu().rip() == entry, () -> events.entry(main));
            }
            return main;
        } catch (ResourcesException | HeapException noMemory) {
            process.abandon(NtStatus.NO_MEMORY.code());
            throw new LoaderException(
                    NtStatus.NO_MEMORY,
                    "%s: no room for what it asks for, stack reserve=0x%x commit=0x%x heap reserve=0x%x commit=0x%x: %s"
                            .formatted(
                                    start.path(),
                                    image.sizeOfStackReserve(),
                                    image.sizeOfStackCommit(),
                                    image.sizeOfHeapReserve(),
                                    image.sizeOfHeapCommit(),
                                    noMemory.getMessage()));
        } catch (RuntimeException failure) {
            process.abandon(NtStatus.DLL_INIT_FAILED.code());
            throw failure;
        }
    }

    private Memory kernel() {
        return machine.memoryManager().kernelMemory();
    }

    /** The desktop's shell starts programs; a bare machine has only System. */
    private long shellId() {
        List<Eprocess> all = machine.processManager().processes();
        for (Eprocess process : all) {
            if (process.imageFileName().equalsIgnoreCase("explorer.exe")) {
                return process.uniqueProcessId();
            }
        }
        return all.getFirst().uniqueProcessId();
    }

    /** The file of a DOS path; null when it is on no drive. */
    private static @Nullable FileNode node(GuestFileSystem files, String path) {
        try {
            FileNode node = files.find(GuestPath.parse(path, GuestPath.root('C')));
            return node == null || node.isDirectory() ? null : node;
        } catch (FileException noPath) {
            return null;
        }
    }

    // --- drives and handles ---

    /** Fills the drives; returns the program's DOS path. */
    private String populate(GuestFileSystem files, Launch launch) {
        files.addDrive('C');
        for (String directory : List.of(
                "C:\\Windows\\System32", "C:\\Windows\\Temp", "C:\\Users\\user\\AppData\\Local\\Temp", PROGRAMS)) {
            files.makeDirectories(directory);
        }
        for (String name : dlls.names()) {
            String path = SystemImages.SYSTEM_DIRECTORY + name;
            files.addFile(path, () -> Objects.requireNonNull(dlls.file(name)));
            machine.images().cache().share(path, Objects.requireNonNull(node(files, path)));
        }
        Path host = launch.program().toAbsolutePath().normalize();
        Path folder = host.getParent();
        String folderName = folder == null || folder.getFileName() == null
                ? "root"
                : legal(folder.getFileName().toString());
        String fileName = legal(String.valueOf(host.getFileName()));
        String place = PROGRAMS + "\\" + folderName;
        if (folder != null) {
            files.showFolder(place, folder);
        }
        for (Launch.Mount mount : launch.mounts()) {
            files.mount(mount.letter(), mount.folder(), mount.writable());
        }
        return place + "\\" + fileName;
    }

    /** A host name that may be no Windows name, made one. */
    private static String legal(String name) {
        String clean = name.replaceAll("[\\x00-\\x1F\"*/:<>?\\\\|]", "_").replaceAll("[. ]+$", "");
        return clean.isEmpty() || GuestPath.isDevice(clean) ? "_" + clean.toLowerCase(Locale.ROOT) : clean;
    }

    private static void setStandardHandles(GuestProcess process, long input, long output, long errors) {
        Memory memory = process.memory();
        long parameters = memory.readLong(process.peb() + PebLayout.PROCESS_PARAMETERS);
        memory.writeLong(parameters + RtlUserProcessParametersLayout.STANDARD_INPUT, input);
        memory.writeLong(parameters + RtlUserProcessParametersLayout.STANDARD_OUTPUT, output);
        memory.writeLong(parameters + RtlUserProcessParametersLayout.STANDARD_ERROR, errors);
    }

    // --- modules ---

    private Loader load(
            GuestProcess process,
            UserProcess user,
            long area,
            String path,
            byte[] file,
            SystemImages.Image ntdll,
            GuestHeaps heaps) {
        SectionImageMapper mapper = new SectionImageMapper(
                machine.memoryManager(), user.process(), machine.images().cache(), name -> node(process.files(), name));
        Loader loader = new Loader(
                process,
                dlls,
                mapper,
                heaps,
                new GuestLoaderFiles(process.files(), process::currentDirectory, () -> "C:\\Windows\\System32"));
        loader.attach();
        ImageMapper.View program = mapper.viewAt(user.imageBase(), area);
        loader.loadProgram(path, file, program, mapper.viewAt(user.ntdllBase(), ntdll.controlArea()));
        ConsoleEvents.of(process).setRoutine(() -> loader.kernel32Address("CtrlRoutine"));
        process.setExceptionReturn(loader.ntdllAddress("KiUserExceptionDispatcher") + SYSCALL_IN_STUB);
        return loader;
    }

    // --- threads ---

    /** Makes the threads of one process. */
    private final class Threads implements GuestProcess.ThreadMaker {
        private final GuestProcess process;
        private final long reserve;
        private final long commit;

        Threads(GuestProcess process, PeImage image) {
            this.process = process;
            reserve = image.sizeOfStackReserve() == 0 ? DEFAULT_STACK_RESERVE : image.sizeOfStackReserve();
            commit = image.sizeOfStackCommit() == 0 ? DEFAULT_STACK_COMMIT : image.sizeOfStackCommit();
        }

        @Override
        public GuestThread create(long function, long argument, long reserveBytes, long commitBytes) {
            if (process.threadCount() >= MOST_THREADS) {
                throw new ResourcesException("too many threads pid=" + process.processId());
            }
            long committed = commitBytes == 0 ? commit : commitBytes;
            long reserved = Math.max(reserveBytes == 0 ? reserve : reserveBytes, committed);
            UserThread made = machine.processManager()
                    .createUserThread(
                            process.eprocess(),
                            Loader.of(process).threadStart(),
                            function,
                            reserved,
                            committed,
                            WaitReason.EXECUTIVE,
                            0);
            GuestProcessor processor = system.processorFor(made.thread());
            ProcessorState cpu = processor.newState(made.teb());
            Loader.of(process).prepareThread(cpu, made.stackBase() - stackOffset(made), function, argument);
            return new GuestThread(process, processor, cpu, made.thread());
        }

        /** Where on its first page a thread's stack begins: 16 bytes aligned, in the upper half. */
        private long stackOffset(UserThread thread) {
            if (new Mitigations(process.eprocess()).isStackRandomizationDisabled()) {
                return 0;
            }
            return SeededRandom.of(machine.config().seed() ^ thread.thread().uniqueThreadId() << 32, "stack pointer")
                            .below(STACK_PLACES)
                    * STACK_ALIGNMENT;
        }

        @Override
        public void ended(GuestThread thread, int exitCode) {
            machine.processManager().exitThread(thread.ethread(), exitCode);
        }

        @Override
        public void processEnded(int exitCode) {
            machine.processManager().exitProcess(process.eprocess(), exitCode);
        }
    }
}
