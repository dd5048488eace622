package org.vadose.win32.kernel32;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.KprcbLayout;
import org.vadose.layout.MmSessionSpaceLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryLists;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.SystemCacheWorkingSet;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.HandleTable;
import org.vadose.nt.Kprcb;
import org.vadose.nt.PagingFile;
import org.vadose.ps.SystemClock;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * {@code NtQuerySystemInformation}, for memory and processes. Structures are those of the SDK's {@code winternl.h} and of the public
 * headers of System Informer; counters that this machine does not keep are 0.
 */
final class SystemQueries {
    /** Classes of {@code SYSTEM_INFORMATION_CLASS}. */
    static final int BASIC = 0;

    static final int PERFORMANCE = 2;
    static final int PROCESSES = 5;
    static final int PAGE_FILES = 18;
    static final int FILE_CACHE = 21;
    static final int MEMORY_LIST = 80;
    static final int FILE_CACHE_EX = 81;

    static final int FILE_CACHE_BYTES = 64;
    /** Offsets of the limits and of the flags in SYSTEM_FILECACHE_INFORMATION. */
    static final int FILE_CACHE_MINIMUM = 24;

    static final int FILE_CACHE_FLAGS = 60;
    private static final int FILE_CACHE_CURRENT_WITH_TRANSITION = 40;

    private static final int BASIC_BYTES = 64;
    /** To the end of the counters that Windows XP had, and to the end of those of Windows 10. */
    private static final int PERFORMANCE_LEAST_BYTES = 312;

    private static final int PERFORMANCE_BYTES = 344;
    private static final int MEMORY_LIST_BYTES = 176;
    private static final int PROCESS_BYTES = 256;
    private static final int THREAD_BYTES = 80;
    private static final int PAGE_FILE_BYTES = 32;
    private static final long LOWEST_USER = 0x10000;
    /** 1/64 of a second, in 100 ns. */
    private static final int TIMER_RESOLUTION = 156_250;

    /** Counters of each processor, in the order of SYSTEM_PERFORMANCE_INFORMATION from PageFaultCount on. */
    private static final long[] PAGING_COUNTERS = {
        KprcbLayout.MM_PAGE_FAULT_COUNT,
        KprcbLayout.MM_COPY_ON_WRITE_COUNT,
        KprcbLayout.MM_TRANSITION_COUNT,
        KprcbLayout.MM_CACHE_TRANSITION_COUNT,
        KprcbLayout.MM_DEMAND_ZERO_COUNT,
        KprcbLayout.MM_PAGE_READ_COUNT,
        KprcbLayout.MM_PAGE_READ_IO_COUNT,
        KprcbLayout.MM_CACHE_READ_COUNT,
        KprcbLayout.MM_CACHE_IO_COUNT,
        KprcbLayout.MM_DIRTY_PAGES_WRITE_COUNT,
        KprcbLayout.MM_DIRTY_WRITE_IO_COUNT,
        KprcbLayout.MM_MAPPED_PAGES_WRITE_COUNT,
        KprcbLayout.MM_MAPPED_WRITE_IO_COUNT
    };

    private static final int MOST_THREADS = 1 << 16;

    private SystemQueries() {}

    static void addTo(ApiModule ntdll) {
        ntdll.service("NtQuerySystemInformation", 0x36, call -> query(call).code());
    }

    /** What a class answers with: bytes, and an offset at which each pointer into them stands. */
    private record Answer(byte[] bytes, List<Integer> pointers) {
        static Answer of(Record record) {
            return new Answer(record.bytes(), record.pointers);
        }
    }

    /** Bytes that are put together at offsets, little-endian. */
    private static final class Record {
        private byte[] content;
        private final List<Integer> pointers = new ArrayList<>();

        Record(int length) {
            content = new byte[length];
        }

        Record put(int offset, int width, long value) {
            for (int i = 0; i < width; i++) {
                content[offset + i] = (byte) (value >>> 8 * i);
            }
            return this;
        }

        Record put32(int offset, long value) {
            return put(offset, Integer.BYTES, value);
        }

        Record put64(int offset, long value) {
            return put(offset, Long.BYTES, value);
        }

        /** A counted string whose text is added at the end. */
        void putText(int offset, String text) {
            byte[] bytes = (text + "\0").getBytes(StandardCharsets.UTF_16LE);
            if (text.isEmpty()) {
                return;
            }
            int at = content.length;
            content = Arrays.copyOf(content, at + (bytes.length + 7 & ~7));
            System.arraycopy(bytes, 0, content, at, bytes.length);
            put(offset, 2, bytes.length - 2);
            put(offset + 2, 2, bytes.length);
            put64(offset + 8, at);
            pointers.add(offset + 8);
        }

        long get64(int offset) {
            long value = 0;
            for (int i = Long.BYTES - 1; i >= 0; i--) {
                value = value << 8 | content[offset + i] & 0xFF;
            }
            return value;
        }

        byte[] bytes() {
            return content;
        }
    }

