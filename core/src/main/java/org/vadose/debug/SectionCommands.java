package org.vadose.debug;

import java.util.Locale;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.ControlAreaLayout;
import org.vadose.layout.MmsubsectionFlagsLayout;
import org.vadose.layout.MsubsectionLayout;
import org.vadose.layout.SegmentLayout;
import org.vadose.layout.SubsectionLayout;
import org.vadose.layout.TypeDefinition;
import org.vadose.layout.TypeRef;
import org.vadose.layout.TypeTable;
import org.vadose.nt.ControlArea;
import org.vadose.target.TargetMemory;

/** {@code !ca}: control areas with their segments and subsections. */
final class SectionCommands {
    private static final int MAXIMUM_SUBSECTIONS = 4096;

    private SectionCommands() {}

    static void register(CommandTable table) {
        table.add(
                "!ca",
                "address",
                "Show a control area, its segment and subsections",
                Argument.EXPRESSION,
                (d, a) -> print(d, d.evaluate(a)));
    }

    static void print(Debugger debugger, long area) {
        Printer out = debugger.out();
        TargetMemory kernel = debugger.target().kernel();
        long segment = kernel.readLong(area + ControlAreaLayout.SEGMENT);
        long file = FileNames.fileObject(kernel, area);
        int flags = kernel.readInt(area + ControlAreaLayout.U);
        out.line();
        out.line("ControlArea  @ " + Hex.address(area));
        out.line("  Segment      " + Hex.address(segment) + "  Flink      "
                + Hex.address(kernel.readLong(area + ControlAreaLayout.LIST_HEAD)) + "  Blink        "
                + Hex.address(kernel.readLong(area + ControlAreaLayout.LIST_HEAD + 8)));
        counts(
                out,
                "Section Ref",
                kernel.readLong(area + ControlAreaLayout.NUMBER_OF_SECTION_REFERENCES),
                "Pfn Ref",
                kernel.readLong(area + ControlAreaLayout.NUMBER_OF_PFN_REFERENCES),
                "Mapped Views",
                kernel.readLong(area + ControlAreaLayout.NUMBER_OF_MAPPED_VIEWS));
        counts(
                out,
                "User Ref",
                kernel.readLong(area + ControlAreaLayout.NUMBER_OF_USER_REFERENCES),
                "WaitForDel",
                kernel.readLong(area + ControlAreaLayout.WAIT_LIST) == 0 ? 0 : 1,
                "Flush Count",
                kernel.readInt(area + ControlAreaLayout.U2_E2_FLUSH_IN_PROGRESS_COUNT) & 0xFFFFL);
        out.format(
                "  File Object  %s  ModWriteCount  %12x  System Views %16x",
                Hex.address(file),
                kernel.readUnsignedInt(area + ControlAreaLayout.MODIFIED_WRITE_COUNT),
                kernel.readUnsignedInt(area + ControlAreaLayout.U2_E2_NUMBER_OF_SYSTEM_CACHE_VIEWS));
        out.format(
                "  WritableRefs %16x  PartitionId %16x  ",
                kernel.readUnsignedInt(area + ControlAreaLayout.U2_E2_WRITABLE_USER_REFERENCES) & 0x7FF_FFFF, 0);
        out.line("  Flags (" + Hex.plain(flags & 0xFFFF_FFFFL) + ") " + names("_MMSECTION_FLAGS", flags));
        out.line();
        out.line("      " + (file == 0 ? "Pagefile-backed section" : FileNames.name(kernel, file)));
        out.line();
        segment(out, kernel, segment);
        subsections(out, kernel, area);
    }

    private static void counts(Printer out, String a, long x, String b, long y, String c, long z) {
        out.line(String.format(Locale.ROOT, "  %-12s %16x  %-10s %16x  %-12s %16x", a, x, b, y, c, z));
    }

