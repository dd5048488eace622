package org.vadose.check;

import java.util.BitSet;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.Memory;
import org.vadose.nt.CompressedStore;
import org.vadose.nt.CompressedStore.Own;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PagingFile;
import org.vadose.nt.StoreManager;
import org.vadose.nt.StoreNode;
import org.vadose.rtl.Xpress;
import org.vadose.target.Target;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/**
 * The store of compressed pages: each taken slot of its page file is found by the published way from page key to bytes, no two
 * pages share units, the book-keeping counts what there is, and what is in RAM decompresses to a page.
 */
final class StoreCheck {
    private static final int DEEPEST = 8;

    private final Target target;
    private final Memory kernel;
    private final Findings findings;
    private final byte[] packed = new byte[(int) Pages.SIZE];
    private final byte[] plain = new byte[(int) Pages.SIZE];

    StoreCheck(Target target, Findings findings) {
        this.target = target;
        this.kernel = target.kernel();
        this.findings = findings;
    }

    /** @param file the virtual store's page file */
    void run(PagingFile file) {
        StoreManager globals = new StoreManager(kernel, target.kernelAddress(KernelSymbols.SM_GLOBALS));
        CompressedStore store = new CompressedStore(kernel, globals.store(0));
        if (store.address() == 0) {
            findings.add("virtual store's page file without a store");
            return;
        }
        if (!store.isXpress()) {
            findings.add("store has another compression algorithm store=" + Hex.address(store.address()));
        }
        long most = Math.min(store.get(Own.MOST_REGIONS), target.physicalBytes() / CompressedStore.REGION_BYTES + 1);
        BitSet[] used = new BitSet[(int) Math.max(0, most)];
        TargetMemory owner = target.space(new Eprocess(kernel, store.owner()).directoryTableBase());
        long pages = 0;
        long bytes = 0;
        for (long slot = 1; slot < Math.min(file.size(), StoreManager.MOST_SLOTS); slot++) {
            if (!file.isTaken(slot)) {
                continue;
            }
            int key = StoreManager.pageKey(file.number(), slot);
            pages++;
            if (new StoreNode(kernel, globals.keyTree()).find(key) != 0) {
                findings.add("page is not in the first store's keys key=" + Hex.plain(key & 0xFFFF_FFFFL));
            }
            long record = recordOf(store, key);
            if (record != 0) {
                bytes += store.compressedBytes(record);
                checkPage(store, record, used, owner);
            }
        }
        count(store, store.pagesTree(), pages, "pages");
        count(store, globals.keyTree(), pages, "keys");
        findings.expectEqual("pages in the store", store.address(), pages, store.get(Own.PAGES));
        findings.expectEqual("bytes in the store", store.address(), bytes, store.get(Own.COMPRESSED_BYTES));
        checkRegions(store, used);
        checkFreeRecords(store, pages);
    }

    private long recordOf(CompressedStore store, int key) {
        String which = "key=" + Hex.plain(key & 0xFFFF_FFFFL);
        long number = new StoreNode(kernel, store.pagesTree()).find(key);
        long record = number == StoreNode.NONE ? 0 : store.record((int) number);
        if (record == 0) {
            findings.add("slot is taken and the store has no page of it " + which);
            return 0;
        }
        findings.expectEqual("page record's key " + which, record, key, store.pageKey(record));
        return record;
    }

    private void checkPage(CompressedStore store, long record, BitSet[] used, TargetMemory owner) {
        int location = store.location(record);
        int region = location >>> CompressedStore.REGION_SHIFT;
        int first = location & CompressedStore.REGION_UNITS - 1;
        int size = store.compressedBytes(record);
        int end = first + (size + CompressedStore.UNIT - 1) / CompressedStore.UNIT;
        String where = " record=" + Hex.address(record) + " location=" + Hex.plain(location & 0xFFFF_FFFFL);
        if (region >= used.length || store.region(region) == 0 || size == 0 || size > Pages.SIZE) {
            findings.add("page record names no place in a region" + where + " bytes=" + size);
            return;
        }
        if (end > CompressedStore.REGION_UNITS) {
            findings.add("compressed page leaves its region" + where);
            return;
        }
        if (used[region] == null) {
            used[region] = new BitSet();
        }
        int overlap = used[region].nextSetBit(first);
        if (overlap >= 0 && overlap < end) {
            findings.add("compressed pages overlap" + where);
        }
        used[region].set(first, end);
        try {
            owner.read(store.dataAddress(record), packed, 0, size);
        } catch (UnreadableMemoryException e) {
            if (!e.reason().startsWith("page file")) {
                findings.add("compressed page is not in its region" + where + ": " + e.reason());
            }
            return;
        }
        if (size != Pages.SIZE && Xpress.decompress(packed, 0, size, plain, 0, plain.length) != Pages.SIZE) {
            findings.add("compressed page does not decompress" + where);
        }
    }

