package org.vadose.win32.kernel32;

import java.util.ArrayList;
import java.util.List;
import org.vadose.memory.Memory;
import org.vadose.mm.NodeTopology;
import org.vadose.win32.ApiCall;

/**
 * {@code GetLogicalProcessorInformation} and its longer form. Every processor is a core with caches of its own; a node is a package
 * whose cores share a third-level cache. Layouts: {@code SYSTEM_LOGICAL_PROCESSOR_INFORMATION} and {@code ..._EX} of winnt.h.
 */
final class ProcessorRecords {
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_INSUFFICIENT_BUFFER = 122;
    private static final int CORE = 0;
    private static final int NODE = 1;
    private static final int CACHE = 2;
    private static final int PACKAGE = 3;
    private static final int GROUP = 4;
    private static final int ALL = 0xFFFF;
    private static final int SIZE = 32;
    private static final int UNIFIED = 0;
    private static final int INSTRUCTION = 1;
    private static final int DATA = 2;
    private static final int CACHE_LINE = 64;
    private static final int RECORD_SIZE_EX = 48;
    private static final int CACHE_SIZE_EX = 56;
    private static final int GROUP_SIZE_EX = 80;

    private record Cache(int level, int ways, int bytes, int type) {
        static final Cache[] OF_CORE = {
            new Cache(1, 8, 32 << 10, DATA), new Cache(1, 8, 32 << 10, INSTRUCTION), new Cache(2, 4, 256 << 10, UNIFIED)
        };
        static final Cache[] OF_PACKAGE = {new Cache(3, 16, 8 << 20, UNIFIED)};
        static final Cache NONE = new Cache(0, 0, 0, 0);
    }

    private record Entry(int relationship, long mask, int node, Cache cache) {
        int sizeEx() {
            return switch (relationship) {
                case CACHE -> CACHE_SIZE_EX;
                case GROUP -> GROUP_SIZE_EX;
                default -> RECORD_SIZE_EX;
            };
        }
    }

    private final List<Entry> entries = new ArrayList<>();
    private final int processors;

    ProcessorRecords(NodeTopology topology) {
        processors = topology.processors();
        for (int processor = 0; processor < processors; processor++) {
            add(CORE, 1L << processor, 0, Cache.OF_CORE);
        }
        for (int node = 0; node < topology.count(); node++) {
            if (topology.processorMask(node) != 0) {
                add(PACKAGE, topology.processorMask(node), 0, Cache.OF_PACKAGE);
            }
        }
        for (int node = 0; node < topology.count(); node++) {
            add(NODE, topology.processorMask(node), node);
        }
        add(GROUP, -1L >>> -processors, 0);
    }

    private void add(int relationship, long mask, int node, Cache... caches) {
        entries.add(new Entry(relationship, mask, node, Cache.NONE));
        for (Cache cache : caches) {
            entries.add(new Entry(CACHE, mask, 0, cache));
        }
    }

    /** Arguments: buffer, where its length is. */
    long write(ApiCall call) {
        List<Entry> wanted =
                entries.stream().filter(e -> e.relationship != GROUP).toList();
        if (!fits(call, call.arg(1), wanted.size() * SIZE)) {
            return call.fail(ERROR_INSUFFICIENT_BUFFER);
        }
        Memory memory = call.memory();
        long at = call.arg(0);
        for (Entry entry : wanted) {
            memory.fill(at, SIZE, (byte) 0);
            memory.writeLong(at, entry.mask);
            memory.writeInt(at + 8, entry.relationship);
            switch (entry.relationship) {
                case NODE -> memory.writeInt(at + 16, entry.node);
                case CACHE -> writeCache(memory, at + 16, entry.cache);
                default -> {
                    // One processor a core: nothing is shared.
                }
            }
            at += SIZE;
        }
        return 1;
    }

    /** Arguments: relationship, buffer, where its length is. */
    long writeEx(ApiCall call) {
        int relationship = call.intArg(0);
        if (relationship != ALL && (relationship < CORE || relationship > GROUP)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        List<Entry> wanted = entries.stream()
                .filter(e -> relationship == ALL || e.relationship == relationship)
                .toList();
        if (!fits(call, call.arg(2), wanted.stream().mapToInt(Entry::sizeEx).sum())) {
            return call.fail(ERROR_INSUFFICIENT_BUFFER);
        }
        long at = call.arg(1);
        for (Entry entry : wanted) {
            writeEx(call.memory(), at, entry);
            at += entry.sizeEx();
        }
        return 1;
    }

    private static boolean fits(ApiCall call, long lengthAt, int needed) {
        boolean fits = call.memory().readUnsignedInt(lengthAt) >= needed;
        call.memory().writeInt(lengthAt, needed);
        return fits;
    }

    private void writeEx(Memory memory, long at, Entry entry) {
        memory.fill(at, entry.sizeEx(), (byte) 0);
        memory.writeInt(at, entry.relationship);
        memory.writeInt(at + 4, entry.sizeEx());
        switch (entry.relationship) {
            case NODE -> memory.writeInt(at + 8, entry.node);
            case CACHE -> writeCache(memory, at + 8, entry.cache);
            case GROUP -> {
                memory.writeShort(at + 8, (short) 1);
                memory.writeShort(at + 10, (short) 1);
                memory.writeByte(at + 32, (byte) processors);
                memory.writeByte(at + 33, (byte) processors);
                memory.writeLong(at + 72, entry.mask);
                return;
            }
            default -> {
                // A core that is one processor, or a package.
            }
        }
        // How many group affinities follow, and the one.
        long end = at + entry.sizeEx();
        memory.writeShort(end - 18, (short) 1);
        writeGroupAffinity(memory, end - 16, entry.mask);
    }

    private static void writeCache(Memory memory, long at, Cache cache) {
        memory.writeByte(at, (byte) cache.level);
        memory.writeByte(at + 1, (byte) cache.ways);
        memory.writeShort(at + 2, (short) CACHE_LINE);
        memory.writeInt(at + 4, cache.bytes);
        memory.writeInt(at + 8, cache.type);
    }

    /** {@code GROUP_AFFINITY}: a mask of processors, their group, padding. */
    static void writeGroupAffinity(Memory memory, long at, long mask) {
        memory.writeLong(at, mask);
        memory.writeLong(at + 8, 0);
    }
}
