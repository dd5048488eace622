package org.vadose.win32.crt;

import java.io.ByteArrayOutputStream;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;

/**
 * The descriptor table and its text mode. {@code __pioinfo} points to arrays of 32 entries:
 *
 * <pre>
 *  0  handle of the operating system, -1 if free
 *  8  flags of {@code OPEN} and kin
 *  9  character read ahead of a pipe or device, line feed for none
 * 16  lock
 * </pre>
 *
 * In text mode a line feed is written as carriage return and line feed, and the pair read as one; Ctrl-Z ends a file being read.
 */
final class LowIo {
    /** Bytes that one call moves at most. */
    private static final int LONGEST_TRANSFER = 1 << 26;

    static final int OPEN = 0x01;
    static final int AT_END = 0x02;
    static final int PIPE = 0x08;
    static final int NO_INHERIT = 0x10;
    static final int APPEND = 0x20;
    static final int DEVICE = 0x40;
    static final int TEXT = 0x80;

    private static final int ENTRY_BYTES = 56;
    private static final int HANDLE = 0;
    private static final int FLAGS = 8;
    private static final int AHEAD = 9;
    private static final int ENTRIES_IN_ARRAY = 32;
    private static final int ARRAYS = 64;
    private static final int CONTROL_Z = 26;
    private static final long NO_HANDLE = -1;
    /** {@code GetStdHandle} order. */
    private static final int STANDARD_STREAMS = 3;

    static final String TABLE = "__pioinfo";
    static final int TABLE_BYTES = 8 * ARRAYS;

    private final ApiCall call;
    private final Memory memory;
    private final CrtState crt;
    private final OsFiles files;

    LowIo(ApiCall call) {
        this.call = call;
        memory = call.memory();
        crt = CrtState.of(call);
        files = new OsFiles(call);
    }

    OsFiles files() {
        return files;
    }

    private long entry(int descriptor) {
        if (descriptor < 0 || descriptor >= ENTRIES_IN_ARRAY * ARRAYS) {
            return 0;
        }
        long table = crt.variable(TABLE);
        if (memory.readLong(table) == 0) {
            initialize(table);
        }
        long array = memory.readLong(table + 8L * (descriptor / ENTRIES_IN_ARRAY));
        return array == 0 ? 0 : array + (long) ENTRY_BYTES * (descriptor % ENTRIES_IN_ARRAY);
    }

    private void initialize(long table) {
        addArray(table, 0);
        for (int i = 0; i < STANDARD_STREAMS; i++) {
            long handle = files.standardHandle(i);
            int type = files.type(handle);
            if (type != OsFiles.UNKNOWN) {
                set(entry(i), handle, OPEN | TEXT | kind(type));
            }
        }
    }

    private static int kind(int type) {
        return type == OsFiles.CHARACTER ? DEVICE : type == OsFiles.PIPE ? PIPE : 0;
    }

    private void addArray(long table, int index) {
        long array = crt.allocate((long) ENTRY_BYTES * ENTRIES_IN_ARRAY);
        for (int i = 0; i < ENTRIES_IN_ARRAY; i++) {
            memory.writeLong(array + (long) ENTRY_BYTES * i + HANDLE, NO_HANDLE);
            memory.writeByte(array + (long) ENTRY_BYTES * i + AHEAD, (byte) '\n');
        }
        memory.writeLong(table + 8L * index, array);
    }

    private void set(long entry, long handle, int flags) {
        memory.writeLong(entry + HANDLE, handle);
        memory.writeByte(entry + FLAGS, (byte) flags);
        memory.writeByte(entry + AHEAD, (byte) '\n');
    }

    int flags(int descriptor) {
        long entry = entry(descriptor);
        return entry == 0 ? 0 : memory.readUnsignedByte(entry + FLAGS);
    }

    boolean isOpen(int descriptor) {
        return (flags(descriptor) & OPEN) != 0;
    }

    private void setFlags(int descriptor, int flags) {
        memory.writeByte(entry(descriptor) + FLAGS, (byte) flags);
    }

    long handle(int descriptor) {
        return isOpen(descriptor) ? memory.readLong(entry(descriptor) + HANDLE) : NO_HANDLE;
    }

    /** Gives a handle the first free descriptor; -1 with errno set when all are taken. */
    int attach(long handle, int flags) {
        for (int i = 0; i < ENTRIES_IN_ARRAY * ARRAYS; i++) {
            if (entry(i) == 0) {
                addArray(crt.variable(TABLE), i / ENTRIES_IN_ARRAY);
            }
            if (!isOpen(i)) {
                set(entry(i), handle, OPEN | flags | kind(files.type(handle)));
                return i;
            }
        }
        return (int) CrtState.fail(call, CrtState.EMFILE);
    }

    /** {@code _setmode}: the old mode flags, or -1. */
    boolean setText(int descriptor, boolean text) {
        int flags = flags(descriptor);
        setFlags(descriptor, text ? flags | TEXT : flags & ~TEXT);
        return (flags & TEXT) != 0;
    }

    int close(int descriptor) {
        if (!isOpen(descriptor)) {
            return (int) CrtState.fail(call, CrtState.EBADF);
        }
        long handle = handle(descriptor);
        set(entry(descriptor), NO_HANDLE, 0);
        boolean shared = false;
        for (int i = 0; i < STANDARD_STREAMS; i++) {
            shared |= handle(i) == handle;
        }
        if (!shared) {
            files.close(handle);
        }
        return 0;
    }

