package org.vadose.win32;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestPath;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmu;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.ProcessorThread;
import org.vadose.nt.Eprocess;
import org.vadose.ob.KnownType;

/** A process whose threads execute guest code: its memory, its threads and what they share on the Java side. */
public final class GuestProcess {
    /** Enough for the deepest nesting of calls between guest and Java code; reserved, not touched. */
    private static final long JAVA_STACK_BYTES = 256L << 20;
    /** How long a thread that the host keeps waiting may keep the process from ending. */
    private static final long STOP_PATIENCE_MILLIS = 1_000;

    private final GuestSystem system;
    private final Memory memory;
    private final LoadedModules modules;
    private @Nullable GuestExceptions exceptions;
    private final Map<String, Long> constants = new HashMap<>();
    private final FiberSlots fiberSlots = new FiberSlots();
    private final AddressWaits addressWaits = new AddressWaits();
    private final long processId;
    private final @Nullable Eprocess eprocess;
    private final long peb;
    private final GuestThreads threads = new GuestThreads();
    private final List<Consumer<ApiCall>> exitActions = new ArrayList<>();
    private final Map<Class<?>, Object> parts = new HashMap<>();
    private final CountDownLatch end = new CountDownLatch(1);
    private final CountDownLatch gone = new CountDownLatch(1);
    private volatile boolean stopRequested;
    private volatile boolean breakRequested;
    private boolean ending;
    private volatile boolean reasonKnown;
    private volatile boolean ended;
    private volatile int exitCode;
    private volatile @Nullable String endReason;
    private volatile GuestEvents events = GuestEvents.NONE;
    private @Nullable GuestObjects objects;
    private @Nullable GuestFileSystem files;
    private @Nullable LoaderHeap heap;
    private @Nullable GuestConsole console;
    private @Nullable ThreadMaker threadMaker;
    private final Map<Long, Object> kept = new HashMap<>();
    private GuestPath currentDirectory = GuestPath.root('C');
    private long callbackReturn;
    private long guardCheck;
    private long guardCheckBytes;
    private long exceptionReturn;
    private long cookies;

    /** @param eprocess the process, its PEB in place */
    public GuestProcess(GuestSystem system, Eprocess eprocess) {
        this(
                system,
                system.kernel().memoryManager().mmu().user(),
                eprocess.uniqueProcessId(),
                eprocess.peb(),
                eprocess);
        system.add(this);
    }

    /**
     * A process of memory alone, without a kernel: enough for functions that ask nothing of it.
     *
     * @param peb address of its {@code _PEB}
     */
    public GuestProcess(Memory memory, ApiTable table, GuestClock clock, long processId, long peb) {
        this(new GuestSystem(table, clock), memory, processId, peb, null);
    }

    private GuestProcess(GuestSystem system, Memory memory, long processId, long peb, @Nullable Eprocess eprocess) {
        this.system = system;
        this.memory = memory;
        this.processId = processId;
        this.peb = peb;
        this.eprocess = eprocess;
        this.modules = new LoadedModules(memory, peb);
    }

    /** The processes it is one of, and what they share. */
    public GuestSystem system() {
        return system;
    }

    /** The process's address space at user privilege. */
    public Memory memory() {
        return memory;
    }

    public ApiTable table() {
        return system.table();
    }

    public GuestClock clock() {
        return system.clock();
    }

    Scheduler scheduler() {
        return system.scheduler();
    }

    SystemCalls systemCalls() {
        return system.systemCalls();
    }

    /** Who dispatches exceptions. */
    public GuestExceptions exceptions() {
        return present(exceptions, "exception dispatcher");
    }

    public void setExceptions(GuestExceptions dispatcher) {
        exceptions = dispatcher;
    }

    /** Threads that have not ended, in order of creation. */
    public List<GuestThread> threads() {
        return threads.all();
    }

    /** How many threads have not ended. */
    public int threadCount() {
        return threads.count();
    }

    /**
     * Where guest code that Java called returns to: the SYSCALL instruction inside the stub of
     * {@code ntdll!KiUserCallbackDispatcher}. The loader sets it.
     */
    public long callbackReturn() {
        return callbackReturn;
    }

    public void setCallbackReturn(long address) {
        callbackReturn = address;
    }

