package org.vadose.ob;

import org.vadose.layout.KernelSymbols;
import org.vadose.nt.PoolTag;

/**
 * The object types a Windows 10 2004 kernel makes, in the order of their indexes: {@code Type} is 2, since indexes 0 and 1 are
 * never an object's. Names and order as the object namespace of such a system lists them; those of the tail are inferred.
 */
public enum KnownType {
    TYPE("Type", "ObjT", false, 0x1f0001, KernelSymbols.OBP_TYPE_OBJECT_TYPE),
    DIRECTORY("Directory", "Dire", true, 0xf000f, KernelSymbols.OBP_DIRECTORY_OBJECT_TYPE),
    SYMBOLIC_LINK("SymbolicLink", "Symb", true, 0xf0001, KernelSymbols.OBP_SYMBOLIC_LINK_OBJECT_TYPE),
    TOKEN("Token", "Toke", true, 0xf01ff, KernelSymbols.SE_TOKEN_OBJECT_TYPE),
    JOB("Job", "Job ", false, 0x1f003f, KernelSymbols.PS_JOB_TYPE),
    PROCESS("Process", "Proc", false, 0x1fffff, KernelSymbols.PS_PROCESS_TYPE),
    THREAD("Thread", "Thre", false, 0x1fffff, KernelSymbols.PS_THREAD_TYPE),
    PARTITION("Partition", "Part", false, 0x1f0003, KernelSymbols.PS_PARTITION_TYPE),
    USER_APC_RESERVE("UserApcReserve", "User", false, 0xf0003, 0),
    IO_COMPLETION_RESERVE("IoCompletionReserve", "IoCo", false, 0xf0003, 0),
    ACTIVITY_REFERENCE("ActivityReference", "Acti", true, 0x1f0000, KernelSymbols.PSP_ACTIVITY_REFERENCE_OBJECT_TYPE),
    PS_SILO_CONTEXT_PAGED("PsSiloContextPaged", "PsSi", true, 0x1f0000, 0),
    PS_SILO_CONTEXT_NON_PAGED("PsSiloContextNonPaged", "PsSi", false, 0x1f0000, 0),
    DEBUG_OBJECT("DebugObject", "Debu", false, 0x1f000f, 0),
    EVENT("Event", "Even", false, 0x1f0003, KernelSymbols.EX_EVENT_OBJECT_TYPE),
    MUTANT("Mutant", "Muta", false, 0x1f0001, KernelSymbols.EX_MUTANT_OBJECT_TYPE),
    CALLBACK("Callback", "Call", false, 0x1f0001, KernelSymbols.EX_CALLBACK_OBJECT_TYPE),
    SEMAPHORE("Semaphore", "Sema", false, 0x1f0003, KernelSymbols.EX_SEMAPHORE_OBJECT_TYPE),
    TIMER("Timer", "Time", false, 0x1f0003, KernelSymbols.EX_TIMER_OBJECT_TYPE),
    IR_TIMER("IRTimer", "IRTi", false, 0x1f0003, KernelSymbols.EXP_IR_TIMER_OBJECT_TYPE),
    PROFILE("Profile", "Prof", false, 0xf0001, KernelSymbols.EX_PROFILE_OBJECT_TYPE),
    KEYED_EVENT("KeyedEvent", "Keye", true, 0xf0003, KernelSymbols.EXP_KEYED_EVENT_OBJECT_TYPE),
    WINDOW_STATION("WindowStation", "Wind", false, 0xf037f, KernelSymbols.EX_WINDOW_STATION_OBJECT_TYPE),
    DESKTOP("Desktop", "Desk", false, 0xf01ff, KernelSymbols.EX_DESKTOP_OBJECT_TYPE),
    COMPOSITION("Composition", "Comp", false, 0xf0003, KernelSymbols.EX_COMPOSITION_OBJECT_TYPE),
    RAW_INPUT_MANAGER("RawInputManager", "RawI", false, 0xf0003, KernelSymbols.EX_RAW_INPUT_MANAGER_OBJECT_TYPE),
    CORE_MESSAGING("CoreMessaging", "Core", false, 0xf0003, KernelSymbols.EX_CORE_MESSAGING_OBJECT_TYPE),
    ACTIVATION_OBJECT("ActivationObject", "Acti", false, 0xf0003, KernelSymbols.EX_ACTIVATION_OBJECT_TYPE),
    TP_WORKER_FACTORY("TpWorkerFactory", "TpWo", false, 0xf00ff, KernelSymbols.EXP_WORKER_FACTORY_OBJECT_TYPE),
    ADAPTER("Adapter", "Adap", false, 0xf01ff, 0),
    CONTROLLER("Controller", "Cont", false, 0xf01ff, KernelSymbols.IO_CONTROLLER_OBJECT_TYPE),
    DEVICE("Device", "Devi", false, 0x1f01ff, KernelSymbols.IO_DEVICE_OBJECT_TYPE),
    DRIVER("Driver", "Driv", false, 0x1f01ff, KernelSymbols.IO_DRIVER_OBJECT_TYPE),
    IO_COMPLETION("IoCompletion", "IoCo", false, 0x1f0003, KernelSymbols.IO_COMPLETION_OBJECT_TYPE),
    WAIT_COMPLETION_PACKET(
            "WaitCompletionPacket", "Wait", false, 0xf0001, KernelSymbols.IOP_WAIT_COMPLETION_PACKET_OBJECT_TYPE),
    FILE("File", "File", false, 0x1f01ff, KernelSymbols.IO_FILE_OBJECT_TYPE),
    TM_TM("TmTm", "TmTm", false, 0xf003f, 0),
    TM_TX("TmTx", "TmTx", false, 0x1f003f, 0),
    TM_RM("TmRm", "TmRm", false, 0x1f007f, 0),
    TM_EN("TmEn", "TmEn", false, 0x1f001f, 0),
    SECTION("Section", "Sect", true, 0xf001f, KernelSymbols.MM_SECTION_OBJECT_TYPE),
    SESSION("Session", "Sess", true, 0xf0003, KernelSymbols.MM_SESSION_OBJECT_TYPE),
    KEY("Key", "Key ", true, 0xf003f, KernelSymbols.CM_KEY_OBJECT_TYPE),
    REGISTRY_TRANSACTION("RegistryTransaction", "Regi", true, 0x1f003f, 0),
    ALPC_PORT("ALPC Port", "ALPC", false, 0x1f0001, KernelSymbols.ALPC_PORT_OBJECT_TYPE),
    ENERGY_TRACKER("EnergyTracker", "Ener", false, 0x1f0003, 0),
    POWER_REQUEST("PowerRequest", "Powe", false, 0x1f0000, 0),
    WMI_GUID("WmiGuid", "WmiG", false, 0x1f0fff, 0),
    ETW_REGISTRATION("EtwRegistration", "EtwR", false, 0x1f0fff, KernelSymbols.ETWP_REGISTRATION_OBJECT_TYPE),
    ETW_SESSION_DEMUX_ENTRY(
            "EtwSessionDemuxEntry", "EtwS", false, 0x1f0fff, KernelSymbols.ETWP_SESSION_DEMUX_OBJECT_TYPE),
    ETW_CONSUMER("EtwConsumer", "EtwC", false, 0x1f0fff, KernelSymbols.ETWP_REAL_TIME_CONNECTION_OBJECT_TYPE),
    COVERAGE_SAMPLER("CoverageSampler", "Cove", false, 0x1f0000, 0),
    DMA_ADAPTER("DmaAdapter", "DmaA", false, 0x1f0000, 0),
    PCW_OBJECT("PcwObject", "PcwO", true, 0xf0000, 0),
    FILTER_CONNECTION_PORT("FilterConnectionPort", "Filt", false, 0x1f0001, 0),
    FILTER_COMMUNICATION_PORT("FilterCommunicationPort", "Filt", false, 0x1f0001, 0),
    NDIS_CM_STATE("NdisCmState", "Ndis", false, 0x1f0000, 0);

