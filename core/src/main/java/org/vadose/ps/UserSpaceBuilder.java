package org.vadose.ps;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.base.SeededRandom;
import org.vadose.layout.ClientIdLayout;
import org.vadose.layout.CurdirLayout;
import org.vadose.layout.NtTibLayout;
import org.vadose.layout.PebLayout;
import org.vadose.layout.RtlUserProcessParametersLayout;
import org.vadose.layout.TebLayout;
import org.vadose.layout.UnicodeStringLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Mitigations;
import org.vadose.nt.UnicodeString;

/**
 * Builds what user mode finds in a new process: PEB, TEBs, process parameters with the environment, stacks. Everything is
 * allocated with the process's own {@code NtAllocateVirtualMemory}; callers have the process's address space loaded.
 *
 * <pre>
 *  a reserved region of 2 MB:  ... | PEB | TEB of the first thread | TEB | ...      each TEB takes two pages
 * </pre>
 */
final class UserSpaceBuilder {
    private static final int PAGE_READWRITE = 4;
    private static final int PAGE_GUARD = 0x100;
    private static final long PEB_REGION_BYTES = 2L << 20;
    private static final long TEB_BYTES = Pages.up(TebLayout.SIZE);
    private static final int LOCALE = 0x409;
    /** What the TEB's version field holds while no fiber uses it. */
    private static final long TIB_VERSION = 0x1E00;
    /** 30 days in 100 ns units, negative because relative: the timeout of critical sections. */
    private static final long CRITICAL_SECTION_TIMEOUT = -25_920_000_000_000L;

    private static final int PARAMETERS_NORMALIZED = 1;
    private static final int SAME_TEB_INITIAL_THREAD = 1 << 10;
    private static final int IMAGE_DYNAMICALLY_RELOCATED = 4;
    private static final int STATIC_STRING_BYTES = 522;

    private final Memory memory;
    private final VirtualMemoryServices virtualMemory;
    private final long seed;
    private final int processors;

    UserSpaceBuilder(MemoryManager memoryManager, long seed) {
        this.memory = memoryManager.kernelMemory();
        this.virtualMemory = memoryManager.virtualMemory();
        this.seed = seed;
        this.processors = memoryManager.mmu().count();
    }

    /** Makes the PEB in a region of its own that has room for TEBs behind it. */
    long createPeb(Eprocess process, UserProcessSpec spec, long imageBase) {
        SeededRandom random = SeededRandom.of(seed, "peb ".concat(Long.toString(process.uniqueProcessId())));
        Mitigations mitigations = new Mitigations(process);
        boolean randomized = !mitigations.isStackRandomizationDisabled();
        long region = mitigations.isHighEntropy()
                ? 0
                : allocate(process, 0, PEB_REGION_BYTES, VirtualMemoryServices.MEM_RESERVE, PAGE_READWRITE);
        while (region == 0) {
            long wanted = (0x1000 + random.below(0x7_0000)) * PEB_REGION_BYTES;
            region = tryAllocate(process, wanted, PEB_REGION_BYTES, VirtualMemoryServices.MEM_RESERVE, PAGE_READWRITE);
        }
        // A page in the first quarter, so that hundreds of TEBs fit behind.
        long peb = region + (randomized ? random.below(PEB_REGION_BYTES / Pages.SIZE / 4) * Pages.SIZE : 0);
        allocate(process, peb, Pages.SIZE, VirtualMemoryServices.MEM_COMMIT, PAGE_READWRITE);
        boolean moved = imageBase != spec.image().imageBase();
        memory.writeByte(peb + PebLayout.BIT_FIELD, (byte) (moved ? IMAGE_DYNAMICALLY_RELOCATED : 0));
        memory.writeLong(peb + PebLayout.MUTANT, -1);
        memory.writeLong(peb + PebLayout.IMAGE_BASE_ADDRESS, imageBase);
        memory.writeInt(peb + PebLayout.NUMBER_OF_PROCESSORS, processors);
        memory.writeLong(peb + PebLayout.CRITICAL_SECTION_TIMEOUT, CRITICAL_SECTION_TIMEOUT);
        memory.writeLong(peb + PebLayout.HEAP_SEGMENT_RESERVE, 0x10_0000);
        memory.writeLong(peb + PebLayout.HEAP_SEGMENT_COMMIT, 0x2000);
        memory.writeLong(peb + PebLayout.HEAP_DE_COMMIT_TOTAL_FREE_THRESHOLD, 0x1_0000);
        memory.writeLong(peb + PebLayout.HEAP_DE_COMMIT_FREE_BLOCK_THRESHOLD, 0x1000);
        memory.writeInt(peb + PebLayout.OS_MAJOR_VERSION, 10);
        memory.writeShort(peb + PebLayout.OS_BUILD_NUMBER, (short) 19041);
        memory.writeInt(peb + PebLayout.OS_PLATFORM_ID, 2);
        memory.writeInt(peb + PebLayout.IMAGE_SUBSYSTEM, spec.image().subsystem());
        memory.writeInt(peb + PebLayout.IMAGE_SUBSYSTEM_MAJOR_VERSION, 10);
        memory.writeLong(peb + PebLayout.ACTIVE_PROCESS_AFFINITY_MASK, -1L >>> -processors);
        memory.writeInt(peb + PebLayout.SESSION_ID, Math.max(spec.sessionId(), 0));
        memory.writeLong(peb + PebLayout.PROCESS_PARAMETERS, createParameters(process, spec));
        return peb;
    }

