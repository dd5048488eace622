package org.vadose.win32;

import org.vadose.nt.ContextRecord;
import org.vadose.nt.ExceptionRecord;

/** What a debugger attached to a guest process is told, on the Java thread of the guest thread concerned, which waits. */
public interface GuestEvents {
    /** Nobody is attached. */
    GuestEvents NONE = new GuestEvents() {};

    /** The program is loaded and its first thread stands at the first instruction of its own. */
    default void entry(GuestThread thread) {}

    /**
     * An exception, before anyone was asked ({@code firstChance}) and after nobody handled it.
     *
     * @return true if the debugger handled it: the guest goes on with the context
     */
    default boolean exception(GuestThread thread, ExceptionRecord record, ContextRecord context, boolean firstChance) {
        return false;
    }

    /** The thread stands at one of {@link GuestSystem#setBreakpoints}; it goes past it afterwards. */
    default void breakpoint(GuestThread thread) {}

    /** Whether processes that the process makes are told of, too. */
    default boolean followsChildren() {
        return false;
    }

    /** {@link GuestProcess#requestBreak} was called while the thread ran; it stands between two instructions. */
    default void breakIn(GuestThread thread) {}

    /** {@code OutputDebugString}. */
    default void debugOutput(GuestThread thread, String text) {}

    /**
     * The process is about to end, whatever the way; its memory and its threads are still there. The one event that may come on a
     * Java thread that runs no guest: when the host ends a process that waits for it.
     *
     * @return whether the person now knows {@link GuestProcess#endReason}
     */
    default boolean exit(GuestProcess process, int exitCode) {
        return false;
    }
}
