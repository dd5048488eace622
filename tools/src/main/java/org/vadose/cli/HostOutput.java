package org.vadose.cli;

import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A stream of the host that a guest writes to. When its reader is gone the guest is told, as Windows tells it; one that goes on
 * writing all the same is ended, since nobody can want what it does.
 */
final class HostOutput extends OutputStream {
    /** Failed writes in which a program may notice. */
    private static final int PATIENCE = 100;

    private final OutputStream target;
    private volatile @Nullable Runnable whenGone;
    private int failures;

    HostOutput(OutputStream target) {
        this.target = target;
    }

    /** @param action ends the program */
    void whenGone(Runnable action) {
        whenGone = action;
    }

    /** Whether the program was ended for writing to nobody. */
    synchronized boolean isGone() {
        return failures >= PATIENCE;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
        try {
            target.write(bytes, offset, length);
        } catch (IOException nobodyReads) {
            Runnable action = whenGone;
            if (++failures >= PATIENCE && action != null) {
                action.run();
            }
            throw nobodyReads;
        }
    }

    @Override
    public void flush() throws IOException {
        target.flush();
    }
}
