package org.vadose.debug;

import java.util.List;
import java.util.Locale;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;

/** {@code k kb kn kp kP kv gu}: the calls on the stack. */
final class StackCommands {
    private static final int DEFAULT_FRAMES = 0x100;
    private static final String HEADING = "Child-SP          RetAddr               ";
    private static final String ARGUMENTS =
            ": Args to Child                                                           : ";

    private StackCommands() {}

    static void register(CommandTable table) {
        for (String name : new String[] {"k", "kn", "kp", "kb", "kv"}) {
            boolean numbered = name.equals("kn");
            boolean arguments = name.equals("kb") || name.equals("kv");
            table.add(
                    name,
                    "[n] [count]",
                    "Show the stack" + (arguments ? " with the arguments' home space" : ""),
                    Argument.EXPRESSION,
                    (d, a) -> show(d, a, numbered, arguments));
        }
        table.add("gu", "", "Go up: run until the function returns", Argument.NONE, StackCommands::goUp);
    }

    private static void show(Debugger debugger, String text, boolean isNumbered, boolean withArguments) {
        boolean numbered = isNumbered;
        String count = text;
        if (count.matches("[nN]\\b.*")) {
            numbered = true;
            count = count.substring(1).strip();
        }
        int limit = count.isEmpty() ? DEFAULT_FRAMES : (int) debugger.evaluate(count);
        Printer out = debugger.out();
        out.line((numbered ? " # " : "") + HEADING + (withArguments ? ARGUMENTS : "") + "Call Site");
        List<StackTrace.Frame> frames = StackTrace.of(debugger, debugger.registers(), limit);
        int number = 0;
        for (StackTrace.Frame frame : frames) {
            String name = debugger.nameOf(frame.instruction());
            out.line((numbered ? String.format(Locale.ROOT, "%02x ", number++) : "")
                    + Hex.ticked(frame.stackPointer()) + " " + Hex.ticked(frame.returnAddress()) + "     "
                    + (withArguments ? arguments(debugger, frame) : "")
                    + (name == null ? "0x" + Hex.ticked(frame.instruction()) : name));
        }
    }

    private static String arguments(Debugger debugger, StackTrace.Frame frame) {
        long[] values = StackTrace.home(debugger, frame);
        StringBuilder line = new StringBuilder(": ");
        for (int i = 0; i < 4; i++) {
            line.append(values == null ? "????????`????????" : Hex.ticked(values[i]))
                    .append(' ');
        }
        return line.append(": ").toString();
    }

    private static void goUp(Debugger debugger, String text) {
        List<StackTrace.Frame> frames = StackTrace.of(debugger, debugger.registers(), 1);
        if (frames.isEmpty() || frames.getFirst().returnAddress() == 0) {
            throw new CommandException("The function returns nowhere.");
        }
        StackTrace.Frame frame = frames.getFirst();
        SessionCommands.resume(debugger, "gu", Debugger.Outcome.GO);
        debugger.breakpoints().stopOnceAt(frame.returnAddress(), frame.returnStackPointer());
    }
}
