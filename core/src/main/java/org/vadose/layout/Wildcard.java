package org.vadose.layout;

/**
 * A name pattern as the debuggers take it: {@code *} any run, {@code ?} any one character, {@code [abc0-9]} one of a set. Letters
 * match without regard to case.
 */
public record Wildcard(String pattern) {
    public boolean matches(String name) {
        return matches(0, name, 0);
    }

    /** Whether the pattern can match more than one name. */
    public boolean isPattern() {
        return pattern.indexOf('*') >= 0 || pattern.indexOf('?') >= 0 || pattern.indexOf('[') >= 0;
    }

    private boolean matches(int p, String name, int n) {
        int starPattern = -1;
        int starName = -1;
        while (true) {
            if (p < pattern.length() && pattern.charAt(p) == '*') {
                starPattern = ++p;
                starName = n;
                continue;
            }
            if (n == name.length()) {
                return p == pattern.length();
            }
            int next = p < pattern.length() ? matchOne(p, name.charAt(n)) : -1;
            if (next >= 0) {
                p = next;
                n++;
            } else if (starPattern >= 0) {
                p = starPattern;
                n = ++starName;
            } else {
                return false;
            }
        }
    }

    /** Where the pattern goes on after matching one character at {@code p}, or -1. */
    private int matchOne(int p, char c) {
        char wanted = pattern.charAt(p);
        if (wanted == '?') {
            return p + 1;
        }
        int close = wanted == '[' ? pattern.indexOf(']', p + 1) : -1;
        if (close < 0) {
            return fold(wanted) == fold(c) ? p + 1 : -1;
        }
        for (int i = p + 1; i < close; i++) {
            char low = fold(pattern.charAt(i));
            char high = low;
            if (i + 2 < close && pattern.charAt(i + 1) == '-') {
                high = fold(pattern.charAt(i + 2));
                i += 2;
            }
            if (fold(c) >= low && fold(c) <= high) {
                return close + 1;
            }
        }
        return -1;
    }

    private static char fold(char c) {
        return Character.toLowerCase(c);
    }
}