    /** Where RIP stands while handlers run: inside the stub of {@code ntdll!KiUserExceptionDispatcher}. */
    public long exceptionReturn() {
        return exceptionReturn;
    }

    public void setExceptionReturn(long address) {
        exceptionReturn = address;
    }

    public GuestKernel kernel() {
        return system.kernel();
    }

    public Eprocess eprocess() {
        return present(eprocess, "kernel");
    }

    /** Null for a process of memory alone. */
    public @Nullable Eprocess eprocessIfAny() {
        return eprocess;
    }

    /** The process a handle of this one stands for; null for a handle that is no process's. */
    public @Nullable Eprocess byHandle(long handle) {
        if (handle == GuestObjects.CURRENT_PROCESS) {
            return eprocess();
        }
        long body = objects().body(handle, KnownType.PROCESS);
        return body == 0 ? null : new Eprocess(kernel().objectManager().memory(), body);
    }

    public long processId() {
        return processId;
    }

    public long peb() {
        return peb;
    }

    /** Who waits for words of its memory. */
    public AddressWaits addressWaits() {
        return addressWaits;
    }

    public FiberSlots fiberSlots() {
        return fiberSlots;
    }

    /**
     * Address of a zero-terminated 8-bit text that stays where it is as long as the process lives.
     *
     * @param key what it is; the text of the first call with a key counts
     */
    public long constantText(String key, String text) {
        return constants.computeIfAbsent(key, k -> {
            byte[] bytes = (text + "\0").getBytes(StandardCharsets.ISO_8859_1);
            long address = heap().allocate(bytes.length);
            memory.write(address, bytes);
            return address;
        });
    }

    /** {@link #constantText} in UTF-16. */
    public long constantWide(String key, String text) {
        return constants.computeIfAbsent("wide " + key, k -> {
            byte[] bytes = (text + "\0").getBytes(StandardCharsets.UTF_16LE);
            long address = heap().allocate(bytes.length);
            memory.write(address, bytes);
            return address;
        });
    }

    public LoadedModules modules() {
        return modules;
    }

    public GuestEvents events() {
        return events;
    }

    /** Attaches a debugger. */
    public void setEvents(GuestEvents listener) {
        events = listener;
    }

    /** The process's handles. */
    public GuestObjects objects() {
        return present(objects, "handle table");
    }

    public void setObjects(GuestObjects handles) {
        objects = handles;
    }

    public GuestFileSystem files() {
        return present(files, "file system");
    }

    public void setFiles(GuestFileSystem drives) {
        files = drives;
    }

    /** The host's streams. */
    public GuestConsole console() {
        return present(console, "console");
    }

    public void setConsole(GuestConsole streams) {
        console = streams;
    }

    /** Whether it has a handler for Ctrl-C, and there is a person to press that. */
    boolean mayHearOfPerson() {
        GuestConsole streams = console;
        return streams != null
                && streams.isInteractive()
                && !ended
                && !ControlHandlers.of(this).isEmpty();
    }

    /** Whether these are its streams, and it still runs. */
    boolean hasConsole(GuestConsole streams) {
        return console == streams && !ended && threads.count() != 0;
    }

    /** Keeps a Java object for a guest that gets an opaque handle to it. */
    public long keep(Object value) {
        long handle = newCookie();
        kept.put(handle, value);
        return handle;
    }

    /** What {@link #keep} was given. */
    public @Nullable Object kept(long handle) {
        return kept.get(handle);
    }

    public void drop(long handle) {
        kept.remove(handle);
    }

    /** The process heap. */
    public LoaderHeap heap() {
        return present(heap, "heap");
    }

    public void setHeap(LoaderHeap processHeap) {
        heap = processHeap;
    }

    public GuestPath currentDirectory() {
        return currentDirectory;
    }

    public void setCurrentDirectory(GuestPath path) {
        currentDirectory = path;
    }

    private static <T> T present(@Nullable T part, String name) {
        if (part == null) {
            throw new IllegalStateException("process has no " + name + " yet");
        }
        return part;
    }

    /** A number that looks like an aligned address and is given out once, for opaque handles. */
    public long newCookie() {
        return ++cookies << 4;
    }

    /** Whether an address is in ntdll's checks of indirect calls, whose faults mean that nothing may be called there. */
    public boolean isGuardCheck(long address) {
        return Long.compareUnsigned(address - guardCheck, guardCheckBytes) < 0;
    }

