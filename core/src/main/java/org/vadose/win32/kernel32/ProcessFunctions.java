package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.layout.DispatcherHeaderLayout;
import org.vadose.layout.EthreadLayout;
import org.vadose.layout.KuserSharedDataLayout;
import org.vadose.layout.NtTibLayout;
import org.vadose.layout.PebLayout;
import org.vadose.layout.TebLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ContextRecord;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.SharedUserData;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;
import org.vadose.win32.ProcessEnded;
import org.vadose.win32.exception.ContextTransfer;
import org.vadose.win32.loader.Loader;

/** Processes and threads: who one is, making and ending them, and what a debugger is told. */
final class ProcessFunctions {
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int CREATE_SUSPENDED = 4;
    private static final int STILL_ACTIVE = 259;
    private static final int STACK_SIZE_IS_RESERVATION = 0x10000;

    /** {@code SEM_FAILCRITICALERRORS} to {@code SEM_NOALIGNMENTFAULTEXCEPT}, {@code SEM_NOOPENFILEERRORBOX}. */
    private static final int PROCESSOR_FEATURES = 64;

    private static final long LEAST_GUARANTEE = 2 * Pages.SIZE;

    private static final int POINTER_BITS = 63;

    private ProcessFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("GetLastError", call -> call.lastError() & 0xFFFF_FFFFL)
                .function("SetLastError", ProcessFunctions::setLastError)
                .function("GetCurrentProcess", call -> GuestObjects.CURRENT_PROCESS)
                .function("GetCurrentThread", call -> GuestObjects.CURRENT_THREAD)
                .function("GetCurrentProcessId", call -> call.process().processId())
                .function("GetCurrentThreadId", call -> call.thread().threadId())
                .function("GetProcessId", ProcessFunctions::getProcessId)
                .function("GetThreadId", ProcessFunctions::getThreadId)
                .function("ExitProcess", call -> exitProcess(call, call.intArg(0)))
                .function("TerminateProcess", ProcessFunctions::terminateProcess)
                .function("GetExitCodeProcess", ProcessFunctions::getExitCodeProcess)
                .function("CreateThread", ProcessFunctions::createThread)
                .function("ExitThread", call -> exitThread(call, call.intArg(0)))
                .function("TerminateThread", ProcessFunctions::terminateThread)
                .function("GetExitCodeThread", ProcessFunctions::getExitCodeThread)
                .function("ResumeThread", call -> suspend(call, -1))
                .function("SuspendThread", call -> suspend(call, 1))
                .function("SetThreadStackGuarantee", ProcessFunctions::setStackGuarantee)
                .function("GetThreadContext", ProcessFunctions::getThreadContext)
                .function("SetThreadContext", ProcessFunctions::setThreadContext)
                .function(
                        "IsDebuggerPresent",
                        call -> call.memory().readUnsignedByte(call.process().peb() + PebLayout.BEING_DEBUGGED))
                .function("CheckRemoteDebuggerPresent", ProcessFunctions::checkRemoteDebugger)
                .function("OutputDebugStringA", call -> outputDebugString(call, false))
                .function("OutputDebugStringW", call -> outputDebugString(call, true))
                .function("IsWow64Process", ProcessFunctions::isWow64)
                .function("IsProcessorFeaturePresent", ProcessFunctions::isFeaturePresent)
                .function("GetVersion", call -> 19_041L << 16 | 10)
                .function("GetVersionExA", call -> getVersion(call, false))
                .function("GetVersionExW", call -> getVersion(call, true))
                .forward("EncodePointer", "NTDLL.RtlEncodePointer")
                .forward("DecodePointer", "NTDLL.RtlDecodePointer");
    }

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtTerminateProcess", 0x2C, ProcessFunctions::ntTerminateProcess)
                .service("NtTerminateThread", 0x53, ProcessFunctions::ntTerminateThread)
                .service("NtClose", 0x0F, call -> HandleFunctions.close(call).code())
                .function("RtlEncodePointer", ProcessFunctions::encodePointer)
                .function("RtlDecodePointer", ProcessFunctions::decodePointer)
                .function("RtlExitUserThread", call -> exitThread(call, call.intArg(0)))
                .function("RtlExitUserProcess", call -> exitProcess(call, call.intArg(0)))
                .function("RtlGetLastWin32Error", call -> call.lastError() & 0xFFFF_FFFFL)
                .function("RtlSetLastWin32Error", ProcessFunctions::setLastError);
    }

    /** The pointer and the process's cookie together, turned right by the cookie's low six bits. */
    private static long encodePointer(ApiCall call) {
        int cookie = call.process().eprocess().cookie();
        return Long.rotateRight(call.arg(0) ^ cookie & 0xFFFF_FFFFL, cookie & POINTER_BITS);
    }

    private static long decodePointer(ApiCall call) {
        int cookie = call.process().eprocess().cookie();
        return Long.rotateLeft(call.arg(0), cookie & POINTER_BITS) ^ cookie & 0xFFFF_FFFFL;
    }

    private static long setLastError(ApiCall call) {
        call.setLastError(call.intArg(0));
        return 0;
    }

    // --- ends ---

    /** Ends the process in order: DLLs and TLS callbacks are told first, on this thread. */
    static long exitProcess(ApiCall call, int code) {
        GuestProcess process = call.process();
        StorageFunctions.threadEnds(call);
        Loader.of(process).exitProcess(call.thread());
        process.runExitActions(call);
        process.end(code, null);
        throw new ProcessEnded();
    }

    static long exitThread(ApiCall call, int code) {
        GuestProcess process = call.process();
        if (process.threadCount() == 1) {
            return exitProcess(call, code);
        }
        StorageFunctions.threadEnds(call);
        Loader.of(process).exitThread(call.thread());
        process.threadEnds(call.thread(), code);
        throw new ProcessEnded();
    }

    private static long terminateProcess(ApiCall call) {
        if (call.arg(0) == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        return call.succeeded(NtStatus.of((int) ntTerminateProcess(call)));
    }

    private static long ntTerminateProcess(ApiCall call) {
        if (call.arg(0) == 0) {
            // Every thread but this one; the process goes on to end itself.
            return 0;
        }
        Eprocess handle = ProcessHandles.find(call, call.arg(0), ProcessHandles.TERMINATE);
        if (handle == null) {
            return ProcessHandles.refusal(call, call.arg(0)).code();
        }
        if (handle.isExiting()) {
            return NtStatus.PROCESS_IS_TERMINATING.code();
        }
        GuestProcess target = call.process().system().find(handle);
        if (target == null) {
            return NtStatus.ACCESS_DENIED.code();
        }
        target.end(call.intArg(1), null);
        if (target == call.process()) {
            throw new ProcessEnded();
        }
        return 0;
    }

    private static long ntTerminateThread(ApiCall call) {
        long handle = call.arg(0) == 0 ? GuestObjects.CURRENT_THREAD : call.arg(0);
        GuestThread thread = call.process().threadByHandle(call.thread(), handle);
        if (thread == null) {
            return NtStatus.INVALID_HANDLE.code();
        }
        thread.process().threadEnds(thread, call.intArg(1));
        if (thread == call.thread()) {
            throw new ProcessEnded();
        }
        return 0;
    }

    private static long terminateThread(ApiCall call) {
        return call.succeeded(NtStatus.of((int) ntTerminateThread(call)));
    }

    private static long getExitCodeProcess(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_LIMITED_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        call.memory().writeInt(call.arg(1), process.isExiting() ? process.exitStatus() : STILL_ACTIVE);
        return 1;
    }

    // --- threads ---

    /** The thread of a handle; its address is 0 if the handle is no thread's. */
    static Ethread ethread(ApiCall call, long handle) {
        if (handle == GuestObjects.CURRENT_THREAD) {
            return call.thread().ethread();
        }
        long body = call.process().objects().body(handle, KnownType.THREAD);
        return new Ethread(call.process().kernel().objectManager().memory(), body);
    }

    private static long createThread(ApiCall call) {
        return createThread(call, call.process(), 0);
    }

    /** {@code CreateThread} and, with a process before its arguments, {@code CreateRemoteThread}. */
    static long createThread(ApiCall call, GuestProcess process, int first) {
        int flags = call.intArg(first + 4);
        long stack = call.arg(first + 1);
        boolean reserves = (flags & STACK_SIZE_IS_RESERVATION) != 0;
        GuestThread thread;
        try {
            thread = process.createThread(
                    call.thread(),
                    call.arg(first + 2),
                    call.arg(first + 3),
                    reserves ? stack : 0,
                    reserves ? 0 : stack);
        } catch (ResourcesException exhausted) {
            return call.fail(exhausted.status());
        }
        if ((flags & CREATE_SUSPENDED) != 0) {
            thread.suspend(1);
        }
        if (call.arg(first + 5) != 0) {
            call.memory().writeInt(call.arg(first + 5), (int) thread.threadId());
        }
        int handle = call.process().objects().open(thread.ethread().address(), KnownType.THREAD.validAccess());
        SecurityAttributes.apply(call, call.arg(first), handle);
        process.start(thread);
        return handle;
    }

    private static long getExitCodeThread(ApiCall call) {
        Ethread thread = ethread(call, call.arg(0));
        if (thread.address() == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        boolean ended = thread.memory().readInt(thread.address() + DispatcherHeaderLayout.SIGNAL_STATE) > 0;
        call.memory()
                .writeInt(
                        call.arg(1),
                        ended ? thread.memory().readInt(thread.address() + EthreadLayout.EXIT_STATUS) : STILL_ACTIVE);
        return 1;
    }

    private static long suspend(ApiCall call, int delta) {
        GuestThread thread = call.process().threadByHandle(call.thread(), call.arg(0));
        if (thread == null) {
            call.setLastError(ERROR_INVALID_HANDLE);
            return 0xFFFF_FFFFL;
        }
        int before = thread.suspend(delta);
        if (before < 0) {
            call.setLastError(NtStatus.SUSPEND_COUNT_EXCEEDED.win32Error());
            return 0xFFFF_FFFFL;
        }
        if (thread == call.thread() && delta > 0) {
            thread.yield();
        }
        return before;
    }

    private static long getThreadId(ApiCall call) {
        Ethread thread = ethread(call, call.arg(0));
        return thread.address() == 0 ? call.fail(ERROR_INVALID_HANDLE) : thread.uniqueThreadId();
    }

    private static long getProcessId(ApiCall call) {
        Eprocess process = call.process().byHandle(call.arg(0));
        return process == null ? call.fail(ERROR_INVALID_HANDLE) : process.uniqueProcessId();
    }

    /** In and out: bytes that a handler of stack overflows can count on; in whole pages, two at least, and never less than before. */
    private static long setStackGuarantee(ApiCall call) {
        long teb = call.thread().teb();
        Memory memory = call.memory();
        int old = memory.readInt(teb + TebLayout.GUARANTEED_STACK_BYTES);
        long wanted = Pages.up(memory.readUnsignedInt(call.arg(0)));
        wanted = wanted == 0 ? 0 : Math.max(wanted, LEAST_GUARANTEE);
        memory.writeInt(call.arg(0), old);
        long stack = memory.readLong(teb + TebLayout.NT_TIB + NtTibLayout.STACK_BASE)
                - memory.readLong(teb + TebLayout.DEALLOCATION_STACK);
        if (wanted >= stack) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (wanted > (old & 0xFFFF_FFFFL)) {
            memory.writeInt(teb + TebLayout.GUARANTEED_STACK_BYTES, (int) wanted);
        }
        return 1;
    }

    private static long getThreadContext(ApiCall call) {
        GuestThread thread = call.process().threadByHandle(call.thread(), call.arg(0));
        if (thread == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        ContextRecord context = new ContextRecord(call.memory(), call.arg(1));
        int wanted = context.contextFlags();
        ContextTransfer.save(thread.cpu(), context);
        context.setContextFlags(wanted);
        return 1;
    }

    private static long setThreadContext(ApiCall call) {
        GuestThread thread = call.process().threadByHandle(call.thread(), call.arg(0));
        if (thread == null || thread == call.thread()) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        ContextTransfer.load(thread.cpu(), new ContextRecord(call.memory(), call.arg(1)));
        return 1;
    }

    // --- debugging, versions ---

    private static long checkRemoteDebugger(ApiCall call) {
        call.memory()
                .writeInt(
                        call.arg(1),
                        call.memory().readUnsignedByte(call.process().peb() + PebLayout.BEING_DEBUGGED));
        return 1;
    }

    private static long outputDebugString(ApiCall call, boolean wide) {
        call.process().events().debugOutput(call.thread(), Texts.readOrEmpty(call, call.arg(0), wide));
        return 0;
    }

    private static long isWow64(ApiCall call) {
        call.memory().writeInt(call.arg(1), 0);
        return 1;
    }

    /** What {@code KUSER_SHARED_DATA.ProcessorFeatures} says. */
    private static long isFeaturePresent(ApiCall call) {
        int feature = call.intArg(0);
        long features = SharedUserData.USER_ADDRESS + KuserSharedDataLayout.PROCESSOR_FEATURES;
        return feature < 0 || feature >= PROCESSOR_FEATURES ? 0 : call.memory().readUnsignedByte(features + feature);
    }

    /** OSVERSIONINFO: size, major, minor, build, platform, service pack. */
    private static long getVersion(ApiCall call, boolean wide) {
        long info = call.arg(0);
        long size = call.memory().readUnsignedInt(info);
        long known = 20 + 128L * (wide ? 2 : 1);
        if (size < known) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        call.memory().fill(info + 4, Math.min(size, known + 8) - 4, (byte) 0);
        call.memory().writeInt(info + 4, 10);
        call.memory().writeInt(info + 12, 19_041);
        call.memory().writeInt(info + 16, 2);
        if (size >= known + 8) {
            call.memory().writeByte(info + known + 6, (byte) 1);
        }
        return 1;
    }
}
