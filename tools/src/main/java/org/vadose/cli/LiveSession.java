package org.vadose.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.debug.Debugger;
import org.vadose.debug.LiveControl;
import org.vadose.machine.Machine;
import org.vadose.nt.ContextRecord;
import org.vadose.nt.ExceptionRecord;
import org.vadose.target.ContextRegisters;
import org.vadose.target.Register;
import org.vadose.target.RegisterFile;
import org.vadose.target.SavedProcessor;
import org.vadose.win32.GuestCpu;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;
import org.vadose.win32.ProcessEnded;

/**
 * The debugger on a running program: stops at the entry point, at each exception and at exit, and holds a prompt there. The prompt
 * runs on the Java thread of the guest thread that stopped, so the guest stands still meanwhile. At each stop the registers are
 * saved into {@code _KPRCB.ProcessorState} as Windows does when it freezes a processor: dumps carry them.
 */
final class LiveSession implements GuestEvents, LiveControl, AutoCloseable {
    private final Machine machine;
    private final PrintStream out;
    private final Debugger debugger;
    private final Prompt prompt;
    private @Nullable RegisterFile registers;
    private @Nullable GuestThread steppable;
    private final boolean commandsGiven;
    private boolean quit;

    /** Registers at an exception: the context the program will go on with, and what a context does not hold. */
    private record ExceptionRegisters(ContextRegisters context, long root, long teb) implements RegisterFile {
        @Override
        public long get(Register register) {
            return switch (register) {
                case CR3 -> root;
                case GSBASE -> teb;
                default -> context.get(register);
            };
        }

        @Override
        public void set(Register register, long value) {
            context.set(register, value);
        }
    }

    /** @param commands from {@code -c}; null if there were none */
    LiveSession(Machine machine, @Nullable List<String> commands, PrintStream out) throws IOException {
        this.machine = machine;
        this.out = out;
        this.commandsGiven = commands != null;
        this.debugger = new Debugger(machine.target(), this, out);
        this.prompt = Prompt.open(debugger, commands, out);
    }

    /** Whether the prompt's lines come from a pipe, so that the program cannot have it. */
    boolean readsStandardInput() {
        return !prompt.isInteractive() && !commandsGiven;
    }

    /** Whether the user left before the program ended. */
    boolean hasQuit() {
        return quit;
    }

    boolean hasFailed() {
        return debugger.hasFailed() && !prompt.isInteractive();
    }

    @Override
    public RegisterFile registers() {
        RegisterFile current = registers;
        if (current == null) {
            throw new UnsupportedOperationException("no thread has stopped");
        }
        return current;
    }

    @Override
    public boolean canStep() {
        return steppable != null;
    }

    @Override
    public void entry(GuestThread thread) {
        steppable = thread;
        Debugger.Outcome outcome = stop(new GuestRegisters(thread, machine.mmu().root()), "Entry point reached");
        while (outcome == Debugger.Outcome.STEP) {
            outcome = stop(registers(), step(thread));
        }
        steppable = null;
        leaveIfQuit(thread.process(), outcome);
    }

    /** Runs one instruction; one that would leave user mode is left for {@code g}. */
    private String step(GuestThread thread) {
        GuestCpu cpu = thread.cpu();
        long rip = cpu.rip();
        long rcx = cpu.register(GuestCpu.RCX);
        long r11 = cpu.register(GuestCpu.R11);
        return switch (cpu.run(1)) {
            case BUDGET, STOPPED -> "";
            case FAULT -> "The instruction faults; g lets the program handle it.";
            case SYSCALL -> {
                cpu.setRip(rip);
                cpu.setRegister(GuestCpu.RCX, rcx);
                cpu.setRegister(GuestCpu.R11, r11);
                yield "The instruction calls the system; g carries it out.";
            }
        };
    }

    @Override
    public boolean exception(GuestThread thread, ExceptionRecord record, ContextRecord context, boolean firstChance) {
        RegisterFile at = new ExceptionRegisters(
                new ContextRegisters(thread.process().memory(), context.address()),
                machine.mmu().root(),
                thread.teb());
        Debugger.Outcome outcome = stop(at, describe(thread, record, firstChance));
        leaveIfQuit(thread.process(), outcome);
        return outcome == Debugger.Outcome.GO_HANDLED;
    }

    private static String describe(GuestThread thread, ExceptionRecord record, boolean firstChance) {
        int code = record.code();
        String name = NtStatus.of(code)
                .toString()
                .replaceFirst("^STATUS_", "")
                .replace('_', ' ')
                .toLowerCase(Locale.ROOT);
        String first = "(" + Hex.plain(thread.process().processId()) + "." + Hex.plain(thread.threadId()) + "): "
                + Character.toUpperCase(name.charAt(0)) + name.substring(1) + " - code "
                + Hex.digits(code & 0xFFFF_FFFFL, 8);
        return firstChance
                ? first + " (first chance)\nFirst chance exceptions are reported before any exception handling.\n"
                        + "This exception may be expected and handled."
                : first + " (!!! second chance !!!)";
    }

    @Override
    public void debugOutput(GuestThread thread, String text) {
        out.print(text);
        out.flush();
    }

    @Override
    public void exit(GuestProcess process, int exitCode) {
        if (quit) {
            return;
        }
        List<GuestThread> threads = process.threads();
        if (!threads.isEmpty()) {
            registers = new GuestRegisters(threads.getFirst(), machine.mmu().root());
        }
        debugger.stopped();
        out.println("Process exits with code 0x" + Hex.plain(exitCode & 0xFFFF_FFFFL));
        ask();
    }

    private Debugger.Outcome stop(RegisterFile where, String reason) {
        registers = where;
        long prcb = machine.processor().prcb().address();
        new SavedProcessor(machine.memoryManager().kernelMemory(), prcb).save(where);
        debugger.stopped();
        debugger.showStop(reason);
        return ask();
    }

    private Debugger.Outcome ask() {
        try {
            out.flush();
            return prompt.run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void leaveIfQuit(GuestProcess process, Debugger.Outcome outcome) {
        if (outcome == Debugger.Outcome.QUIT) {
            quit = true;
            process.end(0, null);
            throw new ProcessEnded();
        }
    }

    /** Ctrl-C while the machine runs or a command prints. */
    void cancel() {
        debugger.cancel();
    }

    @Override
    public void close() throws IOException {
        prompt.close();
    }
}
