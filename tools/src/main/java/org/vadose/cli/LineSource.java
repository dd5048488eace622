package org.vadose.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Where a prompt's lines come from. */
interface LineSource extends AutoCloseable {
    /** The next line, or null when there are no more. */
    @Nullable String read(String prompt) throws IOException;

    /** Whether a person types the lines. */
    default boolean isInteractive() {
        return false;
    }

    /**
     * What is typed while no line is read; null if nobody types.
     *
     * @param isPrompting whether what is typed is the prompt's
     */
    default @Nullable InputStream typedOtherwise(BooleanSupplier isPrompting) {
        return null;
    }

    @Override
    default void close() throws IOException {}

    /** Lines given in advance, by {@code -c}. */
    static LineSource of(List<String> lines) {
        Deque<String> left = new ArrayDeque<>(lines);
        return prompt -> left.pollFirst();
    }

    /** Lines of a pipe or a file; nothing is echoed. */
    static LineSource of(BufferedReader reader) {
        return prompt -> reader.readLine();
    }
}
