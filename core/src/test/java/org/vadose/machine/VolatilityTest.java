package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.dump.ImageWriter;
import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestPath;
import org.vadose.io.OpenFile;
import org.vadose.layout.LdrDataTableEntryLayout;
import org.vadose.layout.PebLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.HandleTable;
import org.vadose.nt.LdrDataTableEntry;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.PebLdrData;
import org.vadose.ob.KnownType;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.loader.BuiltinDlls;

/**
 * An unmodified Volatility 3 reads our images and must find what the machine holds. Runs only when {@code VADOSE_VOLATILITY} names
 * a checkout of it that has the symbol table of the build under {@code volatility3/symbols/windows/ntkrnlmp.pdb/}.
 */
class VolatilityTest {
    private static final String HOME = System.getenv("VADOSE_VOLATILITY");
    private static final String PYTHON =
            System.getenv("VADOSE_PYTHON") == null ? "/usr/bin/python3" : System.getenv("VADOSE_PYTHON");
    private static final long ADDRESS_MASK = 0xFFFF_FFFF_FFFFL;
    private static final int TIMEOUT_MINUTES = 5;

    @TempDir
    private Path directory;

    private Path image;
    private @Nullable Path output;

    @ParameterizedTest
    @ValueSource(strings = {"raw", "dmp"})
    void rowsEqualTheMachine(String extension) throws Exception {
        assumeTrue(HOME != null, "VADOSE_VOLATILITY is not set");
        image = directory.resolve("image." + extension);
        try (Machine machine = Machine.boot(MachineConfig.standard())) {
            compare(machine);
        }
    }

    /** The moment a program ends, its own process among the others. */
    @ParameterizedTest
    @CsvSource({"raw, regions", "dmp, reserved"})
    void rowsEqualTheMachineThatRanAProgram(String extension, String program) throws Exception {
        assumeTrue(HOME != null, "VADOSE_VOLATILITY is not set");
        image = directory.resolve("image." + extension);
        BuiltinDlls dlls = ProgramRunner.builtinDlls();
        Path file = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
                .resolve("examples/" + program + ".exe");
        AtomicReference<Throwable> failure = new AtomicReference<>(new AssertionError("no exit was told"));
        try (Machine machine = Machine.boot(MachineConfig.standard(), dlls)) {
            GuestConsole console = new GuestConsole(
                    InputStream.nullInputStream(),
                    OutputStream.nullOutputStream(),
                    OutputStream.nullOutputStream(),
                    false);
            GuestEvents atExit = new GuestEvents() {
                @Override
                public boolean exit(GuestProcess process, int exitCode) {
                    try {
                        compare(machine);
                        failure.set(null);
                    } catch (Exception | AssertionError e) {
                        failure.set(e);
                    }
                    return true;
                }
            };
            new ProgramRunner(machine, dlls)
                    .start(Launch.of(file, List.of("one", "two"), console).withEvents(atExit))
                    .await();
        }
        if (failure.get() != null) {
            throw new AssertionError(failure.get());
        }
    }

    private void compare(Machine machine) throws Exception {
        ImageWriter.write(machine.target(), image);
        Memory memory = machine.memoryManager().kernelMemory();
        List<Eprocess> processes = machine.processManager().processes();
        processes(processes);
        threadsAndHandles(machine, memory, processes);
        userSpaces(machine, processes);
        assertEquals(13, run("virtmap").size());
        List<Map<String, String>> services = run("ssdt");
        assertEquals(473, services.size());
        assertEquals("NtAccessCheck", services.getFirst().get("Symbol"));
        assertEquals("NtClose", services.get(0x0F).get("Symbol"));
        assertEquals("NtAllocateVirtualMemory", services.get(0x18).get("Symbol"));
        assertEquals("ntoskrnl", services.get(0x18).get("Module"));
        Map<String, String> info = new TreeMap<>();
        run("info").forEach(row -> info.put(row.get("Variable"), row.get("Value")));
        assertEquals(hex(machine.kernelBase()), info.get("Kernel Base"));
        assertEquals("0x1ad000", info.get("DTB"));
        assertEquals("15.19041", info.get("Major/Minor"));
        assertEquals("C:\\Windows", info.get("NtSystemRoot").replace("\\\\", "\\"));
    }

