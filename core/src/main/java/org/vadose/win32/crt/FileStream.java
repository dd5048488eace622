package org.vadose.win32.crt;

import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;

/**
 * A {@code FILE} (48 bytes; {@code struct _iobuf} of {@code stdio.h}):
 *
 * <pre>
 *  0 _ptr   8 _cnt   16 _base   24 _flag   28 _file   32 _charbuf   36 _bufsiz   40 _tmpfname
 * </pre>
 *
 * While reading, {@code _cnt} bytes are left at {@code _ptr}; while writing, bytes from {@code _base} to {@code _ptr} wait and
 * {@code _cnt} more fit. The macros {@code getc} and {@code putc} of old headers rely on this.
 */
record FileStream(ApiCall call, long address) {
    static final int BYTES = 48;

    static final int READING = 0x0001;
    static final int WRITING = 0x0002;
    static final int UNBUFFERED = 0x0004;
    static final int OWN_BUFFER = 0x0008;
    static final int AT_END = 0x0010;
    static final int ERROR = 0x0020;
    static final int STRING = 0x0040;
    static final int BOTH = 0x0080;
    static final int USER_BUFFER = 0x0100;

    static final int END_OF_FILE = -1;
    private static final int BUFFER_BYTES = 4096;

    private static final int POINTER = 0;
    private static final int COUNT = 8;
    private static final int BASE = 16;
    private static final int FLAG = 24;
    private static final int DESCRIPTOR = 28;
    private static final int CHARACTER_BUFFER = 32;
    private static final int BUFFER_SIZE = 36;
    private static final int TEMPORARY_NAME = 40;

    private Memory memory() {
        return call.memory();
    }

    long pointer() {
        return memory().readLong(address + POINTER);
    }

    int count() {
        return memory().readInt(address + COUNT);
    }

    long base() {
        return memory().readLong(address + BASE);
    }

    int flags() {
        return memory().readInt(address + FLAG);
    }

    int descriptor() {
        return memory().readInt(address + DESCRIPTOR);
    }

    private int bufferSize() {
        return memory().readInt(address + BUFFER_SIZE);
    }

    private void setPointer(long value) {
        memory().writeLong(address + POINTER, value);
    }

    private void setCount(int value) {
        memory().writeInt(address + COUNT, value);
    }

    private void setFlags(int value) {
        memory().writeInt(address + FLAG, value);
    }

    boolean has(int flag) {
        return (flags() & flag) != 0;
    }

    void addFlags(int added) {
        setFlags(flags() | added);
    }

    void removeFlags(int removed) {
        setFlags(flags() & ~removed);
    }

    boolean isInUse() {
        return has(READING | WRITING | BOTH);
    }

    /** Makes this the stream of a descriptor. */
    void initialize(int descriptor, int flags) {
        memory().fill(address, BYTES, (byte) 0);
        setFlags(flags);
        memory().writeInt(address + DESCRIPTOR, descriptor);
    }

    private LowIo low() {
        return new LowIo(call);
    }

    private boolean hasBuffer() {
        return has(OWN_BUFFER | USER_BUFFER) || base() != 0;
    }

    private void provideBuffer() {
        if (hasBuffer()) {
            return;
        }
        boolean device = (low().flags(descriptor()) & LowIo.DEVICE) != 0;
        if (has(UNBUFFERED) || device && has(WRITING) && !has(READING)) {
            memory().writeLong(address + BASE, address + CHARACTER_BUFFER);
            memory().writeInt(address + BUFFER_SIZE, 1);
            addFlags(UNBUFFERED);
        } else {
            memory().writeLong(address + BASE, CrtState.of(call).allocate(BUFFER_BYTES));
            memory().writeInt(address + BUFFER_SIZE, BUFFER_BYTES);
            addFlags(OWN_BUFFER);
        }
        setPointer(base());
        setCount(0);
    }

    /** {@code setvbuf}. */
    boolean setBuffer(long buffer, boolean unbuffered, int size) {
        flush();
        releaseBuffer();
        removeFlags(UNBUFFERED | OWN_BUFFER | USER_BUFFER);
        if (unbuffered) {
            addFlags(UNBUFFERED);
        } else {
            long at = buffer != 0 ? buffer : CrtState.of(call).allocate(size);
            memory().writeLong(address + BASE, at);
            memory().writeInt(address + BUFFER_SIZE, size);
            addFlags(buffer != 0 ? USER_BUFFER : OWN_BUFFER);
        }
        setPointer(base());
        setCount(0);
        return true;
    }

