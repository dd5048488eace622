package org.vadose.debug;

import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.nt.CompressedStore;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PagingFile;
import org.vadose.nt.Pte;
import org.vadose.nt.StoreManager;
import org.vadose.nt.StoreNode;
import org.vadose.rtl.Xpress;
import org.vadose.target.PagedOutPages;
import org.vadose.target.Target;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/**
 * The compressed pages of a target's store, followed from their PTEs. Uses only what has been published of the store's structures, so
 * it reads memory of Windows as well.
 */
final class StoredPages implements PagedOutPages {
    private static final int MOST_FILES = 16;
    private static final int NOT_FIRST_STORE = 0x3FF;

    private final Target target;
    private final TargetMemory kernel;
    private final StoreManager globals;

    /**
     * Where a page is.
     *
     * @param index of the store; {@link StoreNode#NONE} if no store has the key
     * @param record address, 0 if the store has none
     */
    record Place(int key, long index, CompressedStore store, long number, long record) {}

    StoredPages(Target target) {
        this.target = target;
        this.kernel = target.kernel();
        this.globals = new StoreManager(kernel, target.kernelAddress(KernelSymbols.SM_GLOBALS));
    }

    StoreManager globals() {
        return globals;
    }

    /** Whether a PTE names the page file that stands for the store. */
    boolean isStored(long pte) {
        if (Pte.kind(pte) != Pte.Kind.PAGE_FILE || Pte.pageFileNumber(pte) >= MOST_FILES) {
            return false;
        }
        long visible = target.kernelAddress(KernelSymbols.MI_SYSTEM_PARTITION) + MiPartitionLayout.VP;
        long file = kernel.readLong(visible + MiVisiblePartitionLayout.PAGING_FILE + 8L * Pte.pageFileNumber(pte));
        return file != 0 && new PagingFile(kernel, file).isVirtualStore();
    }

    /** Follows the PTE of a stored page to its record. */
    Place find(long pte) {
        int key = StoreManager.pageKey(Pte.pageFileNumber(pte), Pte.slot(pte));
        long index = new StoreNode(kernel, globals.keyTree()).find(key);
        if (index == StoreNode.NONE) {
            return new Place(key, index, new CompressedStore(kernel, 0), StoreNode.NONE, 0);
        }
        CompressedStore store = new CompressedStore(kernel, globals.store((int) index & NOT_FIRST_STORE));
        long number = new StoreNode(kernel, store.pagesTree()).find(key);
        return new Place(key, index, store, number, number == StoreNode.NONE ? 0 : store.record((int) number));
    }

    /**
     * The page that a record describes; null if its bytes do not decompress to one.
     *
     * @throws UnreadableMemoryException if they are not in RAM themselves
     */
    byte @Nullable [] contents(Place place) {
        CompressedStore store = place.store();
        TargetMemory owner = target.space(new Eprocess(kernel, store.owner()).directoryTableBase());
        int size = Math.min(store.compressedBytes(place.record()), (int) Pages.SIZE);
        byte[] packed = new byte[size];
        owner.read(store.dataAddress(place.record()), packed, 0, size);
        if (size == Pages.SIZE) {
            return packed;
        }
        byte[] plain = new byte[(int) Pages.SIZE];
        return Xpress.decompress(packed, 0, size, plain, 0, plain.length) == Pages.SIZE ? plain : null;
    }

    @Override
    public byte @Nullable [] page(long pte) {
        if (target.kernelBase() == 0 || !isStored(pte)) {
            return null;
        }
        Place place = find(pte);
        return place.record() == 0 ? null : contents(place);
    }
}
