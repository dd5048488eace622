package org.vadose.win32;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.vadose.layout.PebLayout;
import org.vadose.layout.RtlUserProcessParametersLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;

/**
 * A process and its console: whether it has one ({@code ConsoleHandle} of its parameters), whether it ignores Ctrl-C ({@code
 * ConsoleFlags}), and how it hears of Ctrl-C, by a new thread that runs {@code kernelbase!CtrlRoutine}.
 */
public final class ConsoleEvents {
    private static final int IGNORES_CTRL_C = 1;

    private final GuestProcess process;
    private LongSupplier routine = () -> 0;

    private ConsoleEvents(GuestProcess process) {
        this.process = process;
    }

    public static ConsoleEvents of(GuestProcess process) {
        return process.part(ConsoleEvents.class, ConsoleEvents::new);
    }

    /** Who knows where {@code CtrlRoutine} is. */
    public void setRoutine(LongSupplier newRoutine) {
        routine = newRoutine;
    }

    private Memory memory() {
        return process.memory();
    }

    private long parameters() {
        return memory().readLong(process.peb() + PebLayout.PROCESS_PARAMETERS);
    }

    /** Its console's handle, 0 when it has none. With its address space on the processor, as what follows. */
    public long console() {
        return memory().readLong(parameters() + RtlUserProcessParametersLayout.CONSOLE_HANDLE);
    }

    public void setConsole(long handle) {
        memory().writeLong(parameters() + RtlUserProcessParametersLayout.CONSOLE_HANDLE, handle);
    }

    public boolean ignoresCtrlC() {
        return (memory().readInt(parameters() + RtlUserProcessParametersLayout.CONSOLE_FLAGS) & IGNORES_CTRL_C) != 0;
    }

    public void setIgnoresCtrlC(boolean ignores) {
        memory().writeInt(parameters() + RtlUserProcessParametersLayout.CONSOLE_FLAGS, ignores ? IGNORES_CTRL_C : 0);
    }

    /** Id of the first process of its group. */
    public int group() {
        return memory().readInt(parameters() + RtlUserProcessParametersLayout.PROCESS_GROUP_ID);
    }

    public void setGroup(int group) {
        memory().writeInt(parameters() + RtlUserProcessParametersLayout.PROCESS_GROUP_ID, group);
    }

    /** Whether Ctrl-C is more to the process than its end. */
    private boolean hearsCtrlC() {
        return ignoresCtrlC() || !ControlHandlers.of(process).isEmpty();
    }

    /** Tells the process of an event; it ends if it knows nothing better. */
    private void tell(int event) {
        if (event == ControlHandlers.CTRL_C && ignoresCtrlC()) {
            return;
        }
        long function = routine.getAsLong();
        if (function != 0) {
            process.start(process.threadMaker().create(function, event, 0, 0));
        }
    }

    /**
     * Tells those who share a console of an event.
     *
     * @param caller the thread that wants it
     * @param group only those of this group; 0 for all
     * @return false when there is nobody
     */
    public static boolean send(GuestThread caller, int event, int group) {
        boolean isSomebody = false;
        GuestConsole console = caller.process().console();
        try {
            for (GuestProcess process : caller.process().system().processes()) {
                isSomebody |= process.hasConsole(console)
                        && inMemory(process, () -> {
                            ConsoleEvents events = of(process);
                            boolean isMeant = events.console() != 0 && (group == 0 || events.group() == group);
                            // Ctrl-C is for everybody or for nobody.
                            if (isMeant && (group == 0 || event != ControlHandlers.CTRL_C)) {
                                events.tell(event);
                            }
                            return isMeant;
                        });
            }
        } finally {
            caller.process().system().scheduler().restore(caller);
        }
        return isSomebody;
    }

    /** The processes on a console, oldest first. */
    public static List<GuestProcess> consolesOf(GuestThread caller, GuestConsole console) {
        List<GuestProcess> attached = new ArrayList<>();
        try {
            for (GuestProcess process : caller.process().system().processes()) {
                if (process.hasConsole(console)
                        && inMemory(process, () -> of(process).console() != 0)) {
                    attached.add(process);
                }
            }
        } finally {
            caller.process().system().scheduler().restore(caller);
        }
        return attached;
    }

    /**
     * The person at the console presses Ctrl-C: every process on it hears of that, if any of them makes something of it. From a Java
     * thread that runs no guest.
     *
     * @return false when none does
     */
    public static boolean interrupt(GuestProcess first) {
        GuestConsole console = first.console();
        GuestSystem system = first.system();
        return system.exclusively(() -> {
            boolean isHeard = false;
            for (GuestProcess process : system.processes()) {
                isHeard |= process.hasConsole(console)
                        && inMemory(
                                process,
                                () -> of(process).console() != 0 && of(process).hearsCtrlC());
            }
            for (GuestProcess process : isHeard ? system.processes() : List.<GuestProcess>of()) {
                if (process.hasConsole(console)) {
                    inMemory(process, () -> {
                        if (of(process).console() != 0) {
                            of(process).tell(ControlHandlers.CTRL_C);
                        }
                        return true;
                    });
                }
            }
            return isHeard;
        });
    }

    private static boolean inMemory(GuestProcess process, BooleanSupplier work) {
        process.system().kernel().memoryManager().switchTo(process.eprocess());
        try {
            return work.getAsBoolean();
        } catch (MemoryFault unreadable) {
            // It has damaged its own parameters.
            return false;
        }
    }
}
