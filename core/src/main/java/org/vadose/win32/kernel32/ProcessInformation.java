package org.vadose.win32.kernel32;

import java.nio.charset.StandardCharsets;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.MmSessionSpaceLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.WorkingSetServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.ExecuteOptions;
import org.vadose.nt.HandleTable;
import org.vadose.nt.MitigationPolicy;
import org.vadose.ps.SystemClock;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.loader.Loader;

/**
 * {@code NtQueryInformationProcess} and {@code NtSetInformationProcess}, as far as they are about identity, memory, execution
 * and scheduling.
 * Classes and structures are those of the SDK's {@code winternl.h} and of the public headers of System Informer.
 */
final class ProcessInformation {
    /** Classes of {@code PROCESSINFOCLASS}. */
    private static final int BASIC = 0;

    private static final int QUOTA_LIMITS = 1;
    private static final int VM_COUNTERS = 3;
    private static final int TIMES = 4;
    private static final int DEBUG_PORT = 7;
    private static final int HARD_ERROR_MODE = 12;
    private static final int POOLED_USAGE = 14;
    private static final int BASE_PRIORITY = 5;
    private static final int PRIORITY_CLASS = 18;
    private static final int HANDLE_COUNT = 20;
    private static final int AFFINITY_MASK = 21;
    private static final int PRIORITY_BOOST = 22;
    private static final int SESSION = 24;
    private static final int WOW64 = 26;
    private static final int IMAGE_NAME = 27;
    private static final int BREAK_ON_TERMINATION = 29;
    private static final int DEBUG_OBJECT = 30;
    private static final int DEBUG_FLAGS = 31;
    private static final int EXECUTE_FLAGS = 34;
    private static final int COOKIE = 36;
    private static final int IMAGE_INFORMATION = 37;
    private static final int CYCLE_TIME = 38;
    private static final int PAGE_PRIORITY = 39;
    private static final int IMAGE_NAME_WIN32 = 43;
    private static final int GROUP = 47;
    private static final int MITIGATION_POLICY = 52;

    private static final int BASIC_BYTES = 48;
    /** With its size before it and flags behind it. */
    private static final int BASIC_EX_BYTES = 64;

    private static final int QUOTA_BYTES = 48;
    private static final int QUOTA_EX_BYTES = 88;
    /** Without and with the private usage, and with the private working set and the shared commitment. */
    private static final int VM_BYTES = 88;

    private static final int VM_EX_BYTES = 96;
    private static final int VM_EX2_BYTES = 112;
    private static final int POOLED_BYTES = 72;
    private static final int UNICODE_STRING_BYTES = 16;
    private static final int IMAGE_INFORMATION_BYTES = 64;
    private static final int FLAG_BYTES = 4;
    private static final int MISMATCH = -1;
    private static final int UNKNOWN = -2;

    /** {@code IsProcessDeleting} in PROCESS_EXTENDED_BASIC_INFORMATION. */
    private static final int IS_DELETING = 4;

    private static final int NORMAL_PAGE_PRIORITY = 5;
    private static final int HARD_ERROR_FLAGS = 0x8007;

