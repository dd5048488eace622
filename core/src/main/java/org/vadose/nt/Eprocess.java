package org.vadose.nt;

import org.vadose.layout.EprocessLayout;
import org.vadose.layout.ExFastRefLayout;
import org.vadose.layout.KaffinityExLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.MmSessionSpaceLayout;
import org.vadose.layout.MmsupportFlagsLayout;
import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.layout.MmwslInstanceLayout;
import org.vadose.memory.Memory;

/** A process ({@code _EPROCESS}, with its {@code _KPROCESS} at its start). Addresses are virtual, counts of pages are pages. */
public record Eprocess(Memory memory, long address) {
    private static final int SEM_FAIL_CRITICAL_ERRORS = 0x1;
    private static final int SEM_NO_ALIGNMENT_EXCEPTIONS = 0x4;
    private static final int SEM_ALL = 0x8007;

    /** {@code ProcessExiting} and {@code ProcessDelete} in {@code Flags}. */
    private static final int EXITING = 0xC;

    /** {@code WriteWatch} in {@code Flags}. */
    private static final int WRITE_WATCH = 1 << EprocessLayout.WRITE_WATCH_SHIFT;

    private static final int IMAGE_NAME_BYTES = 15;

    /** The process whose {@code ActiveProcessLinks} stand there. */
    public static Eprocess ofActiveLinks(Memory memory, long links) {
        return new Eprocess(memory, links - EprocessLayout.ACTIVE_PROCESS_LINKS);
    }

    /** The process whose {@code Vm.WorkingSetExpansionLinks} stand there. */
    public static Eprocess ofExpansionLinks(Memory memory, long links) {
        return new Eprocess(memory, links - EprocessLayout.VM - MmsupportInstanceLayout.WORKING_SET_EXPANSION_LINKS);
    }

    /** Physical address of the top page table: CR3 while the process runs. */
    public long directoryTableBase() {
        return memory.readLong(address + KprocessLayout.DIRECTORY_TABLE_BASE);
    }

    public int basePriority() {
        return memory.readByte(address + KprocessLayout.BASE_PRIORITY);
    }

    /** Processors of the first group that its threads may run on. */
    public long affinity() {
        return memory.readLong(address + KprocessLayout.AFFINITY + KaffinityExLayout.BITMAP);
    }

    public void setAffinity(long mask) {
        memory.writeLong(address + KprocessLayout.AFFINITY + KaffinityExLayout.BITMAP, mask);
    }

    public void setBasePriority(int priority) {
        memory.writeByte(address + KprocessLayout.BASE_PRIORITY, (byte) priority);
    }

    /** {@code PROCESS_PRIORITY_CLASS_*}: 1 idle, 2 normal, 3 high, 4 real time, 5 below normal, 6 above normal. */
    public int priorityClass() {
        return memory.readUnsignedByte(address + EprocessLayout.PRIORITY_CLASS);
    }

    public void setPriorityClass(int priorityClass) {
        memory.writeByte(address + EprocessLayout.PRIORITY_CLASS, (byte) priorityClass);
    }

    /** Whether what its threads waited for never raises their priority, if they were made after that was set. */
    public boolean isBoostDisabled() {
        return (memory.readInt(address + KprocessLayout.DISABLE_BOOST) >>> KprocessLayout.DISABLE_BOOST_SHIFT & 1) != 0;
    }

    public void setBoostDisabled(boolean disabled) {
        int bit = 1 << KprocessLayout.DISABLE_BOOST_SHIFT;
        int flags = memory.readInt(address + KprocessLayout.DISABLE_BOOST);
        memory.writeInt(address + KprocessLayout.DISABLE_BOOST, disabled ? flags | bit : flags & ~bit);
    }

    /** Clock ticks. */
    public long kernelTime() {
        return memory.readUnsignedInt(address + KprocessLayout.KERNEL_TIME);
    }

    public long userTime() {
        return memory.readUnsignedInt(address + KprocessLayout.USER_TIME);
    }

    public long uniqueProcessId() {
        return memory.readLong(address + EprocessLayout.UNIQUE_PROCESS_ID);
    }

    public long inheritedFromUniqueProcessId() {
        return memory.readLong(address + EprocessLayout.INHERITED_FROM_UNIQUE_PROCESS_ID);
    }

    public ListEntry activeProcessLinks() {
        return new ListEntry(memory, address + EprocessLayout.ACTIVE_PROCESS_LINKS);
    }

