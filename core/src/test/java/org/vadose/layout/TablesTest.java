package org.vadose.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TablesTest {
    @Test
    void typesAreReadAsGeneratedConstantsHaveThem() {
        var process = TypeTable.kernel().composite("_EPROCESS");
        assertNotNull(process);
        assertEquals(EprocessLayout.SIZE, process.sizeBytes());
        var links = process.find("ActiveProcessLinks");
        assertNotNull(links);
        assertEquals(EprocessLayout.ACTIVE_PROCESS_LINKS, links.offset());
        assertEquals(new TypeRef.Named("_LIST_ENTRY"), links.type());
        var name = process.find("imagefilename");
        assertNotNull(name);
        assertEquals(new TypeRef.Array(15, new TypeRef.Base(BaseType.UCHAR)), name.type());
        assertEquals(15, TypeTable.kernel().sizeBytes(name.type()));
    }

    @Test
    void wholeFieldStandsBeforeItsBits() {
        var process = TypeTable.kernel().composite("_EPROCESS");
        assertNotNull(process);
        List<String> names =
                process.fields().stream().map(TypeDefinition.Field::name).toList();
        assertTrue(names.indexOf("Flags") < names.indexOf("CreateReported"));
        var created = process.find("NoDebugInherit");
        assertNotNull(created);
        assertEquals(new TypeRef.BitField(new TypeRef.Base(BaseType.ULONG), 1, 1), created.type());
    }

    @Test
    void everyTypeOfEveryTableReads() {
        for (TypeTable table : List.of(TypeTable.kernel(), TypeTable.ntdll())) {
            List<String> names = table.matching(new Wildcard("*"));
            assertEquals(table.count(), names.size());
            for (String name : names) {
                TypeDefinition definition = table.find(name);
                assertNotNull(definition, name);
                if (definition instanceof TypeDefinition.Composite composite) {
                    for (var field : composite.fields()) {
                        assertTrue(
                                field.offset() + table.sizeBytes(field.type()) <= composite.sizeBytes(),
                                name + "." + field.name());
                    }
                }
            }
        }
    }

    @Test
    void enumerationsNameTheirValues() {
        var lists = TypeTable.kernel().enumeration("_MMLISTS");
        assertNotNull(lists);
        assertEquals("ActiveAndValid", lists.nameOf(6));
        assertNull(lists.nameOf(77));
        assertNull(TypeTable.kernel().find("_NO_SUCH_TYPE"));
    }

    @Test
    void symbolsAreFoundByNameAndByAddress() {
        SymbolTable symbols = SymbolTable.kernel();
        var head = symbols.find("PsActiveProcessHead");
        assertNotNull(head);
        assertEquals(KernelSymbols.PS_ACTIVE_PROCESS_HEAD, head.rva());
        assertEquals(head, symbols.find("psactiveprocesshead"));
        assertEquals(head, symbols.atOrBelow(head.rva() + 3));
        var next = symbols.above(head.rva());
        assertNotNull(next);
        assertTrue(next.rva() > head.rva());
        assertNull(symbols.find("NoSuchSymbol"));
        assertNull(symbols.atOrBelow(0));
        assertNull(symbols.above(0xFFFF_FFFFL));
        assertTrue(symbols.count() > 40_000);
    }

    @Test
    void everySymbolIsFoundByItsName() {
        SymbolTable symbols = SymbolTable.ntdll();
        for (var symbol : symbols.matching(new Wildcard("*"))) {
            assertEquals(symbol, symbols.find(symbol.name()));
        }
    }

    @Test
    void tableOfGivenSymbolsIsSorted() {
        SymbolTable table = SymbolTable.of(
                new PdbIdentity("a b.pdb", "0", 0),
                Stream.of(new SymbolTable.Symbol("later", 0xF000_0000L), new SymbolTable.Symbol("first", 4))
                        .toList());
        assertEquals(new SymbolTable.Symbol("first", 4), table.atOrBelow(0x1000));
        assertEquals(new SymbolTable.Symbol("later", 0xF000_0000L), table.find("later"));
        assertEquals(
                List.of("first", "later"),
                table.matching(new Wildcard("*")).stream()
                        .map(SymbolTable.Symbol::name)
                        .toList());
    }

    @ParameterizedTest
    @CsvSource({
        "*,,true",
        "a*c,abc,true",
        "a*c,abd,false",
        "Mi?nit*,MmInitSystem,false",
        "Mi?nit*,miInitialize,true",
        "*Pfn*Data*,MmPfnDatabase,true",
        "[a-c]x,Bx,true",
        "[a-c]x,dx,false",
        "a,ab,false",
        "**a,bba,true"
    })
    void wildcardsMatch(String pattern, String name, boolean expected) {
        assertEquals(expected, new Wildcard(pattern).matches(name == null ? "" : name));
    }
}
