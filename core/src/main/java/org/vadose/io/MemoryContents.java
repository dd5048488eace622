package org.vadose.io;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.vadose.base.NtStatus;

/** A file in Java memory. All files of a file system share a budget. */
final class MemoryContents implements Contents {
    private final AtomicLong budget;
    private byte[] bytes;
    private int size;

    MemoryContents(byte[] initial, AtomicLong budget) {
        this.bytes = initial;
        this.size = initial.length;
        this.budget = budget;
    }

    @Override
    public synchronized long size() {
        return size;
    }

    @Override
    public synchronized int read(long position, byte[] target, int offset, int length) {
        if (position >= size) {
            return 0;
        }
        int count = (int) Math.min(length, size - position);
        System.arraycopy(bytes, (int) position, target, offset, count);
        return count;
    }

    @Override
    public synchronized void write(long position, byte[] source, int offset, int length) {
        long end = position + length;
        if (end > size) {
            setSize(end);
        } else {
            own();
        }
        System.arraycopy(source, offset, bytes, (int) position, length);
    }

    @Override
    public synchronized void setSize(long newSize) {
        if (newSize > Integer.MAX_VALUE - 64 || newSize < 0) {
            throw new FileException(NtStatus.DISK_FULL);
        }
        long more = newSize - size;
        if (budget.addAndGet(-more) < 0 && more > 0) {
            budget.addAndGet(more);
            throw new FileException(NtStatus.DISK_FULL);
        }
        if (newSize > bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.max(newSize, Math.min(2L * bytes.length, Integer.MAX_VALUE - 64)));
            shared = false;
        } else {
            own();
            if (newSize < size) {
                Arrays.fill(bytes, (int) newSize, size, (byte) 0);
            }
        }
        size = (int) newSize;
    }

    private boolean shared = true;

    /** The first bytes belong to whoever gave them, a built-in DLL's image say. */
    private void own() {
        if (shared) {
            bytes = bytes.clone();
            shared = false;
        }
    }
}
