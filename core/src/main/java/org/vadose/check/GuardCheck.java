package org.vadose.check;

import java.util.Map;
import java.util.TreeMap;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.GuardBits;
import org.vadose.nt.Mitigations;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;

/**
 * One process's layout: no region beyond the end of its user space; with control flow guard one bitmap, which nobody but the kernel
 * can change and which allows calls only to where there is memory.
 */
final class GuardCheck {
    private static final int DEEPEST = 64;

    private final Memory kernel;
    private final Memory physical;
    private final FrameLedger ledger;
    private final Findings findings;
    /** First and last page number of each region. */
    private final TreeMap<Long, Long> regions = new TreeMap<>();

    private long bitmap;
    private long bitmaps;

    GuardCheck(Memory kernel, Memory physical, FrameLedger ledger, Findings findings) {
        this.kernel = kernel;
        this.physical = physical;
        this.ledger = ledger;
        this.findings = findings;
    }

    void run(Eprocess process, UserPtes ptes) {
        long end = process.userEnd();
        long size = GuardBits.sizeBytes(end);
        collect(process, process.vadRoot(), Pages.vpn(size), 0);
        Map.Entry<Long, Long> highest = regions.lastEntry();
        if (highest != null && highest.getValue() >= Pages.vpn(end)) {
            findings.add("region beyond the end of user space va=" + Hex.address(highest.getKey() << Pages.SHIFT)
                    + " HighestUserAddress=" + Hex.address(end) + " process=" + Hex.plain(process.uniqueProcessId()));
        }
        if (regions.isEmpty() || !new Mitigations(process).hasControlFlowGuard()) {
            return;
        }
        findings.expectEqual("bitmaps of control flow guard", process.address(), 1, bitmaps);
        for (int i = 0; i < ptes.size(); i++) {
            long offset = ptes.address(i) - bitmap;
            if (offset >= 0 && offset < size && Pte.kind(ptes.pte(i)) == Pte.Kind.VALID) {
                checkPage(offset, Pte.frame(ptes.pte(i)));
            }
        }
    }

    private void collect(Eprocess process, long node, long bitmapPages, int depth) {
        // A tree that does not end is another check's finding.
        if (node == 0 || depth > DEEPEST) {
            return;
        }
        Vad vad = new Vad(kernel, node);
        collect(process, vad.child(0), bitmapPages, depth + 1);
        regions.put(vad.startingVpn(), vad.endingVpn());
        if (vad.isPrivate()
                && vad.isNoChange()
                && vad.protection() == PageProtection.READONLY
                && vad.endingVpn() - vad.startingVpn() + 1 == bitmapPages) {
            bitmap = vad.startingVpn() << Pages.SHIFT;
            bitmaps++;
        }
        collect(process, vad.child(1), bitmapPages, depth + 1);
    }

    private void checkPage(long offset, long frame) {
        if (!ledger.isRam(frame)) {
            return;
        }
        for (long at = 0; at < Pages.SIZE; at += Long.BYTES) {
            long address = offset + at << 6;
            if (physical.readLong((frame << Pages.SHIFT) + at) != 0 && !isMemory(Pages.vpn(address))) {
                findings.add("control flow guard allows calls to where nothing is va=" + Hex.address(address));
            }
        }
    }

    private boolean isMemory(long vpn) {
        Map.Entry<Long, Long> region = regions.floorEntry(vpn);
        return region != null && vpn <= region.getValue();
    }
}
