package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.mm.NodePreferences;
import org.vadose.mm.Placement;
import org.vadose.nt.Eprocess;
import org.vadose.win32.ApiCall;

/**
 * What an array of MEM_EXTENDED_PARAMETER says (SDK, memoryapi): each has a type, of eight bits, and a value.
 *
 * @param status why the array is not valid; then the rest means nothing
 * @param placement null for none
 * @param node the preferred one
 * @param attributes {@code MEM_EXTENDED_PARAMETER_} flags
 * @param present which types there are, a bit each
 */
record ExtendedParameters(NtStatus status, @Nullable Placement placement, int node, long attributes, int present) {
    /** {@code MEM_EXTENDED_PARAMETER_TYPE}. */
    static final int ADDRESS_REQUIREMENTS = 1;

    static final int NUMA_NODE = 2;
    static final int PARTITION_HANDLE = 3;
    static final int USER_PHYSICAL_HANDLE = 4;
    static final int ATTRIBUTE_FLAGS = 5;

    static final int GRAPHICS = 1;
    static final int NONPAGED = 2;
    static final int ZERO_PAGES_OPTIONAL = 4;
    static final int NONPAGED_LARGE = 8;
    static final int NONPAGED_HUGE = 0x10;

    /** Code for another processor, {@code MEM_EXTENDED_PARAMETER_EC_CODE}, is for ARM64 alone. */
    private static final int KNOWN_ATTRIBUTES =
            GRAPHICS | NONPAGED | ZERO_PAGES_OPTIONAL | NONPAGED_LARGE | NONPAGED_HUGE;

    private static final long EXISTING_VAD_PARTITION = -3;
    private static final int PARTITION_MODIFY_ACCESS = 2;

    private static ExtendedParameters invalid(NtStatus status) {
        return new ExtendedParameters(status, null, NodePreferences.NONE, 0, 0);
    }

    boolean has(int type) {
        return (present & 1 << type) != 0;
    }

    /**
     * Reads an array.
     *
     * @param base where the region is to be: with one, the address requirements are all zero
     */
    static ExtendedParameters read(ApiCall call, Eprocess process, long array, int count, long base) {
        if (count < 0 || count > ATTRIBUTE_FLAGS || (count == 0) != (array == 0)) {
            return invalid(NtStatus.INVALID_PARAMETER);
        }
        Memory memory = call.memory();
        Placement placement = null;
        int node = NodePreferences.NONE;
        long attributes = 0;
        int seen = 0;
        for (int i = 0; i < count; i++) {
            long kind = memory.readLong(array + 16L * i);
            long value = memory.readLong(array + 16L * i + 8);
            if (kind <= 0 || kind > ATTRIBUTE_FLAGS || (seen & 1 << kind) != 0) {
                return invalid(NtStatus.INVALID_PARAMETER);
            }
            seen |= 1 << kind;
            switch ((int) kind) {
                case ADDRESS_REQUIREMENTS -> {
                    long lowest = memory.readLong(value);
                    long highest = memory.readLong(value + 8);
                    long alignment = memory.readLong(value + 16);
                    boolean isNone = lowest == 0 && highest == 0 && alignment == 0;
                    placement = isNone ? null : Placement.of(process.userEnd(), lowest, highest, alignment);
                    if (!isNone && (placement == null || base != 0)) {
                        return invalid(NtStatus.INVALID_PARAMETER);
                    }
                }
                case NUMA_NODE -> {
                    node = NumaFunctions.preferred(call, value);
                    if (NumaFunctions.isMissing(node)) {
                        return invalid(NtStatus.INVALID_PARAMETER);
                    }
                }
                case PARTITION_HANDLE -> {
                    NtStatus status = value == EXISTING_VAD_PARTITION
                            ? NtStatus.SUCCESS
                            : MemoryConditionFunctions.checkPartition(call, value, PARTITION_MODIFY_ACCESS);
                    if (!status.isSuccess()) {
                        return invalid(status);
                    }
                }
                case USER_PHYSICAL_HANDLE -> {
                    // Sections of physical pages, which it would be a handle of, cannot be made.
                    return invalid(
                            call.process().objects().body(value) == 0
                                    ? NtStatus.INVALID_HANDLE
                                    : NtStatus.OBJECT_TYPE_MISMATCH);
                }
                default -> {
                    attributes = value;
                    if ((attributes & ~KNOWN_ATTRIBUTES) != 0) {
                        return invalid(NtStatus.INVALID_PARAMETER);
                    }
                }
            }
        }
        return new ExtendedParameters(NtStatus.SUCCESS, placement, node, attributes, seen);
    }
}
