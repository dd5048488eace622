package org.vadose.debug;

import java.util.List;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.debug.Command.Argument;
import org.vadose.memory.PageTableFormat;
import org.vadose.memory.PageTableFormat.Step;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !db !dc !dd !dq !vtop !ptov}: physical memory and translation. */
final class PhysicalCommands {
    private static final int DEFAULT_BYTES = 128;
    private static final String[] TABLES = {"", "PTE", "PDE", "PDPE", "PML4E"};

    private PhysicalCommands() {}

    static void register(CommandTable table) {
        table.add(
                "!db",
                "address [L n]",
                "Display physical memory as bytes",
                Argument.EXPRESSION,
                (d, a) -> dump(d, a, MemoryCommands.Format.BYTES));
        table.add(
                "!dc",
                "address [L n]",
                "Display physical memory as 32-bit words and ASCII",
                Argument.EXPRESSION,
                (d, a) -> dump(d, a, MemoryCommands.Format.DWORDS_TEXT));
        table.add(
                "!dd",
                "address [L n]",
                "Display physical memory as 32-bit words",
                Argument.EXPRESSION,
                (d, a) -> dump(d, a, MemoryCommands.Format.DWORDS));
        table.add(
                "!dq",
                "address [L n]",
                "Display physical memory as 64-bit words",
                Argument.EXPRESSION,
                (d, a) -> dump(d, a, MemoryCommands.Format.QWORDS));
        table.add(
                "!vtop",
                "dirbase address",
                "Translate a virtual address",
                Argument.EXPRESSION,
                PhysicalCommands::virtualToPhysical);
        table.add(
                "!ptov",
                "dirbase",
                "List what an address space maps",
                Argument.EXPRESSION,
                PhysicalCommands::physicalToVirtual);
    }

    private static void dump(Debugger debugger, String arguments, MemoryCommands.Format format) {
        Range range = Range.parse(debugger, arguments, format.size);
        long count = range.count() < 0 ? DEFAULT_BYTES / format.size : range.count();
        for (long done = 0; done < count; done += format.perLine) {
            long address = range.start() + done * format.size;
            StringBuilder line = new StringBuilder("#").append(String.format("%8x", address));
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < Math.min(format.perLine, count - done); i++) {
                line.append(format == MemoryCommands.Format.BYTES && i == 8 ? '-' : ' ');
                element(debugger, address + (long) i * format.size, format, line, text);
            }
            if (format.text) {
                line.append(' ').append(text);
            }
            debugger.out().line(line.toString());
        }
    }

    private static void element(
            Debugger debugger, long at, MemoryCommands.Format format, StringBuilder line, StringBuilder text) {
        byte[] bytes = new byte[format.size];
        try {
            debugger.target().physical().read(at, bytes, 0, bytes.length);
        } catch (IndexOutOfBoundsException e) {
            line.append(format.size == 8 ? "????????`????????" : "?".repeat(format.size * 2));
            text.append("?".repeat(format.size));
            return;
        }
        long value = 0;
        for (int i = format.size - 1; i >= 0; i--) {
            value = value << 8 | bytes[i] & 0xFF;
        }
        line.append(format.size == 8 ? Hex.ticked(value) : Hex.digits(value, format.size * 2));
        for (byte b : bytes) {
            text.append(MemoryCommands.printable(b & 0xFF));
        }
    }

    /** The first argument is a page number, a physical address, or 0 for the current address space. */
    private static TargetMemory space(Debugger debugger, String word) {
        long value = debugger.evaluate(word);
        if (value == 0) {
            return debugger.memory();
        }
        boolean frame = Pages.offset(value) != 0
                && value << Pages.SHIFT < debugger.target().physicalBytes();
        long root = frame ? value << Pages.SHIFT : Pages.down(value);
        return debugger.target().space(root);
    }

    private static void virtualToPhysical(Debugger debugger, String text) {
        Arguments words = new Arguments(text);
        TargetMemory space = words.remaining() > 1 ? space(debugger, words.next()) : debugger.memory();
        if (!words.hasNext()) {
            throw new CommandException("usage: !vtop PFN|DirBase|0 VirtualAddress");
        }
        long address = debugger.evaluate(words.rest());
        Printer out = debugger.out();
        out.line("Amd64VtoP: Virt " + Hex.address(address) + ", pagedir " + Hex.address(space.root()));
        List<Step> steps = space.path(address);
        for (Step step : steps) {
            out.line("Amd64VtoP: " + TABLES[step.level()] + " " + Hex.address(step.entryPhysicalAddress()));
        }
        try {
            long physical = space.translate(address);
            Step last = steps.getLast();
            String size = last.level() == 1 ? "Mapped" : last.level() == 2 ? "Large page mapped" : "1GB page mapped";
            out.line("Amd64VtoP: " + size + " phys " + Hex.address(physical));
            out.line("Virtual address " + Hex.plain(address) + " translates to physical address " + Hex.plain(physical)
                    + ".");
        } catch (UnreadableMemoryException e) {
            if (!steps.isEmpty()) {
                Step last = steps.getLast();
                out.line("Amd64VtoP: " + (last.entry() == 0 ? "zero " + TABLES[last.level()] : e.reason()));
            }
            out.line("Virtual address " + Hex.plain(address) + " translation fails, error 0xD0000147.");
        }
    }

    private static void physicalToVirtual(Debugger debugger, String text) {
        TargetMemory space = text.isEmpty() ? debugger.memory() : space(debugger, text);
        debugger.out().line("Amd64PtoV: pagedir " + Hex.plain(space.root()));
        list(debugger, space.format(), space.root(), 4, 0);
    }

    private static void list(Debugger debugger, PageTableFormat format, long table, int level, long base) {
        long span = Pages.SIZE << 9 * (level - 1);
        for (int i = 0; i < 512; i++) {
            debugger.out().checkCancelled();
            long address = base + i * span;
            if (level == 4) {
                address = address << 16 >> 16;
            }
            long entry;
            try {
                entry = debugger.target().physical().readLong(table + i * 8L);
            } catch (IndexOutOfBoundsException e) {
                return;
            }
            if (!format.isPresent(entry)) {
                continue;
            }
            if (format.isLeaf(level, entry)) {
                debugger.out().line(Hex.plain(format.frameAddress(level, entry)) + " " + Hex.plain(address));
            } else if (level == 1 || format.frameAddress(level, entry) != table) {
                list(debugger, format, format.frameAddress(level, entry), level - 1, address);
            }
        }
    }
}
