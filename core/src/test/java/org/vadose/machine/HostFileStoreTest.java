package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.PhysicalMemory;

class HostFileStoreTest {
    private static final int COUNT = 16;
    private static final long WINDOW_SLOTS = (256L << 20) / Pages.SIZE;

    private final HostFileStore store = new HostFileStore(null);
    private final PhysicalMemory ram = new PhysicalMemory(64 * Pages.SIZE);

    @AfterEach
    void close() {
        store.close();
        ram.close();
    }

    private static long[] frames(int first) {
        long[] frames = new long[COUNT];
        for (int i = 0; i < COUNT; i++) {
            // In no order that a file has.
            frames[i] = first + i * 7 % COUNT;
        }
        return frames;
    }

    private void fill(long[] frames, long value) {
        for (int i = 0; i < COUNT; i++) {
            ram.writeLong(frames[i] * Pages.SIZE + 8 * i, value + i);
        }
    }

    @Test
    void pagesComeBackFromWhereTheyWereWritten() {
        long[] written = frames(0);
        long[] read = frames(32);
        for (long slot : new long[] {1, 250, WINDOW_SLOTS - 5, 3 * WINDOW_SLOTS}) {
            fill(written, slot << 20);
            assertEquals(NtStatus.SUCCESS, store.write(slot, ram, written, COUNT));
        }
        for (long slot : new long[] {3 * WINDOW_SLOTS, WINDOW_SLOTS - 5, 250, 1}) {
            assertEquals(NtStatus.SUCCESS, store.read(slot, ram, read, COUNT));
            for (int i = 0; i < COUNT; i++) {
                assertEquals((slot << 20) + i, ram.readLong(read[i] * Pages.SIZE + 8 * i), "slot=" + slot + " i=" + i);
                assertEquals(0, ram.readLong(read[i] * Pages.SIZE + 8 * (i + 1)));
            }
        }
    }

    @Test
    void whatWasNeverWrittenIsZeros() {
        long[] frames = frames(0);
        fill(frames, 1);
        assertEquals(NtStatus.SUCCESS, store.read(77, ram, frames, COUNT));
        for (int i = 0; i < COUNT; i++) {
            assertEquals(0, ram.readLong(frames[i] * Pages.SIZE + 8 * i));
        }
        fill(frames, 1);
        assertEquals(NtStatus.SUCCESS, store.write(256, ram, frames, 1));
        assertEquals(NtStatus.SUCCESS, store.read(257, ram, frames, COUNT));
        assertEquals(0, ram.readLong(frames[1] * Pages.SIZE + 8));
    }
}
