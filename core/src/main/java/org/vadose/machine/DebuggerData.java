package org.vadose.machine;

import org.vadose.layout.DbgkdGetVersion64Layout;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.EthreadLayout;
import org.vadose.layout.KapcStateLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KpcrLayout;
import org.vadose.layout.KprcbLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.KprocessorStateLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.layout.NtTibLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.nt.ListEntry;

/**
 * What a kernel debugger reads first: {@code KdVersionBlock} and {@code KdDebuggerDataBlock}. The latter's type is not in the
 * symbol file; its layout is the public {@code _KDDEBUGGER_DATA64} of the Windows SDK's {@code wdbgexts.h}. A zero pointer means
 * that this build has no such variable.
 */
final class DebuggerData {
    private static final int BLOCK_BYTES = 0x380;
    private static final int OWNER_TAG = 0x4742444B;
    private static final int PROTOCOL_VERSION = 6;
    private static final int MACHINE_AMD64 = 0x8664;
    /** Free build of NT. */
    private static final short MAJOR_VERSION = 0xF;

    private static final short BUILD = 19041;

    /** Offset in the block, RVA of the variable it points at. */
    private static final long[] POINTERS = {
        0x020, KernelSymbols.DBG_BREAK_POINT_WITH_STATUS,
        0x038, KernelSymbols.KI_CALL_USER_MODE,
        0x040, KernelSymbols.KE_USER_CALLBACK_DISPATCHER,
        0x048, KernelSymbols.PS_LOADED_MODULE_LIST,
        0x050, KernelSymbols.PS_ACTIVE_PROCESS_HEAD,
        0x058, KernelSymbols.PSP_CID_TABLE,
        0x060, KernelSymbols.EXP_SYSTEM_RESOURCES_LIST,
        0x078, KernelSymbols.KE_TIME_INCREMENT,
        0x080, KernelSymbols.KE_BUG_CHECK_CALLBACK_LIST_HEAD,
        0x088, KernelSymbols.KI_BUG_CHECK_DATA,
        0x090, KernelSymbols.IOP_ERROR_LOG_LIST_HEAD,
        0x098, KernelSymbols.OBP_ROOT_DIRECTORY_OBJECT,
        0x0A0, KernelSymbols.OBP_TYPE_OBJECT_TYPE,
        0x0C0, KernelSymbols.MM_PFN_DATABASE,
        0x140, KernelSymbols.MM_SIZE_OF_PAGED_POOL_IN_BYTES,
        0x1B8, KernelSymbols.POOL_TRACK_TABLE,
        0x1C8, KernelSymbols.MM_HIGHEST_USER_ADDRESS,
        0x1D0, KernelSymbols.MM_SYSTEM_RANGE_START,
        0x1D8, KernelSymbols.MM_USER_PROBE_ADDRESS,
        0x1E0, KernelSymbols.KD_PRINT_DEFAULT_CIRCULAR_BUFFER,
        0x1E8, KernelSymbols.KD_PRINT_DEFAULT_CIRCULAR_BUFFER + 0x1000,
        0x1F0, KernelSymbols.KD_PRINT_WRITE_POINTER,
        0x1F8, KernelSymbols.KD_PRINT_ROLLOVER_COUNT,
        0x208, KernelSymbols.NT_BUILD_LAB,
        0x218, KernelSymbols.KI_PROCESSOR_BLOCK,
        0x220, KernelSymbols.MM_UNLOADED_DRIVERS,
        0x228, KernelSymbols.MM_LAST_UNLOADED_DRIVER,
        0x238, KernelSymbols.MM_SPECIAL_POOL_TAG,
        0x248, KernelSymbols.MM_VERIFIER_DATA,
        0x268, KernelSymbols.CM_NT_CSD_VERSION,
        0x270, KernelSymbols.MM_PHYSICAL_MEMORY_BLOCK,
        0x2C8, KernelSymbols.KD_PRINT_CIRCULAR_BUFFER,
        0x2D0, KernelSymbols.KD_PRINT_BUFFER_SIZE,
        0x2D8, KernelSymbols.KE_LOADER_BLOCK,
        0x308, KernelSymbols.IOP_NUM_TRIAGE_DUMP_DATA_BLOCKS,
        0x310, KernelSymbols.IOP_TRIAGE_DUMP_DATA_BLOCKS,
        0x330, KernelSymbols.ETWP_DEBUGGER_DATA
    };

