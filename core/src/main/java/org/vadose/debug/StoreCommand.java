package org.vadose.debug;

import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.debug.Command.Argument;
import org.vadose.memory.PageTableFormat.Step;
import org.vadose.nt.CompressedStore;
import org.vadose.nt.Eprocess;
import org.vadose.nt.StoreManager;
import org.vadose.nt.StoreNode;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/**
 * {@code !store}: the store of compressed pages, or one page in it. Uses only what has been published of the store's structures, so
 * it reads memory of Windows as well.
 */
final class StoreCommand {
    private static final int DEEPEST = 8;
    private static final int MOST_PAGES = 1 << 24;
    private static final int SHOWN_BYTES = 64;
    private static final int LINE_BYTES = 16;

    private final Debugger debugger;
    private final Printer out;
    private final TargetMemory kernel;
    private final StoredPages stored;
    private final StoreManager globals;
    private final Set<Integer> regions = new HashSet<>();
    private long pages;
    private long compressedBytes;

    private StoreCommand(Debugger debugger) {
        this.debugger = debugger;
        this.out = debugger.out();
        this.kernel = debugger.target().kernel();
        this.stored = new StoredPages(debugger.target());
        this.globals = stored.globals();
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
        if (last.level() != 1 || !stored.isStored(pte)) {
            out.line(Hex.address(address) + " is not in the store: its entry is " + Hex.address(pte));
            return;
        }
        StoredPages.Place place = stored.find(pte);
        field("PTE", Hex.address(pte));
        field("Page key", Hex.plain(place.key() & 0xFFFF_FFFFL));
        if (place.index() == StoreNode.NONE) {
            out.line("No store has that key");
            return;
        }
        long record = place.record();
        if (record == 0) {
            out.line("Store " + place.index() + " has no record of it");
            return;
        }
        CompressedStore store = place.store();
        Eprocess owner = new Eprocess(kernel, store.owner());
        field("Store", place.index() + " at " + Hex.address(store.address()));
        field("Record", Hex.plain(place.number()) + " at " + Hex.address(record));
        field("Location", Hex.plain(store.location(record) & 0xFFFF_FFFFL));
        field("Bytes", Hex.plain(store.compressedBytes(record)));
        field("Data", Hex.address(store.dataAddress(record)) + " of process " + Hex.plain(owner.uniqueProcessId()));
        show(place);
    }

    private void field(String name, String value) {
        out.line(String.format(Locale.ROOT, "  %-10s %s", name, value));
    }

    private void show(StoredPages.Place place) {
        byte[] plain;
        try {
            plain = stored.contents(place);
        } catch (UnreadableMemoryException e) {
            out.line("The data cannot be read: " + e.reason());
            return;
        }
        if (plain == null) {
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
