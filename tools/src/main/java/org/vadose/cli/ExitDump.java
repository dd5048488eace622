package org.vadose.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.vadose.machine.Machine;
import org.vadose.nt.ContextRecord;
import org.vadose.nt.ExceptionRecord;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestRegisters;
import org.vadose.win32.GuestThread;

/** Writes the machine's memory when a process is about to end and its memory is still there; else passes events on. */
final class ExitDump implements GuestEvents {
    private final Machine machine;
    private final @Nullable Path file;
    private final GuestEvents next;
    private @Nullable IOException failure;
    private boolean crashed;
    /** The first process; others are its children. */
    private @Nullable GuestProcess program;

    /** @param file null for none */
    ExitDump(Machine machine, @Nullable Path file, GuestEvents next) {
        this.machine = machine;
        this.file = file;
        this.next = next;
    }

    @Override
    public void entry(GuestThread thread) {
        if (program == null) {
            program = thread.process();
        }
        next.entry(thread);
    }

    @Override
    public boolean exception(GuestThread thread, ExceptionRecord record, ContextRecord context, boolean firstChance) {
        if (!firstChance) {
            StoppedProcessor.save(
                    machine, thread.processor().number(), StoppedProcessor.atException(machine, thread, context));
            crashed = true;
        }
        return next.exception(thread, record, context, firstChance);
    }

    @Override
    public void breakpoint(GuestThread thread) {
        next.breakpoint(thread);
    }

    @Override
    public boolean followsChildren() {
        return next.followsChildren();
    }

    @Override
    public void breakIn(GuestThread thread) {
        next.breakIn(thread);
    }

    @Override
    public void debugOutput(GuestThread thread, String text) {
        next.debugOutput(thread, text);
    }

    @Override
    public boolean exit(GuestProcess process, int exitCode) {
        boolean told = next.exit(process, exitCode);
        if (file != null && (program == null || program == process)) {
            GuestThread thread = StoppedProcessor.running(machine, process);
            if (!crashed && thread != null) {
                StoppedProcessor.save(
                        machine,
                        thread.processor().number(),
                        new GuestRegisters(thread, machine.mmus().root()));
            }
            machine.mmus().freeze();
            try {
                BootCommand.write(machine.target(), file);
            } catch (IOException e) {
                failure = e;
            } finally {
                machine.mmus().thaw();
            }
        }
        return told;
    }

    /** Throws what went wrong with the file. */
    void rethrow() throws IOException {
        if (failure != null) {
            throw failure;
        }
    }
}
