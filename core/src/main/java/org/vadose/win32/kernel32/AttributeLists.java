package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.nt.CreationMitigations;
import org.vadose.nt.Eprocess;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestProcess;

/**
 * {@code PROC_THREAD_ATTRIBUTE_LIST}s: what a program wants of a process to be made. The list is the program's own memory and
 * nobody else reads it.
 *
 * <pre>
 *   +0 which attributes, by number  +4 room for how many  +8 how many  +0x18 entries: attribute, size, address of the value
 * </pre>
 */
final class AttributeLists {
    private static final int ERROR_BAD_LENGTH = 24;
    private static final int ERROR_GEN_FAILURE = 31;
    private static final int ERROR_NOT_SUPPORTED = 50;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_OBJECT_NAME_EXISTS = 698;

    /** {@code ProcThreadAttributeValue}s: the number, and whether it is about a process's input. */
    private static final int PARENT_PROCESS = 0x2_0000;

    private static final int HANDLE_LIST = 0x2_0002;
    private static final int MITIGATION_POLICY = 0x2_0007;
    private static final int CHILD_PROCESS_POLICY = 0x2_000E;

    private static final int NUMBER = 0xFFFF;
    private static final int CHILDREN_RESTRICTED = 1;
    private static final int CHILDREN_RESTRICTED_UNLESS_SECURE = 4;

    private static final int ROOM = 4;
    private static final int COUNT = 8;
    private static final int ENTRIES = 24;
    private static final int ENTRY_BYTES = 24;
    private static final int MOST_ATTRIBUTES = 32;
    /** More handles than a process is given at once. */
    private static final long MOST_HANDLES = 1 << 16;

    /** What the list of a new process says. */
    record Wishes(
            NtStatus status,
            CreationMitigations mitigations,
            @Nullable GuestProcess parent,
            long @Nullable [] handles) {
        static final Wishes NONE = new Wishes(NtStatus.SUCCESS, CreationMitigations.NONE, null, null);

        static Wishes refused(NtStatus status) {
            return new Wishes(status, CreationMitigations.NONE, null, null);
        }
    }

    private AttributeLists() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("InitializeProcThreadAttributeList", AttributeLists::initialize)
                .function("UpdateProcThreadAttribute", AttributeLists::update)
                .function("DeleteProcThreadAttributeList", call -> 0);
    }

    /** Arguments: list, null to be told its size; room for how many; flags; its size in and out. */
    private static long initialize(ApiCall call) {
        int count = call.intArg(1);
        if (call.intArg(2) != 0 || count < 0 || count > MOST_ATTRIBUTES) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        Memory memory = call.memory();
        long needed = ENTRIES + (long) count * ENTRY_BYTES;
        boolean fits = call.arg(0) != 0 && Long.compareUnsigned(memory.readLong(call.arg(3)), needed) >= 0;
        if (fits) {
            memory.fill(call.arg(0), ENTRIES, (byte) 0);
            memory.writeInt(call.arg(0) + ROOM, count);
        }
        memory.writeLong(call.arg(3), needed);
        return fits ? 1 : call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
    }

    /** Arguments: list, flags, attribute, value, its size, where the previous value goes, where its size. */
    private static long update(ApiCall call) {
        Memory memory = call.memory();
        long list = call.arg(0);
        long size = call.arg(4);
        int count = memory.readInt(list + COUNT);
        if (call.intArg(1) != 0 || call.arg(5) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (count < 0 || count >= memory.readInt(list + ROOM)) {
            return call.fail(ERROR_GEN_FAILURE);
        }
        boolean right;
        switch (call.arg(2) >>> 32 == 0 ? call.intArg(2) : 0) {
            case PARENT_PROCESS -> right = size == Long.BYTES;
            case HANDLE_LIST -> right = size != 0 && size % Long.BYTES == 0 && size / Long.BYTES <= MOST_HANDLES;
            case MITIGATION_POLICY -> right = size == Integer.BYTES || size == Long.BYTES || size == 2 * Long.BYTES;
            case CHILD_PROCESS_POLICY -> right = size == Integer.BYTES || size == Long.BYTES;
            default -> {
                return call.fail(ERROR_NOT_SUPPORTED);
            }
        }
        if (!right) {
            return call.fail(ERROR_BAD_LENGTH);
        }
        int bit = 1 << (call.intArg(2) & NUMBER);
        int present = memory.readInt(list);
        if ((present & bit) != 0) {
            return call.fail(ERROR_OBJECT_NAME_EXISTS);
        }
        long entry = list + ENTRIES + (long) count * ENTRY_BYTES;
        memory.writeLong(entry, call.arg(2));
        memory.writeLong(entry + 8, size);
        memory.writeLong(entry + 16, call.arg(3));
        memory.writeInt(list + COUNT, count + 1);
        memory.writeInt(list, present | bit);
        return 1;
    }

    /** Reads a list, 0 for none. */
    static Wishes read(ApiCall call, long list) {
        if (list == 0) {
            return Wishes.NONE;
        }
        Memory memory = call.memory();
        long options = 0;
        boolean noChildren = false;
        GuestProcess parent = null;
        long[] handles = null;
        int count = Math.clamp(memory.readInt(list + COUNT), 0, MOST_ATTRIBUTES);
        for (int i = 0; i < count; i++) {
            long entry = list + ENTRIES + (long) i * ENTRY_BYTES;
            long size = memory.readLong(entry + 8);
            long value = memory.readLong(entry + 16);
            switch ((int) memory.readLong(entry)) {
                case PARENT_PROCESS -> {
                    long handle = memory.readLong(value);
                    Eprocess process = ProcessHandles.find(call, handle, ProcessHandles.CREATE_PROCESS);
                    if (process == null) {
                        return Wishes.refused(ProcessHandles.refusal(call, handle));
                    }
                    parent = call.process().system().find(process);
                    if (parent == null) {
                        return Wishes.refused(NtStatus.PROCESS_IS_TERMINATING);
                    }
                }
                case HANDLE_LIST -> {
                    handles = new long[(int) Math.min(size / Long.BYTES, MOST_HANDLES)];
                    for (int at = 0; at < handles.length; at++) {
                        handles[at] = memory.readLong(value + 8L * at);
                    }
                }
                case MITIGATION_POLICY -> {
                    options = size == Integer.BYTES ? memory.readUnsignedInt(value) : memory.readLong(value);
                    boolean more = size > Long.BYTES && memory.readLong(value + Long.BYTES) != 0;
                    if (more || (options & ~CreationMitigations.KNOWN_OPTIONS) != 0) {
                        return Wishes.refused(NtStatus.INVALID_PARAMETER);
                    }
                }
                default -> {
                    int policy = memory.readInt(value);
                    noChildren = (policy & (CHILDREN_RESTRICTED | CHILDREN_RESTRICTED_UNLESS_SECURE)) != 0;
                }
            }
        }
        return new Wishes(NtStatus.SUCCESS, new CreationMitigations(options, noChildren), parent, handles);
    }
}