    /** A file that a process has mapped: found by scanning, and its bytes recovered from its prototype PTEs. */
    @Test
    void mappedFileIsRecovered() throws Exception {
        assumeTrue(HOME != null, "VADOSE_VOLATILITY is not set");
        image = directory.resolve("image.raw");
        byte[] bytes = new byte[3 * 4096 + 100];
        new Random(1).nextBytes(bytes);
        try (Machine machine = Machine.boot(MachineConfig.standard())) {
            MappedFileInProcess mapped = MappedFileInProcess.map(machine, "C:\\Users\\user\\notes.dat", bytes);
            ImageWriter.write(machine.target(), image);
            List<Map<String, String>> found = run("filescan").stream()
                    .filter(row -> row.get("Name").endsWith("notes.dat"))
                    .toList();
            assertEquals(1, found.size(), found::toString);
            assertEquals(
                    "\\Users\\user\\notes.dat", found.getFirst().get("Name").replace("\\\\", "\\"));
            Path out = Files.createDirectory(directory.resolve("files"));
            output = out;
            List<Map<String, String>> dumped =
                    run("dumpfiles", "--pid", Long.toString(mapped.process().uniqueProcessId()), "--filter", "notes");
            assertEquals("DataSectionObject", dumped.getFirst().get("Cache"), dumped::toString);
            byte[] recovered = Files.readAllBytes(out.resolve(dumped.getFirst().get("Result")));
            byte[] expected = Arrays.copyOf(mapped.expected(), 4 * 4096);
            assertArrayEquals(expected, recovered);
        }
    }

    /** A file that was read and is closed: its file object and its pages on standby are found. */
    @Test
    void closedFileIsRecovered() throws Exception {
        assumeTrue(HOME != null, "VADOSE_VOLATILITY is not set");
        image = directory.resolve("image.raw");
        byte[] bytes = new byte[50_000];
        new Random(2).nextBytes(bytes);
        try (Machine machine = Machine.boot(MachineConfig.standard())) {
            GuestFileSystem files = new GuestFileSystem(() -> machine.clock().now());
            files.addDrive('C');
            files.addFile("C:\\closed.dat", bytes.clone());
            OpenFile.OnDisk file = files.open(
                            GuestPath.parse("C:\\closed.dat", GuestPath.root('C')),
                            0x8000_0000,
                            1,
                            GuestFileSystem.Disposition.OPEN,
                            0,
                            0)
                    .file();
            long body = machine.ioSystem().createFile(machine.systemVolume(), file);
            file.read(0, new byte[bytes.length], 0, bytes.length);
            file.close();
            machine.objectManager().dereference(body);
            ImageWriter.write(machine.target(), image);
            Checks.checkImage("closed", machine, directory.resolve("checked.raw"));
            List<Map<String, String>> found = run("filescan").stream()
                    .filter(row -> row.get("Name").endsWith("closed.dat"))
                    .toList();
            assertEquals(1, found.size(), found::toString);
            Path out = Files.createDirectory(directory.resolve("files"));
            output = out;
            List<Map<String, String>> dumped = run("dumpfiles", "--virtaddr", "0x" + Long.toHexString(body));
            assertEquals(1, dumped.size(), dumped::toString);
            assertEquals("DataSectionObject", dumped.getFirst().get("Cache"), dumped::toString);
            byte[] recovered = Files.readAllBytes(out.resolve(dumped.getFirst().get("Result")));
            assertArrayEquals(bytes, Arrays.copyOf(recovered, bytes.length));
        }
    }

