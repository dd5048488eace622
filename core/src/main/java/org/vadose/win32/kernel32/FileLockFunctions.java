package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.io.FileLocks;
import org.vadose.io.OpenFile;
import org.vadose.ke.Waits;
import org.vadose.layout.FileObjectLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.WaitReason;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;
import org.vadose.win32.WaitObject;

/** Locked ranges of files. Every lock is granted or refused when the call returns; an event given with it is signalled then. */
final class FileLockFunctions {
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int FAIL_IMMEDIATELY = 1;
    private static final int EXCLUSIVE = 2;

    /** FILE_READ_DATA or FILE_WRITE_DATA. */
    private static final int DATA_ACCESS = 3;

    // OVERLAPPED
    private static final int OFFSET = 16;
    private static final int EVENT = 24;

    private FileLockFunctions() {}

    /** A range, and what is wanted of it. */
    private record Range(long start, long length, int key, boolean isExclusive, boolean waits) {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("LockFile", call -> call.succeeded(lock(call, range(call))))
                .function("UnlockFile", call -> call.succeeded(unlock(call, range(call))))
                .function("LockFileEx", FileLockFunctions::lockEx)
                .function("UnlockFileEx", FileLockFunctions::unlockEx);
    }

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtLockFile", 0x10A, call -> ntLock(call).code())
                .service("NtUnlockFile", 0x1CA, call -> ntUnlock(call).code());
    }

    // --- Win32 ---

    private static long together(ApiCall call, int low) {
        return call.unsignedIntArg(low) | call.unsignedIntArg(low + 1) << 32;
    }

    /** Arguments: file, start, length, each in two halves. */
    private static Range range(ApiCall call) {
        return new Range(together(call, 1), together(call, 3), 0, true, false);
    }

    /** Arguments: file, flags, 0, length in two halves, OVERLAPPED. */
    private static long lockEx(ApiCall call) {
        long overlapped = call.arg(5);
        int flags = call.intArg(1);
        if (call.intArg(2) != 0 || overlapped == 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        NtStatus status = lock(
                call,
                new Range(
                        call.memory().readLong(overlapped + OFFSET),
                        together(call, 3),
                        0,
                        (flags & EXCLUSIVE) != 0,
                        (flags & FAIL_IMMEDIATELY) == 0));
        return finish(call, overlapped, status);
    }

    /** Arguments: file, 0, length in two halves, OVERLAPPED. */
    private static long unlockEx(ApiCall call) {
        long overlapped = call.arg(4);
        if (call.intArg(1) != 0 || overlapped == 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        long start = call.memory().readLong(overlapped + OFFSET);
        return finish(call, overlapped, unlock(call, new Range(start, together(call, 2), 0, false, false)));
    }

    private static long finish(ApiCall call, long overlapped, NtStatus status) {
        Memory memory = call.memory();
        if (status.isSuccess()) {
            memory.writeLong(overlapped, status.code());
            memory.writeLong(overlapped + 8, 0);
            signal(call, memory.readLong(overlapped + EVENT) & ~1L);
        }
        return call.succeeded(status);
    }

    private static void signal(ApiCall call, long event) {
        long body = event == 0 ? 0 : call.process().objects().body(event, KnownType.EVENT);
        if (body != 0) {
            call.process().kernel().processManager().waits().signal(body);
        }
    }

    // --- services ---

    /** Arguments: file, event, call to queue, its argument, status, start, length, key, whether to fail at once, exclusive. */
    private static NtStatus ntLock(ApiCall call) {
        if (call.arg(2) != 0) {
            return NtStatus.NOT_SUPPORTED;
        }
        Memory memory = call.memory();
        memory.writeLong(call.arg(4), memory.readLong(call.arg(4)));
        NtStatus status = lock(
                call,
                new Range(
                        memory.readLong(call.arg(5)),
                        memory.readLong(call.arg(6)),
                        call.intArg(7),
                        (call.intArg(9) & 0xFF) != 0,
                        (call.intArg(8) & 0xFF) == 0));
        if (status.isSuccess()) {
            signal(call, call.arg(1));
            memory.writeLong(call.arg(4), 0);
            memory.writeLong(call.arg(4) + 8, 0);
        }
        return status;
    }

    /** Arguments: file, status, start, length, key. */
    private static NtStatus ntUnlock(ApiCall call) {
        Memory memory = call.memory();
        memory.writeLong(call.arg(1), memory.readLong(call.arg(1)));
        NtStatus status = unlock(
                call,
                new Range(memory.readLong(call.arg(2)), memory.readLong(call.arg(3)), call.intArg(4), false, false));
        if (status.isSuccess()) {
            memory.writeLong(call.arg(1), 0);
            memory.writeLong(call.arg(1) + 8, 0);
        }
        return status;
    }

    // --- locks ---

    /** Why the handle is none of a file whose bytes can be locked; SUCCESS for one that is. */
    private static NtStatus refusal(ApiCall call) {
        GuestObjects objects = call.process().objects();
        OpenFile file = objects.file(call.arg(0));
        if (file == null) {
            return objects.body(call.arg(0)) == 0 ? NtStatus.INVALID_HANDLE : NtStatus.OBJECT_TYPE_MISMATCH;
        }
        if ((objects.grantedAccess(call.arg(0)) & DATA_ACCESS) == 0) {
            return NtStatus.ACCESS_DENIED;
        }
        if (!(file instanceof OpenFile.OnDisk disk)) {
            return NtStatus.INVALID_DEVICE_REQUEST;
        }
        return disk.node().isDirectory() ? NtStatus.INVALID_PARAMETER : NtStatus.SUCCESS;
    }

    private static NtStatus lock(ApiCall call, Range range) {
        GuestProcess process = call.process();
        while (true) {
            NtStatus refusal = refusal(call);
            if (!refusal.isSuccess() || !(process.objects().file(call.arg(0)) instanceof OpenFile.OnDisk file)) {
                return refusal;
            }
            FileLocks locks = file.node().locks();
            Eprocess eprocess = process.eprocess();
            NtStatus status = locks.lock(
                    new FileLocks.Owner(file, eprocess.address(), range.key()),
                    range.start(),
                    range.length(),
                    range.isExclusive(),
                    process::hasEnded);
            if (status.isSuccess()) {
                long body = process.objects().body(call.arg(0), KnownType.FILE);
                eprocess.memory().writeByte(body + FileObjectLayout.LOCK_OPERATION, (byte) 1);
            }
            if (!status.equals(NtStatus.LOCK_NOT_GRANTED) || !range.waits()) {
                return status;
            }
            await(call, locks);
        }
    }

    /** Waits until a lock goes. */
    private static void await(ApiCall call, FileLocks locks) {
        GuestObjects objects = call.process().objects();
        Waits waits = call.process().kernel().processManager().waits();
        long event = objects.newEvent("", true, false);
        Runnable wakeUp = () -> waits.signal(event);
        locks.addWaiting(wakeUp);
        try {
            int ignored = call.thread()
                    .await(
                            new long[] {event},
                            new Waits.How(false, WaitReason.EXECUTIVE, true, false, GuestThread.NEVER));
        } finally {
            locks.removeWaiting(wakeUp);
            objects.dereference(
                    new WaitObject(call.process().kernel().objectManager().memory(), event, event));
        }
    }

    private static NtStatus unlock(ApiCall call, Range range) {
        GuestProcess process = call.process();
        NtStatus refusal = refusal(call);
        if (!refusal.isSuccess() || !(process.objects().file(call.arg(0)) instanceof OpenFile.OnDisk file)) {
            return refusal;
        }
        FileLocks.Owner owner = new FileLocks.Owner(file, process.eprocess().address(), range.key());
        return file.node().locks().unlock(owner, range.start(), range.length());
    }
}
