package org.vadose.memory;

/** What a walk found; one reused object per translator, so that a TLB miss allocates nothing. */
public final class PageWalk {
    /** Physical address of the byte asked for. Valid when the walk succeeded. */
    public long physicalAddress;
    /** The leaf maps for writing at the privilege of the access, and its dirty bit is set already. */
    public boolean writeReady;
    /** {@link PageFaultCode} bits to push. Valid when the walk failed. */
    public int errorCode;
}