    /** The parameters, their strings behind them, then the environment. */
    private long createParameters(Eprocess process, UserProcessSpec spec) {
        String[] strings = {
            spec.dosPath(), spec.commandLine(), spec.dosPath(), "Winsta0\\Default", "", "", spec.currentDirectory()
        };
        long[] fields = {
            RtlUserProcessParametersLayout.IMAGE_PATH_NAME,
            RtlUserProcessParametersLayout.COMMAND_LINE,
            RtlUserProcessParametersLayout.WINDOW_TITLE,
            RtlUserProcessParametersLayout.DESKTOP_INFO,
            RtlUserProcessParametersLayout.SHELL_INFO,
            RtlUserProcessParametersLayout.RUNTIME_DATA,
            RtlUserProcessParametersLayout.CURRENT_DIRECTORY + CurdirLayout.DOS_PATH
        };
        long length = RtlUserProcessParametersLayout.SIZE;
        for (String string : strings) {
            length += 2L * string.length() + 2;
        }
        // A current directory may change to any path; its buffer has room for one.
        long directoryRoom = 2 * 260 + 8;
        length = Pages.alignUp(length + directoryRoom, 16);
        byte[] environment = environmentBlock(spec.environment());
        long block = allocate(
                process,
                0,
                length + environment.length,
                VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE,
                PAGE_READWRITE);
        memory.writeInt(block + RtlUserProcessParametersLayout.MAXIMUM_LENGTH, (int) length);
        memory.writeInt(block + RtlUserProcessParametersLayout.LENGTH, (int) length);
        memory.writeInt(block + RtlUserProcessParametersLayout.FLAGS, PARAMETERS_NORMALIZED);
        long at = block + RtlUserProcessParametersLayout.SIZE;
        for (int i = 0; i < strings.length; i++) {
            new UnicodeString(memory, block + fields[i]).set(strings[i], at);
            at += 2L * strings[i].length() + 2;
        }
        memory.writeShort(
                block + fields[strings.length - 1] + UnicodeStringLayout.MAXIMUM_LENGTH, (short) directoryRoom);
        memory.writeLong(block + RtlUserProcessParametersLayout.ENVIRONMENT, block + length);
        memory.writeLong(block + RtlUserProcessParametersLayout.ENVIRONMENT_SIZE, environment.length);
        memory.writeInt(block + RtlUserProcessParametersLayout.PROCESS_GROUP_ID, (int) process.uniqueProcessId());
        memory.write(block + length, environment);
        return block;
    }

    /** Each entry zero-terminated, then one more zero. */
    private static byte[] environmentBlock(java.util.List<String> entries) {
        int characters = 1;
        for (String entry : entries) {
            characters += entry.length() + 1;
        }
        ByteBuffer block = ByteBuffer.allocate(Math.max(2, characters) * 2).order(ByteOrder.LITTLE_ENDIAN);
        for (String entry : entries) {
            for (int i = 0; i < entry.length(); i++) {
                block.putChar(entry.charAt(i));
            }
            block.putChar('\0');
        }
        return block.array();
    }

    /**
     * Makes a stack: reserved, its top committed, a guard page below that.
     *
     * @return a thread's stack fields; its other fields mean nothing yet
     */
    long[] createStack(Eprocess process, long reserveBytes, long commitBytes) {
        long reserve = Pages.alignUp(Math.max(reserveBytes, commitBytes + 3 * Pages.SIZE), Pages.GRANULARITY);
        long commit = Pages.up(Math.max(commitBytes, 1));
        long low = allocate(process, 0, reserve, VirtualMemoryServices.MEM_RESERVE, PAGE_READWRITE);
        long base = low + reserve;
        long limit = base - commit;
        if (tryAllocate(process, limit, commit, VirtualMemoryServices.MEM_COMMIT, PAGE_READWRITE) == 0
                || tryAllocate(
                                process,
                                limit - Pages.SIZE,
                                Pages.SIZE,
                                VirtualMemoryServices.MEM_COMMIT,
                                PAGE_READWRITE | PAGE_GUARD)
                        == 0) {
            releaseStack(process, low);
            throw new ResourcesException(
                    NtStatus.NO_MEMORY,
                    "no memory for a thread's stack bytes=" + Hex.address(commit) + " pid="
                            + process.uniqueProcessId());
        }
        return new long[] {base, limit, low};
    }

