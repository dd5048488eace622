package org.vadose.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.cpu.Decoder;
import org.vadose.cpu.Instruction;
import org.vadose.cpu.Mnemonic;
import org.vadose.debug.Debugger;
import org.vadose.debug.LiveControl;
import org.vadose.machine.Machine;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.ContextRecord;
import org.vadose.nt.ExceptionNames;
import org.vadose.nt.ExceptionRecord;
import org.vadose.target.RegisterFile;
import org.vadose.win32.GuestCpu;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestRegisters;
import org.vadose.win32.GuestThread;
import org.vadose.win32.ProcessEnded;
import org.vadose.win32.loader.GuestLoaderFiles;
import org.vadose.win32.loader.LoaderException;

/**
 * The debugger on a running program: stops at the entry point, at each exception and at exit, and holds a prompt there. The prompt
 * runs on the Java thread of the guest thread that stopped, so the guest stands still meanwhile. At each stop the registers are
 * saved as Windows saves those of a frozen processor: dumps carry them.
 */
final class LiveSession implements GuestEvents, LiveControl, AutoCloseable {
    private final Machine machine;
    private final PrintStream out;
    private final Debugger debugger;
    private final Prompt prompt;
    private final GuestOutput guestOutput = new GuestOutput();
    private final boolean commandsGiven;
    private @Nullable RegisterFile registers;
    private int processor;
    private boolean canStep;
    private boolean crashShown;
    private boolean quit;
    private volatile boolean stopped;
    private volatile boolean breakWanted;
    private volatile boolean leaving;
    private volatile @Nullable GuestProcess process;

    /** @param commands from {@code -c}; null if there were none */
    LiveSession(Machine machine, @Nullable List<String> commands, PrintStream out) throws IOException {
        this.machine = machine;
        this.out = out;
        this.commandsGiven = commands != null;
        this.debugger = new Debugger(machine.target(), this, out);
        this.prompt = Prompt.open(debugger, commands, out, this::interrupt);
    }

    /** Commands from elsewhere, for tests. */
    LiveSession(Machine machine, LineSource lines, PrintStream out) {
        this.machine = machine;
        this.out = out;
        this.commandsGiven = true;
        this.debugger = new Debugger(machine.target(), this, out);
        this.prompt = new Prompt(debugger, lines, out);
    }

    /** What the program prints: shown at once, between the debugger's own lines. */
    private final class GuestOutput extends OutputStream {
        private boolean inLine;

        @Override
        public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            out.write(bytes, offset, length);
            out.flush();
            if (length > 0) {
                inLine = bytes[offset + length - 1] != '\n';
            }
        }

