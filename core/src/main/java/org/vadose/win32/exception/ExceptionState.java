package org.vadose.win32.exception;

import java.util.ArrayDeque;
import java.util.Deque;
import org.vadose.win32.GuestThread;

/** What exception handling remembers of one guest thread while handlers run. */
public final class ExceptionState {
    /** A thread's. */
    static ExceptionState of(GuestThread thread) {
        return thread.part(ExceptionState.class, ExceptionState::new);
    }

    private final Deque<StackWalk.ActiveUnwind> unwinds = new ArrayDeque<>();
    private int dispatching;

    /** Address of the dispatcher context of the unwind handler whose caller was entered with this RSP; 0 if there is none. */
    long activeUnwindAt(long entry) {
        for (StackWalk.ActiveUnwind unwind : unwinds) {
            if (unwind.entry() == entry) {
                return unwind.dispatcher().address();
            }
        }
        return 0;
    }

    void begin(StackWalk.ActiveUnwind unwind) {
        unwinds.push(unwind);
    }

    void end() {
        unwinds.pop();
    }

    /** Exceptions being dispatched, one inside the other. */
    int enter() {
        return ++dispatching;
    }

    void leave() {
        dispatching--;
    }
}
