package org.vadose.nt;

/** Which pool an allocation is charged to ({@code _POOL_TYPE}); values as in the genuine symbol table. */
public enum PoolType {
    NON_PAGED_POOL(0),
    PAGED_POOL(1),
    NON_PAGED_POOL_NX(512);

    private final int value;

    PoolType(int value) {
        this.value = value;
    }

    /** The number callers of {@code ExAllocatePoolWithTag} pass. */
    public int value() {
        return value;
    }

    public boolean isPaged() {
        return this == PAGED_POOL;
    }
}
