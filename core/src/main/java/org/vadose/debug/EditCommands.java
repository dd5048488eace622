package org.vadose.debug;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.ListEntryLayout;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code eb ew ed eq ea eu s dl !list}: changing memory, searching it, following lists. */
final class EditCommands {
    private static final int SEARCH_STEP = 0x1_0000;
    private static final int SHOWN = 16;
    private static final int MOST_ENTRIES = 1 << 20;
    private static final int DEFAULT_ENTRIES = 32;

    private EditCommands() {}

    static void register(CommandTable table) {
        numbers(table, "eb", "bytes", 1);
        numbers(table, "ew", "16-bit words", 2);
        numbers(table, "ed", "32-bit words", 4);
        numbers(table, "eq", "64-bit words", 8);
        table.add("ea", "address \"text\"", "Write ASCII text", Argument.EXPRESSION, (d, a) -> text(d, a, false));
        table.add("eu", "address \"text\"", "Write Unicode text", Argument.EXPRESSION, (d, a) -> text(d, a, true));
        table.add("s", "[-b|-w|-d|-q|-a|-u] range pattern", "Search memory", Argument.EXPRESSION, EditCommands::search);
        table.add(
                "dl",
                "[b] address [count [words]]",
                "Follow a list and display its entries",
                Argument.EXPRESSION,
                EditCommands::links);
        table.add(
                "!list",
                "[-t type.field] [-x \"commands\"] address",
                "Carry out commands for each entry of a list; @$extret is its address",
                Argument.EXPRESSION,
                EditCommands::list);
    }

    private static void numbers(CommandTable table, String name, String what, int size) {
        table.add(name, "address value ...", "Write " + what, Argument.EXPRESSION, (d, a) -> {
            Arguments words = new Arguments(a);
            long address = d.evaluate(words.next());
            if (!words.hasNext()) {
                throw new CommandException("usage: " + name + " address value ...");
            }
            while (words.hasNext()) {
                d.write(address, bytes(d.evaluate(words.next()), size));
                address += size;
            }
        });
    }

    private static byte[] bytes(long value, int size) {
        byte[] all = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
        return java.util.Arrays.copyOf(all, size);
    }

    private static void text(Debugger debugger, String text, boolean wide) {
        int quote = text.indexOf('"');
        if (quote < 0) {
            throw new CommandException("usage: " + (wide ? "eu" : "ea") + " address \"text\"");
        }
        String content = text.substring(quote + 1).replaceFirst("\"\\s*$", "");
        debugger.write(
                debugger.evaluate(text.substring(0, quote)),
                content.getBytes(wide ? StandardCharsets.UTF_16LE : StandardCharsets.ISO_8859_1));
    }

    // --- search ---

    private static void search(Debugger debugger, String text) {
        Arguments words = new Arguments(text);
        char kind = 'b';
        if (words.hasNext() && String.valueOf(words.peek()).matches("-[bwdqau]")) {
            kind = words.next().charAt(1);
        }
        if (words.remaining() < 3) {
            throw new CommandException("usage: s [-b|-w|-d|-q|-a|-u] range pattern");
        }
        int size = switch (kind) {
            case 'w' -> 2;
            case 'd' -> 4;
            case 'q' -> 8;
            default -> 1;
        };
        Range range;
        String start = words.next();
        String length = words.next();
        if (length.equalsIgnoreCase("L")) {
            length += words.next();
        }
        range = Range.parse(debugger, start + " " + length, size);
        byte[] pattern = pattern(debugger, words.rest(), kind, size);
        long end = range.start() + range.count() * size;
        TargetMemory memory = debugger.memory();
        for (long at = range.start(); at < end; at += SEARCH_STEP) {
            debugger.out().checkCancelled();
            for (int page = 0; page < SEARCH_STEP && at + page < end; page += 0x1000) {
                searchIn(debugger, memory, at + page, Math.min(end, at + page + 0x1000), end, pattern, kind, size);
            }
        }
    }

    private static byte[] pattern(Debugger debugger, String text, char kind, int size) {
        if (kind == 'a' || kind == 'u') {
            return text.replaceAll("^\"|\"$", "")
                    .getBytes(kind == 'a' ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_16LE);
        }
        String[] values = text.split("\\s+");
        ByteBuffer bytes = ByteBuffer.allocate(values.length * size);
        for (String value : values) {
            bytes.put(bytes(debugger.evaluate(value), size));
        }
        return bytes.array();
    }

