package org.vadose.check;

import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.ListEntry;
import org.vadose.target.UnreadableMemoryException;

/** Reads a circular list that may be broken anywhere. */
final class CheckedList {
    private static final int MOST = 1 << 20;

    private CheckedList() {}

    /** Links of a list, each checked against the one before; nothing, and a finding, if the list is broken. */
    static long[] entries(Memory memory, long head, String name, Findings findings) {
        try {
            long[] entries = new ListEntry(memory, head).entries(MOST);
            long previous = head;
            for (long entry : entries) {
                findings.expectEqual(name + " Blink", entry, previous, new ListEntry(memory, entry).blink());
                previous = entry;
            }
            findings.expectEqual(name + " last", head, previous, new ListEntry(memory, head).blink());
            return entries;
        } catch (IllegalStateException | MemoryFault | UnreadableMemoryException e) {
            findings.add(name + " broken: " + e.getMessage());
            return new long[0];
        }
    }
}
