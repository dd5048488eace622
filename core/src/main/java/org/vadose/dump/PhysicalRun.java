package org.vadose.dump;

/** Consecutive physical pages. */
public record PhysicalRun(long firstPage, long pages) {
    /** The page after the last. */
    public long end() {
        return firstPage + pages;
    }
}
