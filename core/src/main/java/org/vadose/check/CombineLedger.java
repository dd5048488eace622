package org.vadose.check;

import java.util.LinkedHashMap;
import java.util.Map;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.MiPageCombineStatisticsLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.CombineBlock;
import org.vadose.nt.Pte;
import org.vadose.target.Target;
import org.vadose.target.UnreadableMemoryException;

/** Combined pages: the blocks that the trees hold, and the entries that name them. */
final class CombineLedger {
    private static final int DEEPEST = 256;

    private final Memory kernel;
    private final Memory physical;
    private final long kernelBase;
    private final Findings findings;
    private final long most;
    /** By address of the prototype PTE: entries found. */
    private final Map<Long, Long> references = new LinkedHashMap<>();

    CombineLedger(Target target, Findings findings) {
        this.kernel = target.kernel();
        this.physical = target.physical();
        this.kernelBase = target.kernelBase();
        this.findings = findings;
        this.most = target.physicalBytes() >>> Pages.SHIFT;
        try {
            for (int tree = 0; tree < CombineBlock.TREES; tree++) {
                walk(kernel.readLong(CombineBlock.root(kernelBase, tree)), 0, tree, Long.MIN_VALUE, Long.MAX_VALUE, 0);
            }
        } catch (UnreadableMemoryException e) {
            findings.add("trees of combined pages: " + e.getMessage());
        }
    }

    private void walk(long address, long parent, int tree, long from, long to, int depth) {
        if (address == 0) {
            return;
        }
        CombineBlock block = new CombineBlock(kernel, address);
        if (depth > DEEPEST || references.size() > most || references.containsKey(block.prototypeAddress())) {
            findings.add("tree of combined pages does not end block=" + Hex.address(address));
            return;
        }
        long hash = block.hash();
        findings.expectEqual("combined page's parent", address, parent, block.parent());
        if (hash < from || hash > to || CombineBlock.tree(hash) != tree) {
            findings.add("combined page is out of order block=" + Hex.address(address) + " hash=" + Hex.address(hash));
            return;
        }
        references.put(block.prototypeAddress(), 0L);
        walk(block.child(0), address, tree, from, hash, depth + 1);
        walk(block.child(1), address, tree, hash, to, depth + 1);
    }

    boolean isCombined(long prototypeAddress) {
        return references.containsKey(prototypeAddress);
    }

    /** Counts an entry that names a combined page; a prototype PTE of something else is none. */
    void addReference(long prototypeAddress) {
        references.computeIfPresent(prototypeAddress, (at, count) -> count + 1);
    }

    /** Compares with what was found in all processes. */
    void check(FrameLedger ledger, SlotLedger slots) {
        long sum = 0;
        byte[] page = new byte[(int) Pages.SIZE];
        for (Map.Entry<Long, Long> entry : references.entrySet()) {
            CombineBlock block = CombineBlock.ofPrototype(kernel, entry.getKey());
            findings.expectEqual("combined page's references", block.address(), entry.getValue(), block.references());
            sum += entry.getValue();
            long prototype = kernel.readLong(entry.getKey());
            slots.addOwner(prototype, "combined page " + Hex.address(block.address()));
            if (!Pte.holdsFrame(prototype)) {
                if (!Pte.holdsSlot(prototype)) {
                    findings.add("combined page is nowhere block=" + Hex.address(block.address()) + " prototype="
                            + Hex.address(prototype));
                }
                continue;
            }
            long frame = Pte.frame(prototype);
            if (!ledger.isRam(frame)) {
                findings.add("combined page outside RAM block=" + Hex.address(block.address()));
                continue;
            }
            physical.read(frame << Pages.SHIFT, page, 0, page.length);
            findings.expectEqual("combined page's contents", block.address(), block.hash(), CombineBlock.hash(page));
            findings.expectEqual(
                    "combined page's PteAddress",
                    block.address(),
                    entry.getKey(),
                    ledger.pfn(frame).pteAddress());
        }
        long statistics = CombineBlock.statistics(kernelBase);
        findings.expectEqual(
                "CombinedBlocksInUse",
                statistics,
                references.size(),
                kernel.readInt(statistics + MiPageCombineStatisticsLayout.COMBINED_BLOCKS_IN_USE));
        findings.expectEqual(
                "SumCombinedBlocksReferenceCount",
                statistics,
                sum,
                kernel.readInt(statistics + MiPageCombineStatisticsLayout.SUM_COMBINED_BLOCKS_REFERENCE_COUNT));
    }
}
