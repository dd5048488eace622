package org.vadose.win32.kernel32;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.MemoryLists;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.PageCombining;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Token;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code NtSetSystemInformation}, as far as it is about memory: page lists, the system cache, page combining. Other classes are refused. */
final class SystemSettings {
    private static final int COMBINE_PHYSICAL_MEMORY = 130;
    /** {@code MEMORY_COMBINE_INFORMATION}: an event's handle, pages combined; the extended one has flags behind. */
    private static final int COMBINE_BYTES = 16;

    private static final int COMBINE_EX_BYTES = 24;
    private static final long PAGES_COMBINED = 8;

    /** {@code MemoryEmptyWorkingSets} and its kin; the two before it would capture accessed bits. */
    private static final int EMPTY_WORKING_SETS = 2;

    private static final int FLUSH_MODIFIED = 3;
    private static final int PURGE_STANDBY = 4;
    private static final int PURGE_LOW_PRIORITY_STANDBY = 5;

    private SystemSettings() {}

    static void addTo(ApiModule ntdll) {
        ntdll.service("NtSetSystemInformation", 0x1AA, call -> set(call).code());
    }

    /** Arguments: class, buffer, its size. */
    private static NtStatus set(ApiCall call) {
        return switch (call.intArg(0)) {
            case COMBINE_PHYSICAL_MEMORY -> combine(call);
            case SystemQueries.MEMORY_LIST -> memoryList(call);
            case SystemQueries.FILE_CACHE, SystemQueries.FILE_CACHE_EX -> fileCache(call);
            default -> NtStatus.INVALID_INFO_CLASS;
        };
    }

    /** {@code SYSTEM_MEMORY_LIST_COMMAND}. */
    private static NtStatus memoryList(ApiCall call) {
        if (call.intArg(2) != Integer.BYTES) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        MemoryManager manager = call.process().kernel().memoryManager();
        if (!holds(call, Token.SE_PROFILE_SINGLE_PROCESS)) {
            return NtStatus.PRIVILEGE_NOT_HELD;
        }
        MemoryLists lists = manager.memoryLists();
        switch (call.memory().readInt(call.arg(1))) {
            case EMPTY_WORKING_SETS -> {
                List<Eprocess> processes = new ArrayList<>();
                call.process().system().processes().forEach(process -> processes.add(process.eprocess()));
                lists.emptyWorkingSets(processes);
            }
            case FLUSH_MODIFIED -> lists.flushModified();
            case PURGE_STANDBY -> lists.purgeStandby();
            case PURGE_LOW_PRIORITY_STANDBY -> lists.purgeLowPriorityStandby();
            default -> {
                return NtStatus.INVALID_PARAMETER;
            }
        }
        return NtStatus.SUCCESS;
    }

    /** SYSTEM_FILECACHE_INFORMATION: the limits, in bytes, and the flags of {@code SetSystemFileCacheSize}. */
    private static NtStatus fileCache(ApiCall call) {
        if (call.intArg(2) != SystemQueries.FILE_CACHE_BYTES) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        Memory memory = call.memory();
        long at = call.arg(1);
        return call.process()
                .kernel()
                .memoryManager()
                .systemCache()
                .setLimits(
                        call.process().eprocess(),
                        memory.readLong(at + SystemQueries.FILE_CACHE_MINIMUM),
                        memory.readLong(at + SystemQueries.FILE_CACHE_MINIMUM + 8),
                        memory.readInt(at + SystemQueries.FILE_CACHE_FLAGS));
    }

    private static boolean holds(ApiCall call, int privilege) {
        MemoryManager manager = call.process().kernel().memoryManager();
        return new Token(manager.kernelMemory(), call.process().eprocess().token()).holds(privilege);
    }

    private static NtStatus combine(ApiCall call) {
        int length = call.intArg(2);
        if (length != COMBINE_BYTES && length != COMBINE_EX_BYTES) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        MemoryManager manager = call.process().kernel().memoryManager();
        if (!holds(call, Token.SE_PROFILE_SINGLE_PROCESS)) {
            return NtStatus.PRIVILEGE_NOT_HELD;
        }
        PageCombining combining = manager.combining();
        if (!combining.isEnabled()) {
            return NtStatus.NOT_SUPPORTED;
        }
        Memory memory = call.memory();
        try {
            // Before anything is done: the answer must have somewhere to go.
            memory.writeLong(call.arg(1) + PAGES_COMBINED, 0);
            long combined = combining.combineAll();
            memory.writeLong(call.arg(1) + PAGES_COMBINED, combined);
            return NtStatus.SUCCESS;
        } catch (MemoryFault bad) {
            return bad.status();
        }
    }
}
