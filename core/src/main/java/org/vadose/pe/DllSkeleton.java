package org.vadose.pe;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.layout.SymbolTable;

/**
 * The outline of a built-in DLL: its sections and where in them tables, stubs and variables go.
 *
 * @param sections in ascending order, without gaps
 * @param exportRva where the export directory goes
 * @param unwindRva where unwind information goes
 * @param runtimeFunctionRva where runtime functions go
 * @param spareCodeRva where code without a genuine place goes
 * @param spareDataRva where variables without a genuine place go
 * @param debug identity of the symbol file, if there is one
 * @param symbols genuine addresses, if known
 */
public record DllSkeleton(
        List<Section> sections,
        long exportRva,
        long unwindRva,
        long runtimeFunctionRva,
        long spareCodeRva,
        long spareDataRva,
        int timeDateStamp,
        @Nullable Debug debug,
        @Nullable SymbolTable symbols) {
    private static final long FIRST_SECTION = 0x1000;
    private static final int DISCARDABLE = PeBuilder.READ_ONLY | PeFormat.SCN_MEM_DISCARDABLE;

    /** @param end a multiple of the page size: where the next section begins */
    public record Section(String name, long rva, long end, int characteristics) {}

    /** A CodeView record to be. */
    public record Debug(long rva, String guid, int age, String pdbName) {}

    /**
     * {@code ntdll.dll} 10.0.19041.3570. Section borders are inferred from its symbols; so are the holes between them that the
     * spare areas use.
     */
    public static DllSkeleton ntdll() {
        List<Section> list = List.of(
                new Section(".text", 0x1000, 0x11B000, PeBuilder.CODE),
                new Section("PAGE", 0x11B000, 0x11C000, PeBuilder.CODE),
                new Section("RT", 0x11C000, 0x11D000, PeBuilder.CODE),
                new Section(".rdata", 0x11D000, 0x166000, PeBuilder.READ_ONLY),
                new Section(".data", 0x166000, 0x172000, PeBuilder.READ_WRITE),
                new Section(".pdata", 0x172000, 0x181000, PeBuilder.READ_ONLY),
                new Section(".mrdata", 0x181000, 0x185000, PeBuilder.READ_WRITE),
                new Section(".00cfg", 0x185000, 0x186000, PeBuilder.READ_ONLY),
                new Section(".rsrc", 0x186000, 0x1F7000, PeBuilder.READ_ONLY),
                new Section(".reloc", 0x1F7000, 0x1F8000, DISCARDABLE));
        SymbolTable symbols = SymbolTable.ntdll();
        Debug debug = new Debug(
                0x154000,
                symbols.identity().guid(),
                symbols.identity().age(),
                symbols.identity().file());
        return new DllSkeleton(list, 0x140200, 0x155000, 0x172000, 0xA8000, 0x16E000, 0x7B5414EC, debug, symbols);
    }

    /** An outline just large enough. Sizes in bytes. */
    static DllSkeleton fitting(String dllName, long code, long data, long tables) {
        List<Section> list = new ArrayList<>();
        long text = FIRST_SECTION;
        long rdata = Pages.up(text + Math.max(code, 1));
        long dataStart = Pages.up(rdata + tables);
        long pdata = Pages.up(dataStart + Math.max(data, 1));
        long rsrc = pdata + Pages.SIZE;
        list.add(new Section(".text", text, rdata, PeBuilder.CODE));
        list.add(new Section(".rdata", rdata, dataStart, PeBuilder.READ_ONLY));
        list.add(new Section(".data", dataStart, pdata, PeBuilder.READ_WRITE));
        list.add(new Section(".pdata", pdata, rsrc, PeBuilder.READ_ONLY));
        list.add(new Section(".rsrc", rsrc, rsrc + Pages.SIZE, PeBuilder.READ_ONLY));
        int stamp = dllName.hashCode() & 0x7FFF_FFFF;
        // Unwind information shares the page of the runtime functions: few pieces of code have any.
        return new DllSkeleton(list, rdata, pdata + Pages.SIZE / 2, pdata, text, dataStart, stamp, null, null);
    }

    /** Where the genuine DLL has this name; zero when unknown. C names may lack one leading underscore in the symbols. */
    long genuineRva(String name) {
        SymbolTable table = symbols;
        if (table == null) {
            return 0;
        }
        SymbolTable.Symbol symbol = table.find(name);
        if (symbol == null && name.startsWith("_")) {
            symbol = table.find(name.substring(1));
        }
        return symbol == null || !name.endsWith(symbol.name()) ? 0 : symbol.rva();
    }

    /** Code goes into sections of code, variables into writable ones. */
    boolean suits(long rva, boolean isCode) {
        int wanted = isCode ? PeFormat.SCN_MEM_EXECUTE : PeFormat.SCN_MEM_WRITE;
        for (Section section : sections) {
            if (rva >= section.rva() && rva < section.end()) {
                return (section.characteristics() & wanted) != 0;
            }
        }
        return false;
    }
}