    /** Commits the pages of a thread's TEB in the first free place behind the PEB. */
    long createTeb(Eprocess process) {
        long end = endOfPebRegion(process);
        long teb = process.peb() + Pages.SIZE;
        VirtualMemoryServices.BasicInformation run = new VirtualMemoryServices.BasicInformation();
        while (teb + TEB_BYTES <= end
                && virtualMemory.query(process, teb, run).isSuccess()
                && run.state == VirtualMemoryServices.MEM_COMMIT) {
            teb += (run.regionSizeBytes + TEB_BYTES - 1) / TEB_BYTES * TEB_BYTES;
        }
        if (teb + TEB_BYTES > end) {
            // The region is full: this TEB gets its own.
            return allocate(
                    process,
                    0,
                    TEB_BYTES,
                    VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE,
                    PAGE_READWRITE);
        }
        return allocate(process, teb, TEB_BYTES, VirtualMemoryServices.MEM_COMMIT, PAGE_READWRITE);
    }

    private long endOfPebRegion(Eprocess process) {
        VirtualMemoryServices.BasicInformation peb = new VirtualMemoryServices.BasicInformation();
        virtualMemory.query(process, process.peb(), peb);
        return peb.allocationBase + PEB_REGION_BYTES;
    }

    /** Fills a TEB once its thread has an id. */
    void fillTeb(Eprocess process, UserThread thread, boolean first) {
        long teb = thread.teb();
        long tib = teb + TebLayout.NT_TIB;
        memory.writeLong(tib + NtTibLayout.STACK_BASE, thread.stackBase());
        memory.writeLong(tib + NtTibLayout.STACK_LIMIT, thread.stackLimit());
        memory.writeLong(tib + NtTibLayout.VERSION, TIB_VERSION);
        memory.writeLong(tib + NtTibLayout.SELF, teb);
        for (long clientId : new long[] {TebLayout.CLIENT_ID, TebLayout.REAL_CLIENT_ID}) {
            memory.writeLong(teb + clientId + ClientIdLayout.UNIQUE_PROCESS, process.uniqueProcessId());
            memory.writeLong(
                    teb + clientId + ClientIdLayout.UNIQUE_THREAD,
                    thread.thread().uniqueThreadId());
        }
        memory.writeLong(teb + TebLayout.PROCESS_ENVIRONMENT_BLOCK, process.peb());
        memory.writeInt(teb + TebLayout.CURRENT_LOCALE, LOCALE);
        memory.writeLong(teb + TebLayout.DEALLOCATION_STACK, thread.deallocationStack());
        new UnicodeString(memory, teb + TebLayout.STATIC_UNICODE_STRING)
                .set(0, STATIC_STRING_BYTES, teb + TebLayout.STATIC_UNICODE_BUFFER);
        memory.writeShort(teb + TebLayout.SAME_TEB_FLAGS, (short) (first ? SAME_TEB_INITIAL_THREAD : 0));
    }

    /** Gives an ended thread's stack and TEB back; what the program itself freed or overwrote is left as it is. */
    void release(Eprocess process, long teb) {
        try {
            releaseStack(process, memory.readLong(teb + TebLayout.DEALLOCATION_STACK));
        } catch (MemoryFault gone) {
            return;
        }
        releaseTeb(process, teb);
    }

    void releaseStack(Eprocess process, long low) {
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = low;
        virtualMemory.free(process, region, VirtualMemoryServices.MEM_RELEASE);
    }

    void releaseTeb(Eprocess process, long teb) {
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        boolean shared = teb > process.peb() && teb < endOfPebRegion(process);
        region.base = teb;
        region.sizeBytes = shared ? TEB_BYTES : 0;
        virtualMemory.free(
                process, region, shared ? VirtualMemoryServices.MEM_DECOMMIT : VirtualMemoryServices.MEM_RELEASE);
    }

    private long allocate(Eprocess process, long base, long bytes, int type, int protection) {
        long address = tryAllocate(process, base, bytes, type, protection);
        if (address == 0) {
            throw new ResourcesException(
                    NtStatus.NO_MEMORY,
                    "no memory for a process base=" + Hex.address(base) + " bytes=" + bytes + " pid="
                            + process.uniqueProcessId());
        }
        return address;
    }

    private long tryAllocate(Eprocess process, long base, long bytes, int type, int protection) {
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = base;
        region.sizeBytes = bytes;
        NtStatus status = virtualMemory.allocate(process, region, 0, type, protection);
        return status.isSuccess() ? region.base : 0;
    }
}
