package org.vadose.win32.crt;

import java.time.DayOfWeek;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.TemporalAdjusters;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestProcess;

/**
 * The zone of local times, in the library's variables: {@code _timezone} (seconds west), {@code _daylight}, {@code _dstbias}, {@code
 * _tzname}. The machine's is UTC; the environment variable {@code TZ} names another one, {@code PST8PDT} say, whose daylight saving,
 * if it has any, is that of the United States.
 */
final class TimeZones {
    private static final String ZONE = "_timezone";
    private static final String DAYLIGHT = "_daylight";
    private static final String DAYLIGHT_BIAS = "_dstbias";
    private static final String NAMES = "_tzname";
    private static final String IS_SET = "__tz_is_set";
    private static final String UTC = "UTC";
    private static final int NAME_LETTERS = 3;
    private static final int NAME_ROOM = 64;
    private static final int HOUR = 3_600;
    /** When the United States moved both ends. */
    private static final int NEW_RULES = 2007;

    private TimeZones() {}

    static void addTo(ApiModule msvcrt) {
        for (String name : new String[] {ZONE, DAYLIGHT, DAYLIGHT_BIAS, IS_SET}) {
            msvcrt.data(
                    name, Integer.BYTES, (process, at) -> CrtState.of(process).placed(name, at));
        }
        msvcrt.data(NAMES, 2 * Long.BYTES, TimeZones::initializeNames).function("_tzset", call -> {
            set(call);
            return 0;
        });
    }

    private static void initializeNames(GuestProcess process, long at) {
        CrtState crt = CrtState.of(process);
        crt.placed(NAMES, at);
        for (int i = 0; i < 2; i++) {
            long room = crt.allocate(NAME_ROOM);
            GuestText.writeAnsi(process.memory(), room, UTC);
            process.memory().writeLong(at + 8L * i, room);
        }
    }

    private static long variable(ApiCall call, String name) {
        return CrtState.of(call).variable(name);
    }

    private static int value(ApiCall call, String name) {
        return call.memory().readInt(variable(call, name));
    }

    private static void write(ApiCall call, String name, int value) {
        call.memory().writeInt(variable(call, name), value);
    }

    /** {@code _tzset}: goes by what TZ says now. */
    private static void set(ApiCall call) {
        write(call, IS_SET, 1);
        String text = EnvironmentFunctions.value(call, "TZ");
        if (text == null || text.isEmpty()) {
            write(call, ZONE, 0);
            write(call, DAYLIGHT, 0);
            write(call, DAYLIGHT_BIAS, 0);
            name(call, 0, UTC);
            name(call, 1, UTC);
            return;
        }
        Reader reader = new Reader(text);
        String standard = reader.name();
        int west = reader.offset();
        String daylight = reader.name();
        write(call, ZONE, west);
        write(call, DAYLIGHT, daylight.isEmpty() ? 0 : 1);
        write(call, DAYLIGHT_BIAS, -HOUR);
        name(call, 0, standard);
        name(call, 1, daylight);
    }

    private static void name(ApiCall call, int index, String name) {
        Memory memory = call.memory();
        GuestText.writeAnsi(memory, memory.readLong(variable(call, NAMES) + 8L * index), name);
    }

    /** Before a local time is made for the first time. */
    private static void setOnce(ApiCall call) {
        if (value(call, IS_SET) == 0) {
            set(call);
        }
    }

    /** {@code tzn[+-]hh[:mm[:ss]][dzn]}. */
    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        String name() {
            int start = Math.min(at, text.length());
            at = Math.min(start + NAME_LETTERS, text.length());
            return text.substring(start, at);
        }

        private boolean take(char c) {
            boolean isThere = at < text.length() && text.charAt(at) == c;
            at += isThere ? 1 : 0;
            return isThere;
        }

        private int number() {
            int number = 0;
            while (at < text.length() && Character.digit(text.charAt(at), 10) >= 0) {
                number = (10 * number + Character.digit(text.charAt(at++), 10)) % 1_000_000;
            }
            return number;
        }

        /** Seconds west of Greenwich. */
        int offset() {
            boolean isEast = take('-');
            if (!isEast) {
                take('+');
            }
            int seconds = HOUR * number();
            if (take(':')) {
                seconds += 60 * number();
                if (take(':')) {
                    seconds += number();
                }
            }
            return isEast ? -seconds : seconds;
        }
    }

    /** Seconds west, without daylight saving. */
    static int secondsWest(ApiCall call) {
        setOnce(call);
        return value(call, ZONE);
    }

    /** What daylight saving adds to local time, in seconds. */
    static int daylightSeconds(ApiCall call) {
        return -value(call, DAYLIGHT_BIAS);
    }

    static String name(ApiCall call, boolean isDaylight) {
        setOnce(call);
        Memory memory = call.memory();
        return GuestText.ansi(memory, memory.readLong(variable(call, NAMES) + (isDaylight ? 8 : 0)));
    }

    /**
     * Whether daylight saving holds.
     *
     * @param standard seconds since 1970, of the zone without daylight saving
     */
    static boolean isDaylight(ApiCall call, long standard) {
        setOnce(call);
        if (value(call, DAYLIGHT) == 0) {
            return false;
        }
        LocalDateTime time = LocalDateTime.ofEpochSecond(standard, 0, ZoneOffset.UTC);
        boolean isNew = time.getYear() >= NEW_RULES;
        LocalDateTime start = isNew ? sunday(time, 3, 2) : sunday(time, 4, 1);
        LocalDateTime end = isNew ? sunday(time, 11, 1) : sunday(time, 10, -1);
        // Both at two o'clock, the end by daylight time.
        return !time.isBefore(start.withHour(2)) && time.isBefore(end.withHour(1));
    }

    private static LocalDateTime sunday(LocalDateTime time, int month, int which) {
        return LocalDateTime.of(time.getYear(), month, 1, 0, 0)
                .with(TemporalAdjusters.dayOfWeekInMonth(which, DayOfWeek.SUNDAY));
    }
}
