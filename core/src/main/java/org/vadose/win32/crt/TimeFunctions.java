package org.vadose.win32.crt;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import org.jspecify.annotations.Nullable;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code time.h}; local times are {@link TimeZones}'. */
final class TimeFunctions {
    /** Ticks of 100 ns from 1601 to 1970. */
    private static final long UNIX_EPOCH = 116_444_736_000_000_000L;

    private static final long TICKS_PER_SECOND = 10_000_000;
    private static final long TICKS_PER_MILLISECOND = 10_000;
    private static final long LARGEST_TIME = 32_535_215_999L;

    private static final String[] DAYS = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    private static final String[] MONTHS = {
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December"
    };

    private TimeFunctions() {}

    /** A {@code struct tm} in memory: nine ints. */
    private record Broken(
            int second, int minute, int hour, int day, int month, int year, int weekDay, int yearDay, int daylight) {
        static Broken read(Memory memory, long at) {
            return new Broken(
                    memory.readInt(at),
                    memory.readInt(at + 4),
                    memory.readInt(at + 8),
                    memory.readInt(at + 12),
                    memory.readInt(at + 16),
                    memory.readInt(at + 20),
                    memory.readInt(at + 24),
                    memory.readInt(at + 28),
                    memory.readInt(at + 32));
        }

        /** Of a moment, as the zone has it. */
        static Broken local(ApiCall call, long seconds) {
            long standard = seconds - TimeZones.secondsWest(call);
            return TimeZones.isDaylight(call, standard)
                    ? of(standard + TimeZones.daylightSeconds(call), 1)
                    : of(standard, 0);
        }

        static Broken of(long seconds) {
            return of(seconds, 0);
        }

        private static Broken of(long seconds, int daylight) {
            LocalDateTime time = LocalDateTime.ofEpochSecond(seconds, 0, ZoneOffset.UTC);
            return new Broken(
                    time.getSecond(),
                    time.getMinute(),
                    time.getHour(),
                    time.getDayOfMonth(),
                    time.getMonthValue() - 1,
                    time.getYear() - 1900,
                    time.getDayOfWeek().getValue() % 7,
                    time.getDayOfYear() - 1,
                    daylight);
        }

        void write(Memory memory, long at) {
            int[] fields = {second, minute, hour, day, month, year, weekDay, yearDay, daylight};
            for (int i = 0; i < fields.length; i++) {
                memory.writeInt(at + 4L * i, fields[i]);
            }
        }
    }

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("time", call -> now(call, 8))
                .function("_time64", call -> now(call, 8))
                .function("_time32", call -> now(call, 4))
                .function("clock", call -> (int) (call.process().clock().now() / TICKS_PER_MILLISECOND))
                .function("difftime", TimeFunctions::difference)
                .function("_difftime64", TimeFunctions::difference)
                .function("strftime", call -> format(call, false))
                .function("wcsftime", call -> format(call, true))
                .function("asctime", call -> asText(call, Broken.read(call.memory(), call.arg(0))))
                .function("_strdate", call -> date(call, "%m/%d/%y"))
                .function("_strtime", call -> date(call, "%H:%M:%S"))
                .function("_ftime", TimeFunctions::detailed)
                .function("_ftime64", TimeFunctions::detailed);
        TimeZones.addTo(msvcrt);
        for (String bits : new String[] {"", "64", "32"}) {
            int size = bits.equals("32") ? 4 : 8;
            String prefix = bits.isEmpty() ? "" : "_";
            msvcrt.function(prefix + "gmtime" + bits, call -> broken(call, size, false))
                    .function(prefix + "localtime" + bits, call -> broken(call, size, true))
                    .function(prefix + "ctime" + bits, call -> timeText(call, size))
                    .function(prefix + "mktime" + bits, call -> compose(call, true))
                    .function("_mkgmtime" + bits, call -> compose(call, false));
        }
        msvcrt.function("_gmtime64_s", call -> brokenSafely(call, false))
                .function("_localtime64_s", call -> brokenSafely(call, true));
    }

    private static long seconds(ApiCall call) {
        return Math.floorDiv(call.process().clock().systemTime() - UNIX_EPOCH, TICKS_PER_SECOND);
    }

    private static long now(ApiCall call, int size) {
        long now = seconds(call);
        if (call.arg(0) != 0) {
            if (size == 8) {
                call.memory().writeLong(call.arg(0), now);
            } else {
                call.memory().writeInt(call.arg(0), (int) now);
            }
        }
        return now;
    }

    private static long difference(ApiCall call) {
        return call.returnDouble((double) call.arg(0) - (double) call.arg(1));
    }

    private static @Nullable Broken at(ApiCall call, long address, int size, boolean isLocal) {
        if (address == 0) {
            return null;
        }
        long time = size == 8 ? call.memory().readLong(address) : call.memory().readInt(address);
        return time < 0 || time > LARGEST_TIME ? null : isLocal ? Broken.local(call, time) : Broken.of(time);
    }

    private static long broken(ApiCall call, int size, boolean isLocal) {
        Broken time = at(call, call.arg(0), size, isLocal);
        if (time == null) {
            CrtState.invalid(call, CrtState.EINVAL);
            return 0;
        }
        long buffer = CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_TM;
        time.write(call.memory(), buffer);
        return buffer;
    }

    private static long brokenSafely(ApiCall call, boolean isLocal) {
        Broken time = at(call, call.arg(1), 8, isLocal);
        if (time == null || call.arg(0) == 0) {
            CrtState.invalid(call, CrtState.EINVAL);
            return CrtState.EINVAL;
        }
        time.write(call.memory(), call.arg(0));
        return 0;
    }

    private static long timeText(ApiCall call, int size) {
        Broken time = at(call, call.arg(0), size, true);
        if (time == null) {
            CrtState.invalid(call, CrtState.EINVAL);
            return 0;
        }
        return asText(call, time);
    }

    /** {@code Sun Jan 02 03:04:05 2000} and a line feed. */
    private static long asText(ApiCall call, Broken time) {
        String text = expand("%a %b %d %H:%M:%S %Y\n", time, call);
        long buffer = CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_ASCTIME;
        GuestText.writeAnsi(call.memory(), buffer, text == null ? "" : text);
        return buffer;
    }

    private static long compose(ApiCall call, boolean isLocal) {
        Broken time = Broken.read(call.memory(), call.arg(0));
        long seconds;
        try {
            seconds = LocalDateTime.of(1900, 1, 1, 0, 0)
                    .plusYears(time.year)
                    .plusMonths(time.month)
                    .plusDays(time.day - 1L)
                    .plusHours(time.hour)
                    .plusMinutes(time.minute)
                    .plusSeconds(time.second)
                    .toEpochSecond(ZoneOffset.UTC);
        } catch (DateTimeException e) {
            return CrtState.fail(call, CrtState.EINVAL);
        }
        if (isLocal) {
            boolean isDaylight = time.daylight > 0 || time.daylight < 0 && TimeZones.isDaylight(call, seconds);
            seconds += TimeZones.secondsWest(call) - (isDaylight ? TimeZones.daylightSeconds(call) : 0);
        }
        if (seconds < 0 || seconds > LARGEST_TIME) {
            return CrtState.fail(call, CrtState.EINVAL);
        }
        (isLocal ? Broken.local(call, seconds) : Broken.of(seconds)).write(call.memory(), call.arg(0));
        return seconds;
    }

    private static long detailed(ApiCall call) {
        long ticks = call.process().clock().systemTime() - UNIX_EPOCH;
        call.memory().writeLong(call.arg(0), Math.floorDiv(ticks, TICKS_PER_SECOND));
        call.memory()
                .writeShort(call.arg(0) + 8, (short) (Math.floorMod(ticks, TICKS_PER_SECOND) / TICKS_PER_MILLISECOND));
        int west = TimeZones.secondsWest(call);
        boolean isDaylight = TimeZones.isDaylight(call, Math.floorDiv(ticks, TICKS_PER_SECOND) - west);
        call.memory().writeShort(call.arg(0) + 10, (short) (west / 60));
        call.memory().writeShort(call.arg(0) + 12, (short) (isDaylight ? 1 : 0));
        return 0;
    }

    private static long date(ApiCall call, String format) {
        String text = expand(format, Broken.local(call, seconds(call)), call);
        GuestText.writeAnsi(call.memory(), call.arg(0), text == null ? "" : text);
        return call.arg(0);
    }

    // ---- strftime
    // ----------------------------------------------------------------------------------------------------

    private static long format(ApiCall call, boolean wide) {
        Memory memory = call.memory();
        String format = wide ? GuestText.wide(memory, call.arg(2)) : GuestText.ansi(memory, call.arg(2));
        String text = expand(format, Broken.read(memory, call.arg(3)), call);
        if (text == null) {
            CrtState.invalid(call, CrtState.EINVAL);
            return 0;
        }
        if (text.length() >= call.arg(1)) {
            CrtState.invalid(call, CrtState.ERANGE);
            return 0;
        }
        if (wide) {
            GuestText.writeWide(memory, call.arg(0), text);
        } else {
            GuestText.writeAnsi(memory, call.arg(0), text);
        }
        return text.length();
    }

    /** The text, or null when a conversion or a field of the time is wrong. */
    private static @Nullable String expand(String format, Broken time, ApiCall call) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                text.append(c);
                continue;
            }
            i++;
            boolean plain = i < format.length() && format.charAt(i) == '#';
            i += plain ? 1 : 0;
            String part = i < format.length() ? conversion(format.charAt(i), plain, time, call) : null;
            if (part == null) {
                return null;
            }
            text.append(part);
        }
        return text.toString();
    }

    private static @Nullable String conversion(char type, boolean plain, Broken time, ApiCall call) {
        if (time.weekDay < 0 || time.weekDay > 6 || time.month < 0 || time.month > 11) {
            return null;
        }
        return switch (type) {
            case 'a' -> DAYS[time.weekDay].substring(0, 3);
            case 'A' -> DAYS[time.weekDay];
            case 'b' -> MONTHS[time.month].substring(0, 3);
            case 'B' -> MONTHS[time.month];
            case 'c' -> expand(plain ? longDay(call) + " " + clock(call) : day(call) + " " + clock(call), time, call);
            case 'd' -> number(time.day, 2, plain);
            case 'H' -> number(time.hour, 2, plain);
            case 'I' -> number((time.hour + 11) % 12 + 1, 2, plain);
            case 'j' -> number(time.yearDay + 1, 3, plain);
            case 'm' -> number(time.month + 1, 2, plain);
            case 'M' -> number(time.minute, 2, plain);
            case 'p' -> time.hour < 12 ? "AM" : "PM";
            case 'S' -> number(time.second, 2, plain);
            case 'U' -> number((time.yearDay + 7 - time.weekDay) / 7, 2, plain);
            case 'w' -> number(time.weekDay, 1, plain);
            case 'W' -> number((time.yearDay + 7 - (time.weekDay + 6) % 7) / 7, 2, plain);
            case 'x' -> expand(plain ? longDay(call) : day(call), time, call);
            case 'X' -> expand(clock(call), time, call);
            case 'y' -> number(Math.floorMod(time.year, 100), 2, plain);
            case 'Y' -> number(time.year + 1900, 4, plain);
            case 'z', 'Z' -> TimeZones.name(call, time.daylight > 0);
            case '%' -> "%";
            default -> null;
        };
    }

    /** How the present locale writes days, and times of the day. */
    private static String day(ApiCall call) {
        return Locales.page(call, Locales.TIME) == 0 ? "%m/%d/%y" : "%#m/%#d/%Y";
    }

    private static String longDay(ApiCall call) {
        return Locales.page(call, Locales.TIME) == 0 ? "%A, %B %d, %Y" : "%A, %B %#d, %Y";
    }

    private static String clock(ApiCall call) {
        return Locales.page(call, Locales.TIME) == 0 ? "%H:%M:%S" : "%#I:%M:%S %p";
    }

    private static String number(int value, int digits, boolean plain) {
        String text = Integer.toString(value);
        return plain ? text : "0".repeat(Math.max(0, digits - text.length())) + text;
    }
}
