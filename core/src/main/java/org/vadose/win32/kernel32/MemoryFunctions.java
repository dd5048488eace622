package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.NodePreferences;
import org.vadose.mm.Placement;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Token;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;

/**
 * Virtual memory: the Win32 functions' argument rules and last errors, and the system services under them. What happens is the
 * memory manager's to say.
 */
final class MemoryFunctions {
    private static final int ERROR_BAD_LENGTH = 24;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_PARTIAL_COPY = 299;
    private static final int ERROR_NOACCESS = 998;
    private static final int BASIC_INFORMATION_SIZE = 48;
    private static final int MEM_COALESCE_PLACEHOLDERS = 1;
    private static final int MEM_PRESERVE_PLACEHOLDER = 2;
    private static final long HUGE_PAGE = 1L << 30;
    private static final int TRANSFER_PIECE = 1 << 20;
    private static final long LOWEST = 0x10000;
    private static final int PROCESSOR_AMD64 = 9;
    private static final int PROCESSOR_TYPE_AMD64 = 8664;
    private static final int PAGE_NOACCESS = 1;
    private static final int PAGE_GUARD = 0x100;
    /** PAGE_READWRITE, WRITECOPY and their executable forms. */
    private static final int WRITABLE = 0x04 | 0x08 | 0x40 | 0x80;