    /** Offset in the block, 16-bit number that stands there: offsets and sizes of this build's structures, and selectors. */
    private static final long[] SHORTS = {
        0x298, KthreadLayout.NEXT_PROCESSOR,
        0x29A, KthreadLayout.TEB,
        0x29C, KthreadLayout.KERNEL_STACK,
        0x29E, KthreadLayout.INITIAL_STACK,
        0x2A0, KthreadLayout.APC_STATE + KapcStateLayout.PROCESS,
        0x2A2, KthreadLayout.STATE,
        0x2A8, EprocessLayout.SIZE,
        0x2AA, EprocessLayout.PEB,
        0x2AC, EprocessLayout.INHERITED_FROM_UNIQUE_PROCESS_ID,
        0x2AE, KprocessLayout.DIRECTORY_TABLE_BASE,
        0x2B0, KprcbLayout.SIZE,
        0x2B2, KprcbLayout.DPC_ROUTINE_ACTIVE,
        0x2B4, KprcbLayout.CURRENT_THREAD,
        0x2B6, KprcbLayout.M_HZ,
        0x2B8, KprcbLayout.CPU_TYPE,
        0x2BA, KprcbLayout.VENDOR_STRING,
        0x2BC, KprcbLayout.PROCESSOR_STATE + KprocessorStateLayout.CONTEXT_FRAME,
        0x2BE, KprcbLayout.NUMBER,
        0x2C0, EthreadLayout.SIZE,
        0x2E0, KpcrLayout.SIZE,
        0x2E2, KpcrLayout.SELF,
        0x2E4, KpcrLayout.CURRENT_PRCB,
        0x2E6, KpcrLayout.PRCB,
        0x2EC, NtTibLayout.STACK_BASE,
        0x2EE, NtTibLayout.STACK_LIMIT,
        0x2F2, KprcbLayout.PROCESSOR_STATE + KprocessorStateLayout.SPECIAL_REGISTERS,
        0x2F4, 0x10,
        0x2F6, 0x18,
        0x2FA, 0x33,
        0x2FC, 0x2B,
        0x2FE, 0x53,
        0x302, 0x40,
        0x304, 0x20,
        0x338, KprcbLayout.CONTEXT,
        0x350, KprcbLayout.IDLE_THREAD
    };

    /** Offset in the block, 32-bit number that stands there. */
    private static final long[] INTS = {
        0x340, KthreadLayout.STACK_LIMIT,
        0x344, KthreadLayout.STACK_BASE,
        0x348, KthreadLayout.QUEUE_LIST_ENTRY,
        0x34C, EthreadLayout.IRP_LIST,
        0x35C, KthreadLayout.WAIT_REASON
    };

    private static final long PAGE_SIZE = 0x138;
    private static final long MM_PTE_BASE = 0x360;
    private static final long VIRTUAL_TRANSLATION_BASE = 0x290;

    private DebuggerData() {}

    static void write(MemoryManager memoryManager) {
        Memory memory = memoryManager.kernelMemory();
        long base = memoryManager.kernelBase();
        long block = base + KernelSymbols.KD_DEBUGGER_DATA_BLOCK;
        ListEntry head = new ListEntry(memory, base + KernelSymbols.KDP_DEBUGGER_DATA_LIST_HEAD);
        head.initialize();
        head.insertTail(block);
        memory.writeInt(block + 0x10, OWNER_TAG);
        memory.writeInt(block + 0x14, BLOCK_BYTES);
        memory.writeLong(block + 0x18, base);
        for (int i = 0; i < POINTERS.length; i += 2) {
            memory.writeLong(block + POINTERS[i], base + POINTERS[i + 1]);
        }
        for (int i = 0; i < SHORTS.length; i += 2) {
            memory.writeShort(block + SHORTS[i], (short) SHORTS[i + 1]);
        }
        for (int i = 0; i < INTS.length; i += 2) {
            memory.writeInt(block + INTS[i], (int) INTS[i + 1]);
        }
        memory.writeLong(block + PAGE_SIZE, 0x1000);
        memory.writeLong(block + MM_PTE_BASE, memoryManager.selfMap().pteBase());
        memory.writeLong(
                block + VIRTUAL_TRANSLATION_BASE, memoryManager.selfMap().pteBase());
        long version = base + KernelSymbols.KD_VERSION_BLOCK;
        memory.writeShort(version + DbgkdGetVersion64Layout.MAJOR_VERSION, MAJOR_VERSION);
        memory.writeShort(version + DbgkdGetVersion64Layout.MINOR_VERSION, BUILD);
        memory.writeByte(version + DbgkdGetVersion64Layout.PROTOCOL_VERSION, (byte) PROTOCOL_VERSION);
        memory.writeByte(version + DbgkdGetVersion64Layout.KD_SECONDARY_VERSION, (byte) 2);
        // Data available, pointers are 64 bits, hypervisor quirks absent.
        memory.writeShort(version + DbgkdGetVersion64Layout.FLAGS, (short) 0x7);
        memory.writeShort(version + DbgkdGetVersion64Layout.MACHINE_TYPE, (short) MACHINE_AMD64);
        memory.writeByte(version + DbgkdGetVersion64Layout.MAX_PACKET_TYPE, (byte) 12);
        memory.writeByte(version + DbgkdGetVersion64Layout.MAX_STATE_CHANGE, (byte) 3);
        memory.writeByte(version + DbgkdGetVersion64Layout.MAX_MANIPULATE, (byte) 0x31);
        memory.writeLong(version + DbgkdGetVersion64Layout.KERN_BASE, base);
        memory.writeLong(
                version + DbgkdGetVersion64Layout.PS_LOADED_MODULE_LIST, base + KernelSymbols.PS_LOADED_MODULE_LIST);
        memory.writeLong(version + DbgkdGetVersion64Layout.DEBUGGER_DATA_LIST, head.address());
    }
}
