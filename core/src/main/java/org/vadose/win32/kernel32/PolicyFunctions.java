package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.CreationMitigations;
import org.vadose.nt.Eprocess;
import org.vadose.nt.ExecuteOptions;
import org.vadose.nt.MitigationPolicy;
import org.vadose.nt.Mitigations;
import org.vadose.nt.SharedUserData;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * Data execution prevention and the other mitigation policies of a process. A 64-bit process has DEP for good; the functions that
 * change it are for 32-bit ones.
 */
final class PolicyFunctions {
    private static final int ERROR_NOT_SUPPORTED = 50;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_NOACCESS = 998;

    /** {@code PROCESS_MITIGATION_POLICY}. */
    private static final int DEP = 0;

    private static final int OPTIONS_MASK = 5;

    private static final int DEP_BYTES = 8;
    private static final int FLAG_BYTES = 4;

    /** {@code CFG_CALL_TARGET_INFO}, and what its flags are. */
    private static final long TARGET_BYTES = 16;

    private static final int TARGET_VALID = 1;
    private static final int TARGET_PROCESSED = 2;
    /** One for each 16 bytes of 16 MB; more is a mistake. */
    private static final int MOST_TARGETS = 1 << 20;

    private PolicyFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("GetSystemDEPPolicy", PolicyFunctions::systemPolicy)
                .function("GetProcessDEPPolicy", call -> call.fail(ERROR_NOT_SUPPORTED))
                .function("SetProcessDEPPolicy", call -> call.fail(ERROR_NOT_SUPPORTED))
                .function("SetProcessValidCallTargets", call -> setValidCallTargets(call, false))
                .function("SetProcessValidCallTargetsForMappedView", call -> setValidCallTargets(call, true))
                .function("GetProcessMitigationPolicy", Buffers.ofService(PolicyFunctions::get))
                .function("SetProcessMitigationPolicy", Buffers.ofService(PolicyFunctions::set));
    }

    private static long systemPolicy(ApiCall call) {
        Memory kernel = call.process().kernel().objectManager().memory();
        return SharedUserData.kernel(kernel).nxPolicy().ordinal();
    }

    /** Arguments: process, policy, buffer, its size. */
    private static long get(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        int number = call.intArg(1);
        Memory memory = call.memory();
        if (number == DEP) {
            if (call.arg(3) != DEP_BYTES) {
                return call.fail(ERROR_INVALID_PARAMETER);
            }
            ExecuteOptions dep = new ExecuteOptions(process);
            memory.writeInt(call.arg(2), dep.isEnabled() ? 1 : 0);
            memory.writeInt(call.arg(2) + 4, dep.isPermanent() ? 1 : 0);
            return 1;
        }
        if (number == OPTIONS_MASK) {
            if (call.arg(3) != Long.BYTES && call.arg(3) != 2 * Long.BYTES) {
                return call.fail(ERROR_INVALID_PARAMETER);
            }
            memory.writeLong(call.arg(2), CreationMitigations.KNOWN_OPTIONS);
            if (call.arg(3) == 2 * Long.BYTES) {
                memory.writeLong(call.arg(2) + Long.BYTES, 0);
            }
            return 1;
        }
        MitigationPolicy policy = MitigationPolicy.of(number);
        if (policy == null || call.arg(3) != FLAG_BYTES) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        memory.writeInt(call.arg(2), policy.read(process));
        return 1;
    }

    /** Arguments: policy, buffer, its size. What is prohibited stays so. */
    private static long set(ApiCall call) {
        if (call.intArg(0) == DEP) {
            return call.fail(ERROR_NOT_SUPPORTED);
        }
        MitigationPolicy policy = MitigationPolicy.of(call.intArg(0));
        if (policy == null || call.arg(2) != FLAG_BYTES) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        NtStatus status =
                set(call.process().eprocess(), call.intArg(0), call.memory().readInt(call.arg(1)));
        return call.succeeded(status);
    }

    /** Gives a process a policy that it asked for itself. */
    static NtStatus set(Eprocess process, int number, int flags) {
        MitigationPolicy policy = MitigationPolicy.of(number);
        if (policy == null || (flags & ~policy.validFlags()) != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (!policy.isSettable()) {
            return NtStatus.NOT_SUPPORTED;
        }
        int before = policy.read(process);
        switch (policy) {
            case CONTROL_FLOW_GUARD -> {
                return setGuard(new Mitigations(process), flags);
            }
            case ASLR -> {
                // Bottom-up randomisation and high entropy are settled when the process is made; images still to come
                // can be moved.
                if ((before & ~flags & (Mitigations.FORCE_RELOCATE | Mitigations.NO_STRIPPED)) != 0) {
                    return NtStatus.ACCESS_DENIED;
                }
                new Mitigations(process).setAslr(flags);
                return NtStatus.SUCCESS;
            }
            case DYNAMIC_CODE -> {
                // Permissions to do without may come and go with the prohibition in force.
                if ((before & ~flags & 1) != 0) {
                    return NtStatus.ACCESS_DENIED;
                }
            }
            case STRICT_HANDLE_CHECK -> {
                if ((before & 2) != 0 && before != flags) {
                    return NtStatus.ACCESS_DENIED;
                }
            }
            default -> {
                if ((before & ~flags) != 0) {
                    return NtStatus.ACCESS_DENIED;
                }
            }
        }
        policy.write(process, flags);
        return NtStatus.SUCCESS;
    }

    /** Checks are switched on when the process is made or never; that all images must have them can be demanded at any time. */
    private static NtStatus setGuard(Mitigations mitigations, int flags) {
        if ((flags & ~Mitigations.GUARD_FLAGS) != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        int fixed = Mitigations.GUARD_FLAGS & ~Mitigations.GUARD_STRICT;
        if ((mitigations.controlFlowGuard() & fixed) != (flags & fixed)
                || mitigations.isGuardStrict() && (flags & Mitigations.GUARD_STRICT) == 0
                || (flags & Mitigations.GUARD_STRICT) != 0 && !mitigations.hasControlFlowGuard()) {
            return NtStatus.ACCESS_DENIED;
        }
        if ((flags & Mitigations.GUARD_STRICT) != 0) {
            mitigations.setGuardStrict();
        }
        return NtStatus.SUCCESS;
    }

    /**
     * Arguments: process, address, size, count, an array of {@code CFG_CALL_TARGET_INFO}, each an offset and flags; for a view also
     * the section and the offset of the view in it, which may be left out.
     */
    private static long setValidCallTargets(ApiCall call, boolean isView) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        int count = call.intArg(3);
        if (count <= 0 || count > MOST_TARGETS) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = call.arg(1);
        region.sizeBytes = call.arg(2);
        long[] offsets = new long[count];
        boolean[] valid = new boolean[count];
        int[] done = new int[1];
        NtStatus status;
        try {
            for (int i = 0; i < count; i++) {
                long entry = call.arg(4) + TARGET_BYTES * i;
                long flags = call.memory().readLong(entry + Long.BYTES);
                offsets[i] = call.memory().readLong(entry);
                valid[i] = (flags & TARGET_VALID) != 0;
                if ((flags & ~(long) TARGET_VALID) != 0) {
                    return call.fail(ERROR_INVALID_PARAMETER);
                }
            }
            status = call.process()
                    .kernel()
                    .memoryManager()
                    .controlFlowGuard()
                    .setTargets(process, region, offsets, valid, isView, done);
            for (int i = 0; i < done[0]; i++) {
                long entry = call.arg(4) + TARGET_BYTES * i + Long.BYTES;
                call.memory().writeLong(entry, call.memory().readLong(entry) | TARGET_PROCESSED);
            }
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
        return status.isSuccess() ? 1 : call.fail(status);
    }
}
