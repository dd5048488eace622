package org.vadose.mm;

import org.vadose.layout.KprcbLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmus;

/**
 * How many faults were resolved, how, and with how much I/O: {@code _KPRCB.MmPageFaultCount} and its neighbours, which each
 * processor counts for itself. They begin again at 0 after 2<sup>32</sup>.
 */
public final class PagingCounts {
    private final Memory memory;
    private final Mmus mmus;
    private final long[] prcbs;

    PagingCounts(Mmus mmus) {
        this.mmus = mmus;
        this.memory = mmus.kernel();
        this.prcbs = new long[mmus.all().size()];
    }

    /** @param prcb control block of a processor, which from now on counts */
    void use(int processor, long prcb) {
        prcbs[processor] = prcb;
    }

    /** One more of something. */
    void count(int processor, long field) {
        add(processor, field, 1);
    }

    /** Pages that one read brought in. */
    void countRead(int pages) {
        int processor = mmus.current().number();
        add(processor, KprcbLayout.MM_PAGE_READ_COUNT, pages);
        add(processor, KprcbLayout.MM_PAGE_READ_IO_COUNT, 1);
    }

    /** Pages that went to a page file in one write. */
    void countDirtyWrite(int pages) {
        int processor = mmus.current().number();
        add(processor, KprcbLayout.MM_DIRTY_PAGES_WRITE_COUNT, pages);
        add(processor, KprcbLayout.MM_DIRTY_WRITE_IO_COUNT, 1);
    }

    /** Pages that went back to their own file in one write. */
    void countMappedWrite(int pages) {
        int processor = mmus.current().number();
        add(processor, KprcbLayout.MM_MAPPED_PAGES_WRITE_COUNT, pages);
        add(processor, KprcbLayout.MM_MAPPED_WRITE_IO_COUNT, 1);
    }

    private void add(int processor, long field, int amount) {
        long prcb = prcbs[processor];
        if (prcb != 0) {
            memory.writeInt(prcb + field, memory.readInt(prcb + field) + amount);
        }
    }

    /**
     * The sum over all processors.
     *
     * @param field for example {@link KprcbLayout#MM_PAGE_READ_COUNT}
     */
    public long total(long field) {
        long total = 0;
        for (long prcb : prcbs) {
            total += prcb == 0 ? 0 : memory.readUnsignedInt(prcb + field);
        }
        return total;
    }
}
