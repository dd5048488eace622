package org.vadose.memory;

import java.util.Arrays;

/** What a walk found; one reused object per translator, so that a TLB miss allocates nothing. */
public final class PageWalk extends PageWalkPadding {
    /** Physical address of the byte asked for. Valid when the walk succeeded. */
    public long physicalAddress;
    /** The leaf maps for writing at the privilege of the access, and its dirty bit is set already. */
    public boolean writeReady;
    /** {@link PageFaultCode} bits to push. Valid when the walk failed. */
    public int errorCode;
    /** No other processor can change an entry between reading it and noting an access in it. */
    boolean isAlone = true;

    private static final int TABLES = 16;
    /** For each region: its address, the physical address of the table, what all levels above allow. */
    private static final int STRIDE = 3;
    /** Nothing that another processor uses is on the same cache line. */
    private static final int PADDING = 16;

    private static final long NO_REGION = -1;

    /** The lowest tables that walks came by, as a processor's paging-structure caches hold them. */
    private final long[] tables = new long[TABLES * STRIDE + 2 * PADDING];

    private boolean knowsAny = true;

    /** Nothing that another processor uses follows on the same cache line. */
    long q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15;

    public PageWalk() {
        forgetTables();
    }

    private static int slot(long region) {
        return PADDING + ((int) region & TABLES - 1) * STRIDE;
    }

    /** Whether the table for a region, the address above what one lowest table maps, is known. */
    boolean knows(long region) {
        return tables[slot(region)] == region;
    }

    /** Physical address of that table. */
    long table(long region) {
        return tables[slot(region) + 1];
    }

    /** What all levels above it allow. */
    long rights(long region) {
        return tables[slot(region) + 2];
    }

    void learn(long region, long table, long rights) {
        int slot = slot(region);
        tables[slot] = region;
        tables[slot + 1] = table;
        tables[slot + 2] = rights;
        knowsAny = true;
    }

    /** Any invalidation does this, as INVLPG does (Intel SDM volume 3, 4.10.4.1). */
    void forgetTables() {
        if (knowsAny) {
            Arrays.fill(tables, NO_REGION);
            knowsAny = false;
        }
    }
}

/** Keeps what a walk writes off the cache lines of what happens to lie before it on the heap. */
abstract class PageWalkPadding {
    long p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15;
}
