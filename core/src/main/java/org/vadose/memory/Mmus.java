package org.vadose.memory;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The {@link Mmu}s of a machine's processors. What is done through this object is done on the processor that the calling thread
 * drives ({@link ProcessorThread}); a thread that drives none uses the first, while nobody else does.
 *
 * <p>An invalidation reaches every processor that may have cached the translation: one that executes guest instructions in the
 * same address space is interrupted and waited for; the others forget before they next use what they cached.
 */
public final class Mmus {
    /** Forgetting everything, and finding it again, takes longer than forgetting so many pages. */
    private static final long MOST_PAGE_BY_PAGE = 512;

    /** Addresses from here on are the kernel's: the same in every address space, but for the self-map. */
    private static final long KERNEL_HALF = 1L << 63;

    /** The processors' by number, and behind them the one that is no processor's. */
    private final Mmu[] all;

    private final int processors;
    private final Memory kernel;
    private final Memory user;

    /** @param count of processors, at least 1 */
    public Mmus(PhysicalMemory ram, PageTableFormat format, int count) {
        this(ram, format, count, false);
    }

    /** @param withService whether there is to be one more, {@link #service} */
    public Mmus(PhysicalMemory ram, PageTableFormat format, int count, boolean withService) {
        processors = count;
        all = new Mmu[withService ? count + 1 : count];
        for (int i = 0; i < all.length; i++) {
            all[i] = new Mmu(ram, format, i == count ? 0 : i, i);
        }
        for (Mmu mmu : all) {
            mmu.setOthers(Arrays.stream(all).filter(other -> other != mmu).toList());
        }
        kernel = isShared() ? new CurrentMemory(this, false) : all[0].kernel();
        user = isShared() ? new CurrentMemory(this, true) : all[0].user();
    }

    /** One processor whose MMU exists already. */
    public Mmus(Mmu only) {
        all = new Mmu[] {only};
        processors = 1;
        kernel = only.kernel();
        user = only.user();
    }

    /** Of processors. */
    public int count() {
        return processors;
    }

    /** The processors', by number. */
    public List<Mmu> all() {
        return List.of(all).subList(0, processors);
    }

    /** One that is no processor's and executes no guest instructions: of System's threads that run beside the processors. */
    public @Nullable Mmu service() {
        return all.length > processors ? all[processors] : null;
    }

    /** Whether Java threads may use memory through several of them at the same time, so that locks are needed. */
    public boolean isShared() {
        return all.length > 1;
    }

    /** How many there are with {@link #service}. */
    public int contexts() {
        return all.length;
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
        current().invalidateAll();
        othersForgetAll();
    }

    /** As {@link #invalidateAll}, for whoever changed nothing outside this range of user pages. */
    public void invalidateRange(long firstPage, long pages) {
        if (pages > MOST_PAGE_BY_PAGE) {
            invalidateAll();
        } else {
            current().invalidatePages(firstPage, (int) pages);
            othersForgetAll();
        }
    }

    private void othersForgetAll() {
        Mmu mine = current();
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
