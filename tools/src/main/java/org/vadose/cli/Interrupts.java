package org.vadose.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C, and any other request that the process should go: ends what runs in order, then lets the Java virtual machine leave
 * with the code of the signal. Closing means that nothing is left to be ended.
 */
final class Interrupts implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 60;

    private final CountDownLatch done = new CountDownLatch(1);

    /** @param stop makes the work of the calling thread end soon; on another thread */
    Interrupts(Runnable stop) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> leave(stop), "interrupt"));
    }

    private void leave(Runnable stop) {
        if (done.getCount() == 0) {
            return;
        }
        stop.run();
        try {
            boolean ignored = done.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        done.countDown();
    }
}
