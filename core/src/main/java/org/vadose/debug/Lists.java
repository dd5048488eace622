package org.vadose.debug;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.vadose.nt.ListEntry;
import org.vadose.target.UnreadableMemoryException;

/** Lists as far as they can be read: a damaged list gives the entries before the damage. */
final class Lists {
    private Lists() {}

    /**
     * @param limit the most entries to believe in
     * @throws UnreadableMemoryException if the head itself cannot be read
     */
    static List<Long> readable(ListEntry head, int limit) {
        List<Long> entries = new ArrayList<>();
        Set<Long> seen = new HashSet<>();
        long at = head.flink();
        while (at != 0 && at != head.address() && entries.size() < limit && seen.add(at)) {
            entries.add(at);
            try {
                at = new ListEntry(head.memory(), at).flink();
            } catch (UnreadableMemoryException e) {
                entries.removeLast();
                break;
            }
        }
        return entries;
    }
}
