package org.vadose.win32;

/** Which fiber-local slots of a process are in use, and the function each calls with its value when it goes. */
public final class FiberSlots {
    private static final int COUNT = 128;
    private static final long FREE = -1;
    private final long[] callbacks = new long[COUNT];

    FiberSlots() {
        // Windows gives index 0 to nobody.
        java.util.Arrays.fill(callbacks, 1, COUNT, FREE);
    }

    /** @return the slot, or -1 when all are taken */
    public int allocate(long callback) {
        for (int i = 1; i < COUNT; i++) {
            if (callbacks[i] == FREE) {
                callbacks[i] = callback;
                return i;
            }
        }
        return -1;
    }

    public boolean isUsed(int slot) {
        return slot > 0 && callbacks[slot] != FREE;
    }

    /** @return the slot's function, 0 for none */
    public long free(int slot) {
        long callback = callbacks[slot];
        callbacks[slot] = FREE;
        return callback;
    }

    public long callback(int slot) {
        return callbacks[slot];
    }
}
