package org.vadose.win32.loader;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.layout.LdrDdagStateValues;
import org.vadose.layout.LdrDllLoadReasonValues;
import org.vadose.layout.PebLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.LdrDataTableEntry;
import org.vadose.pe.PeFormatException;
import org.vadose.pe.PeImage;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestCpu;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;
import org.vadose.win32.LoaderHeap;
import org.vadose.win32.ProcessEnded;
import org.vadose.win32.exception.Dispatcher;

/**
 * The modules of one process: what ntdll's {@code Ldr} functions do.
 *
 * <p>{@link #loadProgram} maps the program and everything it imports before any guest code runs. The first thread then begins at
 * {@code ntdll!LdrInitializeThunk}, which comes to {@link #initializeThread}: DLLs are initialised, dependencies first, the
 * program's TLS callbacks last, and the thread goes on at {@code RtlUserThreadStart}. Later threads pass the same way and tell the
 * DLLs of themselves.
 *
 * <p>Runs on the Java thread of the guest thread that holds the baton; needs no lock of its own.
 */
public final class Loader {
    private static final String NTDLL = "ntdll.dll";
    /** What every process has besides ntdll, imported or not, as on Windows. */
    private static final List<String> ALWAYS_LOADED = List.of("kernel32.dll", "kernelbase.dll");

    private final GuestProcess process;
    private final Memory memory;
    private final long peb;
    private final BuiltinDlls builtin;
    private final ImageMapper mapper;
    private final LoaderHeap heap;
    private final LoaderFiles files;
    private final ImageWriter writer;
    private final ImportBinder binder;
    private final ThreadStorage threadStorage;
    private final DllSearch search;
    private final GuardBinding guard;
    private final Map<Long, LoadedImage> modules = new LinkedHashMap<>();
    /** Dependencies first; the program is not in it. */
    private final List<LoadedImage> initializationOrder = new ArrayList<>();

    private @Nullable ModuleLists lists;
    private @Nullable LoadedImage program;
    private @Nullable LoadedImage ntdll;
    private boolean isProcessInitialized;
    private boolean isShuttingDown;

    public Loader(GuestProcess process, BuiltinDlls builtin, ImageMapper mapper, LoaderHeap heap, LoaderFiles files) {
        this.process = process;
        this.memory = process.memory();
        this.peb = process.peb();
        this.builtin = builtin;
        this.mapper = mapper;
        this.heap = heap;
        this.files = files;
        this.writer = new ImageWriter(memory, mapper);
        this.threadStorage = new ThreadStorage(memory, heap, writer);
        this.search = new DllSearch(process, builtin, files);
        this.guard = new GuardBinding(process, writer, this::ntdllAddress);
        this.binder =
                new ImportBinder(memory, writer, new MissingImports(memory, mapper, builtin.table()), new Modules());
    }

    /** A process's. */
    public static Loader of(GuestProcess process) {
        return process.part(Loader.class, p -> {
            throw new IllegalStateException("process has no loader yet, pid=" + p.processId());
        });
    }

    /** Becomes the process's loader; from now on its exceptions are dispatched. */
    public void attach() {
        process.setPart(Loader.class, this);
        process.setExceptions(new Dispatcher(process));
    }

    // --- the program ---

