package org.vadose.win32.loader;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;
import org.vadose.pe.PeSection;

/** Writes into mapped images, read-only sections included, and leaves their protection as it was. */
final class ImageWriter {
    private final Memory memory;
    private final ImageMapper mapper;

    private record Relocation(long rva, int type) {}

    ImageWriter(Memory memory, ImageMapper mapper) {
        this.memory = memory;
        this.mapper = mapper;
    }

    /** Runs {@code write} while {@code [rva, rva + sizeBytes)}, which lies in one section, can be written. */
    void writable(long base, PeImage image, long rva, long sizeBytes, Runnable write) {
        PeSection section = image.sectionAt(rva);
        if (section != null && section.isWritable() || image.isLowAlignment()) {
            write.run();
            return;
        }
        long start = Pages.down(base + rva);
        long length = Pages.up(base + rva + sizeBytes) - start;
        int before = mapper.protect(start, length, ImageMapper.PAGE_READWRITE);
        try {
            write.run();
        } finally {
            mapper.protect(start, length, before);
        }
    }

    /** Adjusts the image to where it lies. */
    void relocate(long base, PeImage image, long linkedBase) {
        long delta = base - linkedBase;
        if (delta == 0) {
            return;
        }
        List<Relocation> pending = new ArrayList<>();
        image.relocations((rva, type) -> pending.add(new Relocation(rva, type)));
        for (int first = 0; first < pending.size(); ) {
            long page = Pages.down(pending.get(first).rva());
            int end = first + 1;
            while (end < pending.size() && Pages.down(pending.get(end).rva()) == page) {
                end++;
            }
            List<Relocation> group = pending.subList(first, end);
            // An adjusted value may reach into the next page.
            long last = group.getLast().rva() + Long.BYTES;
            writable(base, image, page, Math.min(last, image.sizeOfImage()) - page, () -> {
                for (Relocation relocation : group) {
                    adjust(base + relocation.rva(), relocation.type(), delta);
                }
            });
            first = end;
        }
    }

    private void adjust(long address, int type, long delta) {
        switch (type) {
            case PeFormat.REL_DIR64 -> memory.writeLong(address, memory.readLong(address) + delta);
            case PeFormat.REL_HIGHLOW -> memory.writeInt(address, memory.readInt(address) + (int) delta);
            case PeFormat.REL_LOW -> memory.writeShort(address, (short) (memory.readShort(address) + delta));
            default -> {
                int high = memory.readUnsignedShort(address) << 16;
                memory.writeShort(address, (short) (high + delta >>> 16));
            }
        }
    }
}
