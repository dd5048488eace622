package org.vadose.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.vadose.dump.ImageWriter;

/** A file that was to be written could not be. */
final class CannotWriteException extends IOException {
    private static final long serialVersionUID = 1;

    CannotWriteException(Path file, IOException cause) {
        super("cannot write " + file + ": " + ImageWriter.reason(cause), cause);
    }
}
