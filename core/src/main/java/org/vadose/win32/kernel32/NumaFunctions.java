package org.vadose.win32.kernel32;

import java.util.function.Supplier;
import org.vadose.base.Pages;
import org.vadose.mm.NodePreferences;
import org.vadose.mm.NodeTopology;
import org.vadose.mm.PfnDatabase;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** Nodes, processors and caches of the machine; the nodes that memory is to come from. */
final class NumaFunctions {
    private static final int ERROR_INVALID_PARAMETER = 87;
    /** {@code NUMA_NO_PREFERRED_NODE}. */
    private static final int NO_PREFERRED_NODE = -1;
    /** What {@link #preferred} returns for a node that the machine has not. */
    private static final int NO_SUCH_NODE = -2;

    private NumaFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function(
                        "GetNumaHighestNodeNumber",
                        call -> writeInt(call, call.arg(0), topology(call).count() - 1))
                .function("GetNumaNodeProcessorMask", call -> nodeMask(call, call.intArg(0) & 0xFF, false))
                .function("GetNumaNodeProcessorMaskEx", call -> nodeMask(call, call.intArg(0) & 0xFFFF, true))
                .function("GetNumaAvailableMemoryNode", call -> availableMemory(call, call.intArg(0) & 0xFF))
                .function("GetNumaAvailableMemoryNodeEx", call -> availableMemory(call, call.intArg(0) & 0xFFFF))
                .function("GetNumaProcessorNode", NumaFunctions::processorNode)
                .function("GetNumaProcessorNodeEx", NumaFunctions::processorNodeEx)
                .function("GetNumaProximityNode", call -> proximityNode(call, false))
                .function("GetNumaProximityNodeEx", call -> proximityNode(call, true))
                .function("GetLogicalProcessorInformation", call -> new ProcessorRecords(topology(call)).write(call))
                .function(
                        "GetLogicalProcessorInformationEx", call -> new ProcessorRecords(topology(call)).writeEx(call));
    }

    // --- nodes that memory is to come from ---

    private static NodePreferences preferences(ApiCall call) {
        return call.process().kernel().memoryManager().nodePreferences();
    }

    /** The node that an argument names, {@link NodePreferences#NONE}, or {@link #NO_SUCH_NODE}. */
    static int preferred(ApiCall call, long argument) {
        int node = (int) argument;
        if (node == NO_PREFERRED_NODE) {
            return NodePreferences.NONE;
        }
        return preferences(call).exists(node) ? node : NO_SUCH_NODE;
    }

    static boolean isMissing(int node) {
        return node == NO_SUCH_NODE;
    }

    /** Does something that may take memory, of this node if it can. */
    static <T> T on(ApiCall call, int node, Supplier<T> work) {
        return preferences(call).on(node, work);
    }

    // --- what there is ---

    private static NodeTopology topology(ApiCall call) {
        return pfns(call).topology();
    }

    private static PfnDatabase pfns(ApiCall call) {
        return call.process().kernel().memoryManager().pfns();
    }

    private static long writeInt(ApiCall call, long at, int value) {
        call.memory().writeInt(at, value);
        return 1;
    }

    private static long nodeMask(ApiCall call, int node, boolean withGroup) {
        if (node >= topology(call).count()) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        long mask = topology(call).processorMask(node);
        if (withGroup) {
            ProcessorRecords.writeGroupAffinity(call.memory(), call.arg(1), mask);
        } else {
            call.memory().writeLong(call.arg(1), mask);
        }
        return 1;
    }

    private static long availableMemory(ApiCall call, int node) {
        if (node >= topology(call).count()) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        call.memory().writeLong(call.arg(1), pfns(call).availablePages(node) * Pages.SIZE);
        return 1;
    }

    private static long processorNode(ApiCall call) {
        int processor = call.intArg(0) & 0xFF;
        boolean exists = processor < topology(call).processors();
        call.memory().writeByte(call.arg(1), (byte) (exists ? topology(call).ofProcessor(processor) : 0xFF));
        return exists ? 1 : call.fail(ERROR_INVALID_PARAMETER);
    }

    /** The number of the processor that a {@code PROCESSOR_NUMBER} names, -1 for one that is not there. */
    private static int processor(ApiCall call, long at) {
        int number = AffinityFunctions.processor(call.memory(), at);
        return number < topology(call).processors() ? number : -1;
    }

    private static long processorNodeEx(ApiCall call) {
        int processor = processor(call, call.arg(0));
        call.memory().writeShort(call.arg(1), (short)
                (processor < 0 ? 0xFFFF : topology(call).ofProcessor(processor)));
        return processor < 0 ? call.fail(ERROR_INVALID_PARAMETER) : 1;
    }

    /** A node's proximity is its number. */
    private static long proximityNode(ApiCall call, boolean isShort) {
        int node = call.intArg(0);
        if (!preferences(call).exists(node)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (isShort) {
            call.memory().writeShort(call.arg(1), (short) node);
        } else {
            call.memory().writeByte(call.arg(1), (byte) node);
        }
        return 1;
    }
}
