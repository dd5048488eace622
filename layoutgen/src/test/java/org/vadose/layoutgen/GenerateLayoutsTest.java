package org.vadose.layoutgen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateLayoutsTest {
    @TempDir
    Path directory;

    @BeforeEach
    void table() throws IOException {
        Files.write(
                directory.resolve("small.types"),
                List.of(
                        "pdb small.pdb 00112233445566778899AABBCCDDEEFF 1",
                        "struct _OUTER 24",
                        " 0 DirectoryTableBase uint64",
                        " 8 u1 __anonymous_1",
                        " 16 Low ulong:0:5",
                        " 16 High ulong:5:27",
                        "union __anonymous_1 8",
                        " 0 Flink *_OUTER",
                        " 4 Half ulong",
                        "enum _COLOR 4",
                        " 0 Red",
                        " -1 Unknown"));
        Files.write(
                directory.resolve("small.symbols"),
                List.of("pdb small.pdb 00112233445566778899AABBCCDDEEFF 1", "c1e090 PsActiveProcessHead"));
    }

    @Test
    void offsetsBitsNestedFieldsEnumsAndSymbolsBecomeConstants() throws IOException {
        generate("type small _OUTER", "enum small _COLOR", "symbol small Symbols PsActiveProcessHead");
        String outer = generated("OuterLayout");
        assertTrue(outer.contains("long SIZE = 0x18L;"), outer);
        assertTrue(outer.contains("long DIRECTORY_TABLE_BASE = 0x0L;"), outer);
        assertTrue(outer.contains("long U1_FLINK = 0x8L;"), outer);
        assertTrue(outer.contains("long U1_HALF = 0xcL;"), outer);
        assertTrue(outer.contains("int HIGH_SHIFT = 5;"), outer);
        assertTrue(outer.contains("long HIGH_MASK = 0x7ffffffL;"), outer);
        assertTrue(generated("ColorValues").contains("int UNKNOWN = 0xffffffff;"));
        assertTrue(generated("Symbols").contains("long PS_ACTIVE_PROCESS_HEAD = 0xc1e090L;"));
    }

    @Test
    void unknownTypeNamesTheLine() {
        var failure = assertThrows(IllegalArgumentException.class, () -> generate("# comment", "type small _NONE"));
        assertEquals(directory.resolve("layouts.txt") + ":2: no type name=_NONE table=small", failure.getMessage());
    }

    private void generate(String... lines) throws IOException {
        Path list = directory.resolve("layouts.txt");
        Files.write(list, List.of(lines));
        GenerateLayouts.main(new String[] {directory.toString(), list.toString(), directory.toString()});
    }

    private String generated(String className) throws IOException {
        return Files.readString(directory.resolve("org/vadose/layout/" + className + ".java"));
    }
}
