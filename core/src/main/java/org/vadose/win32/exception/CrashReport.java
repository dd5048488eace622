package org.vadose.win32.exception;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.nt.ContextRecord;
import org.vadose.nt.ExceptionNames;
import org.vadose.target.ContextRegisters;
import org.vadose.target.Register;
import org.vadose.target.RegisterFile;
import org.vadose.target.StopText;
import org.vadose.win32.GuestRegisters;
import org.vadose.win32.GuestThread;
import org.vadose.win32.LoadedModules;

/** What a debugger would print about an exception that nobody handled. */
final class CrashReport {
    private final GuestThread thread;
    private final Memory memory;

    /** A context does not hold what GS points at. */
    private record ThreadRegisters(ContextRegisters context, long teb) implements RegisterFile {
        @Override
        public long get(Register register) {
            return register == Register.GSBASE ? teb : context.get(register);
        }

        @Override
        public void set(Register register, long value) {
            context.set(register, value);
        }
    }

    CrashReport(GuestThread thread, Memory memory) {
        this.thread = thread;
        this.memory = memory;
    }

    /** @param context registers at the exception; null for those the processor has now */
    String text(int code, long address, long[] parameters, @Nullable ContextRecord context) {
        List<String> lines = new ArrayList<>();
        lines.add("(" + Hex.plain(thread.process().processId()) + "." + Hex.plain(thread.threadId()) + "): "
                + ExceptionNames.of(code) + " - code " + Hex.digits(code & 0xFFFF_FFFFL, 8)
                + " (!!! second chance !!!)");
        describeAccess(lines, code, parameters);
        RegisterFile registers = context == null
                ? new GuestRegisters(thread, 0)
                : new ThreadRegisters(new ContextRegisters(memory, context.address()), thread.teb());
        StopText text = new StopText(registers, memory, this::nameOf);
        lines.addAll(text.registerLines());
        long rip = registers.get(Register.RIP);
        String name = nameOf(rip);
        if (name != null) {
            lines.add(name + ":");
        }
        lines.add(text.instructionLine());
        if (address != rip) {
            lines.add("Exception raised at " + thread.process().modules().describe(address));
        }
        return String.join(System.lineSeparator(), lines);
    }

    private @Nullable String nameOf(long address) {
        LoadedModules.Module module = thread.process().modules().at(address);
        return module == null ? null : thread.process().modules().describe(address);
    }

    private static void describeAccess(List<String> lines, int code, long[] parameters) {
        boolean isAccess = code == NtStatus.ACCESS_VIOLATION.code()
                || code == NtStatus.GUARD_PAGE_VIOLATION.code()
                || code == NtStatus.STACK_OVERFLOW.code()
                || code == NtStatus.IN_PAGE_ERROR.code();
        if (isAccess && parameters.length >= 2) {
            boolean isUnreadable = code == NtStatus.IN_PAGE_ERROR.code();
            String attempt = switch ((int) parameters[0]) {
                case 0 -> "read from";
                case 1 -> "write to";
                default -> isUnreadable ? "execute" : "execute non-executable";
            };
            String reason = isUnreadable && parameters.length > 2
                    ? ", whose page could not be read: I/O error " + Hex.digits(parameters[2] & 0xFFFF_FFFFL, 8)
                    : "";
            lines.add("Attempt to " + attempt + " address " + Hex.address(parameters[1]) + reason);
        }
    }
}
