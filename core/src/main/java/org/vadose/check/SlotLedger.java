package org.vadose.check;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PagingFile;
import org.vadose.nt.Pte;

/** The slots of the page files: each is free, or owned by one entry. */
final class SlotLedger {
    private static final int MOST_FILES = 16;

    private final Findings findings;
    private final List<PagingFile> files = new ArrayList<>();
    private final List<BitSet> owned = new ArrayList<>();

    SlotLedger(Memory kernel, long kernelBase, Findings findings) {
        this.findings = findings;
        long visible = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.VP;
        int count = kernel.readInt(visible + MiVisiblePartitionLayout.NUMBER_OF_PAGING_FILES);
        if (count < 0 || count > MOST_FILES) {
            findings.add("NumberOfPagingFiles=" + count);
            count = 0;
        }
        for (int i = 0; i < count; i++) {
            long address = kernel.readLong(visible + MiVisiblePartitionLayout.PAGING_FILE + 8L * i);
            files.add(new PagingFile(kernel, address));
            owned.add(new BitSet());
            findings.expectEqual("PageFileNumber", address, i, files.get(i).number());
        }
    }

    /** Pages that all page files together can hold. */
    long total() {
        return files.stream()
                .filter(file -> !file.isVirtualStore())
                .mapToLong(PagingFile::size)
                .sum();
    }

    /** The page file whose slots are pages in the compression store; null for none. */
    @Nullable PagingFile virtualStore() {
        return files.stream().filter(PagingFile::isVirtualStore).findFirst().orElse(null);
    }

    /**
     * Counts an entry, or an {@code OriginalPte}, as the owner of its slot, if it has one.
     *
     * @param where of what
     */
    void addOwner(long pte, String where) {
        if (!Pte.holdsSlot(pte)) {
            return;
        }
        int number = Pte.pageFileNumber(pte);
        long slot = Pte.slot(pte);
        if (number >= files.size() || slot >= files.get(number).size()) {
            findings.add("slot of no page file pte=" + Hex.address(pte) + " " + where);
            return;
        }
        if (!files.get(number).isTaken(slot)) {
            findings.add("slot in use is free in the bitmap pte=" + Hex.address(pte) + " " + where);
        }
        if (owned.get(number).get((int) slot)) {
            findings.add("slot has two owners pte=" + Hex.address(pte) + " " + where);
        }
        owned.get(number).set((int) slot);
    }

    /**
     * Compares with the bitmaps.
     *
     * @param unseen slots that may be owned by what was not walked: prototype PTEs of sections that nobody maps
     */
    void check(long unseen) {
        long unowned = 0;
        String first = "";
        for (int i = 0; i < files.size(); i++) {
            PagingFile file = files.get(i);
            long free = 0;
            for (long slot = 0; slot < file.size(); slot++) {
                boolean isTaken = file.isTaken(slot);
                free += isTaken ? 0 : 1;
                if (isTaken && slot != 0 && !owned.get(i).get((int) slot)) {
                    unowned++;
                    first = first.isEmpty() ? " file=" + i + " slot=" + Hex.plain(slot) : first;
                }
            }
            findings.expectEqual("page file's FreeSpace", file.address(), free, file.freeSpace());
            if (!file.isTaken(0)) {
                findings.add("slot 0 is free file=" + i);
            }
        }
        if (unowned > unseen) {
            findings.add("slots are taken that nobody owns count=" + unowned + " first:" + first);
        }
    }
}
