package org.vadose.win32.crt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Iterator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vadose.memory.PhysicalMemory;

/** Expectations are what msvcrt.dll prints; a comment marks where Wine's msvcrt differs. */
class PrintFormatTest {
    private final PhysicalMemory memory = new PhysicalMemory(PhysicalMemory.MINIMUM_BYTES);
    private long top = 0x1000;

    @AfterEach
    void close() {
        memory.close();
    }

    private String format(boolean wide, String format, Object... arguments) {
        Iterator<Long> values = LongStream.range(0, arguments.length)
                .map(i -> slot(arguments[(int) i]))
                .boxed()
                .iterator();
        return new PrintFormat(memory, values::next, wide, 3).format(format).toString();
    }

    private long slot(Object argument) {
        return switch (argument) {
            case Double d -> Double.doubleToRawLongBits(d);
            case String s -> {
                long at = top;
                GuestText.writeAnsi(memory, at, s);
                top += s.length() + 16;
                yield at;
            }
            case StringBuilder s -> {
                long at = top;
                GuestText.writeWide(memory, at, s);
                top += 2 * s.length() + 16;
                yield at;
            }
            case Number n -> n.longValue();
            default -> throw new IllegalArgumentException();
        };
    }

    private void prints(String expected, String format, Object... arguments) {
        assertEquals(expected, format(false, format, arguments));
    }

    @Test
    void integers() {
        prints(
                "1099511627776|2199023255552|300|-1|4294967295",
                "%I64d|%lld|%hd|%d|%u",
                1L << 40,
                1L << 41,
                300,
                -1,
                -1);
        prints("0xff|010|+5| 5|00005|5    |0XAB", "%#x|%#o|%+d|% d|%05d|%-5d|%#X", 255, 8, 5, 5, 5, 5, 0xAB);
        prints("00042|   00042|", "%.5d|%8.5d|%.0d", 42, 42, 0);
        prints("-9223372036854775808 8000000000000000", "%I64d %I64x", Long.MIN_VALUE, Long.MIN_VALUE);
        prints("   7|7   |0007", "%*d|%*d|%.*d", 4, 7, -4, 7, 4, 7);
    }

    @Test
    void pointersHaveSixteenUpperCaseDigits() {
        prints("00000000DEADBEEF", "%p", 0xDEADBEEFL);
    }

    @Test
    void text() {
        prints("a|         b|c         |de|x|%", "%s|%10s|%-10s|%.2s|%c|%%", "a", "b", "c", "defg", 'x' + 0);
        prints("(null)|(nu", "%s|%.3s", 0, 0);
        prints("wide|big|k", "%ls|%S|%hs", new StringBuilder("wide"), new StringBuilder("big"), "k");
        assertEquals("wide|small", format(true, "%s|%S", new StringBuilder("wide"), "small"));
    }

    @Test
    void unknownConversionsStand() {
        prints("y|5", "%y|%d", 5);
    }

    @Test
    void countOfCharactersIsRefused() {
        assertThrows(PrintFormat.Invalid.class, () -> format(false, "%n", 0));
        assertThrows(PrintFormat.Invalid.class, () -> format(false, "%S", new StringBuilder("\u20ac")));
    }

    @Test
    void exponentsHaveThreeDigits() {
        prints("1.234568e+005|1e-005|1e+100|1E-010", "%e|%g|%g|%G", 123456.789, 1e-5, 1e100, 1e-10);
        prints("100000 1e+006 0.0001 1.23457e+008", "%g %g %g %g", 1e5, 1e6, 1e-4, 123456789.0);
        prints("3.|3.00000|0.000000e+000", "%#.0f|%#g|%e", 3.0, 3.0, 0.0);
    }

    /** Wine prints all digits the value has. */
    @Test
    void seventeenDigitsThenZeros() {
        prints("0.10000000000000001000", "%.20f", 0.1);
        prints("3.333333333333333100000000000000e-001", "%.30e", 1.0 / 3);
    }

    @Test
    void halvesGoUp() {
        prints(
                "1|2|3|0.3|1.00|2.001|-1",
                "%.0f|%.0f|%.0f|%.1f|%.2f|%.3f|%.0f",
                0.5,
                1.5,
                2.5,
                0.25,
                1.005,
                2.0005,
                -0.5);
        prints("9.99|10.0|1e+001", "%.2f|%.1f|%.0e", 9.994, 9.96, 9.5);
    }

    @Test
    void infinitiesAndNansAreDigits() {
        double indefinite = Double.longBitsToDouble(0xFFF8_0000_0000_0000L);
        prints("1.#INF00|-1.#INF00|1.#QNAN0|-1.#IND00", "%f|%f|%f|%f", 1 / 0.0, -1 / 0.0, Double.NaN, indefinite);
        prints("1.#J|1.#INF|1.#INF00e+000|    1.#QO", "%.2f|%g|%e|%9.3f", 1 / 0.0, 1 / 0.0, 1 / 0.0, Double.NaN);
    }

    @Test
    void fieldsOfNumbers() {
        prints(
                "     3.142|3.142     |+3.142|-00003.142",
                "%10.3f|%-10.3f|%+.3f|%010.3f",
                3.14159,
                3.14159,
                3.14159,
                -3.14159);
    }

    @Test
    void hexadecimalFloats() {
        prints("0x1.0000000000000p+0 0X1.999999999999AP-4 0x1.922p+1", "%a %A %.3a", 1.0, 0.1, 3.14159);
    }
}
