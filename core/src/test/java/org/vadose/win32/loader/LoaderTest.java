package org.vadose.win32.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.layout.LdrDataTableEntryLayout;
import org.vadose.layout.NtdllSymbols;
import org.vadose.layout.PebLayout;
import org.vadose.layout.TebLayout;
import org.vadose.nt.LdrDataTableEntry;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PebLdrData;
import org.vadose.pe.PeBuilder;
import org.vadose.pe.PeImage;
import org.vadose.pe.StubDllBuilder;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ApiTable;
import org.vadose.win32.GuestClock;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.LoaderHeap;

/** Programs made by mingw, loaded into flat memory that knows protections; guest calls are recorded, not run. */
class LoaderTest {
    private static final String HOME = "C:\\prog\\";

    private final FlatMemory memory = new FlatMemory();
    private final Map<String, byte[]> files = new HashMap<>();
    private final List<String> calls = new ArrayList<>();
    private final ApiTable table = new ApiTable();
    private final long peb = memory.allocate(0x1000, ImageMapper.PAGE_READWRITE);
    private final GuestProcess process = new GuestProcess(memory, table, new GuestClock(1234), 8, peb);
    private final long teb = memory.allocate(0x2000, ImageMapper.PAGE_READWRITE);
    private final Loader loader;

    LoaderTest() {
        ApiModule ntdll = new ApiModule("ntdll.dll").function("RtlExitUserThread", call -> 0);
        Loader.addExports(ntdll);
        table.add(ntdll)
                .add(new ApiModule("kernel32.dll")
                        .function("ExitProcess", call -> 0)
                        .function("GetStdHandle", call -> 0)
                        .forward("ExitThread", "NTDLL.RtlExitUserThread"))
                .add(new ApiModule("kernelbase.dll").function("VirtualAlloc", call -> 0))
                .add(new ApiModule("advapi32.dll").function("OpenProcessToken", call -> 0))
                .add(new ApiModule("msvcrt.dll")
                        .data("_fmode", 4, (p, address) -> p.memory().writeInt(address, 0x4000))
                        .function("puts", call -> 0));
        loader = new Loader(
                process,
                new BuiltinDlls(table),
                memory,
                new LoaderHeap() {
                    @Override
                    public long allocate(long sizeBytes) {
                        return memory.carve(sizeBytes);
                    }

                    @Override
                    public void free(long address) {
                        memory.fill(address, 16, (byte) 0xDD);
                    }
                },
                new LoaderFiles() {
                    @Override
                    public byte @Nullable [] read(String path) {
                        return files.get(path.toLowerCase(Locale.ROOT));
                    }

                    @Override
                    public String fullPath(String path) {
                        return path;
                    }

                    @Override
                    public List<String> searchDirectories() {
                        return List.of("C:\\Windows");
                    }
                });
        loader.attach();
        files.put("c:\\prog\\first.dll", resource("first.dll"));
        files.put("c:\\prog\\second.dll", resource("second.dll"));
    }