    private ProcessInformation() {}

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtQueryInformationProcess", 0x19, call -> query(call).code())
                .service("NtSetInformationProcess", 0x1C, call -> set(call).code());
    }

    // --- queries ---

    /** Bytes of the answer for a class and a length; {@link #MISMATCH} or {@link #UNKNOWN}. */
    private static int size(int informationClass, int length) {
        return switch (informationClass) {
            case BASIC -> oneOf(length, BASIC_BYTES, BASIC_EX_BYTES);
            case QUOTA_LIMITS -> oneOf(length, QUOTA_BYTES, QUOTA_EX_BYTES);
            case VM_COUNTERS -> length == VM_EX2_BYTES ? length : oneOf(length, VM_BYTES, VM_EX_BYTES);
            case TIMES -> oneOf(length, 32, 32);
            case POOLED_USAGE -> oneOf(length, POOLED_BYTES, POOLED_BYTES);
            case HANDLE_COUNT -> oneOf(length, 4, 8);
            case DEBUG_PORT, WOW64, DEBUG_OBJECT, MITIGATION_POLICY -> oneOf(length, 8, 8);
            case PRIORITY_CLASS -> oneOf(length, 2, 2);
            case CYCLE_TIME -> oneOf(length, 16, 16);
            case IMAGE_INFORMATION -> oneOf(length, IMAGE_INFORMATION_BYTES, IMAGE_INFORMATION_BYTES);
            case HARD_ERROR_MODE,
                    SESSION,
                    PRIORITY_BOOST,
                    BREAK_ON_TERMINATION,
                    DEBUG_FLAGS,
                    EXECUTE_FLAGS,
                    COOKIE,
                    PAGE_PRIORITY -> oneOf(length, FLAG_BYTES, FLAG_BYTES);
            case GROUP -> length >= 2 ? 2 : MISMATCH;
            default -> UNKNOWN;
        };
    }

    private static int oneOf(int length, int one, int other) {
        return length == one || length == other ? length : MISMATCH;
    }

    /** Arguments: process, class, buffer, its size, where to put the size that was needed. */
    private static NtStatus query(ApiCall call) {
        int informationClass = call.intArg(1);
        boolean isName = informationClass == IMAGE_NAME || informationClass == IMAGE_NAME_WIN32;
        int size = isName ? 0 : size(informationClass, call.intArg(3));
        if (size < 0) {
            return size == UNKNOWN ? NtStatus.INVALID_INFO_CLASS : NtStatus.INFO_LENGTH_MISMATCH;
        }
        int access = informationClass == EXECUTE_FLAGS || informationClass == DEBUG_PORT
                ? ProcessHandles.QUERY_INFORMATION
                : ProcessHandles.QUERY_LIMITED_INFORMATION;
        Eprocess process = ProcessHandles.find(call, call.arg(0), access);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0));
        }
        if (isName) {
            return name(call, process, informationClass == IMAGE_NAME_WIN32);
        }
        Memory memory = call.memory();
        long at = call.arg(2);
        NtStatus status = NtStatus.SUCCESS;
        switch (informationClass) {
            case BASIC -> basic(memory, size == BASIC_EX_BYTES ? at + 8 : at, process);
            case QUOTA_LIMITS -> writeAll(memory, at, quotaLimits(process), size / 8);
            case VM_COUNTERS -> writeAll(memory, at, vmCounters(process), size / 8);
            case TIMES ->
                writeAll(
                        memory,
                        at,
                        new long[] {
                            process.createTime(),
                            process.exitTime(),
                            process.kernelTime() * SystemClock.TICK,
                            process.userTime() * SystemClock.TICK
                        },
                        4);
            case POOLED_USAGE -> writeAll(memory, at, pooledUsage(process), POOLED_BYTES / 8);
            case HANDLE_COUNT -> {
                int count = process.objectTable() == 0
                        ? 0
                        : new HandleTable(process.memory(), process.objectTable()).handleCount();
                memory.writeInt(at, count);
                if (size == 8) {
                    memory.writeInt(at + 4, count);
                }
            }
            case DEBUG_PORT, WOW64 -> memory.writeLong(at, 0);
            case DEBUG_OBJECT -> {
                memory.writeLong(at, 0);
                status = NtStatus.PORT_NOT_SET;
            }
            case CYCLE_TIME -> writeAll(memory, at, new long[] {process.cycleTime(), 0}, 2);
            case PRIORITY_CLASS -> {
                memory.writeByte(at, (byte) 0);
                memory.writeByte(at + 1, process.memory().readByte(process.address() + EprocessLayout.PRIORITY_CLASS));
            }
            case HARD_ERROR_MODE -> memory.writeInt(at, hardErrorMode(process));
            case PRIORITY_BOOST -> memory.writeInt(at, process.isBoostDisabled() ? 1 : 0);
            case GROUP -> memory.writeShort(at, (short) 0);
            case SESSION -> memory.writeInt(at, session(process));
            case BREAK_ON_TERMINATION -> memory.writeInt(at, 0);
            case DEBUG_FLAGS -> memory.writeInt(at, 1);
            case EXECUTE_FLAGS -> memory.writeInt(at, new ExecuteOptions(process).flags());
            case COOKIE -> {
                if (process.address() != call.process().eprocess().address()) {
                    return NtStatus.INVALID_PARAMETER;
                }
                memory.writeInt(at, process.memory().readInt(process.address() + EprocessLayout.COOKIE));
            }
            case IMAGE_INFORMATION -> status = imageInformation(call, process, at);
            case PAGE_PRIORITY -> memory.writeInt(at, process.pagePriority());
            case MITIGATION_POLICY -> status = mitigation(memory, at, process);
            default -> throw new IllegalStateException("class without an answer class=" + informationClass);
        }
        if (size == BASIC_EX_BYTES && informationClass == BASIC) {
            memory.writeLong(at, BASIC_EX_BYTES);
            memory.writeLong(at + 8 + BASIC_BYTES, process.isExiting() ? IS_DELETING : 0);
        }
        if (call.arg(4) != 0) {
            call.memory().writeInt(call.arg(4), size);
        }
        return status;
    }

    private static void writeAll(Memory memory, long at, long[] fields, int count) {
        for (int i = 0; i < count; i++) {
            memory.writeLong(at + 8L * i, fields[i]);
        }
    }

    /** PROCESS_BASIC_INFORMATION of 64-bit programs. */
    private static void basic(Memory memory, long at, Eprocess process) {
        memory.writeLong(at, process.exitStatus() & 0xFFFF_FFFFL);
        memory.writeLong(at + 8, process.peb());
        memory.writeLong(at + 16, process.affinity());
        memory.writeLong(at + 24, process.basePriority());
        memory.writeLong(at + 32, process.uniqueProcessId());
        memory.writeLong(at + 40, process.inheritedFromUniqueProcessId());
    }

    /** QUOTA_LIMITS_EX; nothing limits pools, page files or time. */
    private static long[] quotaLimits(Eprocess process) {
        int flags = WorkingSetFunctions.flags(process);
        return new long[] {
            -1,
            -1,
            process.minimumWorkingSetSize() << Pages.SHIFT,
            process.maximumWorkingSetSize() << Pages.SHIFT,
            -1,
            -1,
            0,
            0,
            0,
            0,
            flags & 0xFFFF_FFFFL
        };
    }

    /**
     * VM_COUNTERS_EX2. Of both quotas the first is the nonpaged pool's, the second the paged pool's.
     *
     * @return the last two: the private part of the working set, the commitment of sections
     */
    static long[] vmCounters(Eprocess process) {
        Memory kernel = process.memory();
        long now = process.address() + EprocessLayout.PROCESS_QUOTA_USAGE;
        long peak = process.address() + EprocessLayout.PROCESS_QUOTA_PEAK;
        return new long[] {
            process.peakVirtualSize(),
            process.virtualSize(),
            process.pageFaultCount(),
            process.peakWorkingSetSize() << Pages.SHIFT,
            process.workingSetSize() << Pages.SHIFT,
            kernel.readLong(peak + 8),
            kernel.readLong(now + 8),
            kernel.readLong(peak),
            kernel.readLong(now),
            process.commitCharge() << Pages.SHIFT,
            process.commitChargePeak() << Pages.SHIFT,
            process.commitCharge() << Pages.SHIFT,
            Math.min(process.privatePages(), process.workingSetLeafSize()) << Pages.SHIFT,
            kernel.readLong(process.address() + EprocessLayout.SHARED_COMMIT_CHARGE) << Pages.SHIFT
        };
    }

    /** POOLED_USAGE_AND_LIMITS. */
    private static long[] pooledUsage(Eprocess process) {
        long[] vm = vmCounters(process);
        return new long[] {vm[5], vm[6], -1, vm[7], vm[8], -1, vm[10], vm[9], -1};
    }

    private static int hardErrorMode(Eprocess process) {
        return process.memory().readInt(process.address() + EprocessLayout.DEFAULT_HARD_ERROR_PROCESSING);
    }

    private static int session(Eprocess process) {
        long session = process.session();
        return session == 0 ? 0 : process.memory().readInt(session + MmSessionSpaceLayout.SESSION_ID);
    }

    private static NtStatus imageInformation(ApiCall call, Eprocess process, long at) {
        if (process.sectionObject() == 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        byte[] information = SectionFunctions.services(call).imageInformation(process.sectionObject());
        if (information == null) {
            return NtStatus.SECTION_NOT_IMAGE;
        }
        call.memory().write(at, information);
        return NtStatus.SUCCESS;
    }

    /** PROCESS_MITIGATION_POLICY_INFORMATION: which one, and its flags. */
    private static NtStatus mitigation(Memory memory, long at, Eprocess process) {
        int number = memory.readInt(at);
        MitigationPolicy policy = MitigationPolicy.of(number);
        if (policy == null) {
            return NtStatus.INVALID_PARAMETER;
        }
        memory.writeInt(at + 4, policy.read(process));
        return NtStatus.SUCCESS;
    }

    /** A UNICODE_STRING and its text: the file's path on its device or, for Win32, with a drive letter. */
    private static NtStatus name(ApiCall call, Eprocess process, boolean win32) {
        var guest = call.process().system().find(process);
        String path = win32 && guest != null ? Loader.of(guest).program().path() : process.fullImageName();
        byte[] text = (path + "\0").getBytes(StandardCharsets.UTF_16LE);
        int needed = UNICODE_STRING_BYTES + text.length;
        Memory memory = call.memory();
        if (call.arg(4) != 0) {
            memory.writeInt(call.arg(4), needed);
        }
        if (call.unsignedIntArg(3) < needed) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        long at = call.arg(2);
        memory.writeShort(at, (short) (text.length - 2));
        memory.writeShort(at + 2, (short) text.length);
        memory.writeInt(at + 4, 0);
        memory.writeLong(at + 8, at + UNICODE_STRING_BYTES);
        memory.write(at + UNICODE_STRING_BYTES, text);
        return NtStatus.SUCCESS;
    }

    // --- changes ---

    /** Arguments: process, class, buffer, its size. */
    private static NtStatus set(ApiCall call) {
        int informationClass = call.intArg(1);
        int length = call.intArg(3);
        int size = switch (informationClass) {
            case QUOTA_LIMITS -> oneOf(length, QUOTA_BYTES, QUOTA_EX_BYTES);
            case BASE_PRIORITY, HARD_ERROR_MODE, PRIORITY_BOOST, EXECUTE_FLAGS, PAGE_PRIORITY ->
                oneOf(length, FLAG_BYTES, FLAG_BYTES);
            case PRIORITY_CLASS -> oneOf(length, 2, 2);
            case AFFINITY_MASK, MITIGATION_POLICY -> oneOf(length, 8, 8);
            default -> UNKNOWN;
        };
        if (size < 0) {
            return size == UNKNOWN ? NtStatus.INVALID_INFO_CLASS : NtStatus.INFO_LENGTH_MISMATCH;
        }
        int access = informationClass == QUOTA_LIMITS ? ProcessHandles.SET_QUOTA : ProcessHandles.SET_INFORMATION;
        Eprocess process = ProcessHandles.find(call, call.arg(0), access);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0));
        }
        Memory memory = call.memory();
        long at = call.arg(2);
        return switch (informationClass) {
            case QUOTA_LIMITS -> {
                WorkingSetServices services =
                        call.process().kernel().memoryManager().workingSets();
                int flags = size == QUOTA_EX_BYTES ? memory.readInt(at + 80) : 0;
                yield services.setLimits(process, memory.readLong(at + 16), memory.readLong(at + 24), flags);
            }
            case HARD_ERROR_MODE -> {
                process.memory()
                        .writeInt(
                                process.address() + EprocessLayout.DEFAULT_HARD_ERROR_PROCESSING,
                                memory.readInt(at) & HARD_ERROR_FLAGS);
                yield NtStatus.SUCCESS;
            }
            case EXECUTE_FLAGS -> new ExecuteOptions(process).set(memory.readInt(at));
            case AFFINITY_MASK -> AffinityFunctions.services(call).setAffinity(process, memory.readLong(at));
            case BASE_PRIORITY ->
                AffinityFunctions.services(call)
                        .setBasePriority(process, memory.readInt(at), PriorityFunctions.token(call));
            case PRIORITY_CLASS ->
                AffinityFunctions.services(call)
                        .setPriorityClass(process, memory.readUnsignedByte(at + 1), PriorityFunctions.token(call));
            case PRIORITY_BOOST -> {
                AffinityFunctions.services(call).setBoostDisabled(process, memory.readInt(at) != 0);
                yield NtStatus.SUCCESS;
            }
            case PAGE_PRIORITY -> {
                int priority = memory.readInt(at);
                if (priority < 0 || priority > NORMAL_PAGE_PRIORITY) {
                    yield NtStatus.INVALID_PARAMETER;
                }
                process.setPagePriority(priority);
                MemoryPriorityFunctions.use(call);
                yield NtStatus.SUCCESS;
            }
            default ->
                process.address() != call.process().eprocess().address()
                        ? NtStatus.ACCESS_DENIED
                        : PolicyFunctions.set(process, memory.readInt(at), memory.readInt(at + 4));
        };
    }
}
