package org.vadose.check;

import java.util.function.LongToIntFunction;
import org.vadose.base.Hex;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiHardwareStateLayout;
import org.vadose.layout.MiNodeInformationLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionPageListsLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.layout.MmpfnlistLayout;
import org.vadose.layout.RtlBitmapLayout;
import org.vadose.layout.SlistHeaderLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;

/**
 * Zeroed and free frames: each on one list of its own colour and node, or on that colour's {@code FreePageSlist}; depths, totals,
 * the nodes' counts and bitmaps.
 */
final class ColourCheck {
    private static final int DEPTH_MASK = 0xFFFF;
    private static final long BITMAP_BYTES = 32;

    private final Memory kernel;
    private final FrameLedger ledger;
    private final Findings findings;
    private final long lists;
    private final NodeTable nodes;
    private final int perNode;
    private final int shift;

    ColourCheck(Memory kernel, long kernelBase, NodeTable nodes, FrameLedger ledger, Findings findings) {
        this.kernel = kernel;
        this.ledger = ledger;
        this.findings = findings;
        this.nodes = nodes;
        long hardware = kernelBase + KernelSymbols.MI_STATE + MiSystemInformationLayout.HARDWARE;
        lists = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.PAGE_LISTS;
        shift = kernel.readByte(hardware + MiHardwareStateLayout.NODE_SHIFT) & 31;
        int colours = kernel.readInt(hardware + MiHardwareStateLayout.SECONDARY_COLORS);
        boolean makesSense = colours >= 1 && colours <= 1 << shift && colours <= Long.SIZE;
        if (!makesSense) {
            findings.add("page colours make no sense colours=" + colours + " nodeShift=" + shift);
        }
        perNode = makesSense ? colours : 0;
        findings.expectEqual(
                "SecondaryColorMask",
                hardware + MiHardwareStateLayout.SECONDARY_COLOR_MASK,
                colours - 1,
                kernel.readInt(hardware + MiHardwareStateLayout.SECONDARY_COLOR_MASK));
    }

    /**
     * Checks all lists of zeroed, or of free, frames.
     *
     * @return frames on the lists, without those on slists, which do not count as available
     */
    long checkLists(PageLocation name) {
        int kind = name.value();
        long byColour = kernel.readLong(lists + MiPartitionPageListsLayout.FREE_PAGES_BY_COLOR + 8L * kind);
        long slists = kernel.readLong(lists + MiPartitionPageListsLayout.FREE_PAGE_SLIST + 8L * kind);
        long total = 0;
        for (int node = 0; node < nodes.count(); node++) {
            long ofNode = 0;
            long bits = 0;
            for (int colour = 0; colour < perNode; colour++) {
                int index = node << shift | colour;
                LongToIntFunction colourOf = frame -> nodes.ofFrame(frame) << shift | (int) (frame % perNode);
                long count = ledger.walk(
                        byColour + index * MmpfnlistLayout.SIZE,
                        name,
                        frame -> expectColour(frame, index, colourOf.applyAsInt(frame)));
                walkSlist(slists + index * SlistHeaderLayout.SIZE, name, index, colourOf);
                ofNode += count;
                bits |= count == 0 ? 0 : 1L << colour;
            }
            checkNode(node, kind, ofNode, bits);
            total += ofNode;
        }
        checkHead(
                name == PageLocation.ZEROED
                        ? lists + MiPartitionPageListsLayout.ZEROED_PAGE_LIST_HEAD
                        : lists + MiPartitionPageListsLayout.FREE_PAGE_LIST_HEAD,
                name,
                total);
        return total;
    }

    private void expectColour(long frame, int expected, int actual) {
        if (expected != actual) {
            findings.add("frame is on the list of another colour pfn=" + Hex.plain(frame) + " list="
                    + Hex.plain(expected) + " colour=" + Hex.plain(actual));
        }
    }

    private void walkSlist(long header, PageLocation name, int index, LongToIntFunction colourOf) {
        long depth = kernel.readLong(header) & DEPTH_MASK;
        long count = 0;
        for (long entry = kernel.readLong(header + Long.BYTES); entry != 0; entry = kernel.readLong(entry)) {
            long frame = ledger.frameOf(entry);
            if (frame < 0) {
                findings.add("page slist leaves the PFN database slist=" + Hex.address(header) + " entry="
                        + Hex.address(entry));
                return;
            }
            if (!ledger.expectListed(frame, name)) {
                return;
            }
            expectColour(frame, index, colourOf.applyAsInt(frame));
            count++;
        }
        findings.expectEqual("page slist depth", header, count, depth);
    }

    private void checkNode(int node, int kind, long count, long bits) {
        long information = nodes.information(node);
        long field = information + MiNodeInformationLayout.FREE_COUNT + 8L * kind;
        findings.expectEqual("FreeCount of node " + node, field, count, kernel.readLong(field));
        long bitmap = information + MiNodeInformationLayout.FREE_PAGE_LIST_HEADS_BITMAP + kind * RtlBitmapLayout.SIZE;
        long buffer = information + MiNodeInformationLayout.FREE_PAGE_LIST_HEADS_BITMAP_BUFFER + kind * BITMAP_BYTES;
        findings.expectEqual(
                "FreePageListHeadsBitmap's buffer", bitmap, buffer, kernel.readLong(bitmap + RtlBitmapLayout.BUFFER));
        findings.expectEqual("FreePageListHeadsBitmap of node " + node, buffer, bits, kernel.readLong(buffer));
    }

    /** The heads that older systems linked frames to: they have the totals, and no frame. */
    private void checkHead(long head, PageLocation name, long total) {
        findings.expectEqual("page list name", head, name.value(), kernel.readInt(head + MmpfnlistLayout.LIST_NAME));
        findings.expectEqual("page list total " + name, head, total, kernel.readLong(head + MmpfnlistLayout.TOTAL));
        findings.expectEqual(
                "page list head " + name, head, Pfn.LIST_END, kernel.readLong(head + MmpfnlistLayout.FLINK));
        findings.expectEqual(
                "page list end " + name, head, Pfn.LIST_END, kernel.readLong(head + MmpfnlistLayout.BLINK));
    }
}
