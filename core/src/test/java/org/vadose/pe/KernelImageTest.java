package org.vadose.pe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.SymbolTable;
import org.vadose.memory.PhysicalMemory;

class KernelImageTest {
    private static final PeImage IMAGE = PeImage.ofFile(KernelImage.build().toFile());

    private static String sectionOf(String symbol) {
        SymbolTable.Symbol found = SymbolTable.kernel().find(symbol);
        assertNotNull(found, symbol);
        PeSection section = IMAGE.sectionAt(found.rva());
        assertNotNull(section, symbol);
        return section.name();
    }

    @Test
    void symbolsLieInSectionsThatSuitThem() {
        assertEquals("PAGE", sectionOf("NtCreateFile"));
        assertEquals(".text", sectionOf("KeBugCheckEx"));
        assertEquals(".text", sectionOf("MiHandleTransitionFault"));
        assertEquals("POOLCODE", sectionOf("ExAllocatePoolWithTag"));
        assertEquals("KVASCODE", sectionOf("KiSystemCall64Shadow"));
        assertEquals("PAGEVRFY", sectionOf("VerifierExAllocatePool"));
        assertEquals("INIT", sectionOf("Phase1InitializationDiscard"));
        assertEquals("RETPOL", sectionOf("_guard_retpoline_icall_handler"));
        assertEquals("GFIDS", sectionOf("_guard_fids_table"));
        assertEquals(".rdata", sectionOf("MmProtectToValue"));
        assertEquals(".data", sectionOf("PsActiveProcessHead"));
        assertEquals(".data", sectionOf("PsLoadedModuleList"));
        assertEquals(".data", sectionOf("KdDebuggerDataBlock"));
        assertEquals("ALMOSTRO", sectionOf("PsInitialSystemProcess"));
        assertEquals("ALMOSTRO", sectionOf("MmPteBase"));
        assertEquals("CFGRO", sectionOf("KeServiceDescriptorTable"));
    }

    @Test
    void everyExportIsWhereTheSymbolTableHasIt() {
        PeExports exports = IMAGE.exports();
        assertNotNull(exports);
        assertTrue(exports.nameCount() > 2000);
        SymbolTable symbols = SymbolTable.kernel();
        for (PeExports.Export export : exports.named()) {
            assertNotNull(export.name());
            SymbolTable.Symbol symbol = symbols.find(export.name());
            if (symbol == null) {
                symbol = symbols.find(export.name().substring(1));
            }
            assertNotNull(symbol, export.name());
            assertEquals(symbol.rva(), export.rva(), export.name());
        }
    }

    @Test
    void identityAndConstantsAreInMemory() {
        assertEquals(
                new PeImage.DebugRecord(KernelImage.PDB_GUID, KernelImage.PDB_AGE, KernelImage.PDB_NAME),
                IMAGE.debugRecord());
        assertEquals(SymbolTable.kernel().identity().guid(), KernelImage.PDB_GUID);
        try (PhysicalMemory memory = new PhysicalMemory(32 << 20)) {
            KernelImage.build().writeTo(memory, 0);
            assertEquals(0x10, memory.readInt(KernelSymbols.MM_PROTECT_TO_VALUE + 2 * 4));
            assertEquals(0x104, memory.readInt(KernelSymbols.MM_PROTECT_TO_VALUE + 20 * 4));
            assertEquals(1, memory.readInt(KernelSymbols.MM_PROTECT_TO_VALUE + 24 * 4));
            assertEquals(0x50, memory.readUnsignedByte(KernelSymbols.OBP_INFO_MASK_TO_OFFSET + 7));
            assertEquals(KernelImage.BUILD_LAB, memory.readLatin1(KernelSymbols.NT_BUILD_LAB, 64));
            assertEquals(KernelImage.sizeOfImage(), PeImage.ofMapped(memory, 0).sizeOfImage());
        }
    }
}
