package org.vadose.nt;

import org.jspecify.annotations.Nullable;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.HandleTableLayout;
import org.vadose.layout.TokenLayout;

/**
 * A {@code PROCESS_MITIGATION_POLICY} that is a word of flags ({@code winnt.h}), and where the kernel keeps each of them: in
 * {@code _EPROCESS.MitigationFlags} and {@code MitigationFlags2} (their bits as {@code MitigationFlagsValues} of the build names
 * them), in {@code SectionSignatureLevel}, in the handle table's flags, in the token's.
 */
public enum MitigationPolicy {
    /** Its first flag is kept the other way round, as {@code StackRandomizationDisabled}. */
    ASLR(1, true, new int[] {
        ~EprocessLayout.MITIGATION_FLAGS_VALUES_STACK_RANDOMIZATION_DISABLED_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_FORCE_RELOCATE_IMAGES_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_HIGH_ENTROPY_ASLR_ENABLED_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_DISALLOW_STRIPPED_IMAGES_SHIFT
    }),
    DYNAMIC_CODE(2, true, new int[] {
        EprocessLayout.MITIGATION_FLAGS_VALUES_DISABLE_DYNAMIC_CODE_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_DISABLE_DYNAMIC_CODE_ALLOW_OPT_OUT_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_DISABLE_DYNAMIC_CODE_ALLOW_REMOTE_DOWNGRADE_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_AUDIT_DISABLE_DYNAMIC_CODE_SHIFT
    }),
    STRICT_HANDLE_CHECK(3, true, null),
    SYSTEM_CALL_DISABLE(4, true, new int[] {
        EprocessLayout.MITIGATION_FLAGS_VALUES_DISALLOW_WIN32K_SYSTEM_CALLS_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_AUDIT_DISALLOW_WIN32K_SYSTEM_CALLS_SHIFT
    }),
    EXTENSION_POINT_DISABLE(6, true, new int[] {EprocessLayout.MITIGATION_FLAGS_VALUES_EXTENSION_POINT_DISABLE_SHIFT}),
    CONTROL_FLOW_GUARD(7, true, new int[] {
        EprocessLayout.MITIGATION_FLAGS_VALUES_CONTROL_FLOW_GUARD_ENABLED_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_CONTROL_FLOW_GUARD_EXPORT_SUPPRESSION_ENABLED_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_CONTROL_FLOW_GUARD_STRICT_SHIFT
    }),
    SIGNATURE(8, true, new int[] {
        Words.ELSEWHERE,
        Words.ELSEWHERE,
        EprocessLayout.MITIGATION_FLAGS_VALUES_SIGNATURE_MITIGATION_OPT_IN_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_AUDIT_BLOCK_NON_MICROSOFT_BINARIES_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_AUDIT_BLOCK_NON_MICROSOFT_BINARIES_ALLOW_STORE_SHIFT
    }),
    FONT_DISABLE(9, true, new int[] {
        EprocessLayout.MITIGATION_FLAGS_VALUES_DISABLE_NON_SYSTEM_FONTS_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_AUDIT_NON_SYSTEM_FONT_LOADING_SHIFT
    }),
    IMAGE_LOAD(10, true, new int[] {
        EprocessLayout.MITIGATION_FLAGS_VALUES_PROHIBIT_REMOTE_IMAGE_MAP_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_PROHIBIT_LOW_IL_IMAGE_MAP_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_PREFER_SYSTEM32_IMAGES_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_AUDIT_PROHIBIT_REMOTE_IMAGE_MAP_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_AUDIT_PROHIBIT_LOW_IL_IMAGE_MAP_SHIFT
    }),
    SYSTEM_CALL_FILTER(11, false, new int[0]),
    PAYLOAD_RESTRICTION(12, false, new int[] {
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_ENABLE_EXPORT_ADDRESS_FILTER_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_AUDIT_EXPORT_ADDRESS_FILTER_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_ENABLE_EXPORT_ADDRESS_FILTER_PLUS_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_AUDIT_EXPORT_ADDRESS_FILTER_PLUS_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_ENABLE_IMPORT_ADDRESS_FILTER_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_AUDIT_IMPORT_ADDRESS_FILTER_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_ENABLE_ROP_STACK_PIVOT_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_AUDIT_ROP_STACK_PIVOT_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_ENABLE_ROP_CALLER_CHECK_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_AUDIT_ROP_CALLER_CHECK_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_ENABLE_ROP_SIM_EXEC_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_AUDIT_ROP_SIM_EXEC_SHIFT
    }),
    CHILD_PROCESS(13, true, null),
    SIDE_CHANNEL_ISOLATION(14, true, new int[] {
        EprocessLayout.MITIGATION_FLAGS_VALUES_RESTRICT_INDIRECT_BRANCH_PREDICTION_SHIFT,
        EprocessLayout.MITIGATION_FLAGS_VALUES_ISOLATE_SECURITY_DOMAIN_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_DISABLE_PAGE_COMBINE_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_SPECULATIVE_STORE_BYPASS_DISABLE_SHIFT
    }),
    USER_SHADOW_STACK(15, false, new int[] {
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_CET_USER_SHADOW_STACKS_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_AUDIT_CET_USER_SHADOW_STACKS_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_USER_CET_SET_CONTEXT_IP_VALIDATION_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_AUDIT_USER_CET_SET_CONTEXT_IP_VALIDATION_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_CET_USER_SHADOW_STACKS_STRICT_MODE_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_BLOCK_NON_CET_BINARIES_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_BLOCK_NON_CET_BINARIES_NON_EHCONT_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_AUDIT_BLOCK_NON_CET_BINARIES_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_CET_DYNAMIC_APIS_OUT_OF_PROC_ONLY_SHIFT,
        Words.SECOND + EprocessLayout.MITIGATION_FLAGS2_VALUES_USER_CET_SET_CONTEXT_IP_VALIDATION_RELAXED_MODE_SHIFT
    });

