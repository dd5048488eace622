package org.vadose.cli;

import org.vadose.machine.RunningProgram;

/** What Ctrl-C means while a program runs: the program hears of it if it wants to, else everything ends; the third in a row always. */
final class KeyboardInterrupt {
    private static final int EXIT_CODE = 130;
    private static final int MOST_IN_A_ROW = 3;
    private static final long ROW_NANOS = 1_000_000_000L;

    private final RunningProgram program;
    private long last;
    private int inARow;

    KeyboardInterrupt(RunningProgram program) {
        this.program = program;
    }

    /** On the thread of the signal. */
    synchronized void pressed() {
        long now = System.nanoTime();
        inARow = inARow > 0 && now - last < ROW_NANOS ? inARow + 1 : 1;
        last = now;
        try {
            if (inARow < MOST_IN_A_ROW && program.interrupt()) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        System.exit(EXIT_CODE);
    }
}
