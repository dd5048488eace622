package org.vadose.memory;

/** What a walk found; one reused object per translator, so that a TLB miss allocates nothing. */
public final class PageWalk extends PageWalkPadding {
    /** Physical address of the byte asked for. Valid when the walk succeeded. */
    public long physicalAddress;
    /** The leaf maps for writing at the privilege of the access, and its dirty bit is set already. */
    public boolean writeReady;
    /** {@link PageFaultCode} bits to push. Valid when the walk failed. */
    public int errorCode;

    /** Nothing that another processor uses follows on the same cache line. */
    long q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15;
}

/** Keeps what a walk writes off the cache lines of what happens to lie before it on the heap. */
abstract class PageWalkPadding {
    long p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15;
}