    /** A file that a process has only written: its bytes are in the system cache, found through its views and its prototype PTEs. */
    @ParameterizedTest
    @ValueSource(ints = {700_000, 3_000_000, 36 << 20})
    void cachedFileIsRecovered(int size) throws Exception {
        assumeTrue(HOME != null, "VADOSE_VOLATILITY is not set");
        image = directory.resolve("image.raw");
        byte[] bytes = new byte[size];
        try (Machine machine = Machine.boot(MachineConfig.standard())) {
            GuestFileSystem files = new GuestFileSystem(() -> machine.clock().now());
            files.addDrive('C');
            Eprocess process = machine.processManager().processes().stream()
                    .filter(p -> p.imageFileName().equalsIgnoreCase("explorer.exe"))
                    .findFirst()
                    .orElseThrow();
            OpenFile.OnDisk file = files.open(
                            GuestPath.parse("C:\\journal.dat", GuestPath.root('C')),
                            0xC000_0000,
                            1,
                            GuestFileSystem.Disposition.CREATE,
                            0,
                            0)
                    .file();
            long body = machine.ioSystem().createFile(machine.systemVolume(), file);
            machine.objectManager()
                    .handles()
                    .open(
                            new HandleTable(machine.objectManager().memory(), process.objectTable()),
                            body,
                            0,
                            KnownType.FILE.validAccess());
            Random random = new Random(size);
            for (int at : new int[] {0, size / 2, size - 300_000}) {
                byte[] piece = new byte[300_000];
                random.nextBytes(piece);
                file.write(at, piece, 0, piece.length);
                System.arraycopy(piece, 0, bytes, at, piece.length);
            }
            ImageWriter.write(machine.target(), image);
            Checks.checkImage("cached", machine, directory.resolve("checked.raw"));
            Path out = Files.createDirectory(directory.resolve("files"));
            output = out;
            List<Map<String, String>> dumped =
                    run("dumpfiles", "--pid", Long.toString(process.uniqueProcessId()), "--filter", "journal");
            assertEquals(
                    Set.of("DataSectionObject", "SharedCacheMap"),
                    dumped.stream().map(row -> row.get("Cache")).collect(Collectors.toSet()),
                    dumped::toString);
            for (Map<String, String> row : dumped) {
                byte[] recovered = Files.readAllBytes(out.resolve(row.get("Result")));
                assertArrayEquals(bytes, Arrays.copyOf(recovered, size), row.get("Cache"));
            }
        }
    }

    private void processes(List<Eprocess> processes) throws Exception {
        Set<String> expected = new TreeSet<>();
        processes.forEach(p -> expected.add(p.uniqueProcessId() + " " + p.inheritedFromUniqueProcessId() + " "
                + p.imageFileName() + " " + hex(p.address()) + " " + p.activeThreads()));
        for (String plugin : List.of("pslist", "psscan", "pstree")) {
            Set<String> actual = new TreeSet<>();
            for (Map<String, String> row : run(plugin)) {
                actual.add(row.get("PID") + " " + row.get("PPID") + " " + row.get("ImageFileName") + " "
                        + row.get("Offset(V)") + " " + row.get("Threads"));
            }
            assertEquals(expected, actual, plugin);
        }
        Set<String> sessions = new TreeSet<>();
        run("sessions").forEach(row -> sessions.add(row.get("Process ID")));
        assertEquals(ids(processes), sessions);
    }

    private void threadsAndHandles(Machine machine, Memory memory, List<Eprocess> processes) throws Exception {
        Set<String> threads = new TreeSet<>();
        Set<String> handles = new TreeSet<>();
        for (Eprocess process : processes) {
            for (long links : process.threadListHead().entries(1000)) {
                Ethread thread = Ethread.ofThreadListEntry(memory, links);
                threads.add(
                        process.uniqueProcessId() + " " + thread.uniqueThreadId() + " " + hex(thread.startAddress()));
            }
            new HandleTable(memory, process.objectTable()).forEach((value, entry) -> {
                ObjectHeader header = new ObjectHeader(memory, entry.object());
                // That reader takes a type index that is stored as 0 for a free header.
                if (header.encodedTypeIndex() != 0) {
                    handles.add(process.uniqueProcessId() + " " + hex(value) + " "
                            + header.type(machine.kernelBase()).name() + " " + hex(entry.grantedAccess()));
                }
            });
        }
        Set<String> actual = new TreeSet<>();
        run("threads")
                .forEach(row -> actual.add(row.get("PID") + " " + row.get("TID") + " " + row.get("StartAddress")));
        assertEquals(threads, actual);
        Set<String> actualHandles = new TreeSet<>();
        run("handles")
                .forEach(row -> actualHandles.add(row.get("PID") + " " + row.get("HandleValue") + " " + row.get("Type")
                        + " " + row.get("GrantedAccess")));
        assertEquals(handles, actualHandles);
        assertEquals(29, run("modules").size());
    }