    private static void segment(Printer out, TargetMemory kernel, long segment) {
        int flags = kernel.readInt(segment + SegmentLayout.SEGMENT_FLAGS);
        out.line("Segment @ " + Hex.address(segment));
        out.line("  ControlArea       " + Hex.address(kernel.readLong(segment + SegmentLayout.CONTROL_AREA))
                + "  ExtendInfo    " + Hex.address(kernel.readLong(segment + SegmentLayout.EXTEND_INFO)));
        out.format("  Total Ptes       %17x", kernel.readUnsignedInt(segment + SegmentLayout.TOTAL_NUMBER_OF_PTES));
        out.format(
                "  Segment Size     %17x  Committed     %16x",
                kernel.readLong(segment + SegmentLayout.SIZE_OF_SEGMENT),
                kernel.readLong(segment + SegmentLayout.NUMBER_OF_COMMITTED_PAGES));
        out.line("  Flags (" + Hex.plain(flags & 0xFFFF_FFFFL) + ") " + names("_SEGMENT_FLAGS", flags));
        out.line();
    }

    private static void subsections(Printer out, TargetMemory kernel, long area) {
        long subsection = area + ControlAreaLayout.SIZE;
        ControlArea view = new ControlArea(kernel, area);
        boolean isDataFile = view.isFile() && !view.isImage();
        for (int number = 1; subsection != 0 && number <= MAXIMUM_SUBSECTIONS; number++) {
            int flags = kernel.readInt(subsection + SubsectionLayout.U);
            out.line("Subsection " + number + " @ " + Hex.address(subsection));
            out.format(
                    "  ControlArea  %s  Starting Sector %8x  Number Of Sectors %4x",
                    Hex.address(kernel.readLong(subsection + SubsectionLayout.CONTROL_AREA)),
                    kernel.readUnsignedInt(subsection + SubsectionLayout.STARTING_SECTOR),
                    kernel.readUnsignedInt(subsection + SubsectionLayout.NUMBER_OF_FULL_SECTORS));
            out.format(
                    "  Base Pte     %s  Ptes In Subsect %8x  Unused Ptes       %4x",
                    Hex.address(kernel.readLong(subsection + SubsectionLayout.SUBSECTION_BASE)),
                    kernel.readUnsignedInt(subsection + SubsectionLayout.PTES_IN_SUBSECTION),
                    kernel.readUnsignedInt(subsection + SubsectionLayout.UNUSED_PTES)
                            & SubsectionLayout.UNUSED_PTES_MASK);
            out.format(
                    "  Flags        %16x  Sector Offset   %8x  Protection        %4x",
                    flags & 0xFFFFL,
                    flags >>> 16 >>> MmsubsectionFlagsLayout.SECTOR_END_OFFSET_SHIFT,
                    flags >>> MmsubsectionFlagsLayout.PROTECTION_SHIFT & MmsubsectionFlagsLayout.PROTECTION_MASK);
            if ((flags & 1) != 0) {
                out.line("  Accessed ");
            }
            if (isDataFile) {
                long list = subsection + MsubsectionLayout.DEREFERENCE_LIST;
                out.format(
                        "  Flink        %s  Blink   %s  MappedViews %10x",
                        Hex.address(kernel.readLong(list)),
                        Hex.address(kernel.readLong(list + 8)),
                        kernel.readLong(subsection + MsubsectionLayout.NUMBER_OF_MAPPED_VIEWS));
            }
            out.line();
            subsection = kernel.readLong(subsection + SubsectionLayout.NEXT_SUBSECTION);
        }
    }

    /** Names of the bit fields of a 32-bit flags structure that are not zero. */
    private static String names(String type, int value) {
        StringBuilder names = new StringBuilder();
        TypeDefinition.Composite composite = TypeTable.kernel().composite(type);
        if (composite == null) {
            return "";
        }
        for (TypeDefinition.Field field : composite.fields()) {
            if (field.type() instanceof TypeRef.BitField bits
                    && (value >>> 8 * field.offset() + bits.position() & (1L << bits.length()) - 1) != 0) {
                names.append(field.name().replace("DefaultProtection", "Protection"))
                        .append(' ');
            }
        }
        return names.toString();
    }
}
