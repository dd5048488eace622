package org.vadose.win32.exception;

import java.util.ArrayList;
import java.util.List;

/** A process's vectored exception handlers, or its continue handlers, in the order they are asked. */
public final class VectoredHandlers {
    /** @param handle what removes it */
    record Handler(long handle, long function) {}

    private final List<Handler> handlers = new ArrayList<>();

    /** @param handle a value of the caller's that no other handler has */
    public void add(boolean first, long handle, long function) {
        handlers.add(first ? 0 : handlers.size(), new Handler(handle, function));
    }

    /** False if there is no such handler. */
    public boolean remove(long handle) {
        return handlers.removeIf(h -> h.handle == handle);
    }

    /** A snapshot: handlers may add and remove handlers. */
    List<Handler> all() {
        return List.copyOf(handlers);
    }
}
