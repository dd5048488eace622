package org.vadose.debug;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where the person wants the machine to stop. The machine's driver asks {@link #addresses} when it lets the machine run and
 * {@link #reason} when a thread comes to one of them.
 */
public final class Breakpoints {
    /** One of {@code bp}'s. */
    static final class Breakpoint {
        final long address;
        /** Address of the {@code _EPROCESS} it counts in; 0 for all. */
        final long process;

        final String command;
        boolean isEnabled = true;
        long passes;
        long passesLeft;

        Breakpoint(long address, long process, long passes, String command) {
            this.address = address;
            this.process = process;
            this.passes = passes;
            this.passesLeft = passes;
            this.command = command;
        }
    }

    private record Once(long address, long stackPointer, long process) {}

    private final TreeMap<Integer, Breakpoint> numbered = new TreeMap<>();
    private final List<Once> once = new ArrayList<>();
    private long stoppedIn;
    private @Nullable Breakpoint hit;

    TreeMap<Integer, Breakpoint> numbered() {
        return numbered;
    }

    /** Adds a breakpoint under the first free number. */
    int add(Breakpoint breakpoint) {
        int number = 0;
        while (numbered.containsKey(number)) {
            number++;
        }
        numbered.put(number, breakpoint);
        return number;
    }

    /** Stops once, when control comes to the address and the stack is at least so empty; until any other stop. */
    public void stopOnceAt(long address, long stackPointer) {
        once.add(new Once(address, stackPointer, stoppedIn));
    }

    /** The machine has stopped in a process: nothing of {@link #stopOnceAt} counts any more. */
    void stopped(long process) {
        once.clear();
        stoppedIn = process;
    }

    /** Where threads have to be stopped so that {@link #reason} can be asked. */
    public long[] addresses() {
        List<Long> wanted = new ArrayList<>();
        numbered.values().stream().filter(b -> b.isEnabled).forEach(b -> wanted.add(b.address));
        once.forEach(o -> wanted.add(o.address));
        return wanted.stream().mapToLong(Long::longValue).distinct().toArray();
    }

    /**
     * Why a thread that has come to an address stops there; null if it is to go on.
     *
     * @param process address of its {@code _EPROCESS}
     */
    public @Nullable String reason(long process, long address, long stackPointer) {
        for (var entry : numbered.entrySet()) {
            Breakpoint breakpoint = entry.getValue();
            if (breakpoint.isEnabled
                    && breakpoint.address == address
                    && (breakpoint.process == 0 || breakpoint.process == process)) {
                if (breakpoint.passesLeft > 1) {
                    breakpoint.passesLeft--;
                } else {
                    hit = breakpoint;
                    return "Breakpoint " + entry.getKey() + " hit";
                }
            }
        }
        for (Once each : once) {
            if (each.address == address
                    && (each.process == 0 || each.process == process)
                    && Long.compareUnsigned(stackPointer, each.stackPointer) >= 0) {
                return "";
            }
        }
        return null;
    }

    /** The commands of the breakpoint that was hit last, which are to be carried out now; empty for none. */
    String takeCommand() {
        Breakpoint last = hit;
        hit = null;
        return last == null ? "" : last.command;
    }
}