    /**
     * Loads the program with all it imports; runs no guest code. Sets {@code PEB.ImageBaseAddress} and {@code PEB.Ldr}.
     *
     * @param path the program's DOS path
     * @param programView where it is mapped already, or {@code null} to map it now
     * @param ntdllView where ntdll is mapped already, or {@code null} to map it now
     * @throws LoaderException if the program cannot run
     */
    public void loadProgram(
            String path, byte[] file, ImageMapper.@Nullable View programView, ImageMapper.@Nullable View ntdllView) {
        PeImage image = parse(path, file);
        if (image.isDll()) {
            throw new LoaderException(NtStatus.INVALID_IMAGE_FORMAT, path + " is a DLL, not a program");
        }
        ImageMapper.View view = programView != null ? programView : mapper.map(path, file, image);
        byte[] ntdllFile = builtin.file(NTDLL);
        if (ntdllFile == null) {
            throw new LoaderException(NtStatus.DLL_NOT_FOUND, "this machine has no ntdll.dll");
        }
        String ntdllPath = DllSearch.SYSTEM_DIRECTORY + NTDLL;
        PeImage ntdllImage = parse(ntdllPath, ntdllFile);
        ImageMapper.View ntdllAt = ntdllView != null ? ntdllView : mapper.map(ntdllPath, ntdllFile, ntdllImage);
        ModuleLists made = new ModuleLists(memory, peb, ntdllAt.base(), heap);
        lists = made;
        memory.writeLong(peb + PebLayout.IMAGE_BASE_ADDRESS, view.base());
        LoadedImage main = enter(path, image, view, false, null, LdrDllLoadReasonValues.LOAD_REASON_DYNAMIC_LOAD);
        program = main;
        LoadedImage nt =
                enter(ntdllPath, ntdllImage, ntdllAt, true, main, LdrDllLoadReasonValues.LOAD_REASON_STATIC_DEPENDENCY);
        ntdll = nt;
        guard.fillInitBlock();
        bind(nt);
        // Windows' loader reads ntdll's headers and exports; a debugger then finds them, and the symbols, in memory.
        nt.image().debugRecord();
        binder.find(nt, NtdllCode.THREAD_START, 0);
        process.setCallbackReturn(ntdllAddress(NtdllCode.CALLBACK_DISPATCHER) + NtdllCode.CALLBACK_RETURN_OFFSET);
        process.setExceptionReturn(ntdllAddress(NtdllCode.EXCEPTION_DISPATCHER) + NtdllCode.CALLBACK_RETURN_OFFSET);
        for (String name : ALWAYS_LOADED) {
            if (builtin.has(name)) {
                load(name, main, LdrDllLoadReasonValues.LOAD_REASON_STATIC_DEPENDENCY);
            }
        }
        setThreadInitPointer();
        bind(main);
        modules.values().forEach(threadStorage::register);
    }

    /** Address of a function that kernel32 exports; 0 when there is none. */
    public long kernel32Address(String name) {
        LoadedImage kernel32 = byBaseName("kernel32.dll");
        return kernel32 == null ? 0 : binder.find(kernel32, name, 0);
    }

    private void setThreadInitPointer() {
        LoadedImage kernel32 = byBaseName("kernel32.dll");
        if (kernel32 != null) {
            memory.writeLong(
                    ntdllAddress(NtdllCode.THREAD_INIT_POINTER), binder.find(kernel32, NtdllCode.THREAD_INIT, 0));
        }
    }

    /** Where threads of the process begin: {@code ntdll!LdrInitializeThunk}. */
    public long initialThunk() {
        return ntdllAddress("LdrInitializeThunk");
    }

    /** Where {@link #initialThunk} goes on: {@code ntdll!RtlUserThreadStart}, RCX the function, RDX its argument. */
    public long threadStart() {
        return ntdllAddress(NtdllCode.THREAD_START);
    }

    /** A name of ntdll, exported or not. */
    public long ntdllAddress(String name) {
        LoadedImage module = ntdll;
        var image = builtin.image(NTDLL);
        if (module == null || image == null) {
            throw new IllegalStateException("ntdll is not loaded yet, name=" + name);
        }
        return module.base() + image.rva(name);
    }

    /** The program's entry point, or its base when it has none. */
    public long entryPoint() {
        LoadedImage main = program();
        return main.base() + main.image().entryPoint();
    }

    public LoadedImage program() {
        LoadedImage main = program;
        if (main == null) {
            throw new IllegalStateException("no program is loaded yet");
        }
        return main;
    }

    // --- threads ---

    /**
     * Makes a fresh processor begin a thread: at {@link #initialThunk}, from there to {@link #threadStart}, there to the function.
     *
     * @param stackTop end of the thread's stack, a multiple of 16
     * @param function what {@code CreateThread} was given, or the program's {@link #entryPoint}
     */
    public void prepareThread(GuestCpu cpu, long stackTop, long function, long argument) {
        // The zero above the return address ends walks of the stack.
        long rsp = stackTop - 0x30;
        memory.writeLong(rsp, threadStart());
        memory.writeLong(rsp + Long.BYTES, 0);
        cpu.setRegister(GuestCpu.RSP, rsp);
        cpu.setRegister(GuestCpu.RCX, function);
        cpu.setRegister(GuestCpu.RDX, argument);
        cpu.setRip(initialThunk());
    }