        /** Whoever prints next begins a line. */
        void endLine() {
            if (inLine) {
                out.println();
                inLine = false;
            }
        }
    }

    OutputStream guestOutput() {
        return guestOutput;
    }

    /** What the program reads: nothing if the prompt's lines come from a pipe, so that the program cannot have it. */
    InputStream guestInput() {
        InputStream typed = prompt.typedOtherwise(() -> stopped);
        if (typed != null) {
            return typed;
        }
        return commandsGiven ? new FileInputStream(FileDescriptor.in) : InputStream.nullInputStream();
    }

    boolean isInteractive() {
        return prompt.isInteractive();
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
    public int processor() {
        return processor;
    }

    @Override
    public boolean canStep() {
        return canStep;
    }

    @Override
    public void writePhysical(long physicalAddress, byte[] bytes) {
        machine.physicalMemory().write(physicalAddress, bytes);
    }

    // --- stops ---

    @Override
    public void entry(GuestThread thread) {
        stopBetweenInstructions(thread, "Entry point reached");
    }

    @Override
    public void breakIn(GuestThread thread) {
        stopBetweenInstructions(thread, ExceptionNames.of(0x8000_0003) + " - code 80000003 (first chance)");
    }

    @Override
    public void breakpoint(GuestThread thread) {
        long rsp = thread.cpu().register(GuestCpu.RSP);
        String reason;
        synchronized (debugger) {
            reason = debugger.breakpoints()
                    .reason(thread.process().eprocess().address(), thread.cpu().rip(), rsp);
        }
        if (reason != null) {
            stopBetweenInstructions(thread, reason);
        }
    }

    @Override
    public boolean followsChildren() {
        return true;
    }

    private void stopBetweenInstructions(GuestThread thread, String reason) {
        canStep = true;
        act(thread, stop(thread, new GuestRegisters(thread, machine.mmus().root()), reason), false);
    }

    @Override
    public boolean exception(GuestThread thread, ExceptionRecord record, ContextRecord context, boolean firstChance) {
        canStep = true;
        crashShown |= !firstChance;
        RegisterFile at = StoppedProcessor.atException(machine, thread, context);
        Debugger.Outcome outcome = stop(thread, at, describe(thread, record, firstChance));
        act(thread, outcome, true);
        return outcome == Debugger.Outcome.GO_HANDLED;
    }

    private static String describe(GuestThread thread, ExceptionRecord record, boolean firstChance) {
        int code = record.code();
        String first = "(" + Hex.plain(thread.process().processId()) + "." + Hex.plain(thread.threadId()) + "): "
                + ExceptionNames.of(code) + " - code " + Hex.digits(code & 0xFFFF_FFFFL, 8);
        return firstChance
                ? first + " (first chance)\nFirst chance exceptions are reported before any exception handling.\n"
                        + "This exception may be expected and handled."
                : first + " (!!! second chance !!!)";
    }

    @Override
    public void debugOutput(GuestThread thread, String text) {
        guestOutput.endLine();
        out.print(text);
        out.flush();
    }

    @Override
    public boolean exit(GuestProcess ended, int exitCode) {
        if (quit || leaving) {
            return quit;
        }
        canStep = false;
        GuestThread thread = StoppedProcessor.running(machine, ended);
        String reason = "Process exits with code 0x" + Hex.plain(exitCode & 0xFFFF_FFFFL);
        String why = ended.endReason();
        if (why != null && !crashShown) {
            reason = why + "\n" + reason;
        }
        if (thread == null) {
            guestOutput.endLine();
            out.println(reason);
            Debugger.Outcome ignored = ask();
        } else {
            Debugger.Outcome ignored =
                    stop(thread, new GuestRegisters(thread, machine.mmus().root()), reason);
        }
        return true;
    }

    private Debugger.Outcome stop(GuestThread thread, RegisterFile where, String reason) {
        machine.mmus().freeze();
        try {
            registers = where;
            processor = thread.processor().number();
            debugger.setImageFiles(path -> fileOf(thread, path));
            StoppedProcessor.save(machine, processor, where);
            guestOutput.endLine();
            debugger.stopped();
            debugger.showStop(reason);
            Debugger.Outcome outcome = ask();
            thread.process().system().setBreakpoints(debugger.breakpoints().addresses());
            return outcome;
        } finally {
            machine.mmus().thaw();
        }
    }

    private static byte @Nullable [] fileOf(GuestThread thread, String path) {
        try {
            return new GuestLoaderFiles(thread.process().files(), thread.process()::currentDirectory, () -> "")
                    .read(path);
        } catch (LoaderException unreadable) {
            return null;
        }
    }

    private Debugger.Outcome ask() {
        stopped = true;
        breakWanted = false;
        try {
            out.flush();
            return prompt.run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            stopped = false;
        }
    }

    // --- going on ---

    /** @param toHandler whether the program goes on elsewhere than where it stands */
    private void act(GuestThread thread, Debugger.Outcome outcome, boolean toHandler) {
        switch (outcome) {
            case QUIT -> {
                quit = true;
                thread.process().system().processes().forEach(each -> each.end(0, null));
                throw new ProcessEnded();
            }
            case STEP -> thread.stopWhen(toHandler ? () -> true : oneInstruction(thread), () -> stepped(thread));
            case STEP_OVER -> stepOver(thread, toHandler);
            case GO, GO_HANDLED, CONTINUE -> {}
        }
    }

    /** A call, with all that the function does, counts as one instruction. */
    private void stepOver(GuestThread thread, boolean toHandler) {
        long behind = toHandler ? 0 : behindCall(thread);
        if (behind == 0) {
            thread.stopWhen(toHandler ? () -> true : oneInstruction(thread), () -> stepped(thread));
        } else {
            debugger.breakpoints().stopOnceAt(behind, thread.cpu().register(GuestCpu.RSP));
            thread.process().system().setBreakpoints(debugger.breakpoints().addresses());
        }
    }

    private void stepped(GuestThread thread) {
        stopBetweenInstructions(thread, "");
    }

    private static BooleanSupplier oneInstruction(GuestThread thread) {
        long rip = thread.cpu().rip();
        long executed = thread.cpu().executed();
        return () -> thread.cpu().executed() > executed || thread.cpu().rip() != rip;
    }

    /** Where a call at the thread's instruction returns to; 0 if it is no call. */
    private static long behindCall(GuestThread thread) {
        Instruction instruction = new Instruction();
        try {
            new Decoder().decode(thread.process().memory(), thread.cpu().rip(), instruction);
        } catch (MemoryFault unreadable) {
            return 0;
        }
        return instruction.mnemonic() == Mnemonic.CALL ? instruction.nextAddress() : 0;
    }

    // --- Ctrl-C ---

    /** From now on Ctrl-C can break into this process. */
    void attach(GuestProcess guest) {
        process = guest;
    }

    /** Ctrl-C: cancels a command, breaks into a running program, and ends everything when there is nobody to type. */
    void interrupt() {
        GuestProcess guest = process;
        boolean useless = stopped ? !prompt.isExecuting() : guest == null || breakWanted;
        if (useless && !prompt.isInteractive()) {
            Runtime.getRuntime().exit(ExitCode.INTERRUPTED);
        } else if (stopped) {
            debugger.cancel();
        } else if (guest != null) {
            breakWanted = true;
            guest.requestBreak();
        }
    }

    /** The process is ended from outside: no stop any more. */
    void leave() {
        leaving = true;
        debugger.cancel();
    }

    @Override
    public void close() throws IOException {
        prompt.close();
    }
}
