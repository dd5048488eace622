package org.vadose.win32.kernel32;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestClock;

/** Clocks, dates and sleeping. The machine's time zone is UTC. */
final class TimeFunctions {
    /** Ticks of 100 ns from 1601 to 1970. */
    private static final long UNIX_EPOCH = 116_444_736_000_000_000L;

    private static final long TICKS_PER_SECOND = 10_000_000;
    private static final long TICKS_PER_MILLISECOND = 10_000;
    private static final int INFINITE = -1;
    private static final int ERROR_INVALID_PARAMETER = 87;

    private TimeFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function(
                        "QueryPerformanceCounter",
                        call -> writeLong(call, clock(call).now()))
                .function("QueryPerformanceFrequency", call -> writeLong(call, TICKS_PER_SECOND))
                .function("GetTickCount", call -> milliseconds(call) & 0xFFFF_FFFFL)
                .function("GetTickCount64", TimeFunctions::milliseconds)
                .function(
                        "QueryUnbiasedInterruptTime",
                        call -> writeLong(call, clock(call).now()))
                .function(
                        "GetSystemTimeAsFileTime",
                        call -> writeLong(call, clock(call).systemTime()))
                .function(
                        "GetSystemTimePreciseAsFileTime",
                        call -> writeLong(call, clock(call).systemTime()))
                .function("GetSystemTime", TimeFunctions::getSystemTime)
                .function("GetLocalTime", TimeFunctions::getSystemTime)
                .function("FileTimeToSystemTime", TimeFunctions::fileTimeToSystemTime)
                .function("SystemTimeToFileTime", TimeFunctions::systemTimeToFileTime)
                .function("FileTimeToLocalFileTime", TimeFunctions::copyFileTime)
                .function("LocalFileTimeToFileTime", TimeFunctions::copyFileTime)
                .function("CompareFileTime", TimeFunctions::compareFileTime)
                .function("GetTimeZoneInformation", TimeFunctions::getTimeZoneInformation)
                .function("Sleep", TimeFunctions::sleep)
                .function("SleepEx", TimeFunctions::sleep)
                .function("SwitchToThread", TimeFunctions::switchToThread);
    }

    static GuestClock clock(ApiCall call) {
        return call.process().clock();
    }

    private static long milliseconds(ApiCall call) {
        return clock(call).now() / TICKS_PER_MILLISECOND;
    }

    private static long writeLong(ApiCall call, long value) {
        call.memory().writeLong(call.arg(0), value);
        return 1;
    }

    /** The clock's value so many milliseconds from now; for INFINITE never. */
    static long deadline(ApiCall call, int milliseconds) {
        return milliseconds == INFINITE
                ? org.vadose.win32.GuestThread.NEVER
                : clock(call).now() + (milliseconds & 0xFFFF_FFFFL) * TICKS_PER_MILLISECOND;
    }

    private static long sleep(ApiCall call) {
        if (call.intArg(0) == 0) {
            call.thread().yield();
        } else {
            call.thread().await(() -> false, deadline(call, call.intArg(0)));
        }
        return 0;
    }

    private static long switchToThread(ApiCall call) {
        boolean isAlone = call.process().threads().size() == 1;
        call.thread().yield();
        return isAlone ? 0 : 1;
    }

    private static long getSystemTime(ApiCall call) {
        writeSystemTime(call.memory(), call.arg(0), clock(call).systemTime());
        return 0;
    }

    private static long fileTimeToSystemTime(ApiCall call) {
        long ticks = call.memory().readLong(call.arg(0));
        if (ticks < 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        writeSystemTime(call.memory(), call.arg(1), ticks);
        return 1;
    }

    /** SYSTEMTIME: eight words, year, month, day of week, day, hour, minute, second, milliseconds. */
    private static void writeSystemTime(Memory memory, long address, long ticks) {
        long unix = ticks - UNIX_EPOCH;
        LocalDateTime time = LocalDateTime.ofInstant(
                Instant.ofEpochSecond(
                        Math.floorDiv(unix, TICKS_PER_SECOND), Math.floorMod(unix, TICKS_PER_SECOND) * 100),
                ZoneOffset.UTC);
        int[] words = {
            time.getYear(),
            time.getMonthValue(),
            time.getDayOfWeek().getValue() % 7,
            time.getDayOfMonth(),
            time.getHour(),
            time.getMinute(),
            time.getSecond(),
            time.getNano() / 1_000_000
        };
        for (int i = 0; i < words.length; i++) {
            memory.writeShort(address + 2L * i, (short) words[i]);
        }
    }

    private static long systemTimeToFileTime(ApiCall call) {
        int[] words = new int[8];
        for (int i = 0; i < words.length; i++) {
            words[i] = call.memory().readUnsignedShort(call.arg(0) + 2L * i);
        }
        try {
            LocalDateTime time =
                    LocalDateTime.of(words[0], words[1], words[3], words[4], words[5], words[6], words[7] * 1_000_000);
            if (words[0] < 1601) {
                return call.fail(ERROR_INVALID_PARAMETER);
            }
            long ticks = UNIX_EPOCH
                    + time.toEpochSecond(ZoneOffset.UTC) * TICKS_PER_SECOND
                    + words[7] * TICKS_PER_MILLISECOND;
            call.memory().writeLong(call.arg(1), ticks);
            return 1;
        } catch (java.time.DateTimeException noSuchDate) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
    }

    private static long copyFileTime(ApiCall call) {
        call.memory().writeLong(call.arg(1), call.memory().readLong(call.arg(0)));
        return 1;
    }

    private static long compareFileTime(ApiCall call) {
        return Long.compareUnsigned(
                call.memory().readLong(call.arg(0)), call.memory().readLong(call.arg(1)));
    }

    private static long getTimeZoneInformation(ApiCall call) {
        // TIME_ZONE_INFORMATION is 172 bytes: bias 0, and names at 4 and 88.
        call.memory().fill(call.arg(0), 172, (byte) 0);
        call.writeWide(call.arg(0) + 4, "Coordinated Universal Time");
        call.writeWide(call.arg(0) + 88, "Coordinated Universal Time");
        return 0;
    }
}
