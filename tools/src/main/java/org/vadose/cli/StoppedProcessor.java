package org.vadose.cli;

import org.jspecify.annotations.Nullable;
import org.vadose.machine.Machine;
import org.vadose.machine.Processor;
import org.vadose.nt.ContextRecord;
import org.vadose.target.ContextRegisters;
import org.vadose.target.Register;
import org.vadose.target.RegisterFile;
import org.vadose.target.SavedProcessor;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;

/** The registers of a machine that stands still, and their place in its memory: {@code _KPRCB.ProcessorState}. */
final class StoppedProcessor {
    private StoppedProcessor() {}

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

    /** The thread of a process that has the processor, or had it last; null if none is left. */
    static @Nullable GuestThread running(Machine machine, GuestProcess process) {
        long current = machine.processors()
                .get(machine.mmus().current().number())
                .prcb()
                .currentThread()
                .address();
        GuestThread found = null;
        for (GuestThread thread : process.threads()) {
            if (found == null || thread.ethread().address() == current) {
                found = thread;
            }
        }
        return found;
    }

    static RegisterFile atException(Machine machine, GuestThread thread, ContextRecord context) {
        return new ExceptionRegisters(
                new ContextRegisters(thread.process().memory(), context.address()),
                machine.mmus().root(),
                thread.teb());
    }

    /** What a dump of this moment will say; of processors that did not stop nothing is known. */
    static void save(Machine machine, int processor, RegisterFile registers) {
        for (Processor each : machine.processors()) {
            SavedProcessor saved = new SavedProcessor(
                    machine.memoryManager().kernelMemory(), each.prcb().address());
            if (each == machine.processors().get(processor)) {
                saved.save(registers);
            } else {
                saved.set(Register.RIP, 0);
            }
        }
    }
}
