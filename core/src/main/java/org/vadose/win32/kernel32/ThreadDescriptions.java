package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.nt.Ethread;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.heap.GuestHeaps;

/** Names of threads: {@code _ETHREAD.ThreadName}. The functions return an HRESULT: a status with
 * FACILITY_NT_BIT, success too. */
final class ThreadDescriptions {
    private static final int NT_FACILITY = 0x1000_0000;
    private static final int LONGEST = 0x7FFE;

    // THREAD_SET_LIMITED_INFORMATION, THREAD_QUERY_LIMITED_INFORMATION, and the rights that include them
    private static final int MAY_SET = 0x400 | 0x20;
    private static final int MAY_QUERY = 0x800 | 0x40;

    private ThreadDescriptions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("SetThreadDescription", call -> result(set(call)))
                .function("GetThreadDescription", call -> result(get(call)));
    }

    private static long result(NtStatus status) {
        return (status.code() | NT_FACILITY) & 0xFFFF_FFFFL;
    }

    private static NtStatus access(ApiCall call, int rights) {
        GuestObjects objects = call.process().objects();
        long handle = call.arg(0);
        if (handle == GuestObjects.CURRENT_THREAD) {
            return NtStatus.SUCCESS;
        }
        if (objects.body(handle, KnownType.THREAD) == 0) {
            return objects.body(handle) == 0 ? NtStatus.INVALID_HANDLE : NtStatus.OBJECT_TYPE_MISMATCH;
        }
        return (objects.grantedAccess(handle) & rights) == 0 ? NtStatus.ACCESS_DENIED : NtStatus.SUCCESS;
    }

    private static Ethread thread(ApiCall call) {
        if (call.arg(0) == GuestObjects.CURRENT_THREAD) {
            return call.thread().ethread();
        }
        return new Ethread(
                call.process().kernel().objectManager().memory(),
                call.process().objects().body(call.arg(0), KnownType.THREAD));
    }

    private static NtStatus set(ApiCall call) {
        String name = call.arg(1) == 0 ? "" : call.wide(call.arg(1));
        if (name.length() > LONGEST) {
            return NtStatus.NAME_TOO_LONG;
        }
        NtStatus status = access(call, MAY_SET);
        if (status.isSuccess()) {
            call.process().kernel().processManager().setThreadName(thread(call), name);
        }
        return status;
    }

    /** The caller frees the text with {@code LocalFree}. */
    private static NtStatus get(ApiCall call) {
        call.memory().writeLong(call.arg(1), 0);
        NtStatus status = access(call, MAY_QUERY);
        if (status.isSuccess()) {
            String name = thread(call).name();
            long text = GuestHeaps.of(call.process()).processHeap().allocate(0, 2L * name.length() + 2);
            if (text == 0) {
                return NtStatus.NO_MEMORY;
            }
            call.writeWide(text, name);
            call.memory().writeLong(call.arg(1), text);
        }
        return status;
    }
}
