package org.vadose.check;

import java.util.Map;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolQuota;
import org.vadose.nt.Pte;
import org.vadose.nt.Segment;
import org.vadose.nt.SharedUserData;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;
import org.vadose.target.UnreadableMemoryException;

/** One process's VAD tree: shape, order, counts, and that its PTEs and its commit charge are what the VADs account for. */
final class VadCheck {
    private static final int DEEPEST = 64;
    private static final long MOST = 1 << 20;
    private static final long LARGE_PAGE = Pages.LARGE_SIZE / Pages.SIZE;

    private final Memory kernel;
    private final FrameLedger ledger;
    private final CombineLedger combined;
    private final Findings findings;
    private final Map<Long, Long> viewsByArea;
    private final Map<Long, Long> largePages;

    private long vads;
    private long views;
    private long largeVads;
    private long sizePages;
    private long commit;
    private long lastVpn = -1;
    private UserPtes ptes = new UserPtes();
    private int nextPte;

    VadCheck(
            Memory kernel,
            FrameLedger ledger,
            CombineLedger combined,
            Findings findings,
            Map<Long, Long> viewsByArea,
            Map<Long, Long> largePages) {
        this.kernel = kernel;
        this.ledger = ledger;
        this.combined = combined;
        this.findings = findings;
        this.viewsByArea = viewsByArea;
        this.largePages = largePages;
    }

    void run(Eprocess process, UserPtes found) {
        ptes = found;
        try {
            walk(process.vadRoot(), 0, 0, Math.min(process.vadCount() + 1, MOST));
        } catch (UnreadableMemoryException e) {
            findings.add("VAD tree unreadable process=" + Hex.address(process.address()) + " " + e.getMessage());
            return;
        }
        if (nextPte < ptes.size()) {
            findings.add("PTE in no VAD va=" + Hex.address(ptes.address(nextPte)));
        }
        for (long vpn : largePages.keySet()) {
            findings.add("large page in no VAD of such va=" + Hex.address(vpn << Pages.SHIFT));
        }
        long at = process.address();
        findings.expectEqual("LargePrivateVadCount", at, largeVads, process.largePrivateVads());
        findings.expectEqual("VadCount", at, vads, process.vadCount());
        findings.expectEqual("nonpaged pool charged", at, views * Vad.SIZE_LONG, new PoolQuota(process).usage(false));
        findings.expectEqual("VirtualSize", at, sizePages << Pages.SHIFT, process.virtualSize());
        findings.expectEqual("process CommitCharge", at, commit + process.physicalPages(), process.commitCharge());
    }

    /** Height of the subtree. */
    private int walk(long node, long parent, int depth, long most) {
        if (node == 0) {
            return 0;
        }
        if (depth > DEEPEST || vads > most) {
            findings.add("VAD tree does not end vad=" + Hex.address(node));
            return 0;
        }
        Vad vad = new Vad(kernel, node);
        findings.expectEqual("VAD's parent", node, parent, vad.parent());
        int left = walk(vad.child(0), node, depth + 1, most);
        visit(vad);
        int right = walk(vad.child(1), node, depth + 1, most);
        findings.expectEqual("VAD's balance", node, right - left, vad.balance());
        if (Math.abs(right - left) > 1) {
            findings.add("VAD tree is not balanced vad=" + Hex.address(node) + " left=" + left + " right=" + right);
        }
        return 1 + Math.max(left, right);
    }

    private void visit(Vad vad) {
        vads++;
        long first = vad.startingVpn();
        long last = vad.endingVpn();
        if (first <= lastVpn || last < first) {
            findings.add("VADs overlap or are out of order vad=" + Hex.address(vad.address()) + " first="
                    + Hex.plain(first) + " last=" + Hex.plain(last));
            return;
        }
        lastVpn = last;
        sizePages += last - first + 1;
        views += vad.isPrivate() ? 0 : 1;
        commit += vad.commitCharge();
        while (nextPte < ptes.size() && ptes.address(nextPte) >>> Pages.SHIFT < first) {
            findings.add("PTE in no VAD va=" + Hex.address(ptes.address(nextPte)));
            nextPte++;
        }
        if (vad.isLargePages()) {
            largeVads++;
        }
        if (vad.isLargePages() || vad.isLargePageSection()) {
            largePages(vad, first, last);
        }
        long owed = vad.isPrivate() ? owedByPrivate(vad) : owedByView(vad);
        findings.expectEqual("VAD's CommitCharge", vad.address(), owed, vad.commitCharge());
    }

