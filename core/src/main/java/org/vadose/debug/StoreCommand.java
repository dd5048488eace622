package org.vadose.debug;

import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.memory.PageTableFormat.Step;
import org.vadose.nt.CompressedStore;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PagingFile;
import org.vadose.nt.Pte;
import org.vadose.nt.StoreManager;
import org.vadose.nt.StoreNode;
import org.vadose.rtl.Xpress;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/**
 * {@code !store}: the store of compressed pages, or one page in it. Uses only what has been published of the store's structures, so
 * it reads memory of Windows as well.
 */
final class StoreCommand {
    private static final int MOST_FILES = 16;
    private static final int DEEPEST = 8;
    private static final int MOST_PAGES = 1 << 24;
    private static final int SHOWN_BYTES = 64;
    private static final int LINE_BYTES = 16;
    private static final int NOT_FIRST_STORE = 0x3FF;

    private final Debugger debugger;
    private final Printer out;
    private final TargetMemory kernel;
    private final StoreManager globals;
    private final Set<Integer> regions = new HashSet<>();
    private long pages;
    private long compressedBytes;

    private StoreCommand(Debugger debugger) {
        this.debugger = debugger;
        this.out = debugger.out();
        this.kernel = debugger.target().kernel();
        this.globals = new StoreManager(kernel, debugger.target().kernelAddress(KernelSymbols.SM_GLOBALS));
    }

    static void register(CommandTable table) {
        table.add(
                "!store",
                "[address]",
                "Show the store of compressed pages, or the page of an address in it",
                Argument.EXPRESSION,
                (d, a) -> new StoreCommand(d).run(a));
    }

    private void run(String text) {
        CompressedStore store = new CompressedStore(kernel, globals.store(0));
        if (store.address() == 0) {
            out.line("No store: memory is not compressed");
            return;
        }
        if (text.isEmpty()) {
            summary(store);
        } else {
            page(debugger.evaluate(text));
        }
    }

    private void summary(CompressedStore store) {
        Eprocess owner = new Eprocess(kernel, store.owner());
        out.line("Store 0 at " + Hex.address(store.address()) + " of process " + Hex.plain(owner.uniqueProcessId())
                + " " + owner.imageFileName());
        count(store, store.pagesTree(), 0);
        row("Pages", pages, pages * Pages.SIZE);
        row("Compressed", pages, compressedBytes);
        row("Regions", regions.size(), regions.size() * (long) CompressedStore.REGION_BYTES);
    }

    private void row(String name, long count, long bytes) {
        out.line(String.format(Locale.ROOT, "  %-12s %8d (%11d Kb)", name + ":", count, bytes + 1023 >> 10));
    }

    private void count(CompressedStore store, long address, int depth) {
        StoreNode node = new StoreNode(kernel, address);
        int most = node.isLeaf() ? StoreNode.MOST_IN_LEAF : StoreNode.MOST_IN_INNER;
        if (address == 0 || depth > DEEPEST || node.count() > most || pages > MOST_PAGES) {
            throw new CommandException("no node of a tree at " + Hex.address(address));
        }
        for (int i = node.isLeaf() ? 0 : -1; i < node.count(); i++) {
            if (!node.isLeaf()) {
                count(store, node.child(i), depth + 1);
                continue;
            }
            long record = store.record(node.value(i));
            pages++;
            if (record != 0 && store.location(record) != CompressedStore.NO_LOCATION) {
                compressedBytes += store.compressedBytes(record);
                regions.add(store.location(record) >>> CompressedStore.REGION_SHIFT);
            }
        }
    }

    private void page(long address) {
        Step last = debugger.memory().path(address).getLast();
        long pte = last.entry();
        if (last.level() != 1 || Pte.kind(pte) != Pte.Kind.PAGE_FILE || !isVirtual(Pte.pageFileNumber(pte))) {
            out.line(Hex.address(address) + " is not in the store: its entry is " + Hex.address(pte));
            return;
        }
        int key = StoreManager.pageKey(Pte.pageFileNumber(pte), Pte.slot(pte));
        long index = new StoreNode(kernel, globals.keyTree()).find(key);
        field("PTE", Hex.address(pte));
        field("Page key", Hex.plain(key & 0xFFFF_FFFFL));
        if (index == StoreNode.NONE) {
            out.line("No store has that key");
            return;
        }
        CompressedStore store = new CompressedStore(kernel, globals.store((int) index & NOT_FIRST_STORE));
        long number = new StoreNode(kernel, store.pagesTree()).find(key);
        long record = number == StoreNode.NONE ? 0 : store.record((int) number);
        if (record == 0) {
            out.line("Store " + index + " has no record of it");
            return;
        }
        Eprocess owner = new Eprocess(kernel, store.owner());
        field("Store", index + " at " + Hex.address(store.address()));
        field("Record", Hex.plain(number) + " at " + Hex.address(record));
        field("Location", Hex.plain(store.location(record) & 0xFFFF_FFFFL));
        field("Bytes", Hex.plain(store.compressedBytes(record)));
        field("Data", Hex.address(store.dataAddress(record)) + " of process " + Hex.plain(owner.uniqueProcessId()));
        show(store, record, debugger.target().space(owner.directoryTableBase()));
    }

    private void field(String name, String value) {
        out.line(String.format(Locale.ROOT, "  %-10s %s", name, value));
    }

    private boolean isVirtual(int number) {
        long visible = debugger.target().kernelAddress(KernelSymbols.MI_SYSTEM_PARTITION) + MiPartitionLayout.VP;
        if (number >= MOST_FILES) {
            return false;
        }
        long file = kernel.readLong(visible + MiVisiblePartitionLayout.PAGING_FILE + 8L * number);
        return file != 0 && new PagingFile(kernel, file).isVirtualStore();
    }

    private void show(CompressedStore store, long record, TargetMemory owner) {
        int size = Math.min(store.compressedBytes(record), (int) Pages.SIZE);
        byte[] packed = new byte[size];
        byte[] plain = new byte[(int) Pages.SIZE];
        try {
            owner.read(store.dataAddress(record), packed, 0, size);
        } catch (UnreadableMemoryException e) {
            out.line("The data cannot be read: " + e.reason());
            return;
        }
        if (size == Pages.SIZE) {
            plain = packed;
        } else if (Xpress.decompress(packed, 0, size, plain, 0, plain.length) != Pages.SIZE) {
            out.line("The data does not decompress to a page");
            return;
        }
        out.line("The page begins with");
        for (int at = 0; at < SHOWN_BYTES; at += LINE_BYTES) {
            StringBuilder line = new StringBuilder("  ").append(String.format(Locale.ROOT, "%03x ", at));
            for (int i = at; i < at + LINE_BYTES; i++) {
                line.append(String.format(Locale.ROOT, " %02x", plain[i]));
            }
            out.line(line.toString());
        }
    }
}