    /** Where those checks are; the loader sets it. */
    public void setGuardCheck(long address, long sizeBytes) {
        guardCheck = address;
        guardCheckBytes = sizeBytes;
    }

    /** What another package keeps per process: the object of this class, made at the first call. */
    public synchronized <T> T part(Class<T> type, Function<GuestProcess, T> maker) {
        Object part = parts.get(type);
        if (part == null) {
            part = maker.apply(this);
            parts.put(type, part);
        }
        return type.cast(part);
    }

    /** Gives the process its part of a class, which {@link #part} then answers. */
    public synchronized <T> void setPart(Class<T> type, T part) {
        parts.put(type, part);
    }

    /** Has something done when the process exits by its own wish, after its DLLs were told. */
    public void atExit(Consumer<ApiCall> action) {
        exitActions.add(action);
    }

    public void runExitActions(ApiCall call) {
        exitActions.forEach(action -> action.accept(call));
    }

    /** Makes further threads of this process; the machine sets it. */
    public interface ThreadMaker {
        /**
         * A thread with stack and TEB, ready to begin at the loader's thunk; not started.
         *
         * @param function what it shall run
         * @param reserveBytes of its stack, 0 for the program's own wish
         * @param commitBytes of its stack, 0 likewise
         * @throws IllegalStateException if there is no memory
         */
        GuestThread create(long function, long argument, long reserveBytes, long commitBytes);

        /** A thread's last words: its kernel object and its memory. */
        void ended(GuestThread thread, int exitCode);

        /** The process's last words, when no thread of it runs any more. */
        void processEnded(int exitCode);
    }

    ThreadMaker threadMaker() {
        return present(threadMaker, "way to make threads");
    }

    public void setThreadMaker(ThreadMaker maker) {
        threadMaker = maker;
    }

    /**
     * See {@link ThreadMaker#create}.
     *
     * @param caller the thread that runs, perhaps another process's
     */
    public GuestThread createThread(
            GuestThread caller, long function, long argument, long reserveBytes, long commitBytes) {
        ThreadMaker maker = present(threadMaker, "way to make threads");
        if (caller.process() == this) {
            return maker.create(function, argument, reserveBytes, commitBytes);
        }
        try {
            system.kernel().memoryManager().switchTo(eprocess());
            return maker.create(function, argument, reserveBytes, commitBytes);
        } finally {
            system.scheduler().restore(caller);
        }
    }

    /** The thread, of any process, that a handle of this process stands for; null for none that runs. */
    public @Nullable GuestThread threadByHandle(GuestThread caller, long handle) {
        if (handle == GuestObjects.CURRENT_THREAD) {
            return caller;
        }
        long body = objects().body(handle, KnownType.THREAD);
        if (body == 0) {
            return null;
        }
        return system.scheduler().find(body);
    }

    /**
     * Ends a thread, which lets go of what it waits for and runs no more guest code. If it is the calling one, that throws
     * {@link ProcessEnded} next.
     */
    public void threadEnds(GuestThread thread, int exitCode) {
        thread.setEnded();
        system.scheduler().release(thread);
        if (threadMaker != null) {
            threadMaker.ended(thread, exitCode);
        }
    }

    boolean hasKernel() {
        return system.hasKernel();
    }

    /** The thread now has the processor. */
    void switchedTo(GuestThread thread) {
        if (system.hasKernel()) {
            system.kernel().switcher().accept(thread.ethread());
        }
    }

    /** Lets a thread run from its processor's present state, on a Java thread of its own. */
    public void start(GuestThread thread) {
        threads.add(thread);
        String name = "guest-" + thread.threadId();
        Mmu mmu = thread.processor().mmu();
        Thread java = mmu == null
                ? new Thread(null, () -> runThread(thread), name, JAVA_STACK_BYTES)
                : new ProcessorThread(mmu, () -> runThread(thread), name, JAVA_STACK_BYTES);
        java.setDaemon(true);
        system.scheduler().admit(thread);
        java.start();
    }