    /** Puts {@code LdrInitializeThunk} into ntdll's exports. */
    public static void addExports(ApiModule ntdll) {
        ntdll.function("LdrInitializeThunk", Loader::initializeThunk);
    }

    /** Comes back to {@code RtlUserThreadStart}, whose arguments the SYSCALL and the calls in between have spoilt. */
    private static long initializeThunk(ApiCall call) {
        GuestProcess process = call.process();
        try {
            Loader.of(process).initializeThread(call.thread());
        } catch (LoaderException e) {
            process.end(e.status().code(), e.getMessage());
            throw new ProcessEnded();
        }
        GuestCpu cpu = call.thread().cpu();
        cpu.setRegister(GuestCpu.RCX, call.arg(0));
        cpu.setRegister(GuestCpu.RDX, call.arg(1));
        return 0;
    }

    /**
     * What {@code LdrInitializeThunk} does: thread-local storage and, on the first thread, the DLLs' process attach.
     *
     * @throws LoaderException with STATUS_DLL_INIT_FAILED when a DLL refuses
     */
    public void initializeThread(GuestThread thread) {
        initializeThread(thread.teb(), thread::callGuest);
    }

    void initializeThread(long teb, GuestCaller guest) {
        threadStorage.attach(teb);
        if (!isProcessInitialized) {
            isProcessInitialized = true;
            initializeData(modules.values());
            for (LoadedImage module : List.copyOf(initializationOrder)) {
                EntryPoints.attachProcess(module, true, guest);
            }
            EntryPoints.runTlsCallbacks(program(), EntryPoints.PROCESS_ATTACH, 1, guest);
            program().entry().setState(LdrDdagStateValues.LDR_MODULES_READY_TO_RUN);
            return;
        }
        if (!isShuttingDown) {
            for (LoadedImage module : List.copyOf(initializationOrder)) {
                EntryPoints.notifyThread(module, EntryPoints.THREAD_ATTACH, guest);
            }
            EntryPoints.runTlsCallbacks(program(), EntryPoints.THREAD_ATTACH, 0, guest);
        }
    }

    /** Tells the DLLs that the thread ends, the last initialised first, and frees its thread-local storage. */
    public void exitThread(GuestThread thread) {
        exitThread(thread.teb(), thread::callGuest);
    }

    void exitThread(long teb, GuestCaller guest) {
        if (!isShuttingDown) {
            List<LoadedImage> order = new ArrayList<>(initializationOrder);
            Collections.reverse(order);
            for (LoadedImage module : order) {
                EntryPoints.notifyThread(module, EntryPoints.THREAD_DETACH, guest);
            }
            EntryPoints.runTlsCallbacks(program(), EntryPoints.THREAD_DETACH, 0, guest);
        }
        threadStorage.detach(teb);
    }

    /** {@code LdrShutdownProcess}: process detach of every DLL, the last initialised first. A second call does nothing. */
    public void exitProcess(GuestThread thread) {
        exitProcess(thread.threadId(), thread::callGuest);
    }

    void exitProcess(long threadId, GuestCaller guest) {
        ModuleLists made = lists;
        if (isShuttingDown || made == null) {
            return;
        }
        isShuttingDown = true;
        made.lists().setShutdownInProgress(threadId);
        List<LoadedImage> order = new ArrayList<>(initializationOrder);
        Collections.reverse(order);
        for (LoadedImage module : order) {
            if (module.entry().isProcessAttachCalled()) {
                EntryPoints.detachProcess(module, true, guest);
            }
        }
        EntryPoints.runTlsCallbacks(program(), EntryPoints.PROCESS_DETACH, 1, guest);
    }

    /** Fills the variables that built-in DLLs export. */
    private void initializeData(Iterable<LoadedImage> fresh) {
        for (LoadedImage module : fresh) {
            ApiModule api = module.isBuiltin() ? builtin.table().module(module.baseName()) : null;
            if (api == null) {
                continue;
            }
            for (ApiModule.Export export : api.exports()) {
                ApiModule.DataInitializer initializer =
                        export instanceof ApiModule.Data data ? data.initializer() : null;
                if (initializer != null) {
                    initializer.initialize(process, binder.find(module, export.name(), 0));
                }
            }
        }
    }