    public ListEntry sessionProcessLinks() {
        return new ListEntry(memory, address + EprocessLayout.SESSION_PROCESS_LINKS);
    }

    /** Head of the {@code _ETHREAD.ThreadListEntry} links. */
    public ListEntry threadListHead() {
        return new ListEntry(memory, address + EprocessLayout.THREAD_LIST_HEAD);
    }

    /** Head of the {@code _KTHREAD.ThreadListEntry} links. */
    public ListEntry kernelThreadListHead() {
        return new ListEntry(memory, address + KprocessLayout.THREAD_LIST_HEAD);
    }

    public int activeThreads() {
        return memory.readInt(address + EprocessLayout.ACTIVE_THREADS);
    }

    /** The short image name, at most 14 characters. */
    public String imageFileName() {
        return memory.readLatin1(address + EprocessLayout.IMAGE_FILE_NAME, IMAGE_NAME_BYTES);
    }

    /** The full image name as audited, a device path; empty if there is none. */
    public String fullImageName() {
        long name = memory.readLong(address + EprocessLayout.SE_AUDIT_PROCESS_CREATION_INFO);
        return name == 0 ? "" : new UnicodeString(memory, name).text();
    }

    /** Body of its program's section; 0 for a process without a program. */
    public long sectionObject() {
        return memory.readLong(address + EprocessLayout.SECTION_OBJECT);
    }

    /** Processor cycles its threads have used. */
    public long cycleTime() {
        return memory.readLong(address + KprocessLayout.CYCLE_TIME);
    }

    /** 100 ns units since 1601. */
    public long createTime() {
        return memory.readLong(address + EprocessLayout.CREATE_TIME);
    }

    /** 0 while the process lives. */
    public long exitTime() {
        return memory.readLong(address + EprocessLayout.EXIT_TIME);
    }

    public int exitStatus() {
        return memory.readInt(address + EprocessLayout.EXIT_STATUS);
    }

    public int flags() {
        return memory.readInt(address + EprocessLayout.FLAGS);
    }

    public boolean isExiting() {
        return (flags() & EXITING) != 0;
    }

    public long peb() {
        return memory.readLong(address + EprocessLayout.PEB);
    }

    /** Address of the {@code _MM_SESSION_SPACE}; 0 for a process outside sessions. */
    public long session() {
        return memory.readLong(address + EprocessLayout.SESSION);
    }

    /** Address of the {@code _HANDLE_TABLE}; 0 once the process has exited. */
    /** {@code SEM_*} of {@code SetErrorMode}; the kernel keeps the first the other way round: set, critical errors are shown. */
    public int errorMode() {
        return memory.readInt(address + EprocessLayout.DEFAULT_HARD_ERROR_PROCESSING) ^ SEM_FAIL_CRITICAL_ERRORS;
    }

    /** Sets it; who has asked for alignment faults to be repaired cannot take that back. */
    public void setErrorMode(int mode) {
        int kept = (mode | errorMode() & SEM_NO_ALIGNMENT_EXCEPTIONS) & SEM_ALL;
        memory.writeInt(address + EprocessLayout.DEFAULT_HARD_ERROR_PROCESSING, kept ^ SEM_FAIL_CRITICAL_ERRORS);
    }

    /** What hides pointers that the process keeps ({@code EncodePointer}). */
    public int cookie() {
        return memory.readInt(address + EprocessLayout.COOKIE);
    }

    /** Of the session it is in; 0 for those that are in none, too. */
    public int sessionId() {
        long session = memory.readLong(address + EprocessLayout.SESSION);
        return session == 0 ? 0 : memory.readInt(session + MmSessionSpaceLayout.SESSION_ID);
    }

    public long objectTable() {
        return memory.readLong(address + EprocessLayout.OBJECT_TABLE);
    }

    public long sectionBaseAddress() {
        return memory.readLong(address + EprocessLayout.SECTION_BASE_ADDRESS);
    }

    /** The primary token, without the fast reference's count. */
    public long token() {
        return memory.readLong(address + EprocessLayout.TOKEN + ExFastRefLayout.OBJECT) & ~0xFL;
    }

    public long deviceMap() {
        return memory.readLong(address + EprocessLayout.DEVICE_MAP);
    }

    /** Root of the VAD tree; 0 when the process has no VAD. */
    public long vadRoot() {
        return memory.readLong(address + EprocessLayout.VAD_ROOT);
    }

    public long vadCount() {
        return memory.readLong(address + EprocessLayout.VAD_COUNT);
    }

    public long vadHint() {
        return memory.readLong(address + EprocessLayout.VAD_HINT);
    }