    private void checkRegions(CompressedStore store, BitSet[] used) {
        long regions = 0;
        long empty = 0;
        for (int i = 0; i < used.length; i++) {
            long bitmap = store.regionBitmap(i);
            if ((store.region(i) == 0) != (bitmap == 0)) {
                findings.add("region without bitmap, or the reverse index=" + i);
                continue;
            }
            if (bitmap == 0) {
                continue;
            }
            BitSet units = used[i] == null ? new BitSet() : used[i];
            BitSet marked = BitSet.valueOf(kernel.read(bitmap, CompressedStore.REGION_UNITS / 8));
            if (!marked.equals(units)) {
                marked.xor(units);
                findings.add("region's bitmap is wrong index=" + i + " unit=" + Hex.plain(marked.nextSetBit(0)));
            }
            findings.expectEqual("region's units index=" + i, bitmap, units.cardinality(), store.usedUnits(i));
            regions++;
            empty += units.isEmpty() ? 1 : 0;
        }
        findings.expectEqual("regions of the store", store.address(), regions, store.get(Own.REGIONS_IN_USE));
        findings.expectEqual("empty regions of the store", store.address(), empty, store.get(Own.EMPTY_REGIONS));
    }

    /** A record is a page's or free. */
    private void checkFreeRecords(CompressedStore store, long pages) {
        long made = store.get(Own.CHUNKS_MADE) * CompressedStore.RECORDS_OF_CHUNK;
        long free = 0;
        for (long number = store.get(Own.FREE_RECORD); number != 0 && free <= made; free++) {
            long record = store.record((int) number);
            if (record == 0 || store.location(record) != CompressedStore.NO_LOCATION) {
                findings.add("free page record is none number=" + Hex.plain(number));
                return;
            }
            number = store.pageKey(record) & 0xFFFF_FFFFL;
        }
        findings.expectEqual("free page records", store.address(), made - pages, free);
    }

    private void count(CompressedStore store, long root, long expected, String what) {
        long counted = countBelow(root, 0, 0, 1L << 32, what);
        findings.expectEqual("entries of the store's tree of " + what, store.address(), expected, counted);
    }

    /** Entries of a subtree; its keys must rise and lie in a range. */
    private long countBelow(long address, int depth, long from, long to, String what) {
        if (address == 0 || Pages.offset(address) != 0 || depth > DEEPEST) {
            findings.add("no node of the store's tree of " + what + " node=" + Hex.address(address));
            return 0;
        }
        StoreNode node = new StoreNode(kernel, address);
        int most = node.isLeaf() ? StoreNode.MOST_IN_LEAF : StoreNode.MOST_IN_INNER;
        if (node.count() > most || node.count() == 0 && depth > 0) {
            findings.add("node of the store's tree of " + what + " has a wrong count node=" + Hex.address(address)
                    + " count=" + node.count());
            return 0;
        }
        long total = node.isLeaf() ? node.count() : 0;
        long low = from;
        for (int i = 0; i < node.count(); i++) {
            long key = node.key(i) & 0xFFFF_FFFFL;
            if (key < low || key >= to) {
                findings.add("keys of the store's tree of " + what + " do not rise node=" + Hex.address(address));
                return total;
            }
            if (!node.isLeaf()) {
                total += countBelow(node.child(i - 1), depth + 1, low, key, what);
            }
            low = node.isLeaf() ? key + 1 : key;
        }
        return node.isLeaf() ? total : total + countBelow(node.child(node.count() - 1), depth + 1, low, to, what);
    }
}
