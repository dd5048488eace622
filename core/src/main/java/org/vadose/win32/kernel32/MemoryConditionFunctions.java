package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.MiMemoryEventTypesValues;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.MemoryManager;
import org.vadose.nt.DispatcherHeader;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.NamedObjects;

/**
 * How memory as a whole is: whether it is short, whether it is damaged, which partitions of it there are. This machine has one
 * partition, no dedicated memory, and memory that does not go bad.
 */
final class MemoryConditionFunctions {
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_NOACCESS = 998;
    private static final int LOW_MEMORY = 0;
    private static final int HIGH_MEMORY = 1;
    /** {@code SYNCHRONIZE | EVENT_QUERY_STATE}. */
    private static final int NOTIFICATION_ACCESS = 0x10_0001;

    private static final int PARTITION_QUERY_ACCESS = 1;
    private static final int PARTITION_INFORMATION_SIZE = 240;

    private MemoryConditionFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("CreateMemoryResourceNotification", MemoryConditionFunctions::createNotification)
                .function("QueryMemoryResourceNotification", MemoryConditionFunctions::queryNotification)
                .function("GetMemoryErrorHandlingCapabilities", MemoryConditionFunctions::errorHandling)
                .function("RegisterBadMemoryNotification", MemoryConditionFunctions::registerBadMemory)
                .function("UnregisterBadMemoryNotification", MemoryConditionFunctions::unregisterBadMemory)
                .function("OpenDedicatedMemoryPartition", MemoryConditionFunctions::openDedicated)
                .function("QueryPartitionInformation", MemoryConditionFunctions::queryPartition);
    }

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtOpenPartition", 0x126, MemoryConditionFunctions::ntOpenPartition);
    }

    private static MemoryManager manager(ApiCall call) {
        return call.process().kernel().memoryManager();
    }

    // --- short or plenty ---

    private static long createNotification(ApiCall call) {
        int kind = call.intArg(0);
        if (kind != LOW_MEMORY && kind != HIGH_MEMORY) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        manager(call).memoryEvents().update();
        int number = kind == LOW_MEMORY
                ? MiMemoryEventTypesValues.LOW_AVAILABLE_PAGES_EVENT
                : MiMemoryEventTypesValues.HIGH_AVAILABLE_PAGES_EVENT;
        int handle = call.process().objects().open(manager(call).memoryEvents().event(number), NOTIFICATION_ACCESS);
        return handle == 0 ? call.fail(NtStatus.INSUFFICIENT_RESOURCES) : handle;
    }

    private static long queryNotification(ApiCall call) {
        if (call.arg(0) == 0 || call.arg(1) == 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        long event = call.process().objects().body(call.arg(0), KnownType.EVENT);
        if (event == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if ((call.process().objects().grantedAccess(call.arg(0)) & 1) == 0) {
            return call.fail(NtStatus.ACCESS_DENIED);
        }
        manager(call).memoryEvents().update();
        int state = new DispatcherHeader(manager(call).kernelMemory(), event).signalState();
        return store(call, call.arg(1), state == 0 ? 0 : 1);
    }

    private static long store(ApiCall call, long at, int value) {
        try {
            call.memory().writeInt(at, value);
            return 1;
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }

    // --- damaged ---

    /** No patrol scrubber, no error handling by hardware. */
    private static long errorHandling(ApiCall call) {
        return call.arg(0) == 0 ? call.fail(ERROR_INVALID_PARAMETER) : store(call, call.arg(0), 0);
    }

    /** The registration is a handle to the event that would be signalled. */
    private static long registerBadMemory(ApiCall call) {
        if (call.arg(0) == 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        long event = manager(call).memoryEvents().event(MiMemoryEventTypesValues.BAD_MEMORY_DETECTED_EVENT);
        int handle = call.process().objects().open(event, NOTIFICATION_ACCESS);
        return handle == 0 ? call.fail(NtStatus.INSUFFICIENT_RESOURCES) : handle;
    }

    private static long unregisterBadMemory(ApiCall call) {
        long event = manager(call).memoryEvents().event(MiMemoryEventTypesValues.BAD_MEMORY_DETECTED_EVENT);
        return call.process().objects().body(call.arg(0), KnownType.EVENT) != event
                ? call.fail(ERROR_INVALID_PARAMETER)
                : call.succeeded(call.process().objects().close(call.arg(0)));
    }

    // --- partitions ---

    /** Arguments: partition, identifier of the dedicated memory, access, whether inheritable. */
    private static long openDedicated(ApiCall call) {
        NtStatus status = checkPartition(call, call.arg(0), 0);
        return call.fail(status.isSuccess() ? NtStatus.NOT_FOUND : status);
    }

    /** The partition that a handle stands for must be the system's: {@code MEMORY_CURRENT_PARTITION_HANDLE} and its kin are. */
    static NtStatus checkPartition(ApiCall call, long handle, int access) {
        if (handle == -1 || handle == -2) {
            return NtStatus.SUCCESS;
        }
        if (call.process().objects().body(handle, KnownType.PARTITION) == 0) {
            return call.process().objects().body(handle) == 0 ? NtStatus.INVALID_HANDLE : NtStatus.OBJECT_TYPE_MISMATCH;
        }
        return (call.process().objects().grantedAccess(handle) & access) == access
                ? NtStatus.SUCCESS
                : NtStatus.ACCESS_DENIED;
    }

    /** Arguments: partition, class, WIN32_MEMORY_PARTITION_INFORMATION, its size. */
    private static long queryPartition(ApiCall call) {
        NtStatus status = checkPartition(call, call.arg(0), PARTITION_QUERY_ACCESS);
        if (!status.isSuccess()) {
            return call.fail(status);
        }
        if (call.intArg(1) == 1) {
            // A partition of dedicated memory could say more of itself.
            return call.fail(NtStatus.NOT_FOUND);
        }
        if (call.intArg(1) != 0) {
            return call.fail(NtStatus.INVALID_INFO_CLASS);
        }
        if (call.unsignedIntArg(3) < PARTITION_INFORMATION_SIZE) {
            return call.fail(NtStatus.INFO_LENGTH_MISMATCH);
        }
        MemoryManager manager = manager(call);
        long[] sizes = {
            manager.pfns().availablePages(),
            manager.totalCommittedPages(),
            manager.commitLimitPages(),
            manager.peakCommittedPages(),
            manager.mmu().ram().sizeBytes() >>> Pages.SHIFT,
            manager.pfns().availablePages(),
            manager.pfns().zeroedPages(),
            manager.pfns().freePages(),
            manager.pfns().standbyPages()
        };
        Memory memory = call.memory();
        long at = call.arg(2);
        try {
            memory.fill(at, PARTITION_INFORMATION_SIZE, (byte) 0);
            memory.writeInt(at + 4, -1);
            memory.writeInt(at + 12, manager.pfns().topology().count());
            for (int i = 0; i < sizes.length; i++) {
                memory.writeLong(at + 16 + 8L * i, sizes[i]);
            }
            memory.writeLong(at + 216, manager.commitLimitPages());
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
        return 1;
    }

    /** Arguments: handle out, access, attributes. */
    private static long ntOpenPartition(ApiCall call) {
        NamedObjects.Place place = NamedObjects.ofAttributes(call.process(), call.arg(2));
        if (!place.status().isSuccess()) {
            return place.status().code();
        }
        var objects = call.process().kernel().objectManager();
        long body = place.find(objects);
        if (body == 0) {
            return (place.directory() == 0 ? NtStatus.OBJECT_PATH_SYNTAX_BAD : NtStatus.OBJECT_NAME_NOT_FOUND).code();
        }
        if (!objects.isType(body, KnownType.PARTITION)) {
            return NtStatus.OBJECT_TYPE_MISMATCH.code();
        }
        int handle = call.process().objects().open(body, call.intArg(1));
        call.memory().writeLong(call.arg(0), handle);
        return (handle == 0 ? NtStatus.INSUFFICIENT_RESOURCES : NtStatus.SUCCESS).code();
    }
}
