package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.EprocessLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.MemoryManager;
import org.vadose.nt.Eprocess;
import org.vadose.nt.HandleTable;
import org.vadose.nt.PagingFile;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.exception.GuestStack;

/** How much memory there is, and how much of it a process, the system and the page files use. */
final class PerformanceFunctions {
    private static final int ERROR_BAD_LENGTH = 24;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_NOACCESS = 998;
    private static final int COUNTERS_SIZE = 72;
    private static final int COUNTERS_EX_SIZE = 80;
    private static final int PERFORMANCE_SIZE = 104;
    private static final int PAGE_FILE_SIZE = 32;
    private static final long LOWEST = 0x10000;
    private static final int STATUS_SIZE = 64;

    private PerformanceFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("GlobalMemoryStatus", PerformanceFunctions::memoryStatus)
                .function("GlobalMemoryStatusEx", PerformanceFunctions::memoryStatusEx)
                .function("GetPhysicallyInstalledSystemMemory", PerformanceFunctions::installedMemory)
                .function("K32GetProcessMemoryInfo", PerformanceFunctions::processMemory)
                .function("K32GetPerformanceInfo", PerformanceFunctions::performance)
                .function("K32EnumPageFilesA", call -> enumeratePageFiles(call, false))
                .function("K32EnumPageFilesW", call -> enumeratePageFiles(call, true));
    }

    private static MemoryManager manager(ApiCall call) {
        return call.process().kernel().memoryManager();
    }

    /** Bytes of a state of memory: load in percent, then RAM, commitment and address space, each whole and what is left. */
    private static long[] state(ApiCall call) {
        MemoryManager manager = manager(call);
        long total = manager.mmu().ram().sizeBytes();
        long available = manager.pfns().availablePages() * Pages.SIZE;
        long limit = manager.commitLimitPages() * Pages.SIZE;
        long committed = manager.totalCommittedPages() * Pages.SIZE;
        long space = call.process().eprocess().userEnd() - LOWEST;
        return new long[] {
            100 - 100 * available / Math.max(total, 1),
            total,
            available,
            limit,
            limit - committed,
            space,
            space - call.process().eprocess().virtualSize()
        };
    }

    /** MEMORYSTATUS: it says its size, and has no way to fail. */
    private static long memoryStatus(ApiCall call) {
        long[] state = state(call);
        Memory memory = call.memory();
        memory.writeInt(call.arg(0), 56);
        memory.writeInt(call.arg(0) + 4, (int) state[0]);
        for (int i = 1; i < state.length; i++) {
            memory.writeLong(call.arg(0) + 8L * i, state[i]);
        }
        return 0;
    }

    /** MEMORYSTATUSEX. */
    private static long memoryStatusEx(ApiCall call) {
        Memory memory = call.memory();
        if (memory.readInt(call.arg(0)) != STATUS_SIZE) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        long[] state = state(call);
        memory.writeInt(call.arg(0) + 4, (int) state[0]);
        for (int i = 1; i < state.length; i++) {
            memory.writeLong(call.arg(0) + 8L * i, state[i]);
        }
        memory.writeLong(call.arg(0) + 56, 0);
        return 1;
    }

    /** In kilobytes. */
    private static long installedMemory(ApiCall call) {
        if (call.arg(0) == 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        call.memory().writeLong(call.arg(0), manager(call).mmu().ram().sizeBytes() >>> 10);
        return 1;
    }

    /** PROCESS_MEMORY_COUNTERS, and with room for it the private usage of PROCESS_MEMORY_COUNTERS_EX. */
    private static long processMemory(ApiCall call) {
        long size = call.unsignedIntArg(2);
        if (size < COUNTERS_SIZE) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_LIMITED_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        // A size between the two gets the shorter form.
        int written = size < COUNTERS_EX_SIZE ? COUNTERS_SIZE : COUNTERS_EX_SIZE;
        Memory kernel = process.memory();
        long now = process.address() + EprocessLayout.PROCESS_QUOTA_USAGE;
        long peak = process.address() + EprocessLayout.PROCESS_QUOTA_PEAK;
        // Of both quotas the first is the nonpaged pool's, the second the paged pool's.
        long[] fields = {
            written | process.pageFaultCount() << 32,
            process.peakWorkingSetSize() << Pages.SHIFT,
            process.workingSetSize() << Pages.SHIFT,
            kernel.readLong(peak + 8),
            kernel.readLong(now + 8),
            kernel.readLong(peak),
            kernel.readLong(now),
            process.commitCharge() << Pages.SHIFT,
            process.commitChargePeak() << Pages.SHIFT,
            process.commitCharge() << Pages.SHIFT
        };
        return write(call, call.arg(1), fields, written / 8);
    }

    private static long write(ApiCall call, long at, long[] fields, int count) {
        try {
            for (int i = 0; i < count; i++) {
                call.memory().writeLong(at + 8L * i, fields[i]);
            }
            return 1;
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }

    /** PERFORMANCE_INFORMATION: sizes in pages. */
    private static long performance(ApiCall call) {
        if (call.unsignedIntArg(1) < PERFORMANCE_SIZE) {
            return call.fail(ERROR_BAD_LENGTH);
        }
        MemoryManager manager = manager(call);
        long paged = manager.poolPages(true);
        long nonPaged = manager.poolPages(false);
        long processes = 0;
        long threads = 0;
        long handles = 0;
        for (Eprocess each : call.process().kernel().processManager().processes()) {
            processes++;
            threads += each.activeThreads();
            long table = each.objectTable();
            handles += table == 0 ? 0 : new HandleTable(each.memory(), table).handleCount();
        }
        long[] fields = {
            PERFORMANCE_SIZE,
            manager.totalCommittedPages(),
            manager.commitLimitPages(),
            manager.peakCommittedPages(),
            manager.mmu().ram().sizeBytes() >>> Pages.SHIFT,
            manager.pfns().availablePages(),
            manager.cachedPages(),
            paged + nonPaged,
            paged,
            nonPaged,
            Pages.SIZE,
            handles | processes << 32,
            threads
        };
        return write(call, call.arg(0), fields, fields.length);
    }

    /** Arguments: callback (context, ENUM_PAGE_FILE_INFORMATION, name) that goes on as long as it returns TRUE; context. */
    private static long enumeratePageFiles(ApiCall call, boolean wide) {
        MemoryManager manager = manager(call);
        if (call.arg(0) == 0) {
            return call.fail(NtStatus.INVALID_PARAMETER);
        }
        for (int i = 0; i < manager.pageFiles().count(); i++) {
            PagingFile file = manager.pageFiles().file(i);
            String path = file.name().text();
            String name = path.startsWith("\\??\\") ? path.substring(4) : path;
            GuestStack stack = new GuestStack(call.thread());
            long text = stack.allocate(2L * name.length() + 2);
            long information = stack.allocate(PAGE_FILE_SIZE);
            Texts.write(call, text, name, wide);
            Memory memory = call.memory();
            memory.writeInt(information, PAGE_FILE_SIZE);
            memory.writeInt(information + 4, 0);
            memory.writeLong(information + 8, file.size());
            memory.writeLong(information + 16, file.size() - file.freeSpace());
            memory.writeLong(information + 24, file.peakUsage());
            boolean goesOn = (int) call.callGuest(call.arg(0), call.arg(1), information, text) != 0;
            stack.release();
            if (!goesOn) {
                break;
            }
        }
        return 1;
    }
}
