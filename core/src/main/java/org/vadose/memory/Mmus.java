package org.vadose.memory;

import java.util.Arrays;
import java.util.List;

/**
 * The {@link Mmu}s of a machine's processors. What is done through this object is done on the processor that the calling thread
 * drives ({@link ProcessorThread}); a thread that drives none uses the first, while nobody else does.
 *
 * <p>An invalidation reaches every processor that may have cached the translation: one that executes guest instructions in the
 * same address space is interrupted and waited for; the others forget before they next use what they cached.
 */
public final class Mmus {
    /** Addresses from here on are the kernel's: the same in every address space, but for the self-map. */
    private static final long KERNEL_HALF = 1L << 63;

    private final Mmu[] all;
    private final Memory kernel;
    private final Memory user;

    /** @param count of processors, at least 1 */
    public Mmus(PhysicalMemory ram, PageTableFormat format, int count) {
        all = new Mmu[count];
        for (int i = 0; i < count; i++) {
            all[i] = new Mmu(ram, format, i);
        }
        for (Mmu mmu : all) {
            mmu.setOthers(Arrays.stream(all).filter(other -> other != mmu).toList());
        }
        kernel = count == 1 ? all[0].kernel() : new CurrentMemory(this, false);
        user = count == 1 ? all[0].user() : new CurrentMemory(this, true);
    }

    /** One processor whose MMU exists already. */
    public Mmus(Mmu only) {
        all = new Mmu[] {only};
        kernel = only.kernel();
        user = only.user();
    }

    public int count() {
        return all.length;
    }

    /** All of them, by the processors' numbers. */
    public List<Mmu> all() {
        return List.of(all);
    }

    public Mmu get(int processor) {
        return all[processor];
    }

    /** The MMU of the processor that the calling thread drives. */
    public Mmu current() {
        return all.length > 1 && Thread.currentThread() instanceof ProcessorThread thread ? thread.mmu : all[0];
    }

    public PhysicalMemory ram() {
        return all[0].ram();
    }

    public PageTableFormat format() {
        return all[0].format();
    }

    /** Memory as supervisor code on the current processor sees it. */
    public Memory kernel() {
        return kernel;
    }

    /** Memory as user-mode code on the current processor sees it. */
    public Memory user() {
        return user;
    }

    /** CR3 of the current processor. */
    public long root() {
        return current().root();
    }

    /** Loads CR3 of the current processor. */
    public void loadRoot(long physicalAddress) {
        current().loadRoot(physicalAddress);
    }

    /**
     * INVLPG on the current processor, and on the others as far as they can have the translation.
     *
     * <p>The caller holds the lock that keeps others from changing the same entry.
     */
    public void invalidatePage(long virtualAddress) {
        Mmu mine = current();
        mine.invalidatePage(virtualAddress);
        if (all.length > 1) {
            boolean isKernels = (virtualAddress & KERNEL_HALF) != 0;
            for (Mmu other : all) {
                if (other != mine && (isKernels || other.root() == mine.root())) {
                    other.invalidateSoon(!isKernels);
                }
            }
        }
    }

    /** Keeps other processors from executing guest instructions in the current address space, until {@link #letGo}. */
    public void holdOthers() {
        if (all.length > 1) {
            Mmu mine = current();
            for (Mmu other : all) {
                if (other != mine && other.root() == mine.root()) {
                    other.hold();
                }
            }
        }
    }

    /** Ends {@link #holdOthers}; nobody has changed address spaces meanwhile. */
    public void letGo() {
        if (all.length > 1) {
            Mmu mine = current();
            for (Mmu other : all) {
                if (other != mine && other.root() == mine.root()) {
                    other.letGo();
                }
            }
        }
    }

    /** Makes the current processor the only one that executes guest instructions, until {@link #thaw}: a debugger looks around. */
    public void freeze() {
        Mmu mine = current();
        for (Mmu other : all) {
            if (other != mine) {
                other.hold();
            }
        }
    }

    /** Ends {@link #freeze}. */
    public void thaw() {
        Mmu mine = current();
        for (Mmu other : all) {
            if (other != mine) {
                other.letGo();
            }
        }
    }

    /**
     * Forgets every translation of the loaded address space, as {@link #invalidatePage} does one of a user page. When it returns, no
     * processor uses one.
     */
    public void invalidateAll() {
        Mmu mine = current();
        mine.invalidateAll();
        for (Mmu other : all) {
            if (other != mine && other.root() == mine.root()) {
                other.invalidateSoon(true);
            }
        }
    }

    /**
     * Takes an address space that ends off every processor that still has it loaded; none executes guest instructions in it.
     *
     * @param instead what they load
     */
    public void unload(long root, long instead) {
        for (Mmu mmu : all) {
            if (mmu.root() == root) {
                mmu.halt();
                mmu.loadRoot(instead);
            }
        }
    }

    /** Whether some processor has this address space loaded. */
    public boolean isLoaded(long root) {
        return Arrays.stream(all).anyMatch(mmu -> mmu.root() == root);
    }
}
