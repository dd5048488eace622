package org.vadose.win32;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Threads of a process that have not ended, in order of creation. From any Java thread; what changes costs the same however many. */
final class GuestThreads {
    private final Set<GuestThread> threads = new LinkedHashSet<>();
    /** What {@link #all} answered last, until something changes. */
    private @Nullable List<GuestThread> shown;

    synchronized void add(GuestThread thread) {
        threads.add(thread);
        shown = null;
    }

    /** Returns whether it was the last one. */
    synchronized boolean remove(GuestThread thread) {
        threads.remove(thread);
        shown = null;
        return threads.isEmpty();
    }

    synchronized int count() {
        return threads.size();
    }

    synchronized List<GuestThread> all() {
        List<GuestThread> list = shown;
        if (list == null) {
            list = List.copyOf(threads);
            shown = list;
        }
        return list;
    }
}
