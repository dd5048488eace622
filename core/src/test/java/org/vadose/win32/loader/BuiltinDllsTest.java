package org.vadose.win32.loader;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;
import org.vadose.layout.SymbolTable;
import org.vadose.pe.PeExports;
import org.vadose.pe.PeImage;
import org.vadose.pe.PeSection;
import org.vadose.pe.StubDllBuilder;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ApiTable;

class BuiltinDllsTest {
    static ApiTable table() {
        ApiModule ntdll = new ApiModule("ntdll.dll")
                .service("NtCreateFile", 0x55, call -> 0)
                .function("RtlAllocateHeap", call -> 0)
                .function("RtlExitUserThread", call -> 0)
                .function("NotInTheGenuineOne", call -> 0)
                .data("NlsMbCodePageTag", 1, null);
        ApiModule kernel32 = new ApiModule("kernel32.dll")
                .function("VirtualAlloc", call -> 0)
                .function("ExitProcess", 17, call -> 0)
                .forward("HeapAlloc", "NTDLL.RtlAllocateHeap");
        ApiModule msvcrt = new ApiModule("msvcrt.dll").data("_iob", 0x90, null).function("puts", call -> 0);
        return new ApiTable().add(ntdll).add(kernel32).add(msvcrt);
    }

    private static PeImage image(BuiltinDlls dlls, String name) {
        byte[] file = dlls.file(name);
        assertNotNull(file);
        return PeImage.ofFile(file);
    }

    private static PeExports.Export export(PeImage image, String name) {
        PeExports exports = image.exports();
        assertNotNull(exports);
        PeExports.Export export = exports.byName(name);
        assertNotNull(export, name);
        return export;
    }

    @Test
    void ntdllHasTheShapeAndAddressesOfTheGenuineOne() {
        PeImage ntdll = image(new BuiltinDlls(table()), "NTDLL.DLL");
        SymbolTable symbols = SymbolTable.ntdll();
        for (String name : new String[] {
            "NtCreateFile",
            "ZwCreateFile",
            "RtlAllocateHeap",
            "LdrInitializeThunk",
            "RtlUserThreadStart",
            "KiUserExceptionDispatcher",
            "KiUserCallbackDispatcher",
            "NlsMbCodePageTag"
        }) {
            SymbolTable.Symbol symbol = symbols.find(name);
            assertNotNull(symbol);
            assertEquals(symbol.rva(), export(ntdll, name).rva(), name);
        }
        assertEquals(0x1F8000, ntdll.sizeOfImage());
        PeImage.DebugRecord record = ntdll.debugRecord();
        assertNotNull(record);
        assertEquals(symbols.identity().guid(), record.guid());
        assertArrayEquals(
                StubDllBuilder.stubBytes(0x55),
                ntdll.read(export(ntdll, "NtCreateFile").rva(), StubDllBuilder.STUB_BYTES));
        assertEquals(0xA8000, export(ntdll, "NotInTheGenuineOne").rva());
        long start = export(ntdll, "RtlUserThreadStart").rva();
        PeImage.RuntimeFunction function = ntdll.runtimeFunctionAt(start + 0x21);
        assertNotNull(function);
        assertEquals(start, function.begin());
        assertNull(ntdll.runtimeFunctionAt(export(ntdll, "NtCreateFile").rva()));
    }

    @Test
    void otherDllsExportStubsDataAndForwarders() {
        ApiTable table = table();
        BuiltinDlls dlls = new BuiltinDlls(table);
        PeImage kernel32 = image(dlls, "kernel32.dll");
        assertEquals("NTDLL.RtlAllocateHeap", export(kernel32, "HeapAlloc").forwarder());
        assertEquals(17, export(kernel32, "ExitProcess").ordinal());
        byte[] stub = kernel32.read(export(kernel32, "VirtualAlloc").rva(), StubDllBuilder.STUB_BYTES);
        int number = stub[4] & 0xFF | (stub[5] & 0xFF) << 8 | (stub[6] & 0xFF) << 16;
        ApiTable.Entry entry = table.entry(number);
        assertNotNull(entry);
        assertEquals("kernel32!VirtualAlloc", entry.toString());
        PeImage msvcrt = image(dlls, "msvcrt.dll");
        PeSection section = msvcrt.sectionAt(export(msvcrt, "_iob").rva());
        assertNotNull(section);
        assertEquals(".data", section.name());
        assertNull(dlls.file("user32.dll"));
    }

    @Test
    void apiSetsNameTheirHosts() {
        assertEquals(
                "ucrtbase.dll", ApiSets.hosts("api-ms-win-crt-stdio-l1-1-0.dll").getFirst());
        assertEquals(
                "kernelbase.dll",
                ApiSets.hosts("API-MS-Win-Core-File-L1-2-0.dll").getFirst());
        assertEquals(
                "msvcrt.dll", ApiSets.hosts("api-ms-win-core-crt-l1-1-0.dll").getFirst());
    }
}