    private void runThread(GuestThread thread) {
        try {
            system.scheduler().awaitTurn(thread);
            thread.runFromHere();
        } catch (ProcessEnded ended) {
            // The ordinary way out.
        } catch (RuntimeException | Error problem) {
            fail(problem);
        } finally {
            boolean isLast = threads.remove(thread);
            try {
                if (isLast) {
                    runDown();
                }
            } catch (RuntimeException | Error problem) {
                fail(problem);
            } finally {
                system.scheduler().leave(thread);
                if (isLast) {
                    gone.countDown();
                }
            }
        }
    }

    /** The error with what is at its root, and where that was. */
    private static String described(Throwable problem) {
        Throwable root = problem;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        StackTraceElement[] trace = root.getStackTrace();
        return problem.getMessage() + ": " + root + (trace.length == 0 ? "" : " at " + trace[0]);
    }

    private void fail(Throwable problem) {
        if (problem instanceof InternalError fault) {
            end(NtStatus.UNHANDLED_EXCEPTION.code(), "vadose: " + PhysicalMemory.hostIsFull(fault));
            return;
        }
        end(NtStatus.UNHANDLED_EXCEPTION.code(), "internal error: " + described(problem));
        reportInternalError(problem);
    }

    /** Gives back a process whose start failed before any thread of it ran. */
    public void abandon(int code) {
        end(code, null);
        runDown();
        gone.countDown();
    }

    /** The last thread takes its leave, and the process with it: its handles, its memory. The kernel object tells whoever waits. */
    private void runDown() {
        end(exitCode, null);
        String reason = endReason;
        if (reason != null && !reasonKnown && console != null) {
            console.report(reason);
        }
        ThreadMaker kernelSide = threadMaker;
        if (kernelSide != null) {
            kernelSide.processEnded(exitCode);
        }
        if (system.hasKernel()) {
            system.remove(this);
        }
    }

    private static void reportInternalError(Throwable problem) {
        Thread.UncaughtExceptionHandler handler = Thread.getDefaultUncaughtExceptionHandler();
        if (handler != null) {
            handler.uncaughtException(Thread.currentThread(), problem);
        }
    }

    /**
     * Ends the process; the first call decides. A debugger is told first, on this Java thread, while everything is still there.
     * The calling guest thread goes on until it throws {@link ProcessEnded}.
     *
     * @param reason for the person, when the end is not the program's own wish
     */
    public void end(int code, @Nullable String reason) {
        synchronized (end) {
            if (ending) {
                return;
            }
            ending = true;
            exitCode = code;
            endReason = reason;
        }
        try {
            reasonKnown = events.exit(this, code);
        } finally {
            ended = true;
            stopProcessors();
            system.scheduler().release(this);
            end.countDown();
        }
    }

    public boolean hasEnded() {
        return ended;
    }

    public int exitCode() {
        return exitCode;
    }

    /** Why the process ended, if not by its own wish. */
    public @Nullable String endReason() {
        return endReason;
    }

    /**
     * Waits until the process has ended and given everything back; from a Java thread that runs no guest. After
     * {@link #requestStop} a thread that is deep in a read from a pipe of the host is waited for only so long.
     *
     * @return its exit code
     */
    public int awaitEnd() throws InterruptedException {
        end.await();
        if (stopRequested) {
            boolean ignored = gone.await(STOP_PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } else {
            gone.await();
        }
        return exitCode;
    }

    /** Ends the process soon, as Ctrl-C does. From any Java thread that runs no guest. */
    public void requestStop() {
        stopRequested = true;
        stopProcessors();
        system.scheduler().alert();
        try {
            if (end.await(STOP_PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        end(NtStatus.CONTROL_C_EXIT.code(), null);
    }

    /** Makes the thread that runs stop in the debugger soon: {@link GuestEvents#breakIn}. From any Java thread. */
    public void requestBreak() {
        breakRequested = true;
        stopProcessors();
        system.scheduler().alert();
    }

    private void stopProcessors() {
        for (GuestThread thread : threads.all()) {
            thread.cpu().requestStop();
        }
    }

    /** Whether {@link #stopPoint} would do something. */
    boolean isWanted() {
        return stopRequested || breakRequested;
    }

    /** Where a running thread notices that it should not run on, or that the debugger wants it. */
    void stopPoint(GuestThread thread) {
        if (stopRequested) {
            end(NtStatus.CONTROL_C_EXIT.code(), null);
        }
        if (ended) {
            throw new ProcessEnded();
        }
        if (breakRequested) {
            breakRequested = false;
            events.breakIn(thread);
        }
    }
}
