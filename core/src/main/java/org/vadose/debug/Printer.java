package org.vadose.debug;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;

/** Where commands print. Every line is a point at which a command can be cancelled. */
public final class Printer {
    private final Appendable out;
    private volatile boolean cancelled;

    /** Thrown through a command whose output nobody wants any more. */
    static final class Cancelled extends RuntimeException {
        private static final long serialVersionUID = 1;

        Cancelled() {
            super(null, null, false, false);
        }
    }

    public Printer(Appendable out) {
        this.out = out;
    }

    public void line() {
        text("\n");
    }

    public void line(String line) {
        text(line);
        text("\n");
    }

    /** {@link String#format} and a line end. */
    public void format(String format, Object... arguments) {
        line(String.format(Locale.ROOT, format, arguments));
    }

    public void text(String text) {
        if (cancelled) {
            throw new Cancelled();
        }
        try {
            out.append(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Stops the running command at its next line. Safe from any thread. */
    void cancel() {
        cancelled = true;
    }

    void rearm() {
        cancelled = false;
    }

    /** For loops that run long without printing. */
    void checkCancelled() {
        if (cancelled) {
            throw new Cancelled();
        }
    }
}