    // --- what LoadLibrary and its kin ask for ---

    /**
     * {@code LdrLoadDll}: loads a DLL with its dependencies and initialises them, or counts one more reference.
     *
     * @param name a path or a bare name; {@code .dll} is added when there is no extension
     * @throws LoaderException when it cannot be loaded
     */
    public LoadedImage loadLibrary(GuestThread thread, String name) {
        return loadLibrary(name, 0, thread::callGuest);
    }

    /**
     * {@code LoadLibraryEx}.
     *
     * @param places where it and what it needs are looked for: {@code LOAD_LIBRARY_SEARCH_*}, {@code
     *     LOAD_WITH_ALTERED_SEARCH_PATH}, or 0 for the usual places
     */
    public LoadedImage loadLibrary(GuestThread thread, String name, int places) {
        return loadLibrary(name, places, thread::callGuest);
    }

    /** The DLL that stands for an API set; other names as they are. */
    private String hostOf(String name) {
        String dllName = ImportBinder.canonicalName(name);
        if (ApiSets.isApiSet(dllName)) {
            for (String host : ApiSets.hosts(dllName)) {
                if (builtin.has(host)) {
                    return host;
                }
            }
        }
        return name;
    }

    LoadedImage loadLibrary(String wanted, GuestCaller guest) {
        return loadLibrary(wanted, 0, guest);
    }

    private LoadedImage loadLibrary(String wanted, int places, GuestCaller guest) {
        String name = hostOf(wanted);
        LoadedImage present = find(name);
        if (present != null) {
            reference(present, 1);
            return present;
        }
        List<LoadedImage> before = new ArrayList<>(modules.values());
        LoadedImage module;
        try {
            search.begin(places, name);
            module = load(ImportBinder.canonicalName(name), program(), LdrDllLoadReasonValues.LOAD_REASON_DYNAMIC_LOAD);
        } catch (LoaderException e) {
            for (LoadedImage fresh : freshSince(before)) {
                unmap(fresh);
            }
            throw e;
        } finally {
            search.end();
        }
        List<LoadedImage> fresh = freshSince(before);
        fresh.forEach(m -> m.entry().setLoadCount(1));
        for (LoadedImage each : fresh) {
            each.dependencies().forEach(dependency -> {
                if (!fresh.contains(dependency)) {
                    reference(dependency, 1);
                }
            });
        }
        fresh.forEach(threadStorage::register);
        process.threads().forEach(other -> threadStorage.attach(other.teb()));
        initializeData(fresh);
        try {
            for (LoadedImage each : List.copyOf(initializationOrder)) {
                if (fresh.contains(each)) {
                    EntryPoints.attachProcess(each, false, guest);
                }
            }
        } catch (LoaderException refusal) {
            for (LoadedImage each : fresh) {
                if (each.entry().isProcessAttachCalled()) {
                    EntryPoints.detachProcess(each, false, guest);
                }
            }
            fresh.forEach(this::unmap);
            throw refusal;
        }
        return module;
    }

    private List<LoadedImage> freshSince(List<LoadedImage> before) {
        List<LoadedImage> fresh = new ArrayList<>(modules.values());
        fresh.removeAll(before);
        return fresh;
    }

    /**
     * {@code LdrUnloadDll}: drops one reference; the last one unloads the DLL and what only it needed.
     *
     * @return STATUS_DLL_NOT_FOUND when nothing is loaded there
     */
    public NtStatus freeLibrary(GuestThread thread, long base) {
        return freeLibrary(base, thread::callGuest);
    }

    NtStatus freeLibrary(long base, GuestCaller guest) {
        LoadedImage module = modules.get(base);
        if (module == null) {
            return NtStatus.DLL_NOT_FOUND;
        }
        if (module.entry().loadCount() == LdrDataTableEntry.PINNED || reference(module, -1) > 0) {
            return NtStatus.SUCCESS;
        }
        List<LoadedImage> leaving = new ArrayList<>(List.of(module));
        for (int i = 0; i < leaving.size(); i++) {
            for (LoadedImage dependency : leaving.get(i).dependencies()) {
                if (!leaving.contains(dependency) && reference(dependency, -1) == 0) {
                    leaving.add(dependency);
                }
            }
        }
        for (LoadedImage each : leaving) {
            each.entry().setState(LdrDdagStateValues.LDR_MODULES_UNLOADING);
            EntryPoints.detachProcess(each, false, guest);
        }
        leaving.forEach(this::unmap);
        return NtStatus.SUCCESS;
    }

