package org.vadose.win32;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.io.OpenFile;
import org.vadose.io.TypedInput;

/**
 * A console: the host's streams that a process is connected to, and what the console keeps for all processes that share it. Windows
 * keeps that in a process of its own, so that there is no place for it in memory.
 */
public final class GuestConsole {
    /** The window that the person's terminal stands for. */
    public static final int WINDOW = 0x1_0020;

    private static final int GENERIC_WRITE = 0x4000_0000;
    private static final int OEM_PAGE = 437;
    private static final int INPUT_MODE = 0x1F7;
    private static final int OUTPUT_MODE = 3;
    private static final int LIGHT_GREY = 7;

    /** Colours of a terminal are red, green, blue from the lowest bit, those of a console the other way round. */
    private static final int[] TERMINAL_COLOURS = {0, 4, 2, 6, 1, 5, 3, 7};

    private final InputStream in;
    private final OutputStream out;
    private final OutputStream error;
    private final boolean isInteractive;

    private @Nullable String title;
    private int inputPage = OEM_PAGE;
    private int outputPage = OEM_PAGE;
    private Charset outputCharset = StandardCharsets.UTF_8;
    private int inputMode = INPUT_MODE;
    private int outputMode = OUTPUT_MODE;
    private int attributes = LIGHT_GREY;
    private boolean isShown = true;

    /**
     * A person's input becomes {@link TypedInput}: a thread that reads it waits, the others go on.
     *
     * @param isInteractive whether a person sits there: the program then sees a console, else pipes
     */
    public GuestConsole(InputStream in, OutputStream out, OutputStream error, boolean isInteractive) {
        this.in = isInteractive && !(in instanceof TypedInput) ? new TypedInput(in) : in;
        this.out = out;
        this.error = error;
        this.isInteractive = isInteractive;
        if (Charset.isSupported("IBM437")) {
            outputCharset = Charset.forName("IBM437");
        }
    }

    /** Whether a person sits there. */
    public boolean isInteractive() {
        return isInteractive;
    }

    /** Another console with the same streams of the host. */
    public GuestConsole another() {
        return new GuestConsole(in, out, error, isInteractive);
    }

    /** What a process's connection with its console is. */
    public OpenFile connection() {
        return new OpenFile.Stream("Connect", null, null, isInteractive);
    }

    public OpenFile input() {
        return new OpenFile.Stream("Input", in, null, isInteractive);
    }

    public OpenFile output() {
        return new OpenFile.Stream("Output", null, isInteractive ? new Screen(out) : out, isInteractive);
    }

    public OpenFile errors() {
        return new OpenFile.Stream("Error", null, isInteractive ? new Screen(error) : error, isInteractive);
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
            case "CONIN$" -> consoleInput();
            case "CONOUT$" -> screen();
            case "CON" -> writes ? screen() : consoleInput();
            default -> null;
        };
    }

    private OpenFile consoleInput() {
        return new OpenFile.Stream("Input", in, null, true);
    }

    private OpenFile screen() {
        return new OpenFile.Stream("Output", null, isInteractive ? new Screen(out) : out, true);
    }

    // --- what the console keeps ---

    /** Null when nobody has set it. */
    public @Nullable String title() {
        return title;
    }

    /** Sets the title, of the person's terminal too. */
    public void setTitle(String newTitle) {
        title = newTitle;
        control("\u001B]0;" + newTitle.replaceAll("\\p{Cntrl}", "") + "\u0007");
    }

    public int inputPage() {
        return inputPage;
    }

    public void setInputPage(int codePage) {
        inputPage = codePage;
    }

    public int outputPage() {
        return outputPage;
    }

    /** Bytes that programs write are text of this code page from now on. */
    public void setOutputPage(int codePage, Charset charset) {
        outputPage = codePage;
        outputCharset = charset;
    }

    public int mode(boolean isInput) {
        return isInput ? inputMode : outputMode;
    }

    public void setMode(boolean isInput, int mode) {
        if (isInput) {
            inputMode = mode;
        } else {
            outputMode = mode;
        }
    }

    /** Colours of what is written. */
    public int attributes() {
        return attributes;
    }

    public void setAttributes(int newAttributes) {
        attributes = newAttributes;
        int text = newAttributes & 0xF;
        int ground = newAttributes >>> 4 & 0xF;
        control(
                newAttributes == LIGHT_GREY
                        ? "\u001B[0m"
                        : "\u001B[0;%d;%dm".formatted(colour(text, 30, 90), colour(ground, 40, 100)));
    }

    private static int colour(int attribute, int dark, int bright) {
        return (attribute < 8 ? dark : bright) + TERMINAL_COLOURS[attribute & 7];
    }

    /** Whether its window is to be seen, as far as programs are concerned; the person's terminal stays. */
    public boolean isShown() {
        return isShown;
    }

    public void setShown(boolean shown) {
        isShown = shown;
    }

    /** A sound of the person's terminal. */
    public void beep() {
        control("\u0007");
    }

    private void control(String sequence) {
        if (isInteractive) {
            try {
                out.write(sequence.getBytes(StandardCharsets.US_ASCII));
                out.flush();
            } catch (IOException nobodyReads) {
                // Whoever writes next hears of it.
            }
        }
    }

    /** What a person has typed and no program has read, in bytes; 0 when nobody sits there. */
    public int typedAhead() {
        try {
            return isInteractive ? in.available() : 0;
        } catch (IOException gone) {
            return 0;
        }
    }

    /** Forgets it. */
    public void forgetTypedAhead() {
        try {
            for (int left = typedAhead(); left > 0; left = typedAhead()) {
                if (in.skip(left) <= 0) {
                    return;
                }
            }
        } catch (IOException gone) {
            // Nothing left to forget.
        }
    }

    /**
     * Writes what is text already, whatever the code page, as {@code WriteConsoleW} does.
     *
     * @throws IOException when nobody reads it
     */
    public void write(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    /** The person's terminal, which understands UTF-8, behind a console that is written to in its output code page. */
    private final class Screen extends OutputStream {
        private final OutputStream terminal;

        Screen(OutputStream terminal) {
            this.terminal = terminal;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            // A write may end in the middle of a character of UTF-8, which the terminal puts together.
            if (outputCharset.equals(StandardCharsets.UTF_8)) {
                terminal.write(bytes, offset, length);
            } else {
                terminal.write(new String(bytes, offset, length, outputCharset).getBytes(StandardCharsets.UTF_8));
            }
        }

        @Override
        public void flush() throws IOException {
            terminal.flush();
        }
    }
}
