package org.vadose.win32;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.io.OpenFile;
import org.vadose.io.TypedInput;

/**
 * The host's streams a process is connected to.
 *
 * @param isInteractive whether a person sits there: the program then sees a console, else pipes
 */
public record GuestConsole(InputStream in, OutputStream out, OutputStream error, boolean isInteractive) {
    private static final int GENERIC_WRITE = 0x4000_0000;

    /** A person's input becomes {@link TypedInput}: a thread that reads it waits, the others go on. */
    public GuestConsole {
        in = isInteractive && !(in instanceof TypedInput) ? new TypedInput(in) : in;
    }

    public OpenFile input() {
        return new OpenFile.Stream("Input", in, null, isInteractive);
    }

    public OpenFile output() {
        return new OpenFile.Stream("Output", null, out, isInteractive);
    }

    public OpenFile errors() {
        return new OpenFile.Stream("Error", null, error, isInteractive);
    }

    /** Tells the person something that is not the program's own output. */
    public void report(String text) {
        try {
            error.write((text + System.lineSeparator()).getBytes(StandardCharsets.UTF_8));
            error.flush();
        } catch (IOException nobodyReads) {
            // The exit code still tells.
        }
    }

    /** The device a file name means; null for an ordinary name. */
    public @Nullable OpenFile device(String name, int access) {
        String upper = name.toUpperCase(Locale.ROOT);
        String device = upper.startsWith("\\\\.\\") || upper.startsWith("\\\\?\\") ? upper.substring(4) : upper;
        boolean writes = (access & GENERIC_WRITE) != 0;
        return switch (device) {
            case "NUL" ->
                new OpenFile.Stream("NUL", InputStream.nullInputStream(), OutputStream.nullOutputStream(), false);
            case "CONIN$" -> new OpenFile.Stream("Input", in, null, true);
            case "CONOUT$" -> new OpenFile.Stream("Output", null, out, true);
            case "CON" ->
                writes ? new OpenFile.Stream("Output", null, out, true) : new OpenFile.Stream("Input", in, null, true);
            default -> null;
        };
    }
}