    private void releaseBuffer() {
        if (has(OWN_BUFFER)) {
            CrtState.of(call).heap().free(0, base());
        }
        memory().writeLong(address + BASE, 0);
        setPointer(0);
        setCount(0);
    }

    // ---- reading
    // -----------------------------------------------------------------------------------------------------

    private boolean startReading() {
        if (!isInUse() || has(STRING)) {
            return false;
        }
        if (has(WRITING)) {
            if (!has(BOTH)) {
                addFlags(ERROR);
                return false;
            }
            flush();
            removeFlags(WRITING);
        }
        addFlags(READING);
        provideBuffer();
        return true;
    }

    /** {@code _filbuf}: fills the buffer and takes the first byte of it, or -1. */
    int fill() {
        if (!startReading()) {
            return END_OF_FILE;
        }
        setPointer(base());
        int got = low().read(descriptor(), base(), bufferSize());
        if (got <= 0) {
            addFlags(got == 0 ? AT_END : ERROR);
            setCount(0);
            return END_OF_FILE;
        }
        setCount(got - 1);
        setPointer(base() + 1);
        return memory().readUnsignedByte(base());
    }

    /** Whether there are bytes in the buffer to read, filling it if need be. */
    boolean fillIfEmpty() {
        if (has(READING) && !has(WRITING) && count() > 0) {
            return true;
        }
        if (fill() == END_OF_FILE) {
            return false;
        }
        setPointer(pointer() - 1);
        setCount(count() + 1);
        return true;
    }

    int read() {
        if (!fillIfEmpty()) {
            return END_OF_FILE;
        }
        int value = memory().readUnsignedByte(pointer());
        skip(1);
        return value;
    }

    private void skip(int bytes) {
        setPointer(pointer() + bytes);
        setCount(count() - bytes);
    }

    /** Reads bytes to memory; returns how many. */
    long read(long target, long length) {
        long done = 0;
        while (done < length && fillIfEmpty()) {
            int run = (int) Math.min(length - done, count());
            GuestText.copy(memory(), pointer(), target + done, run);
            skip(run);
            done += run;
        }
        return done;
    }

    /** Reads up to and with a line feed, at most {@code most} bytes; the text so far at the end, empty at once there. */
    StringBuilder readLine(int most) {
        StringBuilder line = new StringBuilder();
        while (line.length() < most && fillIfEmpty()) {
            int run = Math.min(count(), most - line.length());
            long end = GuestText.indexOf(memory(), pointer(), '\n', run);
            int taken = end < 0 ? run : (int) end + 1;
            line.append(GuestText.fromBytes(memory().read(pointer(), taken)));
            skip(taken);
            if (end >= 0) {
                break;
            }
        }
        return line;
    }

    int unread(int value) {
        if (value == END_OF_FILE || !isInUse() || has(WRITING) && !has(BOTH)) {
            return END_OF_FILE;
        }
        if (has(WRITING)) {
            flush();
            removeFlags(WRITING);
        }
        provideBuffer();
        if (pointer() == base()) {
            if (count() > 0) {
                return END_OF_FILE;
            }
            setPointer(pointer() + 1);
        }
        setPointer(pointer() - 1);
        setCount(count() + 1);
        memory().writeByte(pointer(), (byte) value);
        removeFlags(AT_END);
        addFlags(READING);
        return value & 0xFF;
    }

    // ---- writing
    // -----------------------------------------------------------------------------------------------------

    private boolean startWriting() {
        if (!isInUse() || !has(WRITING | BOTH)) {
            addFlags(ERROR);
            CrtState.setErrno(call, CrtState.EBADF);
            return false;
        }
        if (has(READING)) {
            if (count() > 0) {
                synchronizePosition();
            }
            setPointer(base());
            setCount(0);
            removeFlags(READING | AT_END);
        }
        if (!has(WRITING) || !hasBuffer()) {
            addFlags(WRITING);
            provideBuffer();
            setPointer(base());
            setCount(has(UNBUFFERED) ? 0 : bufferSize());
        } else if (pointer() == base() && count() == 0 && !has(UNBUFFERED)) {
            setCount(bufferSize());
        }
        return true;
    }