    /** Index of the first type. */
    static final int FIRST_INDEX = 2;

    private final String typeName;
    private final int tag;
    private final boolean paged;
    private final int validAccess;
    private final long symbol;

    KnownType(String typeName, String tag, boolean paged, int validAccess, long symbol) {
        this.typeName = typeName;
        this.tag = PoolTag.of(tag);
        this.paged = paged;
        this.validAccess = validAccess;
        this.symbol = symbol;
    }

    /** What {@code _OBJECT_TYPE.Name} holds: {@code ALPC Port}. */
    public String typeName() {
        return typeName;
    }

    /** Index into {@code ObTypeIndexTable}. */
    public int index() {
        return ordinal() + FIRST_INDEX;
    }

    /** Pool tag of its objects. */
    public int tag() {
        return tag;
    }

    /** Whether its objects live in paged pool. */
    public boolean isPaged() {
        return paged;
    }

    /** {@code ValidAccessMask}; for boot objects also what a handle for everything grants. */
    public int validAccess() {
        return validAccess;
    }

    /**
     * {@code GENERIC_MAPPING}: what generic reading, writing, executing and all rights mean for its objects (SDK, the "Security and
     * Access Rights" page of each type).
     */
    int[] genericMapping() {
        return switch (this) {
            case EVENT, SEMAPHORE, TIMER -> new int[] {0x2_0001, 0x2_0002, 0x12_0000, validAccess};
            case MUTANT -> new int[] {0x2_0001, 0x2_0000, 0x12_0000, validAccess};
            case PROCESS -> new int[] {0x2_0410, 0x2_0BEA, 0x12_1001, validAccess};
            case THREAD -> new int[] {0x2_0048, 0x2_0437, 0x12_1800, validAccess};
            case TOKEN -> new int[] {0x2_001A, 0x2_01E0, 0x2_0005, validAccess};
            case SECTION -> new int[] {0x2_0005, 0x2_0002, 0x2_0008, validAccess};
            case FILE -> new int[] {0x12_0089, 0x12_0116, 0x12_00A0, validAccess};
            case DIRECTORY -> new int[] {0x2_0003, 0x2_000C, 0x2_0003, validAccess};
            default -> new int[] {0x2_0000, 0x2_0000, 0x2_0000, validAccess};
        };
    }

    /** Where in the kernel image the pointer to the type object stands; 0 if the build's symbols name none. */
    long symbol() {
        return symbol;
    }
}