    private void largePages(Vad vad, long first, long last) {
        for (long vpn = first; vpn <= last; vpn += LARGE_PAGE) {
            Long frame = largePages.remove(vpn);
            if (frame == null) {
                findings.add("large page is missing va=" + Hex.address(vpn << Pages.SHIFT));
            } else if (ledger.pfn(frame).isPrototype() != vad.isLargePageSection()) {
                findings.add(
                        "large page is shared in private memory, or the reverse va=" + Hex.address(vpn << Pages.SHIFT));
            } else if (vad.isLargePageSection()) {
                long prototype = kernel.readLong(vad.prototypePte(vpn));
                findings.expectEqual("frame of a view's large page", vpn << Pages.SHIFT, Pte.frame(prototype), frame);
            }
        }
    }

    private long owedByPrivate(Vad vad) {
        long written = 0;
        long given = 0;
        for (; nextPte < ptes.size() && ptes.address(nextPte) >>> Pages.SHIFT <= vad.endingVpn(); nextPte++) {
            switch (Pte.kind(ptes.pte(nextPte))) {
                case DECOMMITTED -> given++;
                case VALID -> {
                    written++;
                    boolean isShared = ledger.pfn(Pte.frame(ptes.pte(nextPte))).isPrototype();
                    if (isShared
                            && ptes.address(nextPte) != SharedUserData.USER_ADDRESS
                            && !combined.isCombined(
                                    ledger.pfn(Pte.frame(ptes.pte(nextPte))).pteAddress())) {
                        findings.add("shared page in private memory va=" + Hex.address(ptes.address(nextPte)));
                    }
                }
                case DEMAND_ZERO, TRANSITION, PAGE_FILE -> written++;
                case PROTOTYPE, EMPTY -> {
                    if (Pte.isCombined(ptes.pte(nextPte))
                            && combined.isCombined(Pte.prototypeAddress(ptes.pte(nextPte)))) {
                        written++;
                        continue;
                    }
                    findings.add("prototype PTE in private memory va=" + Hex.address(ptes.address(nextPte)));
                }
            }
        }
        if (vad.isAwe()) {
            return 0;
        }
        return vad.isMemCommit() ? vad.endingVpn() - vad.startingVpn() + 1 - given : written;
    }

    private long owedByView(Vad vad) {
        ControlArea area = new Subsection(kernel, vad.subsection()).controlArea();
        Segment segment = area.segment();
        if (segment.controlArea().address() != area.address()) {
            findings.add("segment belongs to another control area vad=" + Hex.address(vad.address()) + " controlArea="
                    + Hex.address(area.address()));
            return vad.commitCharge();
        }
        viewsByArea.merge(area.address(), 1L, Long::sum);
        long pages = vad.endingVpn() - vad.startingVpn() + 1;
        // It may wait for its section to grow, but not beyond what RAM has room for the prototypes of.
        if (pages > segment.pages() && !ledger.isRam((pages - 1) >>> 9)) {
            findings.add("view is larger than its section vad=" + Hex.address(vad.address()) + " pages="
                    + Hex.plain(pages) + " section=" + Hex.plain(segment.pages()));
            return vad.commitCharge();
        }
        long owed = 0;
        for (long vpn = vad.startingVpn(); vpn <= vad.endingVpn(); vpn++) {
            long pte = 0;
            if (nextPte < ptes.size() && ptes.address(nextPte) >>> Pages.SHIFT == vpn) {
                pte = ptes.pte(nextPte++);
            }
            owed += owesCopy(vad, pte, vad.prototypePte(vpn)) ? 1 : 0;
        }
        return owed;
    }

    private boolean owesCopy(Vad vad, long pte, long prototypeAddress) {
        return switch (Pte.kind(pte)) {
            case EMPTY ->
                PageProtection.isCopyOnWrite(vad.isImage() ? prototypeProtection(prototypeAddress) : vad.protection());
            case PROTOTYPE -> PageProtection.isCopyOnWrite(Pte.protection(pte));
            case VALID -> {
                boolean isShared = ledger.pfn(Pte.frame(pte)).isPrototype();
                if (isShared && ledger.pfn(Pte.frame(pte)).pteAddress() != prototypeAddress) {
                    findings.add("view shows another page's frame pte=" + Hex.address(pte) + " prototype="
                            + Hex.address(prototypeAddress));
                }
                yield !isShared || (pte & Pte.COPY_ON_WRITE) != 0;
            }
            case TRANSITION, DEMAND_ZERO, PAGE_FILE -> true;
            case DECOMMITTED -> false;
        };
    }

    private int prototypeProtection(long address) {
        long prototype = kernel.readLong(address);
        return Pte.kind(prototype) == Pte.Kind.VALID
                ? Pte.protection(ledger.pfn(Pte.frame(prototype)).originalPte())
                : Pte.protection(prototype);
    }
}