    /** Puts the descriptor's position where the reader is. */
    private void synchronizePosition() {
        long unread = unreadFileBytes();
        low().seek(descriptor(), -unread, OsFiles.FROM_CURRENT);
    }

    /** File bytes that the unread part of the buffer came from: in text mode each line feed was two. */
    private long unreadFileBytes() {
        long unread = count();
        if ((low().flags(descriptor()) & LowIo.TEXT) != 0) {
            for (byte b : memory().read(pointer(), count())) {
                unread += b == '\n' ? 1 : 0;
            }
        }
        return unread;
    }

    /** {@code _flsbuf}: writes out the buffer and puts a byte in it; the byte, or -1. */
    int flushAndWrite(int value) {
        return write(new byte[] {(byte) value}) == 1 ? value & 0xFF : END_OF_FILE;
    }

    /** Writes bytes; returns how many were taken. */
    long write(byte[] bytes) {
        StreamLocks.awaitFree(call, address);
        if (!startWriting()) {
            return 0;
        }
        if (has(UNBUFFERED)) {
            return writeThrough(bytes) ? bytes.length : 0;
        }
        if (bytes.length > count()) {
            if (!flushBuffer()) {
                return 0;
            }
            if (bytes.length >= bufferSize()) {
                return writeThrough(bytes) ? bytes.length : 0;
            }
        }
        memory().write(pointer(), bytes);
        skip(bytes.length);
        return bytes.length;
    }

    private boolean writeThrough(byte[] bytes) {
        if (low().write(descriptor(), bytes) != bytes.length) {
            addFlags(ERROR);
            return false;
        }
        return true;
    }

    private boolean flushBuffer() {
        int waiting = (int) (pointer() - base());
        boolean done = waiting <= 0 || writeThrough(memory().read(base(), waiting));
        setPointer(base());
        setCount(bufferSize());
        return done;
    }

    /** {@code fflush} of one stream. */
    boolean flush() {
        if (!has(WRITING) || has(READING) || !hasBuffer() || has(UNBUFFERED)) {
            return true;
        }
        boolean done = flushBuffer();
        if (has(BOTH)) {
            removeFlags(WRITING);
        }
        setCount(0);
        return done;
    }

    // ---- position
    // ----------------------------------------------------------------------------------------------------

    /** {@code ftell}, or -1 with errno set. */
    long position() {
        long at = low().seek(descriptor(), 0, OsFiles.FROM_CURRENT);
        if (at < 0 || !hasBuffer()) {
            return at;
        }
        if (has(READING) && count() > 0) {
            return at - unreadFileBytes();
        }
        if (has(WRITING) && !has(UNBUFFERED)) {
            long waiting = pointer() - base();
            if ((low().flags(descriptor()) & LowIo.TEXT) != 0) {
                for (byte b : memory().read(base(), (int) waiting)) {
                    waiting += b == '\n' ? 1 : 0;
                }
            }
            return at + waiting;
        }
        return at;
    }

    /** {@code fseek}. */
    boolean seek(long offset, int origin) {
        long target = offset;
        if (origin == OsFiles.FROM_CURRENT) {
            target += position();
        }
        flush();
        removeFlags(AT_END);
        if (has(BOTH)) {
            removeFlags(READING | WRITING);
        }
        if (hasBuffer()) {
            setPointer(base());
        }
        setCount(0);
        int from = origin == OsFiles.FROM_CURRENT ? OsFiles.FROM_START : origin;
        return low().seek(descriptor(), target, from) >= 0;
    }

    long temporaryName() {
        return memory().readLong(address + TEMPORARY_NAME);
    }

    void setTemporaryName(long name) {
        memory().writeLong(address + TEMPORARY_NAME, name);
    }

    /** Flushes, closes the descriptor, frees the {@code FILE}; false with errno set when something failed. */
    boolean close() {
        boolean done = flush();
        releaseBuffer();
        done &= low().close(descriptor()) == 0;
        setFlags(0);
        return done;
    }
}