    /** {@code SE_SIGNING_LEVEL_STORE}, {@code SE_SIGNING_LEVEL_MICROSOFT}. */
    private static final int SIGNED_BY_STORE = 6;

    private static final int SIGNED_BY_MICROSOFT = 8;

    /** {@code EnableHandleExceptions}, {@code RaiseUMExceptionOnInvalidHandleClose} of a handle table. */
    private static final int HANDLE_EXCEPTIONS = 1 << HandleTableLayout.ENABLE_HANDLE_EXCEPTIONS_SHIFT;

    private static final int HANDLE_EXCEPTIONS_FOR_GOOD =
            1 << HandleTableLayout.RAISE_UM_EXCEPTION_ON_INVALID_HANDLE_CLOSE_SHIFT;
    /** {@code TOKEN_NO_CHILD_PROCESS}, {@code TOKEN_NO_CHILD_PROCESS_UNLESS_SECURE}, {@code TOKEN_AUDIT_NO_CHILD_PROCESS}. */
    private static final int NO_CHILDREN = 0x8_0000;

    private static final int NO_CHILDREN_UNLESS_SECURE = 0x10_0000;
    private static final int AUDIT_CHILDREN = 0x20_0000;

    /** Where a flag of {@code MitigationFlags2} stands among the bits of both words, and what says that a flag is in neither. */
    private static final class Words {
        static final int SECOND = Integer.SIZE;
        static final int ELSEWHERE = -1;
    }

    private final int number;
    private final boolean settable;
    /** For each flag, from the lowest: its bit among the 64 of both words; negative and not -1 if it is kept inverted. */
    private final int @Nullable [] bits;

    MitigationPolicy(int number, boolean settable, int @Nullable [] bits) {
        this.number = number;
        this.settable = settable;
        this.bits = bits;
    }

    /** The policy of a number; null for DEP, for the mask of all options, and for what is none. */
    public static @Nullable MitigationPolicy of(int number) {
        for (MitigationPolicy policy : values()) {
            if (policy.number == number) {
                return policy;
            }
        }
        return null;
    }

    /** Whether a running process may ask for it. */
    public boolean isSettable() {
        return settable;
    }

    /** The flags that mean something. */
    public int validFlags() {
        return switch (this) {
            case STRICT_HANDLE_CHECK -> 3;
            case CHILD_PROCESS -> 7;
            default -> (1 << bits().length) - 1;
        };
    }

    private int[] bits() {
        return bits == null ? new int[0] : bits;
    }

    private static long words(Eprocess process) {
        return process.memory().readLong(process.address() + EprocessLayout.MITIGATION_FLAGS);
    }

