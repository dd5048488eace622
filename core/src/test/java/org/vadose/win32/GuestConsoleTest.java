package org.vadose.win32;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.vadose.io.OpenFile;

class GuestConsoleTest {
    private final ByteArrayOutputStream terminal = new ByteArrayOutputStream();

    private GuestConsole console(boolean isInteractive) {
        return new GuestConsole(new ByteArrayInputStream(new byte[3]), terminal, terminal, isInteractive);
    }

    private static void write(OpenFile file, int... bytes) {
        for (int b : bytes) {
            file.write(0, new byte[] {(byte) b}, 0, 1);
        }
    }

    private String shown() {
        String text = terminal.toString(StandardCharsets.UTF_8);
        terminal.reset();
        return text;
    }

    @Test
    void terminalGetsUtf8WhateverTheCodePage() throws Exception {
        GuestConsole console = console(true);
        OpenFile out = console.output();
        write(out, 'a', 0x82);
        assertEquals("a\u00E9", shown());
        console.setOutputPage(1252, Charset.forName("windows-1252"));
        write(out, 0xE9, 0x80);
        assertEquals("\u00E9\u20AC", shown());
        console.setOutputPage(65_001, StandardCharsets.UTF_8);
        write(out, 0xE4, 0xB8, 0xAD);
        assertEquals("\u4E2D", shown());
        console.setOutputPage(437, Charset.forName("IBM437"));
        console.write("\u4E2D");
        assertEquals("\u4E2D", shown());
    }

    @Test
    void pipeGetsBytesAsTheyAre() {
        GuestConsole console = console(false);
        write(console.output(), 0x82, 0xFF);
        assertArrayEquals(new byte[] {(byte) 0x82, (byte) 0xFF}, terminal.toByteArray());
        terminal.reset();
        console.setTitle("title");
        console.setAttributes(0x1C);
        assertEquals("", shown());
    }

    @Test
    void titlesAndColoursReachTheTerminalWithoutOtherControls() {
        GuestConsole console = console(true);
        console.setTitle("a\u001B]b\u0007c");
        assertEquals("\u001B]0;a]bc\u0007", shown());
        console.setAttributes(0x1C);
        assertEquals("\u001B[0;91;44m", shown());
        console.setAttributes(7);
        assertEquals("\u001B[0m", shown());
    }

    @Test
    void typedAheadIsCountedAndForgotten() {
        GuestConsole console = console(true);
        assertEquals(3, console.typedAhead());
        console.forgetTypedAhead();
        assertEquals(0, console.typedAhead());
        assertEquals(0, console(false).typedAhead());
    }

    @Test
    void anotherConsoleBeginsAfresh() {
        GuestConsole console = console(true);
        console.setInputPage(850);
        console.setMode(true, 0);
        console.setShown(false);
        GuestConsole other = console.another();
        assertEquals(437, other.inputPage());
        assertEquals(0x1F7, other.mode(true));
        assertEquals(true, other.isShown());
    }
}