    /** The first address above what the process may use; despite the field's name, so debuggers show it on Windows. */
    public long userEnd() {
        return memory.readLong(address + EprocessLayout.HIGHEST_USER_ADDRESS);
    }

    /** Whether it is a 32-bit process on 64-bit Windows. */
    public boolean is32Bit() {
        return memory.readLong(address + EprocessLayout.WO_W64_PROCESS) != 0;
    }

    /** Settled when the process is made. */
    public void setUserEnd(long end) {
        memory.writeLong(address + EprocessLayout.HIGHEST_USER_ADDRESS, end);
    }

    /** Bytes. */
    public long virtualSize() {
        return memory.readLong(address + EprocessLayout.VIRTUAL_SIZE);
    }

    public long peakVirtualSize() {
        return memory.readLong(address + EprocessLayout.PEAK_VIRTUAL_SIZE);
    }

    /** Pages. */
    public long commitCharge() {
        return memory.readLong(address + EprocessLayout.COMMIT_CHARGE);
    }

    public long commitChargePeak() {
        return memory.readLong(address + EprocessLayout.COMMIT_CHARGE_PEAK);
    }

    public long privatePages() {
        return memory.readLong(address + EprocessLayout.NUMBER_OF_PRIVATE_PAGES);
    }

    /** What the pages that its threads touch are worth at most: 0 to 7. */
    public int pagePriority() {
        return (int) (memory.readInt(address + EprocessLayout.DEFAULT_PAGE_PRIORITY)
                        >>> EprocessLayout.DEFAULT_PAGE_PRIORITY_SHIFT
                & EprocessLayout.DEFAULT_PAGE_PRIORITY_MASK);
    }

    public void setPagePriority(int priority) {
        long at = address + EprocessLayout.DEFAULT_PAGE_PRIORITY;
        int others = memory.readInt(at)
                & ~((int) EprocessLayout.DEFAULT_PAGE_PRIORITY_MASK << EprocessLayout.DEFAULT_PAGE_PRIORITY_SHIFT);
        memory.writeInt(at, others | priority << EprocessLayout.DEFAULT_PAGE_PRIORITY_SHIFT);
    }

    /** Where the process's {@code _MMSUPPORT_FULL} stands. */
    public long vm() {
        return address + EprocessLayout.VM;
    }

    /** Links of the processes whose working sets can be trimmed. */
    public ListEntry workingSetExpansionLinks() {
        return new ListEntry(memory, vm() + MmsupportInstanceLayout.WORKING_SET_EXPANSION_LINKS);
    }

    /** Pages in the working set. */
    public long workingSetSize() {
        return memory.readLong(vm() + MmsupportInstanceLayout.WORKING_SET_SIZE);
    }

    public long peakWorkingSetSize() {
        return memory.readLong(vm() + MmsupportInstanceLayout.PEAK_WORKING_SET_SIZE);
    }

    public long minimumWorkingSetSize() {
        return memory.readLong(vm() + MmsupportInstanceLayout.MINIMUM_WORKING_SET_SIZE);
    }

    public long maximumWorkingSetSize() {
        return memory.readLong(vm() + MmsupportInstanceLayout.MAXIMUM_WORKING_SET_SIZE);
    }

    /** Pages that valid PTEs map: the working set without page tables. */
    public long workingSetLeafSize() {
        return memory.readLong(vm() + MmsupportInstanceLayout.WORKING_SET_LEAF_SIZE);
    }

    /** Whether trimming never goes below the minimum. */
    public boolean isMinimumWorkingSetHard() {
        return (workingSetFlags() >>> MmsupportFlagsLayout.MINIMUM_WORKING_SET_HARD_SHIFT & 1) != 0;
    }

    /** Whether the working set never grows beyond its maximum. */
    public boolean isMaximumWorkingSetHard() {
        return (workingSetFlags() >>> MmsupportFlagsLayout.MAXIMUM_WORKING_SET_HARD_SHIFT & 1) != 0;
    }

    private int workingSetFlags() {
        return memory.readUnsignedByte(vm() + MmsupportInstanceLayout.FLAGS);
    }

