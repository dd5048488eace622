package org.vadose.dump;

import java.io.IOException;

/** A file that is no memory image, or one that contradicts itself; the message says what was found where. */
public final class DumpFormatException extends IOException {
    private static final long serialVersionUID = 1;

    public DumpFormatException(String message) {
        super(message);
    }
}