    /** Arguments: class, buffer, its size, where to put the size that was needed. */
    private static NtStatus query(ApiCall call) {
        int length = call.intArg(2);
        int wanted = call.intArg(0);
        Answer answer;
        boolean exact;
        switch (wanted) {
            case BASIC -> {
                answer = Answer.of(basic(call));
                exact = true;
            }
            case PERFORMANCE -> {
                answer = Answer.of(performance(call));
                exact = false;
                if (length >= PERFORMANCE_LEAST_BYTES && length < PERFORMANCE_BYTES) {
                    answer = new Answer(Arrays.copyOf(answer.bytes(), length), answer.pointers());
                }
            }
            case PROCESSES -> {
                answer = processes(call);
                exact = false;
            }
            case PAGE_FILES -> {
                answer = pageFiles(call);
                exact = false;
            }
            case FILE_CACHE, FILE_CACHE_EX -> {
                answer = Answer.of(fileCache(call));
                exact = false;
            }
            case MEMORY_LIST -> {
                answer = Answer.of(memoryLists(call));
                exact = true;
            }
            default -> {
                return NtStatus.INVALID_INFO_CLASS;
            }
        }
        int needed = answer.bytes().length;
        if (call.arg(3) != 0) {
            call.memory().writeInt(call.arg(3), needed);
        }
        if (exact ? length != needed : Integer.compareUnsigned(length, needed) < 0) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        Memory memory = call.memory();
        long at = call.arg(1);
        memory.write(at, answer.bytes());
        for (int pointer : answer.pointers()) {
            memory.writeLong(at + pointer, at + memory.readLong(at + pointer));
        }
        return NtStatus.SUCCESS;
    }

    private static MemoryManager manager(ApiCall call) {
        return call.process().kernel().memoryManager();
    }

    /** SYSTEM_BASIC_INFORMATION. */
    private static Record basic(ApiCall call) {
        MemoryManager manager = manager(call);
        long frames = manager.mmu().ram().sizeBytes() >>> Pages.SHIFT;
        int processors = manager.mmu().count();
        return new Record(BASIC_BYTES)
                .put32(4, TIMER_RESOLUTION)
                .put32(8, Pages.SIZE)
                .put32(12, frames)
                .put32(16, 1)
                .put32(20, frames - 1)
                .put32(24, Pages.GRANULARITY)
                .put64(32, LOWEST_USER)
                .put64(40, call.process().eprocess().userEnd() - 1)
                .put64(48, -1L >>> -processors)
                .put(56, 1, processors);
    }

    /** SYSTEM_PERFORMANCE_INFORMATION, its sizes in pages. */
    private static Record performance(ApiCall call) {
        MemoryManager manager = manager(call);
        long switches = 0;
        for (Eprocess process : call.process().kernel().processManager().processes()) {
            for (long links : process.threadListHead().entries(MOST_THREADS)) {
                switches += Ethread.ofThreadListEntry(process.memory(), links).contextSwitches();
            }
        }
        Record record = new Record(PERFORMANCE_BYTES);
        for (int i = 0; i < PAGING_COUNTERS.length; i++) {
            long sum = 0;
            for (int processor = 0; processor < manager.mmu().count(); processor++) {
                long prcb = Kprcb.of(manager.kernelMemory(), manager.kernelBase(), processor)
                        .address();
                sum += prcb == 0 ? 0 : manager.kernelMemory().readUnsignedInt(prcb + PAGING_COUNTERS[i]);
            }
            record.put32(60 + 4 * i, sum);
        }
        return record.put32(44, manager.pfns().availablePages())
                .put32(48, manager.totalCommittedPages())
                .put32(52, manager.commitLimitPages())
                .put32(56, manager.peakCommittedPages())
                .put32(112, manager.poolPages(true))
                .put32(116, manager.poolPages(false))
                .put32(164, manager.systemCache().workingSet().sizePages())
                .put32(168, manager.poolPages(true))
                .put32(296, switches)
                .put64(328, manager.pfns().availablePages())
                .put64(336, manager.sharedCommitPages());
    }

    /** SYSTEM_FILECACHE_INFORMATION: what the cache maps is in bytes, its limits in pages. */
    private static Record fileCache(ApiCall call) {
        SystemCacheWorkingSet cache = manager(call).systemCache().workingSet();
        return new Record(FILE_CACHE_BYTES)
                .put64(0, cache.sizePages() << Pages.SHIFT)
                .put64(8, cache.peakPages() << Pages.SHIFT)
                .put32(16, cache.faults())
                .put64(FILE_CACHE_MINIMUM, cache.minimumPages())
                .put64(FILE_CACHE_MINIMUM + 8, cache.maximumPages())
                .put64(FILE_CACHE_CURRENT_WITH_TRANSITION, manager(call).cachedPages())
                .put64(FILE_CACHE_CURRENT_WITH_TRANSITION + 8, manager(call).cachedPages())
                .put32(FILE_CACHE_FLAGS, cache.hardLimits());
    }

