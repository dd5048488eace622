package org.vadose.win32;

import java.util.ArrayList;
import java.util.List;

/**
 * Who in a process hears of Ctrl-C, Ctrl-Break and their kin ({@code SetConsoleCtrlHandler}), the last one first. Windows keeps the
 * list on the heap of kernelbase.
 */
public final class ControlHandlers {
    public static final int CTRL_C = 0;
    public static final int CTRL_BREAK = 1;

    /** One who hears. */
    @FunctionalInterface
    public interface Handler {
        /** Whether that was all that had to be done; on a thread of its own in the process. */
        boolean handle(ApiCall call, int event);
    }

    /** A function of the program's. */
    private record GuestHandler(long function) implements Handler {
        @Override
        public boolean handle(ApiCall call, int event) {
            return (int) call.callGuest(function, event) != 0;
        }
    }

    private final List<Handler> handlers = new ArrayList<>();

    private ControlHandlers() {}

    public static ControlHandlers of(GuestProcess process) {
        return process.part(ControlHandlers.class, p -> new ControlHandlers());
    }

    public synchronized void add(long function) {
        handlers.add(new GuestHandler(function));
    }

    /** False when it is none. */
    public synchronized boolean remove(long function) {
        int at = handlers.lastIndexOf(new GuestHandler(function));
        if (at >= 0) {
            handlers.remove(at);
        }
        return at >= 0;
    }

    /** A library's own handler, once. */
    public synchronized void addOnce(Handler handler) {
        if (!handlers.contains(handler)) {
            handlers.add(handler);
        }
    }

    public synchronized boolean isEmpty() {
        return handlers.isEmpty();
    }

    /** Those to be asked, in order. */
    public synchronized List<Handler> inOrder() {
        return List.copyOf(handlers).reversed();
    }
}
