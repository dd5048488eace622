package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vadose.base.NtStatus;
import org.vadose.check.SystemCheck;
import org.vadose.nt.GuardBits;
import org.vadose.nt.Mitigations;
import org.vadose.pe.PeBuilder;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;
import org.vadose.target.TargetMemory;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.GuestThread;
import org.vadose.win32.loader.BuiltinDlls;

/** Programs built for control flow guard: their indirect calls go where they may, or the program ends. */
class ControlFlowGuardTest {
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();
    private static final Path EXAMPLES = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples");
    private static final MachineConfig BARE =
            MachineConfig.standard().withBare(true).withRamBytes(64 << 20);
    private static final long BASE = 0x1_4000_0000L;
    private static final int TEXT = 0x1000;
    private static final int DATA = 0x2000;
    private static final int CHECK_POINTER = DATA;
    private static final int DISPATCH_POINTER = DATA + 8;
    private static final int TABLE = DATA + 0x20;
    private static final int CONFIG = DATA + 0x100;
    private static final int NOTHING = TEXT + 0x40;
    private static final int JUMP = TEXT + 0x50;
    private static final int ALLOWED = TEXT + 0x60;
    private static final int ALLOWED_ODD = TEXT + 0x78;
    private static final int FORBIDDEN = TEXT + 0x90;

    @TempDir
    private Path directory;

    /** A program that checks a target, calls it and exits with what that returns. */
    private Path program(long target, boolean dispatches, int dllCharacteristics) throws Exception {
        ByteBuffer text = ByteBuffer.allocate(0x200).order(ByteOrder.LITTLE_ENDIAN);
        // sub rsp,28h; mov rcx,target; mov rax,rcx
        text.put(HexFormat.of().parseHex("4883EC28" + "48B9"))
                .putLong(target)
                .put(HexFormat.of().parseHex("4889C8"));
        if (dispatches) {
            // call [dispatch pointer]
            text.put(HexFormat.of().parseHex("FF15"));
            text.putInt(DISPATCH_POINTER - (TEXT + text.position() + 4));
        } else {
            // call [check pointer]; call rcx
            text.put(HexFormat.of().parseHex("FF15"));
            text.putInt(CHECK_POINTER - (TEXT + text.position() + 4));
            text.put(HexFormat.of().parseHex("FFD1"));
        }
        text.put(HexFormat.of().parseHex("4883C428" + "C3"));
        put(text, NOTHING, "C3");
        put(text, JUMP, "FFE0");
        put(text, ALLOWED, "B82A000000C3");
        put(text, ALLOWED_ODD, "B82B000000C3");
        put(text, FORBIDDEN, "B80D000000C3");
        ByteBuffer data = ByteBuffer.allocate(0x300).order(ByteOrder.LITTLE_ENDIAN);
        data.putLong(CHECK_POINTER - DATA, BASE + NOTHING).putLong(DISPATCH_POINTER - DATA, BASE + JUMP);
        // Each entry has a byte of flags behind it; the last one is suppressed.
        int[] table = {TEXT, ALLOWED, ALLOWED_ODD, FORBIDDEN};
        for (int i = 0; i < table.length; i++) {
            data.putInt(TABLE - DATA + 5 * i, table[i]);
            data.put(TABLE - DATA + 5 * i + 4, (byte) (table[i] == FORBIDDEN ? 1 : 0));
        }
        int config = CONFIG - DATA;
        data.putInt(config, 0x94)
                .putLong(config + 0x70, BASE + CHECK_POINTER)
                .putLong(config + 0x78, BASE + DISPATCH_POINTER)
                .putLong(config + 0x80, BASE + TABLE)
                .putLong(config + 0x88, table.length)
                .putInt(config + 0x90, 1 << 28 | 0x500);
        PeBuilder builder = new PeBuilder(BASE, 2).entryPoint(TEXT).dllCharacteristics(dllCharacteristics);
        builder.add(".text", PeFormat.SCN_CNT_CODE | PeFormat.SCN_MEM_EXECUTE | PeFormat.SCN_MEM_READ, text.array());
        builder.add(".rdata", PeFormat.SCN_CNT_INITIALIZED_DATA | PeFormat.SCN_MEM_READ, data.array());
        builder.directory(PeFormat.DIRECTORY_LOAD_CONFIG, CONFIG, 0x94);
        return Files.write(directory.resolve("guarded.exe"), builder.toFile());
    }

