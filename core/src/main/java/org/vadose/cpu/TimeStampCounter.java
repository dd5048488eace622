package org.vadose.cpu;

/** What rdtsc reads. The default counts instructions, so that the same run reads the same times. */
@FunctionalInterface
public interface TimeStampCounter {
    /** @param instructionsRetired instructions this processor state has executed */
    long read(long instructionsRetired);
}
