package org.vadose.win32.kernel32;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.ps.SystemClock;
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

    private static final int ERROR_INVALID_HANDLE = 6;

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
                .function("FileTimeToDosDateTime", TimeFunctions::toDosTime)
                .function("DosDateTimeToFileTime", TimeFunctions::fromDosTime)
                .function("GetSystemTimeAdjustment", TimeFunctions::getAdjustment)
                .function("SetSystemTime", call -> call.fail(1314))
                .function("SetLocalTime", call -> call.fail(1314))
                .function("SystemTimeToTzSpecificLocalTime", call -> copySystemTime(call, call.arg(1), call.arg(2)))
                .function("TzSpecificLocalTimeToSystemTime", call -> copySystemTime(call, call.arg(1), call.arg(2)))
                .function("GetProcessTimes", TimeFunctions::getProcessTimes)
                .function("GetThreadTimes", TimeFunctions::getThreadTimes)
                .function("GetSystemTimes", TimeFunctions::getSystemTimes)
                .function("QueryThreadCycleTime", TimeFunctions::threadCycles)
                .function("QueryProcessCycleTime", TimeFunctions::processCycles)
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

    // --- other clocks and forms ---

    private static long getProcessTimes(ApiCall call) {
        Eprocess process = call.process().byHandle(call.arg(0));
        if (process == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        call.thread().chargeTime();
        return times(
                call,
                process.createTime(),
                process.isExiting() ? process.exitTime() : 0,
                process.kernelTime(),
                process.userTime());
    }

    private static long getThreadTimes(ApiCall call) {
        Ethread thread = ProcessFunctions.ethread(call, call.arg(0));
        if (thread.address() == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        call.thread().chargeTime();
        return times(
                call,
                thread.createTime(),
                thread.isTerminated() ? thread.exitTime() : 0,
                thread.kernelTime(),
                thread.userTime());
    }

    /** @param kernel clock ticks; {@code user} likewise */
    private static long times(ApiCall call, long created, long exited, long kernel, long user) {
        call.memory().writeLong(call.arg(1), created);
        call.memory().writeLong(call.arg(2), exited);
        call.memory().writeLong(call.arg(3), kernel * SystemClock.TICK);
        call.memory().writeLong(call.arg(4), user * SystemClock.TICK);
        return 1;
    }

    private static long processCycles(ApiCall call) {
        Eprocess process = call.process().byHandle(call.arg(0));
        if (process == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        call.thread().chargeTime();
        call.memory().writeLong(call.arg(1), process.cycleTime());
        return 1;
    }

    private static long threadCycles(ApiCall call) {
        Ethread thread = ProcessFunctions.ethread(call, call.arg(0));
        if (thread.address() == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        call.thread().chargeTime();
        call.memory().writeLong(call.arg(1), thread.cycleTime());
        return 1;
    }

    private static long getSystemTimes(ApiCall call) {
        long now = clock(call).now();
        long[] times = {0, 0, now};
        for (int i = 0; i < times.length; i++) {
            if (call.arg(i) != 0) {
                call.memory().writeLong(call.arg(i), times[i]);
            }
        }
        return 1;
    }

    private static long getAdjustment(ApiCall call) {
        int[] values = {156_250, 156_250, 1};
        for (int i = 0; i < values.length; i++) {
            call.memory().writeInt(call.arg(i), values[i]);
        }
        return 1;
    }

    private static long copySystemTime(ApiCall call, long from, long to) {
        call.memory().write(to, call.memory().read(from, 16));
        return 1;
    }

    /** Date: 7 bits of years since 1980, 4 of month, 5 of day; time: 5 of hour, 6 of minute, 5 of seconds by two. */
    private static long toDosTime(ApiCall call) {
        long unix = call.memory().readLong(call.arg(0)) - UNIX_EPOCH;
        // Odd seconds are rounded up.
        LocalDateTime time = LocalDateTime.ofEpochSecond(Math.floorDiv(unix, TICKS_PER_SECOND), 0, ZoneOffset.UTC)
                .plusSeconds(1);
        int year = time.getYear() - 1980;
        if (year < 0 || year > 127) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        call.memory().writeShort(call.arg(1), (short) (year << 9 | time.getMonthValue() << 5 | time.getDayOfMonth()));
        call.memory()
                .writeShort(call.arg(2), (short) (time.getHour() << 11 | time.getMinute() << 5 | time.getSecond() / 2));
        return 1;
    }

    private static long fromDosTime(ApiCall call) {
        int date = call.intArg(0) & 0xFFFF;
        int time = call.intArg(1) & 0xFFFF;
        try {
            LocalDateTime at = LocalDateTime.of(
                    1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, (time & 31) * 2);
            call.memory().writeLong(call.arg(2), UNIX_EPOCH + at.toEpochSecond(ZoneOffset.UTC) * TICKS_PER_SECOND);
            return 1;
        } catch (java.time.DateTimeException noSuchTime) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
    }

    private static long switchToThread(ApiCall call) {
        boolean isAlone = call.process().threadCount() == 1;
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
