package org.vadose.debug;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.WeakHashMap;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.UnicodeStringLayout;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code db dw dd dq dp dc da du dps dS ds}: virtual memory as numbers and text. */
final class MemoryCommands {
    private static final int DEFAULT_BYTES = 128;
    private static final int TEXT_PER_LINE = 48;
    private static final int DEFAULT_TEXT = 4096;

    /** Where each session's next display command without an address starts. */
    private static final Map<Debugger, Long> NEXT = new WeakHashMap<>();

    private MemoryCommands() {}

    /** How a display command shows memory. */
    enum Format {
        BYTES(1, 16, true),
        WORDS(2, 8, false),
        DWORDS(4, 4, false),
        DWORDS_TEXT(4, 4, true),
        QWORDS(8, 2, false),
        POINTERS_SYMBOLS(8, 1, false);

        final int size;
        final int perLine;
        final boolean text;

        Format(int size, int perLine, boolean text) {
            this.size = size;
            this.perLine = perLine;
            this.text = text;
        }
    }

    static void register(CommandTable table) {
        add(table, "db", "Display memory as bytes and ASCII", Format.BYTES);
        add(table, "dw", "Display memory as 16-bit words", Format.WORDS);
        add(table, "dd", "Display memory as 32-bit words", Format.DWORDS);
        add(table, "dc", "Display memory as 32-bit words and ASCII", Format.DWORDS_TEXT);
        add(table, "dq", "Display memory as 64-bit words", Format.QWORDS);
        add(table, "dp", "Display memory as pointers", Format.QWORDS);
        add(table, "dps", "Display pointers and the symbols they point at", Format.POINTERS_SYMBOLS);
        add(table, "dqs", "Display 64-bit words and the symbols they point at", Format.POINTERS_SYMBOLS);
        table.add(
                "d",
                "[range]",
                "Display memory as bytes and ASCII",
                Argument.EXPRESSION,
                (d, a) -> numbers(d, a, "d", Format.BYTES));
        table.add("da", "[range]", "Display an ASCII string", Argument.EXPRESSION, (d, a) -> text(d, a, "da", 1));
        table.add("du", "[range]", "Display a Unicode string", Argument.EXPRESSION, (d, a) -> text(d, a, "du", 2));
        table.add("dS", "address", "Display a _UNICODE_STRING", Argument.EXPRESSION, MemoryCommands::counted);
    }

    private static void add(CommandTable table, String name, String summary, Format format) {
        table.add(name, "[range]", summary, Argument.EXPRESSION, (d, a) -> numbers(d, a, name, format));
    }

    private static Range range(Debugger debugger, String arguments, String name, int size) {
        debugger.setRepeat(name);
        if (!arguments.isEmpty()) {
            return Range.parse(debugger, arguments, size);
        }
        Long next = NEXT.get(debugger);
        return new Range(next == null ? debugger.evaluate("@$ip") : next, -1);
    }

    private static void numbers(Debugger debugger, String arguments, String name, Format format) {
        Range range = range(debugger, arguments, name, format.size);
        long count = range.count() < 0 ? DEFAULT_BYTES / format.size : range.count();
        TargetMemory memory = debugger.memory();
        for (long done = 0; done < count; done += format.perLine) {
            long address = range.start() + done * format.size;
            int inLine = (int) Math.min(format.perLine, count - done);
            debugger.out().line(line(debugger, memory, address, inLine, format));
        }
        NEXT.put(debugger, range.start() + count * format.size);
    }

    static String line(Debugger debugger, TargetMemory memory, long address, int count, Format format) {
        StringBuilder line = new StringBuilder(Hex.ticked(address)).append("  ");
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            if (i > 0) {
                line.append(format == Format.BYTES && i == 8 ? '-' : ' ');
            }
            element(debugger, memory, address + (long) i * format.size, format, line, text);
        }
        if (format.text) {
            int width = 20 + format.perLine * (format.size * 2 + 1);
            line.append(" ".repeat(Math.max(2, width - line.length()))).append(text);
        }
        return line.toString();
    }

    private static void element(
            Debugger debugger, TargetMemory memory, long at, Format format, StringBuilder line, StringBuilder text) {
        byte[] bytes = memory.readUpTo(at, format.size);
        if (bytes.length < format.size) {
            line.append(format.size == 8 ? "????????`????????" : "?".repeat(format.size * 2));
            text.append("?".repeat(format.size));
            return;
        }
        long value = 0;
        for (int i = format.size - 1; i >= 0; i--) {
            value = value << 8 | bytes[i] & 0xFF;
        }
        line.append(format.size == 8 ? Hex.ticked(value) : Hex.digits(value, format.size * 2));
        if (format.text) {
            for (byte b : bytes) {
                text.append(printable(b & 0xFF));
            }
        }
        if (format == Format.POINTERS_SYMBOLS) {
            String name = debugger.nameOf(value);
            line.append(name == null ? "" : " " + name);
        }
    }

    /** The character, or a dot outside printable ASCII. */
    static char printable(int c) {
        return c >= 0x20 && c < 0x7F ? (char) c : '.';
    }

    private static void text(Debugger debugger, String arguments, String name, int size) {
        Range range = range(debugger, arguments, name, size);
        long count = range.count() < 0 ? DEFAULT_TEXT : range.count();
        TargetMemory memory = debugger.memory();
        long at = range.start();
        boolean ended = false;
        for (long left = count; left > 0 && !ended; ) {
            int wanted = (int) Math.min(left, TEXT_PER_LINE);
            StringBuilder line = new StringBuilder();
            long start = at;
            for (int i = 0; i < wanted && !ended; i++) {
                int c = character(memory, at, size);
                at += size;
                ended = c <= 0;
                if (c > 0) {
                    line.append(size == 1 ? printable(c) : (char) (c >= 0x20 ? c : '.'));
                } else if (c < 0) {
                    line.append('?');
                }
            }
            left -= wanted;
            if (!line.isEmpty() || start == range.start()) {
                debugger.out().line(Hex.ticked(start) + "  \"" + line + "\"");
            }
        }
        NEXT.put(debugger, at);
    }

    /** The character, or -1 where it cannot be read. */
    private static int character(TargetMemory memory, long at, int size) {
        try {
            return size == 1 ? memory.readUnsignedByte(at) : memory.readUnsignedShort(at);
        } catch (UnreadableMemoryException e) {
            return -1;
        }
    }

    private static void counted(Debugger debugger, String arguments) {
        long address = debugger.evaluate(arguments);
        TargetMemory memory = debugger.memory();
        int length = memory.readUnsignedShort(address + UnicodeStringLayout.LENGTH);
        long buffer = memory.readLong(address + UnicodeStringLayout.BUFFER);
        debugger.out().line(Hex.ticked(buffer) + "  \"" + unicode(memory, buffer, length) + "\"");
    }

    /** UTF-16 text as far as it can be read. */
    static String unicode(TargetMemory memory, long buffer, int lengthBytes) {
        return new String(memory.readUpTo(buffer, lengthBytes & ~1), StandardCharsets.UTF_16LE);
    }
}
