package org.vadose.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Standard output for text that comes in many small pieces. */
final class Output {
    private static final int BUFFER = 1 << 16;

    private Output() {}

    /** Buffered and UTF-8; whoever prints flushes when a reader may be waiting. */
    static PrintStream standard() {
        return new PrintStream(
                new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), BUFFER),
                false,
                StandardCharsets.UTF_8);
    }
}