    /** The policy's word as {@code GetProcessMitigationPolicy} tells it. */
    public int read(Eprocess process) {
        switch (this) {
            case STRICT_HANDLE_CHECK -> {
                int flags = process.objectTable() == 0
                        ? 0
                        : process.memory().readUnsignedByte(process.objectTable() + HandleTableLayout.FLAGS);
                return ((flags & HANDLE_EXCEPTIONS) != 0 ? 1 : 0) | ((flags & HANDLE_EXCEPTIONS_FOR_GOOD) != 0 ? 2 : 0);
            }
            case CHILD_PROCESS -> {
                int flags = process.memory().readInt(process.token() + TokenLayout.TOKEN_FLAGS);
                return ((flags & (NO_CHILDREN | NO_CHILDREN_UNLESS_SECURE)) != 0 ? 1 : 0)
                        | ((flags & AUDIT_CHILDREN) != 0 ? 2 : 0)
                        | ((flags & NO_CHILDREN_UNLESS_SECURE) != 0 ? 4 : 0);
            }
            default -> {
                int policy = this == SIGNATURE ? signature(process) : 0;
                long words = words(process);
                int[] at = bits();
                for (int i = 0; i < at.length; i++) {
                    boolean inverted = at[i] < Words.ELSEWHERE;
                    if (at[i] != Words.ELSEWHERE && (words >>> (inverted ? ~at[i] : at[i]) & 1) != (inverted ? 1 : 0)) {
                        policy |= 1 << i;
                    }
                }
                return policy;
            }
        }
    }

    private static int signature(Eprocess process) {
        int level = process.memory().readUnsignedByte(process.address() + EprocessLayout.SECTION_SIGNATURE_LEVEL) & 0xF;
        return level >= SIGNED_BY_MICROSOFT ? 1 : level >= SIGNED_BY_STORE ? 2 : 0;
    }

    /** Keeps the policy; the caller has seen to it that the process may have it. */
    public void write(Eprocess process, int policy) {
        switch (this) {
            case STRICT_HANDLE_CHECK -> {
                long at = process.objectTable() + HandleTableLayout.FLAGS;
                int others = process.memory().readUnsignedByte(at) & ~(HANDLE_EXCEPTIONS | HANDLE_EXCEPTIONS_FOR_GOOD);
                process.memory().writeByte(at, (byte) (others
                        | ((policy & 1) != 0 ? HANDLE_EXCEPTIONS : 0)
                        | ((policy & 2) != 0 ? HANDLE_EXCEPTIONS_FOR_GOOD : 0)));
            }
            case CHILD_PROCESS -> {
                long at = process.token() + TokenLayout.TOKEN_FLAGS;
                int others = process.memory().readInt(at) & ~(NO_CHILDREN | NO_CHILDREN_UNLESS_SECURE | AUDIT_CHILDREN);
                int refusal = (policy & 4) != 0 ? NO_CHILDREN_UNLESS_SECURE : NO_CHILDREN;
                process.memory()
                        .writeInt(
                                at,
                                others | ((policy & 1) != 0 ? refusal : 0) | ((policy & 2) != 0 ? AUDIT_CHILDREN : 0));
            }
            default -> {
                if (this == SIGNATURE && (policy & 3) != 0) {
                    process.memory().writeByte(process.address() + EprocessLayout.SECTION_SIGNATURE_LEVEL, (byte)
                            ((policy & 1) != 0 ? SIGNED_BY_MICROSOFT : SIGNED_BY_STORE));
                }
                long words = words(process);
                int[] at = bits();
                for (int i = 0; i < at.length; i++) {
                    if (at[i] == Words.ELSEWHERE) {
                        continue;
                    }
                    boolean inverted = at[i] < Words.ELSEWHERE;
                    long bit = 1L << (inverted ? ~at[i] : at[i]);
                    words = ((policy >>> i & 1) != 0) == inverted ? words & ~bit : words | bit;
                }
                process.memory().writeLong(process.address() + EprocessLayout.MITIGATION_FLAGS, words);
            }
        }
    }

    /** Whether one of the policy's flags is set. */
    public boolean has(Eprocess process, int flag) {
        return (read(process) & flag) != 0;
    }
}