    /** A second descriptor for the same file. */
    int duplicate(int descriptor) {
        if (!isOpen(descriptor)) {
            return (int) CrtState.fail(call, CrtState.EBADF);
        }
        return attach(handle(descriptor), flags(descriptor) & (APPEND | TEXT));
    }

    /** Makes {@code target} name what {@code source} names. */
    int duplicate(int source, int target) {
        if (!isOpen(source) || entry(target) == 0) {
            return (int) CrtState.fail(call, CrtState.EBADF);
        }
        if (source != target) {
            if (isOpen(target)) {
                close(target);
            }
            set(entry(target), handle(source), flags(source));
        }
        return 0;
    }

    // ---- reading
    // -----------------------------------------------------------------------------------------------------

    /** Reads up to {@code length} bytes to memory; returns how many, or -1 with errno set. */
    int read(int descriptor, long target, int length) {
        if (!isOpen(descriptor)) {
            return (int) CrtState.fail(call, CrtState.EBADF);
        }
        int flags = flags(descriptor);
        if (length == 0 || (flags & AT_END) != 0) {
            return 0;
        }
        long handle = handle(descriptor);
        if (length < 0) {
            return (int) CrtState.fail(call, CrtState.EINVAL);
        }
        // A short count is allowed, and no host memory is taken on a guest's bare word.
        int wanted = Math.min(length, LONGEST_TRANSFER);
        byte[] bytes = new byte[wanted];
        int got = takeAhead(descriptor, bytes);
        int more = got == wanted ? 0 : files.read(handle, bytes, got, wanted - got);
        if (more < 0) {
            return (int) CrtState.failWin32(call, files.lastError());
        }
        got += more;
        if ((flags & TEXT) != 0) {
            got = translate(descriptor, handle, bytes, got);
        }
        memory.write(target, bytes, 0, got);
        return got;
    }

    private int takeAhead(int descriptor, byte[] bytes) {
        long entry = entry(descriptor);
        byte ahead = memory.readByte(entry + AHEAD);
        if (ahead == '\n') {
            return 0;
        }
        memory.writeByte(entry + AHEAD, (byte) '\n');
        bytes[0] = ahead;
        return 1;
    }

    private int translate(int descriptor, long handle, byte[] bytes, int count) {
        int to = 0;
        for (int from = 0; from < count; from++) {
            byte b = bytes[from];
            if (b == CONTROL_Z) {
                if ((flags(descriptor) & DEVICE) == 0) {
                    setFlags(descriptor, flags(descriptor) | AT_END);
                }
                break;
            }
            if (b == '\r') {
                if (from + 1 < count) {
                    if (bytes[from + 1] == '\n') {
                        continue;
                    }
                } else {
                    b = pairAtEnd(descriptor, handle);
                }
            }
            bytes[to++] = b;
        }
        return to;
    }

    /** What a carriage return at the end of what was read becomes, once the byte after it is known. */
    private byte pairAtEnd(int descriptor, long handle) {
        byte[] next = new byte[1];
        if (files.read(handle, next, 0, 1) != 1) {
            return '\r';
        }
        if (next[0] == '\n') {
            return '\n';
        }
        if ((flags(descriptor) & (DEVICE | PIPE)) != 0) {
            memory.writeByte(entry(descriptor) + AHEAD, next[0]);
        } else {
            files.seek(handle, -1, OsFiles.FROM_CURRENT);
        }
        return '\r';
    }

    // ---- writing
    // -----------------------------------------------------------------------------------------------------

    /** Writes bytes from memory; returns how many, or -1 with errno set. */
    int write(int descriptor, long source, int length) {
        return length < 0
                ? (int) CrtState.fail(call, CrtState.EINVAL)
                : write(descriptor, memory.read(source, Math.min(length, LONGEST_TRANSFER)));
    }

    int write(int descriptor, byte[] bytes) {
        if (!isOpen(descriptor)) {
            return (int) CrtState.fail(call, CrtState.EBADF);
        }
        if (bytes.length == 0) {
            return 0;
        }
        int flags = flags(descriptor);
        long handle = handle(descriptor);
        if ((flags & APPEND) != 0) {
            files.seek(handle, 0, OsFiles.FROM_END);
        }
        byte[] out = (flags & TEXT) != 0 ? withReturns(bytes) : bytes;
        int written = files.write(handle, out, 0, out.length);
        if (written < 0) {
            int error = files.lastError();
            return error == OsFiles.ERROR_ACCESS_DENIED
                    ? (int) CrtState.fail(call, CrtState.EBADF)
                    : (int) CrtState.failWin32(call, error);
        }
        return bytes.length;
    }

    private static byte[] withReturns(byte[] bytes) {
        int count = 0;
        for (byte b : bytes) {
            count += b == '\n' ? 1 : 0;
        }
        if (count == 0) {
            return bytes;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + count);
        for (byte b : bytes) {
            if (b == '\n') {
                out.write('\r');
            }
            out.write(b);
        }
        return out.toByteArray();
    }

    /** {@code _lseeki64}: the new position, or -1 with errno set. */
    long seek(int descriptor, long offset, int origin) {
        if (!isOpen(descriptor)) {
            return CrtState.fail(call, CrtState.EBADF);
        }
        long position = files.seek(handle(descriptor), offset, origin);
        if (position < 0) {
            return CrtState.failWin32(call, files.lastError());
        }
        setFlags(descriptor, flags(descriptor) & ~AT_END);
        return position;
    }
}