    private static void put(ByteBuffer text, int rva, String code) {
        text.put(rva - TEXT, HexFormat.of().parseHex(code));
    }

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private int run(Path program) throws Exception {
        try (Machine machine = Machine.boot(BARE, DLLS)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, out, false);
            Checks.AtExit atExit = new Checks.AtExit(machine);
            int code = new ProgramRunner(machine, DLLS)
                    .start(Launch.of(program, List.of(), console).withEvents(atExit))
                    .await();
            atExit.rethrow();
            Checks.check("after exit", machine);
            return code;
        }
    }

    @ParameterizedTest
    @CsvSource({
        // target,   dispatch, exit code
        "0x140001060, false, 42",
        "0x140001060, true, 42",
        "0x140001078, false, 43",
        "0x140001078, true, 43",
        "0x140001090, false, -1073740791",
        "0x140001090, true, -1073740791",
        // Beside a function; where there is no code; where there is nothing; above user space.
        "0x140001061, false, -1073740791",
        "0x140002000, false, -1073740791",
        "0x10000, false, -1073740791",
        "0x10000, true, -1073740791",
        "0x7FFFFFFE0000, false, -1073740791",
    })
    void callsGoWhereTheyMay(String target, boolean dispatches, int exitCode) throws Exception {
        assertEquals(exitCode, run(program(Long.decode(target), dispatches, PeFormat.DLL_GUARD_CF)), out::toString);
        assertTrue(exitCode > 0 || exitCode == NtStatus.STACK_BUFFER_OVERRUN.code());
    }

    @Test
    void withoutGuardNothingIsChecked() throws Exception {
        assertEquals(13, run(program(BASE + FORBIDDEN, false, 0)), out::toString);
        assertEquals(13, run(program(BASE + FORBIDDEN, true, 0)), out::toString);
    }

    @Test
    void theImageTellsItsTargets() throws Exception {
        PeImage image = PeImage.ofFile(Files.readAllBytes(program(0, false, PeFormat.DLL_GUARD_CF)));
        assertTrue(image.isGuarded());
        assertEquals(CHECK_POINTER, image.guardCheckPointer());
        assertEquals(DISPATCH_POINTER, image.guardDispatchPointer());
        assertEquals(
                List.of((long) TEXT, (long) ALLOWED, (long) ALLOWED_ODD),
                Arrays.stream(image.guardTargets()).boxed().toList());
    }

    @Test
    void aProgramSaysWhatOfItsCodeMayBeCalled() throws Exception {
        byte[] file = Files.readAllBytes(EXAMPLES.resolve("tests/guard.exe"));
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int at = bytes.getInt(0x3C) + 0x5E;
        bytes.putShort(at, (short) (bytes.getShort(at) | PeFormat.DLL_GUARD_CF));
        int code = run(Files.write(directory.resolve("guard.exe"), file));
        String printed = out.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n") + "[exit " + code + "]\n";
        assertEquals(Files.readString(EXAMPLES.resolve("tests/guarded.txt")), printed);
    }

    @Test
    void bitsWhereNothingIsAreFound() throws Exception {
        List<String> found = new ArrayList<>();
        try (Machine machine = Machine.boot(BARE, DLLS)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, out, false);
            GuestEvents events = new GuestEvents() {
                @Override
                public void entry(GuestThread main) {
                    Checks.check("at entry", machine);
                    long bitmap = machine.memoryManager()
                            .controlFlowGuard()
                            .bitmap(main.process().eprocess());
                    // In a page that is there because of the program, beyond what the program takes.
                    long at = bitmap + GuardBits.offset(BASE + 0x3_8000);
                    long page = new TargetMemory(
                                    machine.physicalMemory(),
                                    machine.mmu().format(),
                                    main.process().eprocess().directoryTableBase())
                            .translate(at);
                    machine.physicalMemory().writeLong(page, 1);
                    found.add(SystemCheck.run(machine.target()).toString());
                    machine.physicalMemory().writeLong(page, 0);
                }
            };
            new ProgramRunner(machine, DLLS)
                    .start(Launch.of(program(BASE + ALLOWED, false, PeFormat.DLL_GUARD_CF), List.of(), console)
                            .withEvents(events))
                    .await();
        }
        assertTrue(found.getFirst().contains("control flow guard allows calls"), found::toString);
    }

    @Test
    void theBitmapHasASixtyFourthOfUserSpace() throws Exception {
        long[] found = new long[3];
        try (Machine machine = Machine.boot(BARE, DLLS)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, out, false);
            GuestEvents events = new GuestEvents() {
                @Override
                public void entry(GuestThread main) {
                    var process = main.process().eprocess();
                    found[0] = machine.memoryManager().controlFlowGuard().bitmap(process);
                    found[1] = GuardBits.sizeBytes(process.userEnd());
                    found[2] = new Mitigations(process).controlFlowGuard();
                }
            };
            new ProgramRunner(machine, DLLS)
                    .start(Launch.of(program(BASE + ALLOWED, false, PeFormat.DLL_GUARD_CF), List.of(), console)
                            .withEvents(events))
                    .await();
        }
        assertNotEquals(0, found[0]);
        assertEquals((2L << 40) - 0x400, (found[1] & -0x1000) - 0x400);
        assertEquals(1, found[2]);
    }
}
