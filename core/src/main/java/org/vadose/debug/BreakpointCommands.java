package org.vadose.debug;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.vadose.base.Hex;
import org.vadose.debug.Breakpoints.Breakpoint;
import org.vadose.debug.Command.Argument;

/** {@code bp bl bc bd be}: where the machine is to stop. */
final class BreakpointCommands {
    private BreakpointCommands() {}

    static void register(CommandTable table) {
        table.add(
                "bp",
                "[/p process] address [passes] [\"commands\"]",
                "Set a breakpoint",
                Argument.EXPRESSION,
                BreakpointCommands::set);
        table.add("bl", "", "List breakpoints", Argument.NONE, BreakpointCommands::list);
        table.add(
                "bc",
                "number ...|*",
                "Clear breakpoints",
                Argument.NONE,
                (d, a) -> chosen(d, a, "bc")
                        .forEach(n -> d.breakpoints().numbered().remove(n)));
        table.add("bd", "number ...|*", "Disable breakpoints", Argument.NONE, (d, a) -> enable(d, a, "bd", false));
        table.add("be", "number ...|*", "Enable breakpoints", Argument.NONE, (d, a) -> enable(d, a, "be", true));
    }

    private static void set(Debugger debugger, String text) {
        if (debugger.live() == null) {
            throw new CommandException(
                    " ".repeat(debugger.prompt().length()) + "^ No runnable debuggees error in 'bp " + text + "'");
        }
        int quote = text.indexOf('"');
        String command = quote < 0 ? "" : text.substring(quote + 1).replaceFirst("\"\\s*$", "");
        Arguments words = new Arguments(quote < 0 ? text : text.substring(0, quote));
        long process = 0;
        if ("/p".equals(words.peek())) {
            words.next();
            process = debugger.evaluate(words.next());
        }
        if (!words.hasNext()) {
            throw new CommandException("usage: bp [/p process] address [passes] [\"commands\"]");
        }
        long address = debugger.evaluate(words.next());
        long passes = words.hasNext() ? debugger.evaluate(words.next()) : 1;
        for (var entry : debugger.breakpoints().numbered().entrySet()) {
            if (entry.getValue().address == address && entry.getValue().process == process) {
                debugger.out().line("breakpoint " + entry.getKey() + " redefined");
                debugger.breakpoints()
                        .numbered()
                        .put(entry.getKey(), new Breakpoint(address, process, passes, command));
                return;
            }
        }
        debugger.breakpoints().add(new Breakpoint(address, process, passes, command));
    }

    private static void list(Debugger debugger, String text) {
        debugger.breakpoints().numbered().forEach((number, breakpoint) -> {
            String name = debugger.nameOf(breakpoint.address);
            debugger.out()
                    .line(String.format(
                                            Locale.ROOT,
                                            "%2d %s %s     %04x (%04x) %s",
                                            number,
                                            breakpoint.isEnabled ? "e" : "d",
                                            Hex.ticked(breakpoint.address),
                                            breakpoint.passesLeft,
                                            breakpoint.passes,
                                            name == null ? "" : name)
                                    .stripTrailing()
                            + (breakpoint.command.isEmpty() ? "" : " \"" + breakpoint.command + "\""));
            if (breakpoint.process != 0) {
                debugger.out().line("     Match process data " + Hex.ticked(breakpoint.process));
            }
        });
    }

    private static void enable(Debugger debugger, String text, String name, boolean enable) {
        List<Integer> wanted = chosen(debugger, text, name);
        debugger.breakpoints().numbered().forEach((number, breakpoint) -> {
            if (wanted.contains(number)) {
                breakpoint.isEnabled = enable;
            }
        });
    }

    private static List<Integer> chosen(Debugger debugger, String text, String name) {
        List<Integer> all = new ArrayList<>(debugger.breakpoints().numbered().keySet());
        if (text.equals("*")) {
            return all;
        }
        List<Integer> found = new ArrayList<>();
        for (String word : text.split("[\\s,]+")) {
            if (!word.matches("\\d+")) {
                throw new CommandException("usage: " + name + " number ...|*");
            }
            int number = Integer.parseInt(word);
            if (!all.contains(number)) {
                throw new CommandException("Breakpoint " + number + " does not exist");
            }
            found.add(number);
        }
        return found;
    }
}