    private MemoryFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("VirtualAlloc", call -> allocate(call, -1, 0))
                .function("VirtualAllocEx", call -> allocate(call, call.arg(0), 1))
                .function("VirtualAllocExNuma", MemoryFunctions::allocateNuma)
                .function("VirtualAllocFromApp", MemoryFunctions::allocateFromApp)
                .function("VirtualProtectFromApp", MemoryFunctions::protectFromApp)
                .function("VirtualAlloc2", call -> allocate2(call, false))
                .function("VirtualAlloc2FromApp", call -> allocate2(call, true))
                .function("VirtualFree", call -> free(call, -1, 0))
                .function("VirtualFreeEx", call -> free(call, call.arg(0), 1))
                .function("VirtualProtect", call -> protect(call, -1, 0))
                .function("VirtualProtectEx", call -> protect(call, call.arg(0), 1))
                .function("VirtualQuery", call -> query(call, -1, 0))
                .function("VirtualQueryEx", call -> query(call, call.arg(0), 1))
                .function("ReadProcessMemory", call -> transfer(call, false))
                .function("WriteProcessMemory", call -> transfer(call, true))
                .function("FlushInstructionCache", MemoryFunctions::flushInstructionCache)
                .function("IsBadReadPtr", call -> isBad(call, false))
                .function("IsBadWritePtr", call -> isBad(call, true))
                .function("IsBadCodePtr", call -> isBad(call, call.arg(0), 1, false))
                .function("IsBadStringPtrA", call -> isBadString(call, false))
                .function("IsBadStringPtrW", call -> isBadString(call, true))
                .function("GetSystemInfo", MemoryFunctions::getSystemInfo)
                .function("GetNativeSystemInfo", MemoryFunctions::getSystemInfo)
                .function("GetLargePageMinimum", call -> Pages.LARGE_SIZE);
    }

    /** The system services, as ntdll exports them. */
    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtAllocateVirtualMemory", 0x18, MemoryFunctions::ntAllocate)
                .service("NtAllocateVirtualMemoryEx", 0x76, MemoryFunctions::ntAllocateEx)
                .service("NtFreeVirtualMemory", 0x1E, MemoryFunctions::ntFree)
                .service("NtQueryVirtualMemory", 0x23, MemoryFunctions::ntQuery)
                .service("NtWriteVirtualMemory", 0x3A, call -> ntTransfer(call, true))
                .service("NtReadVirtualMemory", 0x3F, call -> ntTransfer(call, false))
                .service("NtProtectVirtualMemory", 0x50, MemoryFunctions::ntProtect)
                .service("NtFlushInstructionCache", 0xE8, call -> NtStatus.SUCCESS.code());
    }

    private static VirtualMemoryServices services(ApiCall call) {
        return call.process().kernel().memoryManager().virtualMemory();
    }

    /** The process a handle stands for; null for a bad handle. */
    static @Nullable Eprocess process(ApiCall call, long handle) {
        return call.process().byHandle(handle);
    }

    // --- services ---

    private static long ntAllocate(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0)).code();
        }
        Memory memory = call.memory();
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = memory.readLong(call.arg(1));
        region.sizeBytes = memory.readLong(call.arg(3));
        NtStatus status = services(call).allocate(process, region, call.arg(2), call.intArg(4), call.intArg(5));
        if (status.isSuccess()) {
            memory.writeLong(call.arg(1), region.base);
            memory.writeLong(call.arg(3), region.sizeBytes);
        }
        return status.code();
    }

    private static long ntFree(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0)).code();
        }
        Memory memory = call.memory();
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = memory.readLong(call.arg(1));
        region.sizeBytes = memory.readLong(call.arg(2));
        NtStatus status = services(call).free(process, region, call.intArg(3));
        if (status.isSuccess()) {
            memory.writeLong(call.arg(1), region.base);
            memory.writeLong(call.arg(2), region.sizeBytes);
        }
        return status.code();
    }

    private static long ntProtect(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0)).code();
        }
        Memory memory = call.memory();
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = memory.readLong(call.arg(1));
        region.sizeBytes = memory.readLong(call.arg(2));
        // The place for the old protection is probed before anything changes.
        memory.writeInt(call.arg(4), memory.readInt(call.arg(4)));
        int[] old = {0};
        NtStatus status = services(call).protect(process, region, call.intArg(3), old);
        if (status.isSuccess()) {
            memory.writeLong(call.arg(1), region.base);
            memory.writeLong(call.arg(2), region.sizeBytes);
            memory.writeInt(call.arg(4), old[0]);
        }
        return status.code();
    }

    private static long ntQuery(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_INFORMATION);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0)).code();
        }
        if (call.intArg(2) != 0) {
            return RegionFunctions.query(
                            call, process, call.arg(1), call.intArg(2), call.arg(3), call.arg(4), call.arg(5))
                    .code();
        }
        if (Long.compareUnsigned(call.arg(4), BASIC_INFORMATION_SIZE) < 0) {
            return NtStatus.INFO_LENGTH_MISMATCH.code();
        }
        VirtualMemoryServices.BasicInformation information = new VirtualMemoryServices.BasicInformation();
        NtStatus status = services(call).query(process, call.arg(1), information);
        if (status.isSuccess()) {
            write(call.memory(), call.arg(3), information);
            if (call.arg(5) != 0) {
                call.memory().writeLong(call.arg(5), BASIC_INFORMATION_SIZE);
            }
        }
        return status.code();
    }

    /** MEMORY_BASIC_INFORMATION of 64-bit programs. */
    private static void write(Memory memory, long at, VirtualMemoryServices.BasicInformation information) {
        memory.writeLong(at, information.baseAddress);
        memory.writeLong(at + 8, information.allocationBase);
        memory.writeInt(at + 16, information.allocationProtect);
        memory.writeInt(at + 20, 0);
        memory.writeLong(at + 24, information.regionSizeBytes);
        memory.writeInt(at + 32, information.state);
        memory.writeInt(at + 36, information.protect);
        memory.writeInt(at + 40, information.type);
        memory.writeInt(at + 44, 0);
    }

    private static long ntTransfer(ApiCall call, boolean write) {
        Eprocess process =
                ProcessHandles.find(call, call.arg(0), write ? ProcessHandles.VM_WRITE : ProcessHandles.VM_READ);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0)).code();
        }
        long done = transfer(call, process, call.arg(1), call.arg(2), call.arg(3), write);
        if (call.arg(4) != 0) {
            call.memory().writeLong(call.arg(4), done);
        }
        return (done == call.arg(3) ? NtStatus.SUCCESS : NtStatus.PARTIAL_COPY).code();
    }

    /** Bytes moved between a process's memory and the caller's buffer, as far as both can be reached. */
    private static long transfer(ApiCall call, Eprocess process, long remote, long buffer, long length, boolean write) {
        byte[] piece = new byte[(int) Math.clamp(length, 0, TRANSFER_PIECE)];
        long done = 0;
        try {
            while (Long.compareUnsigned(done, length) < 0 && piece.length > 0) {
                int wanted = (int) Math.min(piece.length, length - done);
                byte[] bytes = wanted == piece.length ? piece : new byte[wanted];
                int moved;
                if (write) {
                    call.memory().read(buffer + done, bytes, 0, wanted);
                    moved = services(call).write(process, remote + done, bytes);
                } else {
                    moved = services(call).read(process, remote + done, bytes);
                    call.memory().write(buffer + done, bytes, 0, moved);
                }
                done += moved;
                if (moved < wanted) {
                    break;
                }
            }
        } catch (MemoryFault ownBuffer) {
            return done;
        }
        return done;
    }

    // --- Win32 ---

    private static long allocate(ApiCall call, long handle, int first) {
        Eprocess process = ProcessHandles.find(call, handle, ProcessHandles.VM_OPERATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, handle));
        }
        long address = call.arg(first);
        if (address != 0 && Long.compareUnsigned(address, LOWEST) < 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = address;
        region.sizeBytes = call.arg(first + 1);
        NtStatus status = services(call).allocate(process, region, 0, call.intArg(first + 2), call.intArg(first + 3));
        return status.isSuccess() ? region.base : call.fail(status);
    }

    /** As {@code VirtualAllocEx}; a region that this call makes keeps the node. */
    private static long allocateNuma(ApiCall call) {
        int node = NumaFunctions.preferred(call, call.arg(5));
        return NumaFunctions.isMissing(node)
                ? call.fail(ERROR_INVALID_PARAMETER)
                : NumaFunctions.on(call, node, () -> {
                    long base = allocate(call, call.arg(0), 1);
                    boolean isNew = call.arg(1) == 0 || (call.intArg(3) & VirtualMemoryServices.MEM_RESERVE) != 0;
                    Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
                    if (base != 0 && isNew && node != NodePreferences.NONE && process != null) {
                        preferNode(call, process, base, node);
                    }
                    return base;
                });
    }

    static void preferNode(ApiCall call, Eprocess process, long base, int node) {
        call.process().kernel().memoryManager().nodePreferences().setRegion(process, base, node);
    }

    /** Apps may not make memory executable and writable at once; for all else it is {@code VirtualAlloc}. */
    private static long allocateFromApp(ApiCall call) {
        return isExecutable(call.intArg(3)) ? call.fail(ERROR_INVALID_PARAMETER) : allocate(call, -1, 0);
    }

    private static long protectFromApp(ApiCall call) {
        return (call.intArg(2) & WRITABLE & 0xF0) != 0 ? call.fail(ERROR_INVALID_PARAMETER) : protect(call, -1, 0);
    }

    private static boolean isExecutable(int pageProtection) {
        return (pageProtection & 0xF0) != 0;
    }

    /** Arguments: process, base, size, type, protection, extended parameters, how many. */
    private static long allocate2(ApiCall call, boolean fromApp) {
        // A null handle, too, means the process itself.
        long handle = call.arg(0) == 0 ? GuestObjects.CURRENT_PROCESS : call.arg(0);
        Eprocess process = ProcessHandles.find(call, handle, ProcessHandles.VM_OPERATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        if (fromApp && isExecutable(call.intArg(4))) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = call.arg(1);
        region.sizeBytes = call.arg(2);
        try {
            NtStatus status =
                    allocateEx(call, process, region, call.intArg(3), call.intArg(4), call.arg(5), call.intArg(6));
            return status.isSuccess() ? region.base : call.fail(status);
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }

    private static long ntAllocateEx(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0)).code();
        }
        Memory memory = call.memory();
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = memory.readLong(call.arg(1));
        region.sizeBytes = memory.readLong(call.arg(2));
        NtStatus status =
                allocateEx(call, process, region, call.intArg(3), call.intArg(4), call.arg(5), call.intArg(6));
        if (status.isSuccess()) {
            memory.writeLong(call.arg(1), region.base);
            memory.writeLong(call.arg(2), region.sizeBytes);
        }
        return status.code();
    }

    /** @param parameters array of MEM_EXTENDED_PARAMETER: a type, of eight bits, and a value */
    private static NtStatus allocateEx(
            ApiCall call,
            Eprocess process,
            VirtualMemoryServices.Region region,
            int type,
            int protection,
            long parameters,
            int count) {
        ExtendedParameters given = ExtendedParameters.read(call, process, parameters, count, region.base);
        if (!given.status().isSuccess()) {
            return given.status();
        }
        if (given.attributes() != 0) {
            NtStatus refused = checkAttributes(call, given.attributes(), region.sizeBytes, type);
            if (!refused.isSuccess()) {
                return refused;
            }
        }
        Placement where = given.placement();
        int node = given.node();
        boolean isNew = region.base == 0 || (type & VirtualMemoryServices.MEM_RESERVE) != 0;
        NtStatus status =
                NumaFunctions.on(call, node, () -> services(call).allocateEx(process, region, where, type, protection));
        if (status.isSuccess() && isNew && node != NodePreferences.NONE) {
            preferNode(call, process, region.base, node);
        }
        return status;
    }

    /** Memory that is never paged comes in large pages, or in huge ones of 1 GB, of which there are none. */
    private static NtStatus checkAttributes(ApiCall call, long attributes, long sizeBytes, int type) {
        int kinds = ExtendedParameters.NONPAGED | ExtendedParameters.NONPAGED_LARGE | ExtendedParameters.NONPAGED_HUGE;
        if ((attributes & kinds) == 0) {
            return NtStatus.SUCCESS;
        }
        boolean isHuge = (attributes & ExtendedParameters.NONPAGED_HUGE) != 0;
        if (Long.bitCount(attributes & kinds) != 1
                || (type & VirtualMemoryServices.MEM_LARGE_PAGES) == 0
                || isHuge && sizeBytes % HUGE_PAGE != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (!isHuge) {
            return NtStatus.SUCCESS;
        }
        Eprocess caller = call.process().eprocess();
        return new Token(caller.memory(), caller.token()).holds(Token.SE_LOCK_MEMORY)
                ? NtStatus.INSUFFICIENT_RESOURCES
                : NtStatus.PRIVILEGE_NOT_HELD;
    }

    private static long free(ApiCall call, long handle, int first) {
        Eprocess process = ProcessHandles.find(call, handle, ProcessHandles.VM_OPERATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, handle));
        }
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = call.arg(first);
        region.sizeBytes = call.arg(first + 1);
        int type = call.intArg(first + 2);
        boolean toPlaceholder = (type & (MEM_COALESCE_PLACEHOLDERS | MEM_PRESERVE_PLACEHOLDER)) != 0;
        if ((type & VirtualMemoryServices.MEM_RELEASE) != 0 && region.sizeBytes != 0 && !toPlaceholder) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        return call.succeeded(services(call).free(process, region, type));
    }

    private static long protect(ApiCall call, long handle, int first) {
        Eprocess process = ProcessHandles.find(call, handle, ProcessHandles.VM_OPERATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, handle));
        }
        Memory memory = call.memory();
        long oldAt = call.arg(first + 3);
        try {
            memory.writeInt(oldAt, memory.readInt(oldAt));
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = call.arg(first);
        region.sizeBytes = call.arg(first + 1);
        int[] old = {0};
        NtStatus status = services(call).protect(process, region, call.intArg(first + 2), old);
        if (!status.isSuccess()) {
            return call.fail(status);
        }
        memory.writeInt(oldAt, old[0]);
        return 1;
    }

    private static long query(ApiCall call, long handle, int first) {
        Eprocess process = ProcessHandles.find(call, handle, ProcessHandles.QUERY_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, handle));
        }
        if (Long.compareUnsigned(call.arg(first + 2), BASIC_INFORMATION_SIZE) < 0) {
            return call.fail(ERROR_BAD_LENGTH);
        }
        VirtualMemoryServices.BasicInformation information = new VirtualMemoryServices.BasicInformation();
        NtStatus status = services(call).query(process, call.arg(first), information);
        if (!status.isSuccess()) {
            return call.fail(status);
        }
        try {
            write(call.memory(), call.arg(first + 1), information);
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
        return BASIC_INFORMATION_SIZE;
    }

    private static long transfer(ApiCall call, boolean write) {
        Eprocess process = ProcessHandles.find(
                call,
                call.arg(0),
                write ? ProcessHandles.VM_WRITE | ProcessHandles.VM_OPERATION : ProcessHandles.VM_READ);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        long length = call.arg(3);
        long done = write
                ? writeEvenReadOnly(call, process, call.arg(1), call.arg(2), length)
                : transfer(call, process, call.arg(1), call.arg(2), length, false);
        if (call.arg(4) != 0) {
            call.memory().writeLong(call.arg(4), done);
        }
        if (done == length) {
            return 1;
        }
        return call.fail(write ? ERROR_NOACCESS : ERROR_PARTIAL_COPY);
    }

    /** {@code WriteProcessMemory} makes read-only code writable for the time of the write, as debuggers expect. */
    private static long writeEvenReadOnly(ApiCall call, Eprocess process, long remote, long buffer, long length) {
        VirtualMemoryServices services = services(call);
        VirtualMemoryServices.BasicInformation information = new VirtualMemoryServices.BasicInformation();
        boolean known = services.query(process, remote, information).isSuccess();
        if (!known
                || (information.protect & (WRITABLE | PAGE_NOACCESS | PAGE_GUARD)) != 0
                || information.protect == 0) {
            return transfer(call, process, remote, buffer, length, true);
        }
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = remote;
        region.sizeBytes = length;
        int[] old = {0};
        if (!services.protect(process, region, 0x40, old).isSuccess()) {
            return 0;
        }
        long done = transfer(call, process, remote, buffer, length, true);
        services.protect(process, region, old[0], old);
        return done;
    }

    private static long flushInstructionCache(ApiCall call) {
        return ProcessHandles.find(call, call.arg(0), 0) == null
                ? call.fail(ProcessHandles.refusal(call, call.arg(0)))
                : 1;
    }

    // --- probes and facts ---

    private static long isBad(ApiCall call, boolean write) {
        return isBad(call, call.arg(0), call.arg(1), write);
    }

    private static long isBad(ApiCall call, long address, long length, boolean write) {
        if (length == 0) {
            return 0;
        }
        if (Long.compareUnsigned(address + length - 1, address) < 0) {
            return 1;
        }
        Memory memory = call.memory();
        try {
            for (long at = address; ; at = Pages.down(at) + Pages.SIZE) {
                byte value = memory.readByte(at);
                if (write) {
                    memory.writeByte(at, value);
                }
                if (Pages.down(at) == Pages.down(address + length - 1)) {
                    return 0;
                }
            }
        } catch (MemoryFault bad) {
            return 1;
        }
    }

    private static long isBadString(ApiCall call, boolean wide) {
        try {
            long most = call.arg(1);
            for (long i = 0; Long.compareUnsigned(i, most) < 0; i++) {
                int c = wide
                        ? call.memory().readShort(call.arg(0) + 2 * i)
                        : call.memory().readByte(call.arg(0) + i);
                if (c == 0) {
                    break;
                }
            }
            return 0;
        } catch (MemoryFault bad) {
            return 1;
        }
    }

    /** SYSTEM_INFO of 64-bit programs. */
    private static long getSystemInfo(ApiCall call) {
        Memory memory = call.memory();
        long info = call.arg(0);
        memory.writeInt(info, PROCESSOR_AMD64);
        memory.writeInt(info + 4, (int) Pages.SIZE);
        memory.writeLong(info + 8, LOWEST);
        memory.writeLong(info + 16, call.process().eprocess().userEnd() - 1);
        int processors = call.process().kernel().memoryManager().mmu().count();
        memory.writeLong(info + 24, -1L >>> -processors);
        memory.writeInt(info + 32, processors);
        memory.writeInt(info + 36, PROCESSOR_TYPE_AMD64);
        memory.writeInt(info + 40, (int) Pages.GRANULARITY);
        memory.writeShort(info + 44, (short) 6);
        memory.writeShort(info + 46, (short) 0);
        return 0;
    }
}