    /** What begins in a piece that lies in one page; it may end in the next. */
    private static void searchIn(
            Debugger debugger, TargetMemory memory, long from, long to, long end, byte[] pattern, char kind, int size) {
        if (pattern.length == 0) {
            return;
        }
        byte[] bytes = memory.readUpTo(from, (int) Math.min(to - from + pattern.length - 1, end - from));
        for (int i = 0; i + pattern.length <= bytes.length && from + i < to; i += size) {
            if (java.util.Arrays.equals(bytes, i, i + pattern.length, pattern, 0, pattern.length)) {
                MemoryCommands.Format format = switch (kind) {
                    case 'w' -> MemoryCommands.Format.WORDS;
                    case 'd' -> MemoryCommands.Format.DWORDS_TEXT;
                    case 'q' -> MemoryCommands.Format.QWORDS;
                    default -> MemoryCommands.Format.BYTES;
                };
                debugger.out().line(MemoryCommands.line(debugger, memory, from + i, SHOWN / format.size, format));
            }
        }
    }

    // --- lists ---

    private static void links(Debugger debugger, String text) {
        Arguments words = new Arguments(text);
        boolean backwards = words.remaining() > 1 && "b".equals(words.peek());
        if (backwards) {
            words.next();
        }
        long head = debugger.evaluate(words.next());
        long count = words.hasNext() ? debugger.evaluate(words.next()) : DEFAULT_ENTRIES;
        int shown = words.hasNext() ? (int) debugger.evaluate(words.next()) : 2;
        TargetMemory memory = debugger.memory();
        long at = head;
        for (long i = 0; i < count; i++) {
            for (int word = 0; word < shown; word += 2) {
                debugger.out()
                        .line(MemoryCommands.line(
                                debugger,
                                memory,
                                at + 8L * word,
                                Math.min(2, shown - word),
                                MemoryCommands.Format.QWORDS));
            }
            at = memory.readLong(at + (backwards ? ListEntryLayout.BLINK : ListEntryLayout.FLINK));
            if (at == head || at == 0) {
                return;
            }
        }
    }

    private static void list(Debugger debugger, String text) {
        String rest = text;
        // WinDbg wants everything in quotes when there are commands.
        if (rest.startsWith("\"") && rest.endsWith("\"") && rest.length() > 1) {
            rest = rest.substring(1, rest.length() - 1).strip();
        }
        TypeCommand.Link link = new TypeCommand.Link(0, true);
        String commands = "dp @$extret L2";
        while (rest.startsWith("-")) {
            char option = rest.length() > 1 ? rest.charAt(1) : ' ';
            rest = rest.substring(2).strip();
            if (option == 't') {
                int end = rest.indexOf(' ') < 0 ? rest.length() : rest.indexOf(' ');
                link = TypeCommand.link(rest.substring(0, end));
                rest = rest.substring(end).strip();
            } else if (option == 'x') {
                int end = rest.startsWith("\\\"") ? rest.indexOf("\\\"", 2) : rest.indexOf('"', 1);
                if (!rest.startsWith("\"") && !rest.startsWith("\\\"") || end < 0) {
                    throw new CommandException("usage: !list [-t type.field] [-x \"commands\"] address");
                }
                int quote = rest.startsWith("\\") ? 2 : 1;
                commands = rest.substring(quote, end);
                rest = rest.substring(end + quote).strip();
            } else {
                throw new CommandException("usage: !list [-t type.field] [-x \"commands\"] address");
            }
        }
        long head = debugger.evaluate(rest);
        TargetMemory memory = debugger.memory();
        long at = head;
        for (int i = 0; i < MOST_ENTRIES; i++) {
            debugger.out().checkCancelled();
            debugger.setExtensionResult(at);
            debugger.carryOut(commands);
            debugger.out().line();
            long next;
            try {
                next = memory.readLong(at + link.offset());
            } catch (UnreadableMemoryException e) {
                debugger.out().line("Cannot read next element at " + Hex.address(at + link.offset()));
                return;
            }
            if (next != 0 && link.leadsToLink()) {
                next -= link.offset();
            }
            if (next == head || next == 0) {
                return;
            }
            at = next;
        }
    }
}
