package org.vadose.win32.crt;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.vadose.memory.Memory;
import org.vadose.rtl.HeapFlags;
import org.vadose.rtl.NtHeap;
import org.vadose.win32.ApiCall;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;
import org.vadose.win32.heap.GuestHeaps;

/** The run-time library in one process: where its variables and each thread's block of them are in guest memory. */
final class CrtState {
    // errno.h
    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int EBADF = 9;
    static final int EAGAIN = 11;
    static final int ENOMEM = 12;
    static final int EACCES = 13;
    static final int EEXIST = 17;
    static final int EINVAL = 22;
    static final int EMFILE = 24;
    static final int ENOSPC = 28;
    static final int EDOM = 33;
    static final int ERANGE = 34;
    static final int EDEADLOCK = 36;
    static final int ENOTEMPTY = 41;
    static final int EILSEQ = 42;

    /*
     * A thread's block, on the process heap: errno, _doserrno, the seed of rand, where strtok and wcstok go on, and the
     * buffers of asctime, _wasctime, gmtime and strerror.
     */
    static final int THREAD_ERRNO = 0;
    static final int THREAD_DOS_ERROR = 4;
    static final int THREAD_SEED = 8;
    static final int THREAD_TOKEN = 16;
    static final int THREAD_WIDE_TOKEN = 24;
    static final int THREAD_ASCTIME = 32;
    static final int THREAD_WIDE_ASCTIME = 64;
    static final int THREAD_TM = 128;
    static final int THREAD_STRERROR = 176;
    /** Behind the 256 bytes of strerror: the exception a signal's action was called for, the code of a float error. */
    static final int THREAD_EXCEPTION = 440;

    static final int THREAD_FLOAT_ERROR = 448;
    private static final int THREAD_BLOCK_BYTES = 512;

    private final GuestProcess process;
    private final Map<String, Long> data = new HashMap<>();
    private final Map<GuestThread, Long> threadBlocks = new IdentityHashMap<>();

    private CrtState(GuestProcess process) {
        this.process = process;
        process.atExit(StreamFunctions::flushAll);
    }

    static CrtState of(GuestProcess process) {
        return process.part(CrtState.class, CrtState::new);
    }

    static CrtState of(ApiCall call) {
        return of(call.process());
    }

    GuestProcess process() {
        return process;
    }

    Memory memory() {
        return process.memory();
    }

    NtHeap heap() {
        return GuestHeaps.of(process).processHeap();
    }

    /** Zeroed memory of the library's own. */
    long allocate(long sizeBytes) {
        return GuestHeaps.of(process).allocate(sizeBytes);
    }

    /** A copy of a text, with its zero, in memory of the library's own. */
    long allocateAnsi(String text) {
        long at = allocate(text.length() + 1L);
        GuestText.writeAnsi(memory(), at, text);
        return at;
    }

    long allocateWide(String text) {
        long at = allocate(2L * text.length() + 2);
        GuestText.writeWide(memory(), at, text);
        return at;
    }

    void placed(String name, long address) {
        data.put(name, address);
    }

    /** Where an exported variable is. */
    long variable(String name) {
        Long address = data.get(name);
        if (address == null) {
            throw new IllegalStateException("msvcrt variable not placed name=" + name);
        }
        return address;
    }

    long threadBlock(GuestThread thread) {
        Long known = threadBlocks.get(thread);
        if (known != null) {
            return known;
        }
        if (threadBlocks.size() >= 2 * process.threadCount()) {
            List<GuestThread> gone = new ArrayList<>(threadBlocks.keySet());
            gone.removeAll(new HashSet<>(process.threads()));
            gone.forEach(this::threadEnds);
        }
        long block = heap().allocate(HeapFlags.ZERO_MEMORY, THREAD_BLOCK_BYTES);
        memory().writeInt(block + THREAD_SEED, 1);
        threadBlocks.put(thread, block);
        return block;
    }

    void threadEnds(GuestThread thread) {
        Long block = threadBlocks.remove(thread);
        if (block != null) {
            heap().free(0, block);
        }
    }

    static int errno(ApiCall call) {
        return call.memory().readInt(of(call).threadBlock(call.thread()) + THREAD_ERRNO);
    }

    static void setErrno(ApiCall call, int error) {
        call.memory().writeInt(of(call).threadBlock(call.thread()) + THREAD_ERRNO, error);
    }

    /** A parameter is not valid: sets errno, and tells the program's handler if there is one. */
    static void invalid(ApiCall call, int error) {
        setErrno(call, error);
        RuntimeErrors.invalidParameter(call);
    }

    /** {@link #invalid}; returns -1. */
    static long failInvalid(ApiCall call, int error) {
        invalid(call, error);
        return -1;
    }

    /** Sets errno; returns -1. */
    static long fail(ApiCall call, int error) {
        setErrno(call, error);
        return -1;
    }

    /** Sets {@code _doserrno} and the errno that goes with it; returns -1. */
    static long failWin32(ApiCall call, int win32Error) {
        call.memory().writeInt(of(call).threadBlock(call.thread()) + THREAD_DOS_ERROR, win32Error);
        return fail(call, errnoOf(win32Error));
    }

    /** The library's table from system errors to errno values. */
    static int errnoOf(int win32Error) {
        return switch (win32Error) {
            case 2, 3, 15, 18, 53, 67, 123, 161, 206 -> ENOENT;
            case 4 -> EMFILE;
            case 5, 16, 19, 32, 33, 65, 82, 83, 108, 132, 158, 167 -> EACCES;
            case 6, 114, 130 -> EBADF;
            case 7, 8, 9, 1816 -> ENOMEM;
            case 10 -> 7;
            case 11 -> 8;
            case 17 -> 18;
            case 80, 183 -> EEXIST;
            case 89, 164, 215 -> EAGAIN;
            case 109 -> 32;
            case 112 -> ENOSPC;
            case 128, 129 -> 10;
            case 145 -> ENOTEMPTY;
            default -> EINVAL;
        };
    }
}