    /** Changes a load count that is not pinned; returns the new one. */
    private static int reference(LoadedImage module, int delta) {
        int count = module.entry().loadCount();
        if (count == LdrDataTableEntry.PINNED) {
            return LdrDataTableEntry.PINNED;
        }
        module.entry().setLoadCount(count + delta);
        return count + delta;
    }

    /** Counts one more reference. */
    public void addReference(LoadedImage module) {
        reference(module, 1);
    }

    /** The module stays until the process ends. */
    public void pin(LoadedImage module) {
        module.entry().setLoadCount(LdrDataTableEntry.PINNED);
        for (LoadedImage dependency : module.dependencies()) {
            if (dependency.entry().loadCount() != LdrDataTableEntry.PINNED) {
                pin(dependency);
            }
        }
    }

    private void unmap(LoadedImage module) {
        List<Long> tebs = new ArrayList<>();
        process.threads().forEach(thread -> tebs.add(thread.teb()));
        threadStorage.release(module, tebs);
        modules.remove(module.base());
        initializationOrder.remove(module);
        made().remove(module.entry());
        mapper.unmap(module.base());
    }

    /** Address of an export, or zero; {@code module} as from {@link #loadLibrary}. */
    public long procAddress(long moduleBase, String name) {
        LoadedImage module = modules.get(moduleBase);
        return module == null ? 0 : binder.find(module, name, 0);
    }

    /** Address of an export by number, or zero. */
    public long procAddress(long moduleBase, int ordinal) {
        LoadedImage module = modules.get(moduleBase);
        return module == null ? 0 : binder.find(module, null, ordinal);
    }

    /**
     * {@code GetModuleHandle}: a loaded module by path or name, without counting a reference.
     *
     * @param name {@code .dll} is added when there is no extension
     */
    public @Nullable LoadedImage find(String name) {
        String wanted = ImportBinder.canonicalName(name);
        if (wanted.indexOf('\\') < 0 && wanted.indexOf('/') < 0) {
            if (ApiSets.isApiSet(wanted)) {
                for (String host : ApiSets.hosts(wanted)) {
                    LoadedImage module = byBaseName(host);
                    if (module != null) {
                        return module;
                    }
                }
            }
            return byBaseName(wanted);
        }
        String path = files.fullPath(wanted);
        for (LoadedImage module : modules.values()) {
            if (module.path().equalsIgnoreCase(path)) {
                return module;
            }
        }
        return null;
    }

    /** The module that has this address. */
    public @Nullable LoadedImage at(long address) {
        for (LoadedImage module : modules.values()) {
            if (module.contains(address)) {
                return module;
            }
        }
        return null;
    }

    /** Every module in order of loading, the program first. */
    public List<LoadedImage> modules() {
        return List.copyOf(modules.values());
    }

    /**
     * {@code SetDllDirectory}: searched right after the program's own directory.
     *
     * @param directory {@code null} for none
     */
    public void setDllDirectory(@Nullable String directory) {
        search.setDirectory(directory);
    }

    /** What {@link #setDllDirectory} set; empty for none. */
    public String dllDirectory() {
        return search.directory();
    }

    /** {@code SetDefaultDllDirectories}: {@code LOAD_LIBRARY_SEARCH_*}, from now on the usual places. */
    public void setDefaultPlaces(int places) {
        search.setDefaultPlaces(places);
    }

    /** {@code AddDllDirectory}: one more of the directories that {@code LOAD_LIBRARY_SEARCH_USER_DIRS} means. */
    public void addDirectory(long cookie, String directory) {
        search.addDirectory(cookie, directory);
    }

    /** {@code RemoveDllDirectory}; false when no directory has that cookie. */
    public boolean removeDirectory(long cookie) {
        return search.removeDirectory(cookie);
    }

