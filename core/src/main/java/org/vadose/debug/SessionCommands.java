package org.vadose.debug;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.dump.ImageWriter;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KuserSharedDataLayout;
import org.vadose.target.UnreadableMemoryException;

/** {@code ? .formats .echo help .dump g t p q n vertarget}: the session itself. */
final class SessionCommands {
    private static final long SHARED_DATA = 0xFFFF_F780_0000_0000L;

    private SessionCommands() {}

    static void register(CommandTable table) {
        table.add("?", "expression", "Evaluate an expression", Argument.EXPRESSION, SessionCommands::evaluate);
        table.add(
                ".formats",
                "expression",
                "Show a number in every notation",
                Argument.EXPRESSION,
                SessionCommands::formats);
        table.add(
                ".echo", "text", "Print text", Argument.NONE, (d, a) -> d.out().line(a));
        for (String name : new String[] {"help", ".hh", ".help"}) {
            table.add(
                    name,
                    "[command]",
                    "Show commands, or one command's usage",
                    Argument.COMMAND,
                    SessionCommands::help);
        }
        table.add(
                ".dump",
                "[/f] [/o] file",
                "Write physical memory to FILE.raw or FILE.dmp",
                Argument.FILE,
                SessionCommands::dump);
        table.add("g", "[address]", "Go: let the machine run", Argument.EXPRESSION, SessionCommands::go);
        table.add(
                "gn",
                "",
                "Go, leaving the exception to the program",
                Argument.NONE,
                (d, a) -> resume(d, "gn", Debugger.Outcome.GO));
        table.add(
                "gh",
                "",
                "Go, the exception being handled",
                Argument.NONE,
                (d, a) -> resume(d, "gh", Debugger.Outcome.GO_HANDLED));
        table.add(
                "t", "", "Trace: run one instruction", Argument.NONE, (d, a) -> resume(d, "t", Debugger.Outcome.STEP));
        table.add(
                "p",
                "",
                "Step: run one instruction, a call as a whole",
                Argument.NONE,
                (d, a) -> resume(d, "p", Debugger.Outcome.STEP_OVER));
        table.add("q", "", "Quit", Argument.NONE, (d, a) -> d.setOutcome(Debugger.Outcome.QUIT));
        table.add("n", "[8|10|16]", "Show or set the number base", Argument.NONE, SessionCommands::base);
        table.add("vertarget", "", "Show what is looked at", Argument.NONE, SessionCommands::version);
    }

    private static void evaluate(Debugger debugger, String text) {
        if (text.isEmpty()) {
            help(debugger, "");
            return;
        }
        long value = debugger.evaluate(text);
        debugger.out().line("Evaluate expression: " + value + " = " + Hex.ticked(value));
    }

    private static void formats(Debugger debugger, String text) {
        long value = debugger.evaluate(text);
        Printer out = debugger.out();
        out.line("Evaluate expression:");
        out.line("  Hex:     " + Hex.ticked(value));
        out.line("  Decimal: " + value);
        String octal = Long.toOctalString(value);
        out.line("  Octal:   " + "0".repeat(Math.max(0, 22 - octal.length())) + octal);
        StringBuilder binary = new StringBuilder();
        StringBuilder characters = new StringBuilder();
        for (int shift = 56; shift >= 0; shift -= 8) {
            int b = (int) (value >>> shift & 0xFF);
            binary.append(' ')
                    .append(String.format("%8s", Integer.toBinaryString(b)).replace(' ', '0'));
            characters.append(MemoryCommands.printable(b));
        }
        out.line("  Binary: " + binary);
        out.line("  Chars:   " + characters);
        out.line("  Float:   low " + Float.intBitsToFloat((int) value) + " high "
                + Float.intBitsToFloat((int) (value >>> 32)));
        out.line("  Double:  " + Double.longBitsToDouble(value));
    }

