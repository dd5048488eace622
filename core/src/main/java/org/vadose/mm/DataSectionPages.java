package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Pfn;
import org.vadose.nt.Subsection;

/**
 * A data file's pages that are in RAM, for those who read and write the file: what programs see through views and what they see
 * through the file is the same.
 */
public final class DataSectionPages {
    private static final byte[] ZEROS = new byte[(int) Pages.SIZE];

    private final Memory memory;
    private final PhysicalMemory ram;
    private final PfnDatabase pfns;
    private final Prototypes prototypes;
    private final ControlAreas areas;

    DataSectionPages(MemoryManager manager, Prototypes prototypes, ControlAreas areas) {
        this.memory = manager.kernelMemory();
        this.ram = manager.mmu().ram();
        this.pfns = manager.pfns();
        this.prototypes = prototypes;
        this.areas = areas;
    }

    /** Does something with the part of a range that lies in one resident page. */
    @FunctionalInterface
    private interface Piece {
        /**
         * @param physical address of the first byte
         * @param done bytes of the range before it
         */
        void at(long frame, long physical, int done, int length);
    }

    private void forResident(long controlArea, long position, long length, Piece piece) {
        long end = position + length;
        for (long at = new ControlArea(memory, controlArea).firstSubsection().address(); at != 0; ) {
            Subsection part = new Subsection(memory, at);
            at = part.next();
            long start = part.startingPage();
            long from = Math.max(Pages.vpn(position), start);
            long to = Math.min(Pages.count(end), start + part.pages());
            for (long page = from; page < to; page++) {
                long frame = prototypes.resident(part.base() + (page - start) * Long.BYTES);
                if (frame == PfnDatabase.NONE) {
                    continue;
                }
                long first = Math.max(position, page << Pages.SHIFT);
                long last = Math.min(end, page + 1 << Pages.SHIFT);
                piece.at(frame, (frame << Pages.SHIFT) + Pages.offset(first), (int) (first - position), (int)
                        (last - first));
            }
        }
    }

    /** Puts what is in RAM over bytes that were read from the file at a position. */
    public void overlay(long controlArea, long position, byte[] bytes, int offset, int length) {
        forResident(
                controlArea,
                position,
                length,
                (frame, physical, done, count) -> ram.read(physical, bytes, offset + done, count));
    }

    /** Bytes were written to the file at a position: pages in RAM take them over. */
    public void written(long controlArea, long position, byte[] bytes, int offset, int length) {
        forResident(
                controlArea,
                position,
                length,
                (frame, physical, done, count) -> ram.write(physical, bytes, offset + done, count));
    }

    /** The file grew from a size: what programs left behind its old end in its last page goes. */
    public void grown(long controlArea, long oldBytes) {
        long length = Pages.up(oldBytes) - oldBytes;
        if (length != 0) {
            forResident(
                    controlArea,
                    oldBytes,
                    length,
                    (frame, physical, done, count) -> ram.write(physical, ZEROS, 0, count));
        }
    }

    /** Whether the file may be cut to a size ({@code MmCanFileBeTruncated}): not below what somebody can see. */
    public boolean canTruncate(long controlArea, long newBytes) {
        ControlArea area = new ControlArea(memory, controlArea);
        return area.userReferences() == 0 || newBytes >= area.segment().sizeBytes();
    }

    /**
     * If nobody uses a section of a file, it goes with its pages: the file was deleted, cut, written over, or changed behind the
     * system's back.
     *
     * @return whether nobody uses it
     */
    public boolean purgeIfUnused(long controlArea) {
        return areas.purgeIfUnused(new ControlArea(memory, controlArea));
    }

    /** Sections of files that nobody uses and that have no page left go. */
    void reap() {
        areas.reapUnused();
    }

    /** All sections of files that nobody uses go, and their pages. */
    public void purgeUnused() {
        areas.trimUnused(0);
    }

    /** Whether programs have the file mapped or hold sections of it. */
    public boolean isUserMapped(long controlArea) {
        return new ControlArea(memory, controlArea).userReferences() != 0;
    }

    /** Writes all of the file that was modified back ({@code MmFlushSection}), as far as PFNs know. */
    public NtStatus flush(long controlArea) {
        ControlArea area = new ControlArea(memory, controlArea);
        return areas.flush(area, 0, area.segment().pages());
    }

    /** Pages of the file in RAM that differ from it, as far as PFNs know. */
    public long modifiedPages(long controlArea) {
        long[] count = {0};
        long bytes = new ControlArea(memory, controlArea).segment().sizeBytes();
        forResident(controlArea, 0, bytes, (frame, physical, done, length) -> {
            Pfn pfn = pfns.pfn(frame);
            count[0] += pfn.isModified() ? 1 : 0;
        });
        return count[0];
    }
}