    /** SYSTEM_MEMORY_LIST_INFORMATION: pages. */
    private static Record memoryLists(ApiCall call) {
        MemoryLists.Counts counts = manager(call).memoryLists().counts();
        Record record = new Record(MEMORY_LIST_BYTES)
                .put64(0, counts.zeroed())
                .put64(8, counts.free())
                .put64(16, counts.modified())
                .put64(24, counts.modifiedNoWrite())
                .put64(32, counts.bad());
        for (int i = 0; i < counts.standby().length; i++) {
            record.put64(40 + 8 * i, counts.standby()[i]).put64(104 + 8 * i, counts.repurposed()[i]);
        }
        return record.put64(168, counts.modifiedPageFile());
    }

    /** SYSTEM_PAGEFILE_INFORMATION, one for each: pages. */
    private static Answer pageFiles(ApiCall call) {
        MemoryManager manager = manager(call);
        List<Record> records = new ArrayList<>();
        for (int i = 0; i < manager.pageFiles().count(); i++) {
            PagingFile file = manager.pageFiles().file(i);
            if (file.isVirtualStore()) {
                continue;
            }
            Record record = new Record(PAGE_FILE_BYTES)
                    .put32(4, file.size())
                    .put32(8, file.size() - file.freeSpace())
                    .put32(12, file.peakUsage());
            record.putText(16, file.name().text());
            records.add(record);
        }
        return chained(records);
    }

    /** One behind the other, each with the distance to the next. */
    private static Answer chained(List<Record> records) {
        int total = 0;
        for (Record record : records) {
            total += record.bytes().length;
        }
        byte[] all = new byte[total];
        List<Integer> pointers = new ArrayList<>();
        int at = 0;
        for (int i = 0; i < records.size(); i++) {
            Record record = records.get(i);
            int length = record.bytes().length;
            record.put32(0, i == records.size() - 1 ? 0 : length);
            for (int pointer : record.pointers) {
                record.put64(pointer, at + record.get64(pointer));
                pointers.add(at + pointer);
            }
            System.arraycopy(record.bytes(), 0, all, at, length);
            at += length;
        }
        return new Answer(all, pointers);
    }

    /** SYSTEM_PROCESS_INFORMATION with its SYSTEM_THREAD_INFORMATIONs, one for each process, the idle one first. */
    private static Answer processes(ApiCall call) {
        List<Record> records = new ArrayList<>();
        records.add(new Record(PROCESS_BYTES));
        for (Eprocess process : call.process().kernel().processManager().processes()) {
            if (!process.isExiting()) {
                records.add(process(process));
            }
        }
        return chained(records);
    }

    private static Record process(Eprocess process) {
        long[] threads = process.threadListHead().entries(MOST_THREADS);
        long[] vm = ProcessInformation.vmCounters(process);
        int handles =
                process.objectTable() == 0 ? 0 : new HandleTable(process.memory(), process.objectTable()).handleCount();
        int session = process.session() == 0
                ? 0
                : process.memory().readInt(process.session() + MmSessionSpaceLayout.SESSION_ID);
        Record record = new Record(PROCESS_BYTES + THREAD_BYTES * threads.length)
                .put32(4, threads.length)
                .put64(8, vm[12])
                .put32(16, process.hardFaultCount())
                .put32(20, process.memory().readInt(process.address() + EprocessLayout.ACTIVE_THREADS_HIGH_WATERMARK))
                .put64(24, process.cycleTime())
                .put64(32, process.createTime())
                .put64(40, process.userTime() * SystemClock.TICK)
                .put64(48, process.kernelTime() * SystemClock.TICK)
                .put32(72, process.basePriority())
                .put64(80, process.uniqueProcessId())
                .put64(88, process.inheritedFromUniqueProcessId())
                .put32(96, handles)
                .put32(100, session)
                .put64(112, vm[0])
                .put64(120, vm[1])
                .put32(128, vm[2])
                .put64(200, vm[11]);
        for (int i = 3; i < 11; i++) {
            record.put64(112 + 8 * i, vm[i]);
        }
        for (int i = 0; i < threads.length; i++) {
            putThread(
                    record, PROCESS_BYTES + i * THREAD_BYTES, Ethread.ofThreadListEntry(process.memory(), threads[i]));
        }
        record.putText(56, process.imageFileName());
        return record;
    }

    private static void putThread(Record record, int at, Ethread thread) {
        record.put64(at, thread.kernelTime() * SystemClock.TICK)
                .put64(at + 8, thread.userTime() * SystemClock.TICK)
                .put64(at + 16, thread.createTime())
                .put64(at + 32, thread.startAddress())
                .put64(at + 40, thread.uniqueProcessId())
                .put64(at + 48, thread.uniqueThreadId())
                .put32(at + 56, thread.priority())
                .put32(at + 60, thread.basePriority())
                .put32(at + 64, thread.contextSwitches())
                .put32(at + 68, thread.state().ordinal())
                .put32(at + 72, thread.waitReason().ordinal());
    }
}
