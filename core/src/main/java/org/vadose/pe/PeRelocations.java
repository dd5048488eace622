package org.vadose.pe;

/** The base relocation table: blocks of one page each. */
public final class PeRelocations {
    private static final int BLOCK_HEADER = 8;

    private PeRelocations() {}

    /** Takes relocations one at a time. */
    @FunctionalInterface
    public interface Visitor {
        /**
         * @param rva what to adjust; wholly inside the image
         * @param type {@code PeFormat.REL_DIR64}, {@code REL_HIGHLOW}, {@code REL_HIGH} or {@code REL_LOW}
         */
        void visit(long rva, int type);
    }

    static void walk(PeImage image, PeImage.Directory directory, Visitor visitor) {
        image.check(directory.rva(), directory.sizeBytes(), "relocation directory");
        long end = directory.rva() + directory.sizeBytes();
        long at = directory.rva();
        while (at < end) {
            long page = image.u32(at, "relocation block");
            long sizeBytes = image.u32(at + 4, "relocation block");
            if (sizeBytes < BLOCK_HEADER || sizeBytes > end - at) {
                throw PeFormatException.invalid(
                        "relocation block has an impossible size rva=0x%x size=0x%x directoryEnd=0x%x",
                        at, sizeBytes, end);
            }
            for (long entry = at + BLOCK_HEADER; entry + 2 <= at + sizeBytes; entry += 2) {
                int value = image.u16(entry, "relocation");
                visit(image, page + (value & 0xFFF), value >>> 12, visitor);
            }
            at += sizeBytes;
        }
    }

    private static void visit(PeImage image, long rva, int type, Visitor visitor) {
        int width = switch (type) {
            case PeFormat.REL_ABSOLUTE -> 0;
            case PeFormat.REL_DIR64 -> 8;
            case PeFormat.REL_HIGHLOW -> 4;
            case PeFormat.REL_HIGH, PeFormat.REL_LOW -> 2;
            default ->
                throw PeFormatException.invalid("relocation of a kind x64 does not have rva=0x%x type=%d", rva, type);
        };
        if (width > 0) {
            image.check(rva, width, "relocation target");
            visitor.visit(rva, type);
        }
    }
}
