package org.vadose.pe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.NtdllSymbols;
import org.vadose.layout.SymbolTable;
import org.vadose.layout.Wildcard;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;
import org.vadose.memory.Memory;

/** The service tables of a booted kernel lead to the services' own symbols, in the order of ntdll's stubs. */
class KernelServicesTest {
    private static final Machine MACHINE =
            Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64L << 20));

    @AfterAll
    static void close() {
        MACHINE.close();
    }

    @Test
    void everyNumberLeadsToTheServiceOfItsStub() {
        Memory memory = MACHINE.memoryManager().kernelMemory();
        long base = MACHINE.kernelBase();
        long descriptor = base + KernelSymbols.KE_SERVICE_DESCRIPTOR_TABLE;
        long table = memory.readLong(descriptor);
        int limit = memory.readInt(descriptor + 16);
        assertEquals(base + KernelSymbols.KI_SERVICE_TABLE, table);
        assertEquals(473, limit);
        List<String> stubs = stubs();
        for (int number = 0; number < limit; number++) {
            long rva = table + (memory.readInt(table + 4L * number) >> 4) - base;
            if (number < stubs.size()) {
                SymbolTable.Symbol service = SymbolTable.kernel().find(stubs.get(number));
                assertNotNull(service, stubs.get(number));
                assertEquals(service.rva(), rva, stubs.get(number));
            }
        }
    }

    @Test
    void stackArgumentsAreThoseOfThePrototypes() {
        Memory memory = MACHINE.memoryManager().kernelMemory();
        long table = MACHINE.kernelBase() + KernelSymbols.KI_SERVICE_TABLE;
        assertEquals(0, memory.readInt(table + 4L * 0x0F) & 0xF, "NtClose");
        assertEquals(2, memory.readInt(table + 4L * 0x18) & 0xF, "NtAllocateVirtualMemory");
        assertEquals(7, memory.readInt(table + 4L * 0x55) & 0xF, "NtCreateFile");
        assertEquals(6, memory.readInt(table + 4L * 0x28) & 0xF, "NtMapViewOfSection");
    }

    /** Names of ntdll's stubs by address, which is by number. */
    private static List<String> stubs() {
        SymbolTable ntdll = SymbolTable.ntdll();
        List<SymbolTable.Symbol> found = new ArrayList<>();
        for (SymbolTable.Symbol symbol : ntdll.matching(new Wildcard("Zw*"))) {
            if (symbol.name().startsWith("Zw") && symbol.rva() >= NtdllSymbols.NT_ACCESS_CHECK) {
                found.add(symbol);
            }
        }
        found.sort((a, b) -> Long.compare(a.rva(), b.rva()));
        return found.stream().map(s -> "Nt" + s.name().substring(2)).toList();
    }
}
