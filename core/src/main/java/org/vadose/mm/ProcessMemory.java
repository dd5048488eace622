package org.vadose.mm;

import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.Mmus;
import org.vadose.nt.Eprocess;

/** The bytes of any process, read and written as the process itself could: page by page, through its page tables and faults. */
final class ProcessMemory {
    private final Mmus mmu;
    private final AddressSpaces spaces;

    ProcessMemory(Mmus mmu, AddressSpaces spaces) {
        this.mmu = mmu;
        this.spaces = spaces;
    }

    /**
     * Copies out of a process as far as its pages are readable.
     *
     * @return bytes copied, from the start
     */
    int read(Eprocess process, long address, byte[] target) {
        return copy(process, address, target, false);
    }

    /** Copies in as far as pages are writable. */
    int write(Eprocess process, long address, byte[] source) {
        return copy(process, address, source, true);
    }

    private int copy(Eprocess process, long address, byte[] bytes, boolean write) {
        long before = spaces.enter(process);
        int done = 0;
        try {
            while (done < bytes.length) {
                long at = address + done;
                int run = (int) Math.min(bytes.length - done, Pages.SIZE - Pages.offset(at));
                if (write) {
                    mmu.user().write(at, bytes, done, run);
                } else {
                    mmu.user().read(at, bytes, done, run);
                }
                done += run;
            }
        } catch (MemoryFault end) {
            // What was copied before it counts.
            return done;
        } finally {
            spaces.leave(before);
        }
        return done;
    }
}