    private static void help(Debugger debugger, String name) {
        Printer out = debugger.out();
        if (!name.isEmpty()) {
            Command command = debugger.commands().find(name);
            if (command == null) {
                throw new CommandException("No command " + name);
            }
            out.line(command.usage());
            out.line("    " + command.summary());
            return;
        }
        for (Command command : debugger.commands().all()) {
            out.line(String.format(Locale.ROOT, "%-44s %s", command.usage(), command.summary()));
        }
    }

    private static void dump(Debugger debugger, String text) {
        Arguments words = new Arguments(text);
        boolean overwrite = false;
        while (words.hasNext() && String.valueOf(words.peek()).matches("/[a-z]+")) {
            overwrite |= words.next().equals("/o");
        }
        String name = words.rest();
        if (name.isEmpty()) {
            throw new CommandException("usage: .dump [/f] [/o] file");
        }
        try {
            Path file = Path.of(name);
            if (!overwrite && Files.isRegularFile(file)) {
                throw new CommandException("Unable to create file '" + name + "': it exists (/o overwrites it)");
            }
            debugger.out().line("Creating " + file);
            ImageWriter.write(debugger.target(), file);
        } catch (IOException e) {
            throw new CommandException("Unable to create file '" + name + "': " + ImageWriter.reason(e));
        } catch (InvalidPathException e) {
            throw new CommandException("Unable to create file '" + name + "': " + e.getReason());
        }
        debugger.out().line("Dump successfully written");
    }

    private static void go(Debugger debugger, String text) {
        long address = text.isEmpty() ? 0 : debugger.evaluate(text);
        resume(debugger, "g", Debugger.Outcome.GO);
        if (address != 0) {
            debugger.breakpoints().stopOnceAt(address, 0);
        }
    }

    static void resume(Debugger debugger, String command, Debugger.Outcome outcome) {
        LiveControl live = debugger.live();
        boolean steps = outcome == Debugger.Outcome.STEP || outcome == Debugger.Outcome.STEP_OVER;
        if (live == null || steps && !live.canStep()) {
            throw new CommandException(
                    " ".repeat(debugger.prompt().length()) + "^ No runnable debuggees error in '" + command + "'");
        }
        CodeCommands.forget(debugger);
        debugger.setOutcome(outcome);
    }

    private static void base(Debugger debugger, String text) {
        if (!text.isEmpty()) {
            switch (text) {
                case "8", "10", "16" -> debugger.setRadix(Integer.parseInt(text));
                default -> throw new CommandException("The base is 8, 10 or 16.");
            }
        }
        debugger.out().line("base is " + debugger.radix());
    }

    private static void version(Debugger debugger, String text) {
        Printer out = debugger.out();
        var kernel = debugger.target().kernel();
        try {
            int build = kernel.readInt(debugger.target().kernelAddress(KernelSymbols.NT_BUILD_NUMBER)) & 0xFFFF;
            int processors = kernel.readInt(debugger.target().kernelAddress(KernelSymbols.KE_NUMBER_PROCESSORS));
            out.line("Windows 10 Kernel Version " + build + " MP (" + processors + " procs) Free x64");
            out.line(
                    "Built by: " + kernel.readLatin1(debugger.target().kernelAddress(KernelSymbols.NT_BUILD_LAB), 128));
            out.line("Kernel base = 0x" + Hex.ticked(debugger.target().kernelBase()) + " PsLoadedModuleList = 0x"
                    + Hex.ticked(debugger.target().kernelAddress(KernelSymbols.PS_LOADED_MODULE_LIST)));
            long time = kernel.readLong(SHARED_DATA + KuserSharedDataLayout.SYSTEM_TIME);
            out.line("Debug session time: " + Times.date(time));
            out.line("System Uptime: "
                    + Times.elapsed(kernel.readLong(SHARED_DATA + KuserSharedDataLayout.INTERRUPT_TIME)));
        } catch (UnreadableMemoryException e) {
            out.line("Kernel data cannot be read: " + e.reason());
        }
        out.line("Target: " + debugger.target().description());
        String mismatch = debugger.target().symbolMismatch();
        if (mismatch != null) {
            out.line("*** " + mismatch);
        }
    }
}
