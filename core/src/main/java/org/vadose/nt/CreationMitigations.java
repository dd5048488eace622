package org.vadose.nt;

/**
 * What a parent wants of a child's mitigation policies ({@code PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY} and
 * {@code PROC_THREAD_ATTRIBUTE_CHILD_PROCESS_POLICY}).
 *
 * @param options fields of two bits from bit 8 on, each "as usual", "always on", "always off" or a third form
 *     ({@code PROCESS_CREATION_MITIGATION_POLICY_})
 * @param noChildren whether the child may make no processes of its own
 */
public record CreationMitigations(long options, boolean noChildren) {
    /** Nothing in particular. */
    public static final CreationMitigations NONE = new CreationMitigations(0, false);

    /** What may be asked for: DEP, ATL thunks and SEHOP, which 64-bit processes have or do not need, and every field. */
    public static final long KNOWN_OPTIONS = 0x3333_3333_3333_3307L;

    private static final int ON = 1;
    private static final int OFF = 2;
    private static final int THIRD = 3;

    private static final int FORCE_RELOCATE = 8;
    private static final int BOTTOM_UP = 16;
    private static final int HIGH_ENTROPY = 20;
    private static final int STRICT_HANDLES = 24;
    private static final int SYSTEM_CALLS = 28;
    private static final int EXTENSION_POINTS = 32;
    private static final int DYNAMIC_CODE = 36;
    private static final int CONTROL_FLOW_GUARD = 40;
    private static final int SIGNATURE = 44;
    private static final int FONTS = 48;
    private static final int NO_REMOTE = 52;
    private static final int NO_LOW_LABEL = 56;
    private static final int PREFER_SYSTEM32 = 60;

    private int field(int shift) {
        return (int) (options >>> shift) & 3;
    }

    /** Whether something is on, given whether it would be. */
    private boolean decide(int shift, boolean usual) {
        return switch (field(shift)) {
            case ON -> true;
            case OFF -> false;
            default -> usual;
        };
    }

    public boolean isRandomized(boolean usual) {
        return decide(BOTTOM_UP, usual);
    }

    public boolean isHighEntropy(boolean usual) {
        return decide(HIGH_ENTROPY, usual);
    }

    /** Whether images move that were not linked to be. */
    public boolean forcesRelocation(boolean usual) {
        return field(FORCE_RELOCATE) == THIRD || decide(FORCE_RELOCATE, usual);
    }

    public boolean hasControlFlowGuard(boolean usual) {
        return field(CONTROL_FLOW_GUARD) == THIRD || decide(CONTROL_FLOW_GUARD, usual);
    }

    /** Gives a new process, once it has its address space and its handle table, all the policies that are not about its layout. */
    public void apply(Eprocess process) {
        if (field(FORCE_RELOCATE) == THIRD) {
            MitigationPolicy.ASLR.write(process, MitigationPolicy.ASLR.read(process) | Mitigations.NO_STRIPPED);
        }
        if (field(STRICT_HANDLES) == ON) {
            MitigationPolicy.STRICT_HANDLE_CHECK.write(process, 3);
        }
        add(process, MitigationPolicy.SYSTEM_CALL_DISABLE, SYSTEM_CALLS, 1);
        add(process, MitigationPolicy.EXTENSION_POINT_DISABLE, EXTENSION_POINTS, 1);
        add(process, MitigationPolicy.FONT_DISABLE, FONTS, 1);
        add(process, MitigationPolicy.IMAGE_LOAD, NO_REMOTE, 1);
        add(process, MitigationPolicy.IMAGE_LOAD, NO_LOW_LABEL, 2);
        add(process, MitigationPolicy.IMAGE_LOAD, PREFER_SYSTEM32, 4);
        int code = field(DYNAMIC_CODE);
        MitigationPolicy.DYNAMIC_CODE.write(process, code == THIRD ? 3 : code == ON ? 1 : 0);
        int signature = field(SIGNATURE);
        MitigationPolicy.SIGNATURE.write(process, signature == THIRD ? 2 : signature == ON ? 1 : 0);
        if (noChildren) {
            MitigationPolicy.CHILD_PROCESS.write(process, 1);
        }
    }

    private void add(Eprocess process, MitigationPolicy policy, int shift, int flag) {
        if (field(shift) == ON) {
            policy.write(process, policy.read(process) | flag);
        }
    }
}