    private static byte[] resource(String name) {
        try (InputStream in = LoaderTest.class.getResourceAsStream(name)) {
            assertNotNull(in, name);
            return in.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private long guest(long function, long... arguments) {
        LoadedImage module = loader.at(function);
        assertNotNull(module);
        calls.add("%s+%x(%d)".formatted(module, function - module.base(), arguments[1]));
        assertEquals(module.base(), arguments[0]);
        return 1;
    }

    private void loadProgram(String name) {
        loader.loadProgram(HOME + name, resource(name), null, null);
    }

    private LoadedImage module(String name) {
        LoadedImage module = loader.find(name);
        assertNotNull(module, name);
        return module;
    }

    private static List<String> names(ListEntry head, boolean initialization) {
        List<String> names = new ArrayList<>();
        for (long link : head.entries(100)) {
            LdrDataTableEntry entry = initialization
                    ? LdrDataTableEntry.ofInitializationOrderLink(head.memory(), link)
                    : LdrDataTableEntry.ofLoadOrderLink(head.memory(), link);
            names.add(entry.baseDllName().text());
        }
        return names;
    }

    @Test
    void programAndItsDllsAreMappedBoundAndListed() {
        loadProgram("program.exe");
        PebLdrData lists = new PebLdrData(memory, memory.readLong(peb + PebLayout.LDR));
        assertEquals(module("ntdll").base() + NtdllSymbols.PEB_LDR, lists.address());
        assertEquals(
                List.of("program.exe", "ntdll.dll", "KERNEL32.DLL", "KERNELBASE.dll", "first.dll", "second.dll"),
                names(lists.loadOrder(), false));
        assertEquals(
                List.of("ntdll.dll", "KERNEL32.DLL", "KERNELBASE.dll", "second.dll", "first.dll"),
                names(lists.initializationOrder(), true));
        assertEquals(loader.program().base(), memory.readLong(peb + PebLayout.IMAGE_BASE_ADDRESS));
        assertEquals(
                "C:\\prog\\first.dll", module("first").entry().fullDllName().text());
        assertEquals(1234, memory.readLong(module("first").entry().address() + LdrDataTableEntryLayout.LOAD_TIME));
    }

    @Test
    void importsReachFunctionsThroughForwardersAndRelocationsAreApplied() {
        loadProgram("program.exe");
        LoadedImage first = module("first.dll");
        long value = loader.procAddress(first.base(), "first_value");
        assertEquals(first.base() + 0x1000, value);
        assertEquals(value, loader.procAddress(first.base(), 4));
        assertEquals(value, loader.procAddress(first.base(), "chain"));
        assertEquals(
                loader.procAddress(first.base(), "first_variable"),
                memory.readLong(loader.procAddress(first.base(), "first_pointer")));
        assertEquals(0, loader.procAddress(first.base(), "First_Value"));
        LoaderException circle = assertThrows(LoaderException.class, () -> loader.procAddress(first.base(), "circle"));
        assertTrue(circle.getMessage() != null && circle.getMessage().contains("circle"));
        loader.program()
                .image()
                .imports()
                .forEach(imported -> imported.forEach(symbol -> {
                    long bound = memory.readLong(loader.program().base() + symbol.slotRva());
                    if ("first_value".equals(symbol.name()) || "chain".equals(symbol.name())) {
                        assertEquals(value, bound);
                    }
                }));
    }

    @Test
    void whatABuiltinDllLacksIsAStubThatNamesIt() {
        loadProgram("program.exe");
        List<Long> bound = new ArrayList<>();
        loader.program()
                .image()
                .imports()
                .forEach(imported -> imported.forEach(symbol -> {
                    if ("NotImplementedAnywhere".equals(symbol.name())) {
                        bound.add(memory.readLong(loader.program().base() + symbol.slotRva()));
                    }
                }));
        assertEquals(1, bound.size());
        long stub = bound.getFirst();
        ApiTable.Entry entry = table.entry(memory.readInt(stub + 4));
        assertNotNull(entry);
        assertEquals("kernel32!NotImplementedAnywhere", entry.toString());
        assertNull(entry.body());
        assertEquals((byte) 0xC3, memory.readByte(stub + StubDllBuilder.STUB_BYTES - 1));
        assertEquals(ImageMapper.PAGE_EXECUTE_READ, memory.protection(stub));
        assertEquals(0, loader.procAddress(module("kernel32").base(), "NotImplementedAnywhere"));
    }

    @Test
    void dllsAreInitialisedBeforeTheProgramAndLeaveInReverse() {
        loadProgram("program.exe");
        long firstEntry = module("first").entry().entryPoint() - module("first").base();
        long secondEntry =
                module("second").entry().entryPoint() - module("second").base();
        loader.initializeThread(teb, this::guest);
        assertEquals(
                List.of("second.dll+%x(1)".formatted(secondEntry), "first.dll+%x(1)".formatted(firstEntry)), calls);
        calls.clear();
        long secondTeb = memory.allocate(0x2000, ImageMapper.PAGE_READWRITE);
        module("first").entry().setDontCallForThreads();
        loader.initializeThread(secondTeb, this::guest);
        loader.exitThread(secondTeb, this::guest);
        assertEquals(
                List.of("second.dll+%x(2)".formatted(secondEntry), "second.dll+%x(3)".formatted(secondEntry)), calls);
        calls.clear();
        loader.exitProcess(8, this::guest);
        loader.exitProcess(8, this::guest);
        assertEquals(
                List.of("first.dll+%x(0)".formatted(firstEntry), "second.dll+%x(0)".formatted(secondEntry)), calls);
    }

    @Test
    void everyThreadGetsItsCopyOfTheTlsTemplate() {
        loadProgram("program.exe");
        long otherTeb = memory.allocate(0x2000, ImageMapper.PAGE_READWRITE);
        loader.initializeThread(teb, this::guest);
        loader.initializeThread(otherTeb, this::guest);
        long mine = memory.readLong(memory.readLong(teb + TebLayout.THREAD_LOCAL_STORAGE_POINTER));
        long other = memory.readLong(memory.readLong(otherTeb + TebLayout.THREAD_LOCAL_STORAGE_POINTER));
        assertNotEquals(mine, other);
        assertEquals("template", memory.readLatin1(mine, 16));
        assertEquals("template", memory.readLatin1(other, 16));
        loader.exitThread(otherTeb, this::guest);
        assertEquals(0, memory.readLong(otherTeb + TebLayout.THREAD_LOCAL_STORAGE_POINTER));
    }

    @Test
    void tlsCallbacksOfTheProgramRunLastInTableOrder() {
        byte[] sample;
        try (InputStream in = PeImage.class.getResourceAsStream("sample.exe")) {
            assertNotNull(in);
            sample = in.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        loader.loadProgram(HOME + "sample.exe", sample, null, null);
        loader.initializeThread(teb, this::guest);
        assertEquals(List.of("sample.exe+1000(1)", "sample.exe+1007(1)"), calls);
        long variable = loader.procAddress(module("msvcrt").base(), "_fmode");
        assertEquals(0x4000, memory.readInt(variable));
    }

    @Test
    void missingDllIsNamedWithItsImporter() {
        files.remove("c:\\prog\\second.dll");
        LoaderException e = assertThrows(LoaderException.class, () -> loadProgram("program.exe"));
        assertEquals(NtStatus.DLL_NOT_FOUND, e.status());
        assertTrue(
                e.getMessage() != null && e.getMessage().startsWith("first.dll needs second.dll, which is neither"),
                e.getMessage());
    }

    @Test
    void missingFunctionOfAProgramsOwnDllIsRefusedAtLoad() {
        byte[] broken = resource("second.dll");
        String text = new String(broken, StandardCharsets.ISO_8859_1);
        broken[text.indexOf("second_value")] = 'S';
        files.put("c:\\prog\\second.dll", broken);
        LoaderException e = assertThrows(LoaderException.class, () -> loadProgram("program.exe"));
        assertEquals(NtStatus.ENTRYPOINT_NOT_FOUND, e.status());
        assertTrue(
                e.getMessage() != null && e.getMessage().startsWith("first.dll needs second.dll!second_value"),
                e.getMessage());
    }

    @Test
    void dllsLoadAtRunTimeCountReferencesAndGo() {
        loader.loadProgram(HOME + "bare.exe", bareProgram(), null, null);
        loader.initializeThread(teb, this::guest);
        assertNull(loader.find("first"));
        LoadedImage first = loader.loadLibrary("first", this::guest);
        assertSame(first, loader.loadLibrary("FIRST.DLL", this::guest));
        assertSame(first, loader.find("C:\\prog\\first.dll"));
        assertEquals(2, first.entry().loadCount());
        assertEquals(6, loader.modules().size());
        calls.clear();
        assertEquals(NtStatus.SUCCESS, loader.freeLibrary(first.base(), this::guest));
        assertEquals(List.of(), calls);
        assertEquals(NtStatus.SUCCESS, loader.freeLibrary(first.base(), this::guest));
        assertEquals(2, calls.size());
        assertNull(loader.find("first"));
        assertNull(loader.find("second"));
        assertEquals(NtStatus.DLL_NOT_FOUND, loader.freeLibrary(first.base(), this::guest));
        assertEquals(NtStatus.SUCCESS, loader.freeLibrary(module("ntdll").base(), this::guest));
        PebLdrData lists = new PebLdrData(memory, memory.readLong(peb + PebLayout.LDR));
        assertEquals(
                List.of("bare.exe", "ntdll.dll", "KERNEL32.DLL", "KERNELBASE.dll"), names(lists.loadOrder(), false));
    }

    @Test
    void dllThatRefusesIsTakenOutAgain() {
        loader.loadProgram(HOME + "bare.exe", bareProgram(), null, null);
        loader.initializeThread(teb, this::guest);
        LoadedImage first = loader.loadLibrary("first", this::guest);
        loader.freeLibrary(first.base(), this::guest);
        LoaderException e = assertThrows(LoaderException.class, () -> loader.loadLibrary("first", (f, a) -> 0));
        assertEquals(NtStatus.DLL_INIT_FAILED, e.status());
        assertNull(loader.find("first"));
        assertEquals(4, loader.modules().size());
    }

    @Test
    void apiSetsAreTheirHosts() {
        loadProgram("program.exe");
        assertSame(module("kernelbase"), loader.find("api-ms-win-core-memory-l1-1-0.dll"));
        assertSame(module("kernelbase"), loader.loadLibrary("api-ms-win-core-file-l2-1-0", this::guest));
    }

    @Test
    void everyExampleLoads() throws IOException {
        try (Stream<Path> examples = Files.list(Path.of("..", "examples"))) {
            for (Path example :
                    examples.filter(p -> p.toString().endsWith(".exe")).toList()) {
                LoaderTest fresh = new LoaderTest();
                fresh.loader.loadProgram(HOME + example.getFileName(), Files.readAllBytes(example), null, null);
                fresh.loader.initializeThread(fresh.teb, fresh::guest);
                assertTrue(fresh.calls.stream()
                        .allMatch(c -> c.startsWith(example.getFileName().toString())));
                assertNotEquals(0, fresh.calls.size());
            }
        }
    }

    private static byte[] bareProgram() {
        PeBuilder builder = new PeBuilder(0x1_4000_0000L, 1);
        builder.entryPoint(builder.add(".text", PeBuilder.CODE, new byte[] {(byte) 0xC3}));
        return builder.toFile();
    }
}