    // --- mapping ---

    /**
     * Reads an image file and checks all that a later page fault will rely on.
     *
     * @throws LoaderException naming the file, with the status Windows gives
     */
    public static PeImage parse(String path, byte[] file) {
        try {
            PeImage image = PeImage.ofFile(file);
            image.relocations((rva, type) -> {});
            return image;
        } catch (PeFormatException e) {
            throw new LoaderException(e.status(), path + ": " + e.getMessage());
        }
    }

    /** Maps a DLL that is not loaded yet, and binds it. */
    private LoadedImage load(String dllName, LoadedImage importer, int reason) {
        DllSearch.Found found = search.locate(dllName, importer, program().path());
        LoadedImage present = find(found.path());
        if (present != null) {
            return present;
        }
        PeImage image = parse(found.path(), found.file());
        if (!found.isBuiltin()) {
            guard.refuseUnguarded(found.path(), image);
        }
        ImageMapper.View view = mapper.map(found.path(), found.file(), image);
        LoadedImage module = enter(found.path(), image, view, found.isBuiltin(), importer, reason);
        bind(module);
        return module;
    }

    /** Relocates a mapped image and lists it. */
    private LoadedImage enter(
            String path,
            PeImage file,
            ImageMapper.View view,
            boolean isBuiltin,
            @Nullable LoadedImage importer,
            int reason) {
        try {
            writer.relocate(view.base(), file, view.linkedBase());
            long parent = importer == null ? 0 : importer.base();
            LdrDataTableEntry entry = made().add(
                            path,
                            view.base(),
                            file,
                            parent,
                            reason,
                            process.clock().systemTime());
            PeImage mapped = PeImage.ofMapped(memory, view.base());
            LoadedImage module = new LoadedImage(path, view.base(), mapped, entry, isBuiltin);
            modules.put(view.base(), module);
            return module;
        } catch (PeFormatException e) {
            throw new LoaderException(e.status(), path + ": " + e.getMessage());
        }
    }

    /** Binds a module's imports; DLLs then stand in the order of initialization behind all they need. */
    private void bind(LoadedImage module) {
        if (module.isBound()) {
            return;
        }
        module.setBound();
        try {
            binder.bind(module);
        } catch (PeFormatException e) {
            throw new LoaderException(e.status(), module + ": " + e.getMessage());
        }
        guard.bind(module);
        module.entry().setState(LdrDdagStateValues.LDR_MODULES_READY_TO_INIT);
        if (module != program) {
            initializationOrder.add(module);
            made().addToInitializationOrder(module.entry());
        }
    }

    private @Nullable LoadedImage byBaseName(String baseName) {
        for (LoadedImage module : modules.values()) {
            if (module.baseName().equalsIgnoreCase(baseName)) {
                return module;
            }
        }
        return null;
    }

    private ModuleLists made() {
        ModuleLists there = lists;
        if (there == null) {
            throw new IllegalStateException("no program is loaded yet");
        }
        return there;
    }

    private final class Modules implements ImportBinder.ModuleSource {
        private LoadedImage need(String dllName, LoadedImage importer) {
            LoadedImage present = byBaseName(dllName);
            LoadedImage module = present != null
                    ? present
                    : load(
                            ImportBinder.canonicalName(dllName),
                            importer,
                            LdrDllLoadReasonValues.LOAD_REASON_STATIC_DEPENDENCY);
            if (module != importer && !importer.dependencies().contains(module)) {
                importer.dependencies().add(module);
            }
            return module;
        }

        @Override
        public List<LoadedImage> candidates(String dllName, LoadedImage importer) {
            if (!ApiSets.isApiSet(dllName)) {
                return List.of(need(dllName, importer));
            }
            List<LoadedImage> hosts = new ArrayList<>();
            for (String host : ApiSets.hosts(dllName)) {
                if (builtin.has(host)) {
                    hosts.add(need(host, importer));
                }
            }
            if (hosts.isEmpty()) {
                throw new LoaderException(
                        NtStatus.DLL_NOT_FOUND,
                        "%s needs the API set %s, whose hosts %s this machine lacks"
                                .formatted(importer, dllName, ApiSets.hosts(dllName)));
            }
            return hosts;
        }
    }
}
