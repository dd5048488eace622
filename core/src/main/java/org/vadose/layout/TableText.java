package org.vadose.layout;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The raw text of a table resource and the first line of it, {@code pdb FILE GUID AGE}. */
record TableText(byte[] bytes, PdbIdentity identity, int bodyStart) {
    static TableText ofResource(String resource) {
        try (InputStream in = TableText.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalArgumentException("no such table resource=" + resource);
            }
            return of(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static TableText of(byte[] bytes) {
        int end = lineEnd(bytes, 0);
        String[] words = text(bytes, 0, end).split(" ");
        if (words.length != 4 || !words[0].equals("pdb")) {
            throw new IllegalArgumentException("not a table: first line is " + String.join(" ", words));
        }
        return new TableText(bytes, new PdbIdentity(words[1], words[2], Integer.parseInt(words[3])), end + 1);
    }

    static int lineEnd(byte[] bytes, int from) {
        int end = from;
        while (end < bytes.length && bytes[end] != '\n') {
            end++;
        }
        return end;
    }

    static String text(byte[] bytes, int start, int end) {
        return new String(bytes, start, end - start, StandardCharsets.ISO_8859_1);
    }
}
