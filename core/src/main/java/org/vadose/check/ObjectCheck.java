package org.vadose.check;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.vadose.base.Hex;
import org.vadose.layout.HandleTableFreeListLayout;
import org.vadose.layout.HandleTableLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.HandleTable;
import org.vadose.nt.HandleTableEntry;
import org.vadose.nt.ListEntry;
import org.vadose.nt.ObjectDirectory;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.ObjectType;
import org.vadose.target.UnreadableMemoryException;

/**
 * Proves that objects, names and handles agree: every id is a process's or thread's, every name leads to an object whose header names that directory, every handle of
 * every listed table leads to an object of a known type, {@code HandleCount} and the types' totals equal the handles found, and
 * each table's free list and count equal its free entries.
 */
public final class ObjectCheck {
    private static final int MOST_TABLES = 1 << 20;

    private final Memory memory;
    private final long kernelBase;
    private final Findings findings;
    private final Map<Long, Long> handlesOf = new HashMap<>();
    private final Map<Long, Long> cachedOf = new HashMap<>();
    private final Set<Long> objects = new HashSet<>();

    public ObjectCheck(Memory memory, long kernelBase, Findings findings) {
        this.memory = memory;
        this.kernelBase = kernelBase;
        this.findings = findings;
    }

    public void run() {
        walkNamespace();
        new HandleTable(memory, memory.readLong(kernelBase + KernelSymbols.PSP_CID_TABLE))
                .forEach((id, entry) ->
                        checkObject(entry.object() - ObjectHeader.SIZE, "PspCidTable id=" + Hex.plain(id)));
        long head = kernelBase + KernelSymbols.HANDLE_TABLE_LIST_HEAD;
        for (long links : new ListEntry(memory, head).entries(MOST_TABLES)) {
            HandleTable table = new HandleTable(memory, links - HandleTableLayout.HANDLE_TABLE_LIST);
            checkTable(table);
            table.forEach(this::checkHandle);
        }
        long totalHandles = 0;
        SectionObjectCheck sections = new SectionObjectCheck(memory, kernelBase, findings);
        for (long header : objects) {
            ObjectHeader object = new ObjectHeader(memory, header);
            sections.visit(object);
            long handles = handlesOf.getOrDefault(header, 0L);
            totalHandles += handles;
            findings.expectEqual("object HandleCount", header, handles, object.handleCount());
            long least = handles + cachedOf.getOrDefault(header, 0L);
            if (object.pointerCount() < least) {
                findings.add("object PointerCount at=" + Hex.address(header) + " least=" + Hex.plain(least) + " actual="
                        + Hex.plain(object.pointerCount()));
            }
        }
        sections.finish();
        long typeTotal = 0;
        for (int index = 2; index < 256; index++) {
            long type = memory.readLong(kernelBase + KernelSymbols.OB_TYPE_INDEX_TABLE + 8L * index);
            if (type == 0) {
                break;
            }
            typeTotal += new ObjectType(memory, type).handleCount();
        }
        findings.expectEqual("handles of all types", kernelBase, totalHandles, typeTotal);
    }

    /** Checks one table's free list against its entries; also for the table of process and thread ids. */
    public void checkTable(HandleTable table) {
        if (Integer.toUnsignedLong(table.nextHandleNeedingPool()) > table.capacity()) {
            findings.add("handle table NextHandleNeedingPool at=" + Hex.address(table.address()) + " level="
                    + table.level() + " value=" + Hex.plain(Integer.toUnsignedLong(table.nextHandleNeedingPool())));
        }
        int[] used = {0};
        table.forEach((value, entry) -> used[0]++);
        findings.expectEqual("handle table HandleCount", table.address(), used[0], table.handleCount());
        long pages = Integer.toUnsignedLong(table.nextHandleNeedingPool()) / HandleTable.VALUES_A_PAGE;
        long expectedFree = pages * (HandleTable.ENTRIES_A_PAGE - 1) - used[0];
        long free = 0;
        long last = 0;
        for (long at = memory.readLong(table.freeList() + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY);
                at != 0 && free <= expectedFree;
                free++) {
            HandleTableEntry entry = new HandleTableEntry(memory, at);
            if (!entry.isFree()) {
                findings.add("handle entry on the free list in use at=" + Hex.address(at));
            }
            last = at;
            at = entry.nextFree();
        }
        findings.expectEqual("handle table free entries", table.address(), expectedFree, free);
        if (free > 0) {
            findings.expectEqual(
                    "handle table last free entry",
                    table.address(),
                    last,
                    memory.readLong(table.freeList() + HandleTableFreeListLayout.LAST_FREE_HANDLE_ENTRY));
        }
    }

    private void checkHandle(int value, HandleTableEntry entry) {
        long header = entry.object();
        handlesOf.merge(header, 1L, Long::sum);
        cachedOf.merge(header, (long) entry.cachedReferences(), Long::sum);
        checkObject(header, "handle=" + Hex.plain(value) + " entry=" + Hex.address(entry.address()));
    }

    private void walkNamespace() {
        ArrayDeque<Long> left = new ArrayDeque<>();
        Set<Long> seen = new HashSet<>();
        long root = memory.readLong(kernelBase + KernelSymbols.OBP_ROOT_DIRECTORY_OBJECT);
        left.add(root);
        checkObject(root - ObjectHeader.SIZE, "root directory");
        while (!left.isEmpty()) {
            long directory = left.poll();
            if (!seen.add(directory)) {
                findings.add("directory found twice at=" + Hex.address(directory));
                continue;
            }
            new ObjectDirectory(memory, directory).forEach(body -> {
                ObjectHeader header = ObjectHeader.ofBody(memory, body);
                if (!checkObject(header.address(), "directory=" + Hex.address(directory))) {
                    return;
                }
                findings.expectEqual("name's directory", header.address(), directory, header.nameDirectory());
                if (header.name().isEmpty()) {
                    findings.add("object without a name in a directory at=" + Hex.address(body));
                }
                if (header.type(kernelBase).name().equals("Directory")) {
                    left.add(body);
                }
            });
        }
    }

    private boolean checkObject(long header, String from) {
        try {
            ObjectHeader object = new ObjectHeader(memory, header);
            long type = object.type(kernelBase).address();
            if (type == 0 || object.typeIndex(kernelBase) < 2) {
                findings.add("object of no type header=" + Hex.address(header) + " " + from);
                return false;
            }
            if (object.pointerCount() <= 0) {
                findings.add("object without references header=" + Hex.address(header) + " " + from);
            }
            objects.add(header);
            return true;
        } catch (MemoryFault | UnreadableMemoryException e) {
            findings.add("object unreadable header=" + Hex.address(header) + " " + from);
            return false;
        }
    }
}
