package org.vadose.io;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a person types. Bytes are asked of the host when somebody wants some, on a Java thread of their own, so whoever wants them can
 * let others go on meanwhile. Bytes that nobody waits for any more when they arrive are the next reader's.
 *
 * <p>An end that the host reports is reported once; a terminal goes on behind it.
 */
public final class TypedInput extends InputStream {
    /** {@link #take}: nothing has arrived. */
    public static final int NOTHING_YET = -1;

    private static final int LONGEST_READ = 1 << 16;

    private final InputStream host;
    private final Set<Runnable> listeners = new LinkedHashSet<>();
    private byte[] arrived = {};
    private int taken;
    private boolean hasEnded;
    private boolean isReading;
    private @Nullable IOException failure;

    /** @param host blocks until there is something to read */
    public TypedInput(InputStream host) {
        this.host = host;
    }

    /**
     * Takes what has arrived; never waits.
     *
     * @param length at least 1
     * @return how many bytes, 0 at the end, or {@link #NOTHING_YET}
     * @throws IOException what the host said instead
     */
    public synchronized int take(byte[] target, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        if (taken < arrived.length) {
            int count = Math.min(length, arrived.length - taken);
            System.arraycopy(arrived, taken, target, offset, count);
            taken += count;
            return count;
        }
        IOException problem = failure;
        if (problem != null) {
            failure = null;
            throw problem;
        }
        if (hasEnded) {
            hasEnded = false;
            return 0;
        }
        return NOTHING_YET;
    }

    /** Whether {@link #take} would say something. */
    public synchronized boolean hasArrived() {
        return taken < arrived.length || hasEnded || failure != null;
    }

    /**
     * Asks the host for bytes.
     *
     * @param most the host is asked for if nobody has asked yet
     * @param onArrival is run once when something has arrived, on a thread of the host's
     */
    public synchronized void want(int most, Runnable onArrival) {
        if (hasArrived()) {
            onArrival.run();
            return;
        }
        listeners.add(onArrival);
        if (!isReading) {
            isReading = true;
            int length = Math.min(most, LONGEST_READ);
            Thread reader = new Thread(() -> ask(length), "typed-input");
            reader.setDaemon(true);
            reader.start();
        }
    }

    private void ask(int length) {
        byte[] bytes = new byte[length];
        int count = 0;
        IOException problem = null;
        try {
            count = host.read(bytes, 0, length);
        } catch (IOException e) {
            problem = e;
        }
        Set<Runnable> told;
        synchronized (this) {
            isReading = false;
            arrived = count > 0 ? Arrays.copyOf(bytes, count) : new byte[0];
            taken = 0;
            hasEnded = count < 0;
            failure = problem;
            told = new LinkedHashSet<>(listeners);
            listeners.clear();
            notifyAll();
        }
        told.forEach(Runnable::run);
    }

    /** Bytes that have arrived, or that the host has ready for who asks. */
    @Override
    public synchronized int available() throws IOException {
        int left = arrived.length - taken;
        return left > 0 || isReading ? left : Math.max(0, host.available());
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) > 0 ? one[0] & 0xFF : -1;
    }

    /** Waits, as streams do. */
    @Override
    public synchronized int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        int count = take(target, offset, length);
        while (count == NOTHING_YET) {
            want(length, () -> {});
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException();
            }
            count = take(target, offset, length);
        }
        return count == 0 ? -1 : count;
    }
}
