package org.vadose.check;

import java.util.HashMap;
import java.util.Map;
import org.vadose.base.Hex;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.Section;

/**
 * Section objects that handles and names lead to, against the counts of their control areas: a control area has at least as many
 * section references, and exactly as many user references besides its views as sections that programs made.
 */
final class SectionObjectCheck {
    private final Memory memory;
    private final long sectionType;
    private final long kernelBase;
    private final Findings findings;
    private final Map<Long, Counts> areas = new HashMap<>();

    private static final class Counts {
        long sections;
        long users;
    }

    SectionObjectCheck(Memory memory, long kernelBase, Findings findings) {
        this.memory = memory;
        this.kernelBase = kernelBase;
        this.sectionType = memory.readLong(kernelBase + KernelSymbols.MM_SECTION_OBJECT_TYPE);
        this.findings = findings;
    }

    /** An object; each is told once. */
    void visit(ObjectHeader header) {
        if (header.type(kernelBase).address() != sectionType) {
            return;
        }
        Section section = new Section(memory, header.address() + ObjectHeader.SIZE);
        if (!section.hasControlArea()) {
            findings.add("section without control area at=" + Hex.address(section.address()));
            return;
        }
        ControlArea area = section.controlArea();
        Counts counts = areas.computeIfAbsent(area.address(), a -> new Counts());
        counts.sections++;
        counts.users += (section.flags() & ControlArea.FLAG_USER_REFERENCE) != 0 ? 1 : 0;
        if (section.sizeBytes() > area.segment().sizeBytes()) {
            findings.add("section is larger than its segment at=" + Hex.address(section.address()) + " size="
                    + Hex.plain(section.sizeBytes()) + " segment="
                    + Hex.plain(area.segment().sizeBytes()));
        }
    }

    /** All objects have been told. */
    void finish() {
        areas.forEach((address, counts) -> {
            ControlArea area = new ControlArea(memory, address);
            if (area.sectionReferences() < counts.sections) {
                findings.add("fewer section references than sections controlArea=" + Hex.address(address)
                        + " references=" + area.sectionReferences() + " sections=" + counts.sections);
            }
            findings.expectEqual(
                    "user references of sections",
                    address,
                    counts.users,
                    area.userReferences() - area.mappedViews() + area.systemCacheViews());
        });
    }
}
