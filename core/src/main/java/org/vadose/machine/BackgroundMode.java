package org.vadose.machine;

/** Where the memory manager's threads of System do their work: trimming, writing modified pages, zeroing free ones. */
public enum BackgroundMode {
    /** In the thread that finds work to do, at the same points in every run. */
    STEPPED,
    /**
     * On Java threads of their own from the end of the boot on, so that a run need not repeat. Whoever uses the machine's managers
     * holds the kernel's lock, as with several processors.
     */
    THREADS
}
