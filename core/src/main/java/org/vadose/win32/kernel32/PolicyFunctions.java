package org.vadose.win32.kernel32;

import org.vadose.layout.KuserSharedDataLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Mitigations;
import org.vadose.nt.SharedUserData;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * Data execution prevention and the other mitigation policies of a process. A 64-bit process has DEP for good; the functions that
 * change it are for 32-bit ones.
 */
final class PolicyFunctions {
    private static final int ERROR_ACCESS_DENIED = 5;
    private static final int ERROR_NOT_SUPPORTED = 50;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_NOACCESS = 998;
    private static final int NX_POLICY_MASK = 3;

    /** {@code PROCESS_MITIGATION_POLICY}. */
    private static final int DEP = 0;

    private static final int ASLR = 1;
    private static final int DYNAMIC_CODE = 2;
    private static final int CONTROL_FLOW_GUARD = 7;

    private static final int DEP_BYTES = 8;
    private static final int FLAG_BYTES = 4;

    private PolicyFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("GetSystemDEPPolicy", PolicyFunctions::systemPolicy)
                .function("GetProcessDEPPolicy", call -> call.fail(ERROR_NOT_SUPPORTED))
                .function("SetProcessDEPPolicy", call -> call.fail(ERROR_NOT_SUPPORTED))
                .function("GetProcessMitigationPolicy", PolicyFunctions::get)
                .function("SetProcessMitigationPolicy", PolicyFunctions::set);
    }

    private static long systemPolicy(ApiCall call) {
        Memory kernel = call.process().kernel().objectManager().memory();
        int policies = kernel.readByte(SharedUserData.KERNEL_ADDRESS + KuserSharedDataLayout.MITIGATION_POLICIES);
        return policies & NX_POLICY_MASK;
    }

    /** Arguments: process, policy, buffer, its size. */
    private static long get(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        Mitigations mitigations = new Mitigations(process);
        int flags;
        switch (call.intArg(1)) {
            case DEP -> flags = 1;
            case ASLR -> flags = mitigations.aslr();
            case DYNAMIC_CODE -> flags = mitigations.dynamicCode();
            case CONTROL_FLOW_GUARD -> flags = mitigations.controlFlowGuard();
            default -> {
                return call.fail(ERROR_INVALID_PARAMETER);
            }
        }
        int size = call.intArg(1) == DEP ? DEP_BYTES : FLAG_BYTES;
        if (call.arg(3) != size) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        try {
            call.memory().writeInt(call.arg(2), flags);
            if (size == DEP_BYTES) {
                // Permanent
                call.memory().writeInt(call.arg(2) + 4, 1);
            }
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
        return 1;
    }

    /** Arguments: policy, buffer, its size. What is prohibited stays so. */
    private static long set(ApiCall call) {
        int policy = call.intArg(0);
        if (policy == DEP) {
            return call.fail(ERROR_NOT_SUPPORTED);
        }
        if (policy != ASLR && policy != DYNAMIC_CODE || call.arg(2) != FLAG_BYTES) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        int flags;
        try {
            flags = call.memory().readInt(call.arg(1));
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
        Mitigations mitigations = new Mitigations(call.process().eprocess());
        if (policy == DYNAMIC_CODE) {
            if ((flags & ~Mitigations.DYNAMIC_CODE_FLAGS) != 0) {
                return call.fail(ERROR_INVALID_PARAMETER);
            }
            if (mitigations.prohibitsDynamicCode() && (flags & 1) == 0) {
                return call.fail(ERROR_ACCESS_DENIED);
            }
            mitigations.setDynamicCode(flags);
            return 1;
        }
        if ((flags & ~Mitigations.ASLR_FLAGS) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        // Bottom-up randomisation and high entropy are settled when the process is made; images still to come can be
        // moved.
        if ((mitigations.aslr() & ~flags & (Mitigations.FORCE_RELOCATE | Mitigations.NO_STRIPPED)) != 0) {
            return call.fail(ERROR_ACCESS_DENIED);
        }
        mitigations.setAslr(flags);
        return 1;
    }
}
