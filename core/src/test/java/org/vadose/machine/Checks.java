package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vadose.check.Findings;
import org.vadose.check.SystemCheck;
import org.vadose.dump.ImageWriter;
import org.vadose.dump.MemoryImage;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.GuestProcess;

/** Proves a machine's invariants at a quiet moment of a test. */
public final class Checks {
    private Checks() {}

    /** Every invariant holds. */
    public static void check(String when, Machine machine) {
        Findings findings = SystemCheck.run(machine.target());
        assertTrue(findings.isEmpty(), () -> when + ": " + findings);
    }

    /** Every invariant holds in the image of the machine that is written to this file. */
    public static void checkImage(String when, Machine machine, Path file) {
        try {
            ImageWriter.write(machine.target(), file);
            try (MemoryImage image = MemoryImage.open(file)) {
                Findings findings = SystemCheck.run(image.target());
                assertTrue(findings.isEmpty(), () -> when + ": " + file.getFileName() + ": " + findings);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Checks whenever a process is about to end, its memory still there. For machines with one processor: others would go on. */
    static final class AtExit implements GuestEvents {
        private final Machine machine;
        private final List<Throwable> failures = new ArrayList<>();
        private final Path[] images;

        /** @param images also written and checked; none for the live machine alone */
        AtExit(Machine machine, Path... images) {
            this.machine = machine;
            this.images = images;
        }

        @Override
        public synchronized boolean exit(GuestProcess process, int exitCode) {
            try {
                check("at exit", machine);
                for (Path image : images) {
                    checkImage("at exit", machine, image);
                }
            } catch (AssertionError | RuntimeException e) {
                failures.add(e);
            }
            return false;
        }

        /** What was found at any exit fails here. */
        synchronized void rethrow() {
            if (!failures.isEmpty()) {
                throw new AssertionError(failures.getFirst());
            }
        }
    }
}
