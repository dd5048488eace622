package org.vadose.base;

/**
 * The machine's only source of randomness. Each use takes its own stream by name, so a new use does not disturb what an older
 * one draws: same seed, same name, same numbers (SplitMix64 over a hash of the name).
 */
public final class SeededRandom {
    private long state;

    private SeededRandom(long state) {
        this.state = state;
    }

    /** @param purpose what the numbers are for, {@code "kaslr"} say */
    public static SeededRandom of(long seed, String purpose) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < purpose.length(); i++) {
            hash = (hash ^ purpose.charAt(i)) * 0x100000001b3L;
        }
        return new SeededRandom(mix(seed + 0x9e3779b97f4a7c15L) ^ mix(hash));
    }

    public long nextLong() {
        state += 0x9e3779b97f4a7c15L;
        return mix(state);
    }

    public int nextInt() {
        return (int) (nextLong() >>> 32);
    }

    /** Uniform in {@code [0, bound)}; {@code bound} is positive. */
    public long below(long bound) {
        return Math.unsignedMultiplyHigh(nextLong(), bound);
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
