package org.vadose.ob;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.layout.ObjectHeaderLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.HandleTable;
import org.vadose.nt.HandleTableEntry;
import org.vadose.nt.ObjectHeader;

/**
 * Handles to objects: opening, resolving, closing. An entry keeps {@link HandleTableEntry#CACHED_REFERENCES} references to its
 * object in advance beside its own one, so that resolving a handle changes the entry alone; that is why an object with one handle
 * shows a {@code PointerCount} near 32768.
 */
public final class Handles {
    private static final int KEPT = HandleTableEntry.CACHED_REFERENCES;

    private final Memory memory;
    private final ObjectManager objects;
    private final HandleTables tables;

    Handles(Memory memory, ObjectManager objects, HandleTables tables) {
        this.memory = memory;
        this.objects = objects;
        this.tables = tables;
    }

    /**
     * Opens a handle.
     *
     * @param attributes {@link HandleTableEntry#INHERIT} and its kin
     * @param grantedAccess 25 bits
     * @return the value, or 0 when the table is full
     */
    public int open(HandleTable table, long body, int attributes, int grantedAccess) {
        ObjectHeader header = objects.header(body);
        memory.getAndAddLong(header.address() + ObjectHeaderLayout.POINTER_COUNT, KEPT + 1L);
        int value = tables.insert(table, header.address(), KEPT, attributes, grantedAccess);
        if (value == 0) {
            objects.dereference(body, KEPT + 1L);
            return 0;
        }
        memory.getAndAddLong(header.address() + ObjectHeaderLayout.HANDLE_COUNT, 1);
        header.type(objects.kernelBase()).addHandles(1);
        return value;
    }

    /** The body behind a handle without taking a reference; 0 when no such handle is open. */
    public long peek(HandleTable table, long value) {
        long at = value >>> 2 == 0 ? 0 : table.entryAddress(value);
        if (at == 0) {
            return 0;
        }
        long header = new HandleTableEntry(memory, at).object();
        return header == 0 ? 0 : header + ObjectHeader.SIZE;
    }

    /** {@link #peek}, answering 0 also for objects of another type. */
    public long peek(HandleTable table, long value, KnownType type) {
        long body = peek(table, value);
        return body != 0 && objects.isType(body, type) ? body : 0;
    }

    /** Access granted to a handle; 0 when no such handle is open. */
    public int grantedAccess(HandleTable table, long value) {
        return peek(table, value) == 0 ? 0 : new HandleTableEntry(memory, table.entryAddress(value)).grantedAccess();
    }

    /**
     * Resolves a handle and takes a reference, which the caller gives back with {@link ObjectManager#dereference}.
     *
     * @return the body, or 0 when no such handle is open
     */
    public synchronized long reference(HandleTable table, long value) {
        long body = peek(table, value);
        if (body == 0) {
            return 0;
        }
        HandleTableEntry entry = new HandleTableEntry(memory, table.entryAddress(value));
        int left = entry.cachedReferences();
        if (left <= 1) {
            memory.getAndAddLong(body - ObjectHeader.SIZE + ObjectHeaderLayout.POINTER_COUNT, KEPT - left);
            left = KEPT;
        }
        entry.setCachedReferences(left - 1);
        return body;
    }

    /** @return STATUS_INVALID_HANDLE when no such handle is open, STATUS_HANDLE_NOT_CLOSABLE when it is protected */
    public synchronized NtStatus close(HandleTable table, long value) {
        if (peek(table, value) == 0) {
            return NtStatus.INVALID_HANDLE;
        }
        HandleTableEntry entry = new HandleTableEntry(memory, table.entryAddress(value));
        if ((entry.attributes() & HandleTableEntry.PROTECT_FROM_CLOSE) != 0) {
            return NtStatus.HANDLE_NOT_CLOSABLE;
        }
        closeEntry(table, entry);
        return NtStatus.SUCCESS;
    }

    private void closeEntry(HandleTable table, HandleTableEntry entry) {
        long body = entry.object() + ObjectHeader.SIZE;
        int cached = entry.cachedReferences();
        tables.remove(table, entry);
        ObjectHeader header = objects.header(body);
        header.type(objects.kernelBase()).addHandles(-1);
        if (memory.getAndAddLong(header.address() + ObjectHeaderLayout.HANDLE_COUNT, -1) == 1) {
            objects.lastHandleClosed(body);
        }
        objects.dereference(body, cached + 1L);
    }

    /**
     * Opens in a new process's table, with the same values, what is marked {@link HandleTableEntry#INHERIT} in its parent's.
     *
     * @param only values of the handles to take; null for all
     */
    public synchronized void inherit(HandleTable parent, HandleTable child, long @Nullable [] only) {
        Set<Long> wanted = new HashSet<>();
        for (int i = 0; only != null && i < only.length; i++) {
            wanted.add(only[i] & -4);
        }
        parent.forEach((value, entry) -> {
            if ((entry.attributes() & HandleTableEntry.INHERIT) != 0
                    && (only == null || wanted.contains((long) value))) {
                openAt(child, value, entry);
            }
        });
    }

    private void openAt(HandleTable table, long value, HandleTableEntry like) {
        long header = like.object();
        if (tables.insertAt(table, value, header, KEPT, like.attributes(), like.grantedAccess())) {
            memory.getAndAddLong(header + ObjectHeaderLayout.POINTER_COUNT, KEPT + 1L);
            memory.getAndAddLong(header + ObjectHeaderLayout.HANDLE_COUNT, 1);
            objects.header(header + ObjectHeader.SIZE)
                    .type(objects.kernelBase())
                    .addHandles(1);
        }
    }

    /** Closes every handle, protected ones too, and frees the table: a process's end. */
    public synchronized void destroy(HandleTable table) {
        table.forEach((value, entry) -> closeEntry(table, entry));
        tables.destroy(table);
    }
}
