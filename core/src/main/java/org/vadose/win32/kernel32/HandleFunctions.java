package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.nt.Eprocess;
import org.vadose.nt.HandleTableEntry;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.GuestProcess;

/** What one does with a handle whatever it stands for. */
final class HandleFunctions {
    private static final int ERROR_ACCESS_DENIED = 5;
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int DUPLICATE_CLOSE_SOURCE = 1;
    private static final int DUPLICATE_SAME_ACCESS = 2;
    private static final int HANDLE_FLAG_INHERIT = 1;
    private static final int HANDLE_FLAG_PROTECT_FROM_CLOSE = 2;

    private HandleFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("CloseHandle", call -> call.succeeded(close(call)))
                .function("DuplicateHandle", HandleFunctions::duplicate)
                .function("GetHandleInformation", HandleFunctions::getInformation)
                .function("SetHandleInformation", HandleFunctions::setInformation);
    }

    static NtStatus close(ApiCall call) {
        return ProcessHandles.checked(
                call, call.arg(0), call.process().objects().close(call.arg(0)));
    }

    /** A process whose handles may be read and made; null when {@link ProcessHandles#refusal} says why not. */
    private static @Nullable GuestProcess process(ApiCall call, long handle) {
        Eprocess process = ProcessHandles.find(call, handle, ProcessHandles.DUP_HANDLE);
        return process == null ? null : call.process().system().find(process);
    }

    private static long duplicate(ApiCall call) {
        GuestProcess source = process(call, call.arg(0));
        int options = call.intArg(6);
        if (source == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        long value = call.arg(1);
        if (call.arg(2) == 0 && (options & DUPLICATE_CLOSE_SOURCE) != 0) {
            return call.succeeded(source.objects().close(value));
        }
        GuestProcess target = process(call, call.arg(2));
        if (target == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(2)));
        }
        long body;
        int access;
        if (value == GuestObjects.CURRENT_THREAD) {
            body = call.thread().ethread().address();
            access = KnownType.THREAD.validAccess();
        } else if (value == GuestObjects.CURRENT_PROCESS) {
            body = source.eprocess().address();
            access = KnownType.PROCESS.validAccess();
        } else {
            body = source.objects().body(value);
            access = source.objects().grantedAccess(value);
        }
        if (body == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if ((options & DUPLICATE_SAME_ACCESS) == 0) {
            // The caller owns whatever it can name, so that it is given what it asks for.
            access = call.intArg(4);
        }
        int copy = target.objects().open(body, access);
        if (call.boolArg(5)) {
            target.objects().setInheritable(copy, true);
        }
        if (call.arg(3) != 0) {
            call.memory().writeLong(call.arg(3), copy);
        }
        if ((options & DUPLICATE_CLOSE_SOURCE) != 0) {
            source.objects().close(value);
        }
        return 1;
    }

    private static long getInformation(ApiCall call) {
        HandleTableEntry entry = call.process().objects().entry(call.arg(0));
        if (entry == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        int attributes = entry.attributes();
        call.memory()
                .writeInt(
                        call.arg(1),
                        ((attributes & HandleTableEntry.INHERIT) != 0 ? HANDLE_FLAG_INHERIT : 0)
                                | ((attributes & HandleTableEntry.PROTECT_FROM_CLOSE) != 0
                                        ? HANDLE_FLAG_PROTECT_FROM_CLOSE
                                        : 0));
        return 1;
    }

    private static long setInformation(ApiCall call) {
        HandleTableEntry entry = call.process().objects().entry(call.arg(0));
        if (entry == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        int mask = call.intArg(1);
        int flags = call.intArg(2);
        if ((mask & ~(HANDLE_FLAG_INHERIT | HANDLE_FLAG_PROTECT_FROM_CLOSE)) != 0) {
            return call.fail(ERROR_ACCESS_DENIED);
        }
        if ((mask & HANDLE_FLAG_INHERIT) != 0) {
            entry.setAttribute(HandleTableEntry.INHERIT, (flags & HANDLE_FLAG_INHERIT) != 0);
        }
        if ((mask & HANDLE_FLAG_PROTECT_FROM_CLOSE) != 0) {
            entry.setAttribute(HandleTableEntry.PROTECT_FROM_CLOSE, (flags & HANDLE_FLAG_PROTECT_FROM_CLOSE) != 0);
        }
        return 1;
    }
}