    /** Changes the limits of the working set, in pages, and whether each is hard. */
    public void setWorkingSetLimits(long minimum, long maximum, boolean hardMinimum, boolean hardMaximum) {
        memory.writeLong(vm() + MmsupportInstanceLayout.MINIMUM_WORKING_SET_SIZE, minimum);
        memory.writeLong(vm() + MmsupportInstanceLayout.MAXIMUM_WORKING_SET_SIZE, maximum);
        int flags = workingSetFlags()
                & ~(1 << MmsupportFlagsLayout.MINIMUM_WORKING_SET_HARD_SHIFT
                        | 1 << MmsupportFlagsLayout.MAXIMUM_WORKING_SET_HARD_SHIFT);
        flags |= hardMinimum ? 1 << MmsupportFlagsLayout.MINIMUM_WORKING_SET_HARD_SHIFT : 0;
        flags |= hardMaximum ? 1 << MmsupportFlagsLayout.MAXIMUM_WORKING_SET_HARD_SHIFT : 0;
        memory.writeByte(vm() + MmsupportInstanceLayout.FLAGS, (byte) flags);
    }

    /** Page faults that waited for a page to be read. */
    public long hardFaultCount() {
        return memory.readUnsignedInt(vm() + MmsupportInstanceLayout.HARD_FAULT_COUNT);
    }

    /** Address of the {@code _MMWSL_INSTANCE}, 0 as long as there is none. */
    public long workingSetList() {
        return memory.readLong(vm() + MmsupportInstanceLayout.VM_WORKING_SET_LIST);
    }

    public void setWorkingSetList(long list) {
        memory.writeLong(vm() + MmsupportInstanceLayout.VM_WORKING_SET_LIST, list);
    }

    /** Pages locked in the working set. */
    public long lockedPages() {
        long list = workingSetList();
        return list == 0 ? 0 : memory.readLong(list + MmwslInstanceLayout.LOCKED_ENTRIES);
    }

    public long pageFaultCount() {
        return memory.readUnsignedInt(vm() + MmsupportInstanceLayout.PAGE_FAULT_COUNT);
    }

    public void setVadRoot(long node) {
        memory.writeLong(address + EprocessLayout.VAD_ROOT, node);
    }

    public void setVadHint(long node) {
        memory.writeLong(address + EprocessLayout.VAD_HINT, node);
    }

    public void addVadCount(long delta) {
        memory.writeLong(address + EprocessLayout.VAD_COUNT, vadCount() + delta);
    }

    /** Changes the virtual size, and its peak with it. */
    public void addVirtualSize(long deltaBytes) {
        long now = virtualSize() + deltaBytes;
        memory.writeLong(address + EprocessLayout.VIRTUAL_SIZE, now);
        if (deltaBytes > 0 && now > peakVirtualSize()) {
            memory.writeLong(address + EprocessLayout.PEAK_VIRTUAL_SIZE, now);
        }
    }

    /** Changes the commit charge, and its peak with it. */
    public void addCommitCharge(long deltaPages) {
        long now = commitCharge() + deltaPages;
        memory.writeLong(address + EprocessLayout.COMMIT_CHARGE, now);
        if (deltaPages > 0 && now > commitChargePeak()) {
            memory.writeLong(address + EprocessLayout.COMMIT_CHARGE_PEAK, now);
        }
    }

    public void addPrivatePages(long delta) {
        memory.writeLong(address + EprocessLayout.NUMBER_OF_PRIVATE_PAGES, privatePages() + delta);
    }

    /** Regions of large pages. */
    public int largePrivateVads() {
        return memory.readInt(address + EprocessLayout.LARGE_PRIVATE_VAD_COUNT);
    }

    public void addLargePrivateVads(int delta) {
        memory.writeInt(address + EprocessLayout.LARGE_PRIVATE_VAD_COUNT, largePrivateVads() + delta);
    }

    /** Address of the {@link AweInfo}; 0 as long as the process has had no physical pages of its own. */
    public long aweInfo() {
        return memory.readLong(address + EprocessLayout.MM_RESERVED);
    }

    public void setAweInfo(long info) {
        memory.writeLong(address + EprocessLayout.MM_RESERVED, info);
    }

    /** Physical pages the process owns by number. */
    public long physicalPages() {
        return memory.readLong(address + EprocessLayout.VAD_PHYSICAL_PAGES);
    }

    public void addPhysicalPages(long delta) {
        memory.writeLong(address + EprocessLayout.VAD_PHYSICAL_PAGES, physicalPages() + delta);
    }

    /** Whether the process has had memory whose writes are watched. */
    public boolean hasWriteWatch() {
        return (flags() & WRITE_WATCH) != 0;
    }

    public void setHasWriteWatch() {
        memory.writeInt(address + EprocessLayout.FLAGS, flags() | WRITE_WATCH);
    }
}
