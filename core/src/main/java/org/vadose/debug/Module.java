package org.vadose.debug;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.layout.PdbIdentity;
import org.vadose.layout.SymbolTable;
import org.vadose.layout.TypeTable;
import org.vadose.pe.PeExports;
import org.vadose.pe.PeFormatException;
import org.vadose.pe.PeImage;
import org.vadose.target.KernelFinder;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** An image mapped in the target. Its symbols are the project's table if the debug record names it, else its exports. */
public final class Module {
    private final String name;
    private final String path;
    private final long base;
    private final long sizeBytes;
    private final TargetMemory memory;
    private @Nullable SymbolTable symbols;
    private SymbolKind kind = SymbolKind.DEFERRED;
    private boolean imageSought;
    private byte @Nullable [] image;

    /** Where a module's symbols come from. */
    public enum SymbolKind {
        DEFERRED("(deferred)"),
        PDB("(pdb symbols)"),
        EXPORT("(export symbols)"),
        NONE("(no symbols)");

        private final String text;

        SymbolKind(String text) {
            this.text = text;
        }

        public String text() {
            return text;
        }
    }

    /**
     * @param name without extension; the kernel's is {@code nt}
     * @param path as the target records it
     */
    Module(String name, String path, long base, long sizeBytes, TargetMemory memory) {
        this.name = name;
        this.path = path;
        this.base = base;
        this.sizeBytes = sizeBytes;
        this.memory = memory;
    }

    public String name() {
        return name;
    }

    public String path() {
        return path;
    }

    public long base() {
        return base;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    public long end() {
        return base + sizeBytes;
    }

    public boolean contains(long address) {
        return Long.compareUnsigned(address - base, sizeBytes) < 0;
    }

    /** {@link SymbolKind#DEFERRED} until the symbols were needed. */
    public SymbolKind symbolKind() {
        return kind;
    }

    public SymbolTable symbols() {
        SymbolTable table = symbols;
        if (table == null) {
            table = load();
            symbols = table;
        }
        return table;
    }

    /**
     * The image as its file says it is mapped; null if no file is at hand or it is another version's. Pages that are in RAM go before it.
     */
    byte @Nullable [] image(ImageFiles files) {
        if (!imageSought) {
            imageSought = true;
            image = findImage(files);
        }
        return image;
    }

    private byte @Nullable [] findImage(ImageFiles files) {
        try {
            byte[] file = files.read(path);
            if (file == null) {
                return null;
            }
            PeImage found = PeImage.ofFile(file);
            boolean isSame =
                    found.timeDateStamp() == PeImage.ofMapped(memory, base).timeDateStamp()
                            && Pages.up(found.sizeOfImage()) == Pages.up(sizeBytes);
            return isSame ? found.layOut(base) : null;
        } catch (PeFormatException | UnreadableMemoryException | IndexOutOfBoundsException e) {
            return null;
        }
    }

    /** The types that go with the symbols, if the project has them. */
    public @Nullable TypeTable types() {
        SymbolTable table = symbols();
        return table == SymbolTable.kernel()
                ? TypeTable.kernel()
                : table == SymbolTable.ntdll() ? TypeTable.ntdll() : null;
    }

    private SymbolTable load() {
        PeImage.DebugRecord record = KernelFinder.debugRecord(memory, base);
        if (record != null) {
            for (SymbolTable known : List.of(SymbolTable.kernel(), SymbolTable.ntdll())) {
                if (known.identity().guid().equalsIgnoreCase(record.guid())) {
                    kind = SymbolKind.PDB;
                    return known;
                }
            }
        }
        List<SymbolTable.Symbol> exports = new ArrayList<>();
        try {
            PeExports table = PeImage.ofMapped(memory, base).exports();
            if (table != null) {
                for (PeExports.Export export : table.named()) {
                    if (export.forwarder() == null && export.name() != null) {
                        exports.add(new SymbolTable.Symbol(export.name(), export.rva()));
                    }
                }
            }
        } catch (UnreadableMemoryException | PeFormatException | IndexOutOfBoundsException e) {
            exports.clear();
        }
        kind = exports.isEmpty() ? SymbolKind.NONE : SymbolKind.EXPORT;
        return SymbolTable.of(new PdbIdentity(name, "0", 0), exports);
    }
}
