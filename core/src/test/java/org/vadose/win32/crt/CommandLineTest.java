package org.vadose.win32.crt;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Examples from Microsoft's notes on parsing arguments. */
class CommandLineTest {
    @Test
    void programNameKnowsQuotesOnly() {
        assertEquals(List.of("C:\\my dir\\a.exe", "x"), StartupFunctions.arguments("\"C:\\my dir\\a.exe\" x"));
        assertEquals(List.of("a\\b"), StartupFunctions.arguments("a\\\"b\""));
    }

    @Test
    void argumentsKnowQuotesAndBackslashes() {
        assertEquals(List.of("p", "a b c", "d", "e"), StartupFunctions.arguments("p \"a b c\" d e"));
        assertEquals(List.of("p", "ab\"c", "\\", "d"), StartupFunctions.arguments("p \"ab\\\"c\" \"\\\\\" d"));
        assertEquals(List.of("p", "a\\\\\\b", "de fg", "h"), StartupFunctions.arguments("p a\\\\\\b d\"e f\"g h"));
        assertEquals(List.of("p", "a\\\"b", "c", "d"), StartupFunctions.arguments("p a\\\\\\\"b c d"));
        assertEquals(List.of("p", "a\\\\b c", "d", "e"), StartupFunctions.arguments("p a\\\\\\\\\"b c\" d e"));
        assertEquals(List.of("p", ""), StartupFunctions.arguments("p   \"\"  "));
    }
}