    private void userSpaces(Machine machine, List<Eprocess> processes) throws Exception {
        Set<String> users = new HashSet<>();
        Map<String, Long> vads = new TreeMap<>();
        processes.stream().filter(p -> p.peb() != 0).forEach(p -> {
            users.add(Long.toString(p.uniqueProcessId()));
            vads.put(Long.toString(p.uniqueProcessId()), p.vadCount());
        });
        for (String plugin : List.of("vadinfo", "vadwalk")) {
            Map<String, Long> found = new TreeMap<>();
            run(plugin).forEach(row -> found.merge(row.get("PID"), 1L, Long::sum));
            assertEquals(vads, found, plugin);
        }
        Set<String> modules = modules(machine, processes);
        Set<String> listed = new TreeSet<>();
        for (Map<String, String> row : run("dlllist")) {
            listed.add(row.get("PID") + " " + row.get("Base") + " "
                    + row.get("Path").replace("\\\\", "\\"));
        }
        assertEquals(modules, listed);
        Set<String> arguments = new HashSet<>();
        for (Map<String, String> row : run("cmdline")) {
            if (row.get("Args").startsWith("C:")) {
                arguments.add(row.get("PID"));
            }
        }
        assertEquals(users, arguments);
        Set<String> roots = new HashSet<>();
        for (Map<String, String> row : run("envars")) {
            if (row.get("Variable").equals("SystemRoot")) {
                roots.add(row.get("PID"));
            }
        }
        assertEquals(users, roots);
        List<Map<String, String>> mapped = run("ldrmodules");
        assertEquals(modules.size(), mapped.size());
        for (Map<String, String> row : mapped) {
            assertEquals("True", row.get("InLoad"), row::toString);
            assertEquals("True", row.get("InMem"), row::toString);
        }
        String smss = Long.toString(processes.stream()
                .filter(p -> p.imageFileName().equals("smss.exe"))
                .findFirst()
                .orElseThrow()
                .uniqueProcessId());
        assertFalse(run("memmap", "--pid", smss).isEmpty());
        assertEquals(machine.config().ramBytes(), machine.physicalMemory().sizeBytes());
    }

    private static Set<String> modules(Machine machine, List<Eprocess> processes) {
        Set<String> found = new TreeSet<>();
        for (Eprocess process : processes) {
            if (process.peb() != 0) {
                Memory user = machine.target().space(process.directoryTableBase());
                PebLdrData lists = new PebLdrData(user, user.readLong(process.peb() + PebLayout.LDR));
                for (long links : lists.loadOrder().entries(1000)) {
                    LdrDataTableEntry entry =
                            new LdrDataTableEntry(user, links - LdrDataTableEntryLayout.IN_LOAD_ORDER_LINKS);
                    found.add(process.uniqueProcessId() + " "
                            + hex(user.readLong(entry.address() + LdrDataTableEntryLayout.DLL_BASE)) + " "
                            + entry.fullDllName().text());
                }
            }
        }
        return found;
    }

    private static Set<String> ids(List<Eprocess> processes) {
        Set<String> ids = new TreeSet<>();
        processes.forEach(p -> ids.add(Long.toString(p.uniqueProcessId())));
        return ids;
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value & ADDRESS_MASK);
    }

    private List<Map<String, String>> run(String plugin, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                PYTHON,
                Path.of(HOME, "vol.py").toString(),
                "--offline",
                "-q",
                "-r",
                "csv",
                "-f",
                image.toString(),
                "windows." + plugin));
        command.addAll(List.of(arguments));
        if (output != null) {
            command.addAll(command.indexOf("-f"), List.of("-o", output.toString()));
        }
        Path printed = directory.resolve("output");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(printed.toFile())
                .start();
        assertTrue(process.waitFor(TIMEOUT_MINUTES, TimeUnit.MINUTES), plugin);
        assertEquals(0, process.exitValue(), () -> plugin + ": " + text(printed));
        return parse(text(printed));
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Rows by column name; everything before the line that begins with the depth column is chatter. */
    private static List<Map<String, String>> parse(String text) {
        List<Map<String, String>> rows = new ArrayList<>();
        List<String> header = List.of();
        for (String line : text.lines().toList()) {
            if (line.startsWith("TreeDepth,")) {
                header = fields(line);
            } else if (!header.isEmpty() && !line.isEmpty()) {
                List<String> fields = fields(line);
                Map<String, String> row = new TreeMap<>();
                for (int i = 0; i < Math.min(header.size(), fields.size()); i++) {
                    row.put(header.get(i), fields.get(i));
                }
                rows.add(row);
            }
        }
        return rows;
    }

    private static List<String> fields(String line) {
        List<String> fields = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        boolean quoted = false;
        for (char c : line.toCharArray()) {
            if (c == '"') {
                quoted = !quoted;
            } else if (c == ',' && !quoted) {
                fields.add(field.toString());
                field.setLength(0);
            } else {
                field.append(c);
            }
        }
        fields.add(field.toString());
        return fields;
    }
}
