package org.vadose.debug;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A command's arguments as words; blanks inside parentheses and quotes do not separate. */
final class Arguments {
    private final List<String> words;
    private int next;

    Arguments(String text) {
        words = split(text);
    }

    private static List<String> split(String text) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        int depth = 0;
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"') {
                quoted = !quoted;
                continue;
            }
            depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
            if (Character.isWhitespace(c) && depth <= 0 && !quoted) {
                if (!word.isEmpty()) {
                    words.add(word.toString());
                    word.setLength(0);
                }
            } else {
                word.append(c);
            }
        }
        if (!word.isEmpty()) {
            words.add(word.toString());
        }
        return words;
    }

    boolean hasNext() {
        return next < words.size();
    }

    @Nullable String peek() {
        return hasNext() ? words.get(next) : null;
    }

    /** The next word; the empty string when there is none. */
    String next() {
        return hasNext() ? words.get(next++) : "";
    }

    int remaining() {
        return words.size() - next;
    }

    /** What is left, joined by blanks. */
    String rest() {
        String rest = String.join(" ", words.subList(next, words.size()));
        next = words.size();
        return rest;
    }

    List<String> all() {
        return words;
    }
}
