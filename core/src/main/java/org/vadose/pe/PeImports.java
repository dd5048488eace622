package org.vadose.pe;

import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Import tables, read lazily. A hostile table may let many descriptors share one list of a million entries; the walk therefore
 * counts all symbols it has handed out and stops when the image could not hold that many slots.
 */
public final class PeImports {
    private static final long BY_ORDINAL = 1L << 63;
    private static final long MAXIMUM_SYMBOLS = 1 << 20;

    private final PeImage image;
    private final long budget;
    private long used;

    private PeImports(PeImage image) {
        this.image = image;
        this.budget = Math.min(MAXIMUM_SYMBOLS, image.sizeOfImage() / 8);
    }

    /**
     * A function or variable taken from a DLL.
     *
     * @param slotRva the import address table slot to fill
     * @param name {@code null} when imported by number
     * @param hint where the exporter's name table probably has it
     * @param ordinal its number when {@code name} is {@code null}
     */
    public record Symbol(long slotRva, @Nullable String name, int hint, int ordinal) {
        /** {@code CreateFileW} or {@code #17}. */
        public String shown() {
            return name != null ? name : "#" + ordinal;
        }
    }

    /** One imported DLL. */
    public final class Module implements Iterable<Symbol> {
        private final String dllName;
        private final long lookup;
        private final long slots;

        /** Where a delay-loaded DLL's handle goes; zero for ordinary imports. */
        private final long handleSlot;

        private Module(String dllName, long lookup, long slots, long handleSlot) {
            this.dllName = dllName;
            this.lookup = lookup;
            this.slots = slots;
            this.handleSlot = handleSlot;
        }

        /** As written in the table. */
        public String dllName() {
            return dllName;
        }

        public long handleSlotRva() {
            return handleSlot;
        }

        /** First slot of the import address table. */
        public long firstSlotRva() {
            return slots;
        }

        @Override
        public Iterator<Symbol> iterator() {
            return new Symbols(lookup, slots);
        }
    }

    private final class Symbols implements Iterator<Symbol> {
        private long lookup;
        private long slot;
        private long thunk;

        Symbols(long lookup, long slot) {
            this.lookup = lookup;
            this.slot = slot;
            this.thunk = image.u64(lookup, "import lookup table");
        }

        @Override
        public boolean hasNext() {
            return thunk != 0;
        }

        @Override
        public Symbol next() {
            if (thunk == 0) {
                throw new NoSuchElementException();
            }
            charge();
            image.check(slot, 8, "import address table");
            Symbol symbol = decode(thunk, slot);
            lookup += 8;
            slot += 8;
            thunk = image.u64(lookup, "import lookup table");
            return symbol;
        }

        private Symbol decode(long value, long at) {
            if (value < 0) {
                if ((value & ~BY_ORDINAL) >>> 16 != 0) {
                    throw PeFormatException.invalid("import by number has stray bits slot=0x%x value=0x%x", at, value);
                }
                return new Symbol(at, null, 0, (int) (value & 0xFFFF));
            }
            int hint = image.u16(value, "import name");
            return new Symbol(at, image.name(value + 2, "import name"), hint, 0);
        }
    }

    private void charge() {
        if (++used > budget) {
            throw PeFormatException.invalid(
                    "import tables name more symbols than the image has room for symbols=%d sizeOfImage=0x%x",
                    used, image.sizeOfImage());
        }
    }

    static Iterable<Module> ordinary(PeImage image, PeImage.Directory directory) {
        return () -> new PeImports(image).new Ordinary(directory.rva());
    }

    static Iterable<Module> delayed(PeImage image, PeImage.Directory directory) {
        return () -> new PeImports(image).new Delayed(directory.rva());
    }

    /** The table ends at a descriptor without name or slots; its stated size is not believed, as Windows does not. */
    private final class Ordinary implements Iterator<Module> {
        private long at;

        Ordinary(long rva) {
            this.at = rva;
        }

        @Override
        public boolean hasNext() {
            image.check(at, PeFormat.IMPORT_SIZE, "import descriptor");
            return image.u32(at + PeFormat.IMPORT_NAME, "import descriptor") != 0
                    && image.u32(at + PeFormat.IMPORT_THUNKS, "import descriptor") != 0;
        }

        @Override
        public Module next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            charge();
            String name = image.name(image.u32(at + PeFormat.IMPORT_NAME, "import descriptor"), "imported DLL name");
            long slots = image.u32(at + PeFormat.IMPORT_THUNKS, "import descriptor");
            long lookup = image.u32(at + PeFormat.IMPORT_LOOKUP, "import descriptor");
            at += PeFormat.IMPORT_SIZE;
            return new Module(name, lookup == 0 ? slots : lookup, slots, 0);
        }
    }

    private final class Delayed implements Iterator<Module> {
        private long at;

        Delayed(long rva) {
            this.at = rva;
        }

        @Override
        public boolean hasNext() {
            image.check(at, PeFormat.DELAY_SIZE, "delay-import descriptor");
            return image.u32(at + PeFormat.DELAY_NAME, "delay-import descriptor") != 0;
        }

        @Override
        public Module next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            charge();
            if ((image.u32(at + PeFormat.DELAY_ATTRIBUTES, "delay-import descriptor") & 1) == 0) {
                throw PeFormatException.invalid("delay-import descriptor holds addresses instead of RVAs rva=0x%x", at);
            }
            String name = image.name(image.u32(at + PeFormat.DELAY_NAME, "delay-import"), "delay-imported DLL name");
            Module module = new Module(
                    name,
                    image.u32(at + PeFormat.DELAY_LOOKUP, "delay-import descriptor"),
                    image.u32(at + PeFormat.DELAY_THUNKS, "delay-import descriptor"),
                    image.u32(at + PeFormat.DELAY_MODULE_HANDLE, "delay-import descriptor"));
            at += PeFormat.DELAY_SIZE;
            return module;
        }
    }
}
