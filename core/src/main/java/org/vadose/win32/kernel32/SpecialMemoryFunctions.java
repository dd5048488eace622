package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.AwePages;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.WriteWatch;
import org.vadose.nt.Eprocess;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** Physical pages and their windows (AWE), write watch, offered and discarded memory, prefetching. */
final class SpecialMemoryFunctions {
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_BUSY = 170;
    private static final int ERROR_NOACCESS = 998;
    /** What {@code GetWriteWatch} and {@code ResetWriteWatch} return for a failure. */
    private static final long WATCH_FAILED = 0xFFFF_FFFFL;

    private static final int MOST_PAGES = 1 << 24;
    private static final int LOWEST_OFFER = 1;
    private static final int HIGHEST_OFFER = 4;

    private SpecialMemoryFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("AllocateUserPhysicalPages", call -> win32(call, allocatePages(call)))
                .function("AllocateUserPhysicalPagesNuma", SpecialMemoryFunctions::allocatePagesNuma)
                .function("AllocateUserPhysicalPages2", call -> win32(call, allocatePagesEx(call)))
                .function("FreeUserPhysicalPages", call -> win32(call, freePages(call)))
                .function("MapUserPhysicalPages", call -> win32(call, mapPages(call)))
                .function("MapUserPhysicalPagesScatter", call -> win32(call, scatterPages(call)))
                .function("GetWriteWatch", SpecialMemoryFunctions::getWriteWatch)
                .function("ResetWriteWatch", SpecialMemoryFunctions::resetWriteWatch)
                .function("OfferVirtualMemory", SpecialMemoryFunctions::offer)
                .function(
                        "ReclaimVirtualMemory",
                        call -> error(manager(call)
                                .disposable()
                                .reclaim(call.process().eprocess(), call.arg(0), call.arg(1))))
                .function(
                        "DiscardVirtualMemory",
                        call -> error(manager(call)
                                .disposable()
                                .discard(call.process().eprocess(), call.arg(0), call.arg(1))))
                .function("PrefetchVirtualMemory", SpecialMemoryFunctions::prefetch);
    }

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtAllocateUserPhysicalPages", 0x73, call -> guarded(allocatePages(call)))
                .service("NtAllocateUserPhysicalPagesEx", 0x74, call -> guarded(allocatePagesEx(call)))
                .service("NtFreeUserPhysicalPages", 0xED, call -> guarded(freePages(call)))
                .service("NtMapUserPhysicalPages", 0x113, call -> guarded(mapPages(call)))
                .service("NtMapUserPhysicalPagesScatter", 3, call -> guarded(scatterPages(call)))
                .service("NtGetWriteWatch", 0xFB, SpecialMemoryFunctions::ntGetWriteWatch)
                .service("NtResetWriteWatch", 0x179, SpecialMemoryFunctions::ntResetWriteWatch);
    }

    private static MemoryManager manager(ApiCall call) {
        return call.process().kernel().memoryManager();
    }

    private static AwePages awe(ApiCall call) {
        return manager(call).awePages();
    }

    // --- physical pages ---

    /** Something that reads and writes the caller's buffers and ends with a status. */
    @FunctionalInterface
    private interface Service {
        NtStatus perform();
    }

    private static long win32(ApiCall call, Service service) {
        try {
            return call.succeeded(service.perform());
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }

    private static long guarded(Service service) {
        try {
            return service.perform().code();
        } catch (MemoryFault bad) {
            return NtStatus.ACCESS_VIOLATION.code();
        }
    }

    private static Service allocatePages(ApiCall call) {
        return () -> {
            Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
            if (process == null) {
                return ProcessHandles.refusal(call, call.arg(0));
            }
            Memory memory = call.memory();
            long[] count = {memory.readLong(call.arg(1))};
            memory.writeLong(call.arg(1), count[0]);
            long frameNumbers = call.arg(2);
            if (count[0] != 0) {
                // Both ends of the array are probed before anything is given.
                memory.writeLong(frameNumbers, memory.readLong(frameNumbers));
            }
            NtStatus[] status = {NtStatus.SUCCESS};
            long[] frames = awe(call).allocate(process, count, status);
            if (status[0].isSuccess()) {
                try {
                    for (int i = 0; i < frames.length; i++) {
                        memory.writeLong(frameNumbers + 8L * i, frames[i]);
                    }
                    memory.writeLong(call.arg(1), count[0]);
                } catch (MemoryFault bad) {
                    awe(call).free(process, frames, count);
                    return NtStatus.ACCESS_VIOLATION;
                }
            }
            return status[0];
        };
    }

    private static long allocatePagesNuma(ApiCall call) {
        int node = NumaFunctions.preferred(call, call.arg(3));
        return NumaFunctions.isMissing(node)
                ? call.fail(ERROR_INVALID_PARAMETER)
                : NumaFunctions.on(call, node, () -> win32(call, allocatePages(call)));
    }

    /** Also arguments: extended parameters, how many. Only the node may be chosen. */
    private static Service allocatePagesEx(ApiCall call) {
        return () -> {
            Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
            if (process == null) {
                return ProcessHandles.refusal(call, call.arg(0));
            }
            ExtendedParameters given = ExtendedParameters.read(call, process, call.arg(3), call.intArg(4), 0);
            if (!given.status().isSuccess()) {
                return given.status();
            }
            if ((given.present() & ~(1 << ExtendedParameters.NUMA_NODE)) != 0) {
                return NtStatus.INVALID_PARAMETER;
            }
            return NumaFunctions.on(
                    call, given.node(), () -> allocatePages(call).perform());
        };
    }

    private static Service freePages(ApiCall call) {
        return () -> {
            Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
            if (process == null) {
                return ProcessHandles.refusal(call, call.arg(0));
            }
            long count = call.memory().readLong(call.arg(1));
            if (count < 0 || count > MOST_PAGES) {
                return NtStatus.INVALID_PARAMETER_2;
            }
            long[] freed = {0};
            NtStatus status = awe(call).free(process, array(call, call.arg(2), count), freed);
            call.memory().writeLong(call.arg(1), freed[0]);
            return status;
        };
    }

    private static long[] array(ApiCall call, long at, long count) {
        long[] values = new long[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = call.memory().readLong(at + 8L * i);
        }
        return values;
    }

    private static long @Nullable [] framesOrNull(ApiCall call) {
        return call.arg(2) == 0 ? null : array(call, call.arg(2), call.arg(1));
    }

    private static Service mapPages(ApiCall call) {
        return () -> {
            long count = call.arg(1);
            return count < 0 || count > MOST_PAGES
                    ? NtStatus.INVALID_PARAMETER_2
                    : awe(call).map(call.process().eprocess(), call.arg(0), count, framesOrNull(call));
        };
    }

    private static Service scatterPages(ApiCall call) {
        return () -> {
            long count = call.arg(1);
            return count < 0 || count > MOST_PAGES
                    ? NtStatus.INVALID_PARAMETER_2
                    : awe(call).scatter(call.process().eprocess(), array(call, call.arg(0), count), framesOrNull(call));
        };
    }

    // --- write watch ---

    private static long getWriteWatch(ApiCall call) {
        try {
            NtStatus status = getWriteWatch(call, call.process().eprocess(), 0);
            return status.isSuccess() ? 0 : call.fail(status) | WATCH_FAILED;
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS) | WATCH_FAILED;
        }
    }

    private static long ntGetWriteWatch(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
        return process == null
                ? ProcessHandles.refusal(call, call.arg(0)).code()
                : guarded(() -> getWriteWatch(call, process, 1));
    }

    /** Arguments from the one given on: flags, base, size, array, its length in and out, granularity. */
    private static NtStatus getWriteWatch(ApiCall call, Eprocess process, int first) {
        Memory memory = call.memory();
        long entriesAt = call.arg(first + 4);
        long most = memory.readLong(entriesAt);
        memory.writeLong(entriesAt, most);
        memory.writeInt(call.arg(first + 5), memory.readInt(call.arg(first + 5)));
        long size = call.arg(first + 2);
        long[] found = new long[(int) Math.clamp(most, 0, Math.min(MOST_PAGES, (size >>> Pages.SHIFT) + 2))];
        int[] count = {0};
        NtStatus status =
                manager(call).writeWatch().get(process, call.intArg(first), call.arg(first + 1), size, found, count);
        if (status.isSuccess()) {
            for (int i = 0; i < count[0]; i++) {
                memory.writeLong(call.arg(first + 3) + 8L * i, found[i]);
            }
            memory.writeLong(entriesAt, count[0]);
            memory.writeInt(call.arg(first + 5), (int) Pages.SIZE);
        }
        return status;
    }

    private static long resetWriteWatch(ApiCall call) {
        WriteWatch watch = manager(call).writeWatch();
        NtStatus status = watch.reset(call.process().eprocess(), call.arg(0), call.arg(1));
        return status.isSuccess() ? 0 : call.fail(status) | WATCH_FAILED;
    }

    private static long ntResetWriteWatch(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
        return (process == null
                        ? ProcessHandles.refusal(call, call.arg(0))
                        : manager(call).writeWatch().reset(process, call.arg(1), call.arg(2)))
                .code();
    }

    // --- contents that can go ---

    /** These functions return their error. */
    private static long error(NtStatus status) {
        if (status == NtStatus.NOT_FOUND) {
            return ERROR_BUSY;
        }
        return status.isSuccess() ? 0 : status.win32Error();
    }

    private static long offer(ApiCall call) {
        int priority = call.intArg(2);
        return priority < LOWEST_OFFER || priority > HIGHEST_OFFER
                ? ERROR_INVALID_PARAMETER
                : error(manager(call).disposable().offer(call.process().eprocess(), call.arg(0), call.arg(1)));
    }

    /** Arguments: process, how many ranges, ranges (address, size), flags. */
    private static long prefetch(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        long count = call.arg(1);
        if (count <= 0 || count > MOST_PAGES || call.intArg(3) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        try {
            for (long i = 0; i < count; i++) {
                long entry = call.arg(2) + 16 * i;
                NtStatus status = manager(call)
                        .prefetch()
                        .range(
                                process,
                                call.memory().readLong(entry),
                                call.memory().readLong(entry + 8));
                if (!status.isSuccess()) {
                    return call.fail(status);
                }
            }
            return 1;
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }
}
