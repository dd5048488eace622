package org.vadose.check;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.Hex;

/** What validators found wrong, in the order found; the first {@link #LIMIT} are kept, all are counted. */
public final class Findings {
    public static final int LIMIT = 200;

    private final List<String> texts = new ArrayList<>();
    private long count;

    /** @param text one line naming the structure, its address as {@code name=value} pairs, and what is wrong */
    public void add(String text) {
        count++;
        if (texts.size() < LIMIT) {
            texts.add(text);
        }
    }

    /** Adds a line when two numbers that should be one differ. */
    public void expectEqual(String what, long address, long expected, long actual) {
        if (expected != actual) {
            add(what + " at=" + Hex.address(address) + " expected=" + Hex.plain(expected) + " actual="
                    + Hex.plain(actual));
        }
    }

    public boolean isEmpty() {
        return count == 0;
    }

    public long count() {
        return count;
    }

    public List<String> texts() {
        return List.copyOf(texts);
    }

    @Override
    public String toString() {
        return count + " findings" + (texts.isEmpty() ? "" : "\n  " + String.join("\n  ", texts));
    }
}
