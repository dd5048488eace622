package org.vadose.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.vadose.base.Pages;

class MmusTest {
    private static final long ROOT = 0x1000;
    private static final long PAGE = 0x40_0000;
    private static final long FIRST = 0x10_0000;
    private static final long SECOND = 0x20_0000;
    private static final long BITS = X64PageTables.PRESENT | X64PageTables.WRITE | X64PageTables.USER;
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

    @Test
    void fetchFindsThePageWhereItIsWhenTheOthersHaveBeenTold() {
        try (PhysicalMemory ram = new PhysicalMemory(PhysicalMemory.MINIMUM_BYTES)) {
            Mmus mmus = new Mmus(ram, new X64PageTables(), 2);
            mmus.all().forEach(mmu -> mmu.loadRoot(ROOT));
            long entry = map(ram, PAGE, FIRST);
            Mmu fetching = mmus.get(0);
            Mmu other = mmus.get(1);
            fetching.enterGuest();
            other.enterGuest();
            other.user().writeLong(PAGE, 1);
            // It stops executing when it is interrupted, and gives the page another frame before it goes on.
            other.setInterrupt(() -> {
                other.leaveGuest();
                ram.writeLong(entry, SECOND | BITS);
                fetching.invalidateSoon(false);
            });
            assertEquals(SECOND, fetching.translateFetch(PAGE));
            fetching.leaveGuest();
        }
    }

    /** Answers where the page's entry is. */
    private static long map(PhysicalMemory ram, long page, long frame) {
        long table = ROOT;
        for (int level = 4; level > 1; level--) {
            long next = table + Pages.SIZE;
            ram.writeLong(table + X64PageTables.index(level, page) * 8L, next | BITS);
            table = next;
        }
        long entry = table + X64PageTables.index(1, page) * 8L;
        ram.writeLong(entry, frame | BITS);
        return entry;
    }
}
