package org.vadose.debug;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Windows times: units of 100 ns, points counted from 1601. */
final class Times {
    private static final long UNITS_PER_MS = 10_000;
    private static final long EPOCH_DIFFERENCE_S = 11_644_473_600L;
    /** What one clock tick is when {@code KeMaximumIncrement} says nothing else: 1/64 s. */
    static final long TICK = 156_250;

    private static final DateTimeFormatter DATE =
            DateTimeFormatter.ofPattern("EEE MMM d HH:mm:ss.SSS yyyy '(UTC)'", Locale.ROOT);

    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("MMM dd HH:mm:ss yyyy", Locale.ROOT);

    private Times() {}

    static String date(long time) {
        return Instant.ofEpochSecond(time / 10_000_000 - EPOCH_DIFFERENCE_S, time % 10_000_000 * 100)
                .atOffset(ZoneOffset.UTC)
                .format(DATE);
    }

    /** A time stamp of an image: seconds since 1970. */
    static String stamp(long seconds) {
        return Instant.ofEpochSecond(seconds).atOffset(ZoneOffset.UTC).format(STAMP);
    }

    /** {@code 00:00:53.132}, with days before it when there are any. */
    static String elapsed(long units) {
        long ms = units / UNITS_PER_MS;
        long days = ms / 86_400_000;
        String start = days == 0 ? "" : days == 1 ? "1 Day " : days + " Days ";
        return start
                + String.format(
                        Locale.ROOT,
                        "%02d:%02d:%02d.%03d",
                        ms / 3_600_000 % 24,
                        ms / 60_000 % 60,
                        ms / 1000 % 60,
                        ms % 1000);
    }
}
