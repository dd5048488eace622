package org.vadose.debug;

import java.util.Locale;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPageCombineStatisticsLayout;
import org.vadose.memory.PageTableFormat.Step;
import org.vadose.nt.CombineBlock;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.target.TargetMemory;

/** {@code !combine}: what page combining has done, or the combined page of an address. */
final class CombineCommand {
    private CombineCommand() {}

    static void register(CommandTable table) {
        table.add(
                "!combine",
                "[address]",
                "Show what page combining has done, or the combined page of an address",
                Argument.EXPRESSION,
                CombineCommand::run);
    }

    private static void run(Debugger debugger, String text) {
        Printer out = debugger.out();
        TargetMemory kernel = debugger.target().kernel();
        if (!text.isEmpty()) {
            page(debugger, debugger.evaluate(text));
            return;
        }
        long at = CombineBlock.statistics(debugger.target().kernelBase());
        row(out, "Scans", kernel.readInt(at + MiPageCombineStatisticsLayout.COMBINE_SCAN_COUNT));
        row(out, "Pages scanned", kernel.readLong(at + MiPageCombineStatisticsLayout.PAGES_SCANNED_ACTIVE));
        row(out, "Pages combined", kernel.readLong(at + MiPageCombineStatisticsLayout.PAGES_COMBINED));
        row(out, "Blocks in use", kernel.readInt(at + MiPageCombineStatisticsLayout.COMBINED_BLOCKS_IN_USE));
        row(out, "References", kernel.readInt(at + MiPageCombineStatisticsLayout.SUM_COMBINED_BLOCKS_REFERENCE_COUNT));
    }

    private static void row(Printer out, String name, long value) {
        out.line(String.format(Locale.ROOT, "  %-16s %8d", name + ":", value));
    }

    private static void page(Debugger debugger, long address) {
        Printer out = debugger.out();
        TargetMemory kernel = debugger.target().kernel();
        Step last = debugger.memory().path(address).getLast();
        long pte = last.entry();
        long prototype = 0;
        if (last.level() == 1 && Pte.isCombined(pte)) {
            prototype = Pte.prototypeAddress(pte);
        } else if (last.level() == 1 && Pte.kind(pte) == Pte.Kind.VALID) {
            long database = kernel.readLong(debugger.target().kernelAddress(KernelSymbols.MM_PFN_DATABASE));
            Pfn pfn = new Pfn(kernel, database + Pte.frame(pte) * Pfn.SIZE);
            prototype = pfn.isPrototype() ? pfn.pteAddress() : 0;
        }
        if (prototype == 0 || !isBlock(debugger, CombineBlock.ofPrototype(kernel, prototype))) {
            out.line(Hex.address(address) + " is no combined page: its entry is " + Hex.address(pte));
            return;
        }
        CombineBlock block = CombineBlock.ofPrototype(kernel, prototype);
        out.line("Block " + Hex.address(block.address()) + "  hash " + Hex.address(block.hash()) + "  references "
                + block.references());
        out.line("Prototype PTE " + Hex.address(prototype) + " contains " + Hex.address(kernel.readLong(prototype)));
    }

    /** Whether it is found where its hash would put it. */
    private static boolean isBlock(Debugger debugger, CombineBlock wanted) {
        TargetMemory kernel = debugger.target().kernel();
        if (!kernel.isReadable(wanted.address())) {
            return false;
        }
        long at = kernel.readLong(CombineBlock.root(debugger.target().kernelBase(), CombineBlock.tree(wanted.hash())));
        for (int depth = 0; depth < 256 && at != 0; depth++) {
            CombineBlock block = new CombineBlock(kernel, at);
            if (at == wanted.address()) {
                return true;
            }
            at = block.child(wanted.hash() < block.hash() ? 0 : 1);
        }
        return false;
    }
}
