package org.vadose.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.vadose.base.Pages;

class MmusTest {
    private static final int TIMES = 500_000;

    @Test
    void processorThatIsHeldExecutesNoGuestInstructions() throws InterruptedException {
        try (PhysicalMemory ram = new PhysicalMemory(Pages.SIZE)) {
            Mmus mmus = new Mmus(ram, new X64PageTables(), 2);
            Mmu guest = mmus.get(1);
            AtomicInteger executing = new AtomicInteger();
            AtomicInteger seen = new AtomicInteger();
            ProcessorThread executes = new ProcessorThread(
                    guest,
                    () -> {
                        for (int i = 0; i < TIMES; i++) {
                            guest.enterGuest();
                            executing.set(1);
                            executing.set(0);
                            guest.leaveGuest();
                        }
                    },
                    "guest",
                    1 << 20);
            executes.start();
            while (executes.isAlive()) {
                mmus.holdOthers();
                // What begins after this is as wrong as what goes on.
                for (int i = 0; i < 8; i++) {
                    seen.addAndGet(executing.get());
                }
                mmus.letGo();
            }
            executes.join();
            assertEquals(0, seen.get());
        }
    }
}
