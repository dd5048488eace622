package org.vadose.win32.crt;

import org.jspecify.annotations.Nullable;

/** What {@code fopen} was asked for: {@code "r"}, {@code "w+b"} and so on. */
record OpenMode(boolean read, boolean write, boolean append, boolean create, boolean truncate, boolean binary) {
    /** Null when the mode does not begin with r, w or a. */
    static @Nullable OpenMode parse(String mode, boolean binaryByDefault) {
        String text = mode.stripLeading();
        if (text.isEmpty()) {
            return null;
        }
        char kind = text.charAt(0);
        if (kind != 'r' && kind != 'w' && kind != 'a') {
            return null;
        }
        boolean plus = false;
        boolean binary = binaryByDefault;
        for (int i = 1; i < text.length() && text.charAt(i) != ','; i++) {
            switch (text.charAt(i)) {
                case '+' -> plus = true;
                case 'b' -> binary = true;
                case 't' -> binary = false;
                default -> {
                    // c, n, D, R, S and T change nothing a program can see here.
                }
            }
        }
        return new OpenMode(kind == 'r' || plus, kind != 'r' || plus, kind == 'a', kind != 'r', kind == 'w', binary);
    }
}
