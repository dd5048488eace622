package org.vadose.pe;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An export directory. Looking up costs one binary search in the image's own name table, as Windows' loader does it. */
public final class PeExports {
    private static final int MAXIMUM_ENTRIES = 0x10000;

    private final PeImage image;
    private final PeImage.Directory directory;

    /**
     * An exported function or variable.
     *
     * @param ordinal its number, base included
     * @param name {@code null} when it has only a number
     * @param rva where it is; of no use when {@code forwarder} is present
     * @param forwarder {@code NTDLL.RtlAllocateHeap} or {@code NTDLL.#12} when another DLL has it
     */
    public record Export(
            int ordinal,
            @Nullable String name,
            long rva,
            @Nullable String forwarder) {}

    private PeExports(PeImage image, PeImage.Directory directory) {
        this.image = image;
        this.directory = directory;
    }

    static PeExports lazily(PeImage image, PeImage.Directory directory) {
        return new PeExports(image, directory);
    }

    /** The name the DLL was linked with. */
    public String dllName() {
        return image.name(field(PeFormat.EXPORT_NAME), "export directory's DLL name");
    }

    public int ordinalBase() {
        return (int) field(PeFormat.EXPORT_BASE);
    }

    public int functionCount() {
        return count(PeFormat.EXPORT_FUNCTION_COUNT, PeFormat.EXPORT_FUNCTIONS, 4, "export address table");
    }

    public int nameCount() {
        count(PeFormat.EXPORT_NAME_COUNT, PeFormat.EXPORT_ORDINALS, 2, "export ordinal table");
        return count(PeFormat.EXPORT_NAME_COUNT, PeFormat.EXPORT_NAMES, 4, "export name table");
    }

    /** By name, case-sensitive; {@code null} when there is none. */
    public @Nullable Export byName(String name) {
        int low = 0;
        int high = nameCount() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int order = nameAt(middle).compareTo(name);
            if (order == 0) {
                return named(middle);
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return null;
    }

    /** By number, base included; {@code null} when that slot is unused. The name is not looked up. */
    public @Nullable Export byOrdinal(int ordinal) {
        return export(ordinal - ordinalBase(), null);
    }

    /** Every export with a name, in the order of the name table. */
    public List<Export> named() {
        int names = nameCount();
        List<Export> list = new ArrayList<>(names);
        for (int i = 0; i < names; i++) {
            Export export = named(i);
            if (export != null) {
                list.add(export);
            }
        }
        return list;
    }

    private @Nullable Export named(int index) {
        int slot = image.u16(field(PeFormat.EXPORT_ORDINALS) + index * 2L, "export ordinal");
        return export(slot, nameAt(index));
    }

    private String nameAt(int index) {
        return image.name(image.u32(field(PeFormat.EXPORT_NAMES) + index * 4L, "export name table"), "export name");
    }

    private @Nullable Export export(int slot, @Nullable String name) {
        if (slot < 0 || slot >= functionCount()) {
            return null;
        }
        long rva = image.u32(field(PeFormat.EXPORT_FUNCTIONS) + slot * 4L, "export address table");
        if (rva == 0) {
            return null;
        }
        image.check(rva, 1, "export");
        boolean forwarded = rva >= directory.rva() && rva - directory.rva() < directory.sizeBytes();
        return new Export(slot + ordinalBase(), name, rva, forwarded ? image.name(rva, "export forwarder") : null);
    }

    /** Numbers are 16 bits wide, so no more slots or names than that make sense. */
    private int count(int countField, int tableField, int entryBytes, String what) {
        long count = field(countField);
        if (count > MAXIMUM_ENTRIES) {
            throw PeFormatException.invalid("%s is too long entries=%d maximum=%d", what, count, MAXIMUM_ENTRIES);
        }
        if (count > 0) {
            image.check(field(tableField), count * entryBytes, what);
        }
        return (int) count;
    }

    private long field(int offset) {
        return image.u32(directory.rva() + offset, "export directory");
    }
}
