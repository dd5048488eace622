package org.vadose.debug;

import java.util.Map;
import java.util.WeakHashMap;
import org.vadose.base.Hex;
import org.vadose.cpu.Decoder;
import org.vadose.cpu.Instruction;
import org.vadose.cpu.InstructionFormatter;
import org.vadose.debug.Command.Argument;
import org.vadose.target.Register;
import org.vadose.target.RegisterFile;
import org.vadose.target.StopText;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code u r}: instructions and registers. */
final class CodeCommands {
    private static final int DEFAULT_COUNT = 8;
    private static final Map<Debugger, Long> NEXT = new WeakHashMap<>();

    private CodeCommands() {}

    static void register(CommandTable table) {
        table.add("u", "[address [L n]]", "Disassemble", Argument.EXPRESSION, CodeCommands::disassemble);
        table.add("r", "[register[=value]]", "Show or set registers", Argument.EXPRESSION, CodeCommands::registers);
    }

    private static void disassemble(Debugger debugger, String text) {
        debugger.setRepeat("u");
        Range range;
        if (text.isEmpty()) {
            Long next = NEXT.get(debugger);
            range = new Range(next == null ? debugger.registers().get(Register.RIP) : next, -1);
        } else {
            range = Range.parse(debugger, text.equals(".") ? "@$ip" : text, 1);
        }
        boolean byEnd = range.count() > 0 && !text.matches("(?s).*\\s[lL]\\??\\s*[0-9a-fA-F`xXnN]+\\s*");
        long end = range.start() + range.count();
        long at = range.start();
        String shown = null;
        for (long i = 0; byEnd ? at < end : i < (range.count() < 0 ? DEFAULT_COUNT : range.count()); i++) {
            ModuleTable.Place place = debugger.modules().nearest(at);
            String name = place == null ? null : place.name();
            if (i == 0
                    || place != null && at == place.address() && !place.name().equals(shown)) {
                heading(debugger, at);
            }
            shown = name;
            int length = instruction(debugger, at);
            if (length == 0) {
                throw new CommandException(" ".repeat(debugger.prompt().length() + "u ".length() + text.length())
                        + "^ Memory access error in '" + ("u " + text).strip() + "'");
            }
            at += length;
            NEXT.put(debugger, at);
        }
    }

    private static void heading(Debugger debugger, long at) {
        String name = debugger.nameOf(at);
        if (name != null) {
            debugger.out().line(name + ":");
        }
    }

    /** Prints the instruction at an address and answers its length; 0 if it cannot be read. */
    static int instruction(Debugger debugger, long at) {
        TargetMemory memory = debugger.memory();
        Instruction instruction = new Instruction();
        try {
            new Decoder().decode(memory, at, instruction);
        } catch (UnreadableMemoryException e) {
            debugger.out().line(StopText.unreadableInstruction(at));
            return 0;
        }
        debugger.out().line(new InstructionFormatter(debugger::nameOf).line(instruction));
        return Math.max(1, instruction.length());
    }

    private static void registers(Debugger debugger, String text) {
        RegisterFile registers = debugger.registers();
        if (text.isEmpty()) {
            all(debugger, registers);
            return;
        }
        for (String part : text.split(",")) {
            one(debugger, registers, part.strip());
        }
    }

    private static void one(Debugger debugger, RegisterFile registers, String text) {
        int equals = text.indexOf('=');
        String name = (equals < 0 ? text : text.substring(0, equals)).strip();
        if (name.startsWith("@")) {
            name = name.substring(1);
        }
        if (name.startsWith("$") && equals < 0) {
            debugger.out().line(name + "=" + Hex.address(debugger.evaluate("@" + name)));
            return;
        }
        Register register = Register.find(name);
        if (register == null) {
            throw new CommandException("^ Bad register error in 'r " + text + "'");
        }
        if (equals >= 0) {
            long value = debugger.evaluate(text.substring(equals + 1));
            registers.set(register, register.bits() == 64 ? value : value & (1L << register.bits()) - 1);
        } else {
            debugger.out().line(register.text() + "=" + StopText.digits(registers, register));
        }
    }

    /** The whole set and the instruction it stands at, as at every stop. */
    static void all(Debugger debugger, RegisterFile registers) {
        StopText text = new StopText(registers, debugger.memory(), debugger::nameOf);
        text.registerLines().forEach(debugger.out()::line);
        heading(debugger, registers.get(Register.RIP));
        debugger.out().line(text.instructionLine());
    }

    /** The machine moved on: {@code u} starts at the instruction pointer again. */
    static void forget(Debugger debugger) {
        NEXT.remove(debugger);
    }
}
