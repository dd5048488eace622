package org.vadose.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.UnicodeStringLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ListEntry;
import org.vadose.target.SyntheticWindows;

class DebuggerTest {
    private final SyntheticWindows windows = new SyntheticWindows();
    private final Memory memory = windows.kernelWrites();
    private final StringBuilder output = new StringBuilder();
    private final long data = windows.allocate(2 * Pages.SIZE);
    private final long system = windows.allocate(Pages.SIZE);
    private final Debugger debugger;

    DebuggerTest() {
        ListEntry head = new ListEntry(memory, SyntheticWindows.KERNEL + KernelSymbols.PS_ACTIVE_PROCESS_HEAD);
        head.initialize();
        head.insertTail(system + EprocessLayout.ACTIVE_PROCESS_LINKS);
        memory.writeLong(SyntheticWindows.KERNEL + KernelSymbols.PS_INITIAL_SYSTEM_PROCESS, system);
        memory.writeByte(system, (byte) 3);
        memory.writeLong(system + KprocessLayout.DIRECTORY_TABLE_BASE, SyntheticWindows.ROOT);
        memory.writeLong(system + EprocessLayout.UNIQUE_PROCESS_ID, 4);
        memory.write(system + EprocessLayout.IMAGE_FILE_NAME, "System".getBytes(StandardCharsets.ISO_8859_1));
        new ListEntry(memory, system + EprocessLayout.THREAD_LIST_HEAD).initialize();
        debugger = new Debugger(windows.target(), null, output);
    }

    private String run(String line) {
        output.setLength(0);
        debugger.execute(line);
        return output.toString();
    }

    private static String lines(String... lines) {
        return String.join("\n", lines) + "\n";
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '"',
            value = {
                "10,10",
                "0n10,a",
                "0x10,10",
                "0y101,5",
                "0t17,f",
                "1f,1f",
                "10h,10",
                "ffff`ffff,ffffffff",
                "2+3*4,e",
                "(2+3)*4,14",
                "[2+3]*4,14",
                "10-1,f",
                "-1,ffffffffffffffff",
                "~0,ffffffffffffffff",
                "not 5,0",
                "10/3,5",
                "10%3,1",
                "10 mod 3,1",
                "f0&3c,30",
                "f0 and 3c,30",
                "f0|f,ff",
                "f0^ff,f",
                "1<<4,10",
                "100>>4,10",
                "8000000000000000>>>3f,ffffffffffffffff",
                "1<<40,0",
                "2==2,1",
                "2=3,0",
                "2!=3,1",
                "1<2,1",
                "2<=1,0",
                "-1>1,1",
                "1>=1,1",
                "1+(2<<4)|100,121",
                "low(12345678),5678",
                "hi(12345678),1234",
                "nt!PsActiveProcessHead - nt,c1e090",
                "psactiveprocesshead-nt,c1e090",
                "ntkrnlmp!PsActiveProcessHead - nt,c1e090",
                "poi(nt!PsInitialSystemProcess) == @$proc,1",
                "by(nt),4d",
                "wo(nt),5a4d",
                "dwo(nt)&ff,4d",
            })
    void expressionsEvaluateAsTheDebuggersDo(String text, String expected) {
        assertEquals(Hex.address(Long.parseUnsignedLong(expected, 16)), Hex.address(debugger.evaluate(text)));
    }

    @ParameterizedTest
    @CsvSource({
        "nosuchname, Couldn't resolve error at 'nosuchname'",
        "1/0, Divide by zero error in '1/0'",
        "1 2, Extra character error in '2'",
        "(1, Syntax error in ''",
        "1+, Syntax error in ''",
        "poi(0), Memory access error at '(0)'",
        "11111111111111111, Overflow error in '11111111111111111'"
    })
    void badExpressionsSayWhatIsWrong(String text, String message) {
        assertEquals(message + "\n", run("? " + text));
        assertTrue(debugger.hasFailed());
    }

    @Test
    void deepNestingIsRefused() {
        assertTrue(run("? " + "(".repeat(100_000)).contains("Overflow"));
        assertTrue(run("? " + "-".repeat(100_000) + "1").contains("Overflow"));
    }

    @Test
    void evaluateShowsDecimalAndHex() {
        assertEquals("Evaluate expression: 64 = 00000000`00000040\n", run("? 0x40"));
        assertEquals("Evaluate expression: -1 = ffffffff`ffffffff\n", run("?-1"));
        assertTrue(run(".formats 41424344").contains("  Chars:   ....ABCD\n"));
    }

    @Test
    void displayCommandsShowMemory() {
        for (int i = 0; i < 32; i++) {
            memory.writeByte(data + i, (byte) (0x30 + i));
        }
        String at = Hex.ticked(data);
        String second = Hex.ticked(data + 16);
        assertEquals(
                lines(
                        at + "  30 31 32 33 34 35 36 37-38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?",
                        second + "  40 41 42 43 44                                   @ABCD"),
                run("db " + Hex.address(data) + " L15"));
        assertEquals(at + "  3130 3332 3534 3736 3938 3b3a 3d3c 3f3e\n", run("dw " + at + " l8"));
        assertEquals(at + "  33323130 37363534\n", run("dd " + at + " L 2"));
        assertEquals(at + "  33323130 37363534 3b3a3938 3f3e3d3c  0123456789:;<=>?\n", run("dc " + at + " L4"));
        assertEquals(at + "  37363534`33323130 3f3e3d3c`3b3a3938\n", run("dq " + at + " " + at + "+f"));
        assertEquals(8, run("dq " + at).lines().count());
    }

    @Test
    void repeatingGoesOnWhereItStopped() {
        run("dd " + Hex.ticked(data) + " L4");
        assertTrue(run("").startsWith(Hex.ticked(data + 16)));
        assertTrue(run("dq").startsWith(Hex.ticked(data + 16 + 128)));
        assertTrue(run("  ").startsWith(Hex.ticked(data + 16 + 256)));
        run("? 5");
        assertEquals("Evaluate expression: 5 = 00000000`00000005\n", run(""));
    }

    @Test
    void unreadableMemoryIsMarkedAndEndsNothing() {
        long end = data + 2 * Pages.SIZE;
        assertEquals(
                Hex.ticked(end - 8) + "  00 00 00 00 00 00 00 00-?? ?? ?? ?? ?? ?? ?? ??  ........????????\n",
                run("db " + Hex.address(end - 8) + " L10"));
        assertEquals(Hex.ticked(end) + "  ????????`????????\n", run("dq " + Hex.address(end) + " L1"));
        assertEquals(Hex.ticked(end) + "  \"?\"\n", run("da " + Hex.address(end)));
        assertEquals(
                lines("# 4000000 ????????", "Evaluate expression: 1 = 00000000`00000001"),
                run("!dd " + Hex.plain(windows.ram.sizeBytes()) + " L1; ? 1"));
    }

    @Test
    void stringsStopAtZero() {
        memory.write(data, ("x".repeat(50) + "\0y").getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(
                lines(Hex.ticked(data) + "  \"" + "x".repeat(48) + "\"", Hex.ticked(data + 48) + "  \"xx\""),
                run("da " + Hex.ticked(data)));
        memory.write(data + 0x100, "Hello\0".getBytes(StandardCharsets.UTF_16LE));
        assertEquals(Hex.ticked(data + 0x100) + "  \"Hello\"\n", run("du " + Hex.ticked(data + 0x100)));
    }

    @Test
    void pointersShowTheirSymbols() {
        memory.writeLong(data, SyntheticWindows.KERNEL + KernelSymbols.PS_ACTIVE_PROCESS_HEAD + 8);
        assertEquals(
                Hex.ticked(data) + "  fffff802`10c1e098 nt!PsActiveProcessHead+0x8\n",
                run("dps " + Hex.ticked(data) + " L1"));
    }

    @Test
    void physicalMemoryIsShownWithItsMark() {
        windows.ram.writeLong(0x2000, 0x0a00000086784867L);
        windows.ram.writeLong(0x2008, 0x0a0000008606e867L);
        assertEquals("#    2000 0a000000`86784867 0a000000`8606e867\n", run("!dq 2000 L2"));
        assertEquals("#    2000 86784867 0a000000\n", run("!dd 2000 L2"));
        assertEquals("#    2000 67 48 78 86 ghx.\n".replace("ghx", "gHx"), run("!db 2000 L4"));
    }

    @Test
    void translationIsShownStepByStep() {
        String shown = run("!vtop 0 " + Hex.ticked(data));
        assertTrue(shown.startsWith("Amd64VtoP: Virt " + Hex.address(data) + ", pagedir 00000000001ad000\n"), shown);
        assertTrue(
                shown.endsWith("Virtual address " + Hex.plain(data) + " translates to physical address "
                        + Hex.plain(windows.target().kernel().translate(data)) + ".\n"),
                shown);
        assertEquals(shown, run("!vtop 1ad " + Hex.ticked(data)));
        assertEquals(shown, run("!vtop 1ad000 " + Hex.ticked(data)));
        String failing = run("!vtop 0 13fb7ff98");
        assertTrue(
                failing.endsWith(lines(
                        "Amd64VtoP: zero PML4E", "Virtual address 13fb7ff98 translation fails, error 0xD0000147.")),
                failing);
    }

    @Test
    void typesAreListedAndPrinted() {
        assertTrue(run("dt nt!_LIST_ENTR*").contains("          nt!_LIST_ENTRY\n"));
        assertEquals(
                lines(
                        "   +0x000 Flink            : Ptr64 _LIST_ENTRY",
                        "   +0x008 Blink            : Ptr64 _LIST_ENTRY"),
                run("dt nt!_LIST_ENTRY"));
        assertEquals("nt!_LIST_ENTRY", run("dt _list_entry").lines().findFirst().orElseThrow());
        assertTrue(run("dt nt!_EPROCESS ImageFileName").contains(": [15] UChar"));
        assertTrue(run("dt nt!_MMPTE_HARDWARE").contains("   +0x000 PageFrameNumber  : Pos 12, 36 Bits\n"));
        assertTrue(run("dt nt!_MMLISTS").contains("   StandbyPageList  = 0n2\n"));
        assertTrue(run("dt -v nt!_LIST_ENTRY").startsWith("struct _LIST_ENTRY, 2 elements, 0x10 bytes\n"));
        assertTrue(run("dt ntdll!_HEAP").contains("Segment"));
        assertEquals("Symbol nt!_NO_SUCH not found.\n", run("dt nt!_NO_SUCH"));
    }

    @Test
    void valuesAreReadFromMemory() {
        String process = Hex.address(system);
        assertEquals("   +0x028 DirectoryTableBase : 0x1ad000\n", run("dt nt!_KPROCESS " + process + " -y Directory"));
        assertTrue(run("dt nt!_EPROCESS " + process + " ImageFileName").endsWith(": [15]  \"System\"\n"));
        assertTrue(run("dt nt!_EPROCESS Pcb.DirectoryTableBase " + process)
                .equals("   +0x028 Pcb.DirectoryTableBase : 0x1ad000\n"));
        assertTrue(run("dt nt!_EPROCESS UniqueProcessId " + process).endsWith(": 0x00000000`00000004 Void\n"));
        assertTrue(run("dt nt!_EPROCESS Peb " + process).endsWith(": (null) \n"));
        assertTrue(run("dt nt!_EPROCESS ActiveProcessLinks " + process)
                .endsWith(": _LIST_ENTRY [ 0xfffff802`10c1e090 - 0xfffff802`10c1e090 ]\n"));
        memory.writeLong(data, 0x8000000000001863L);
        String pte = run("dt nt!_MMPTE_HARDWARE " + Hex.address(data));
        assertTrue(pte.contains("   +0x000 Valid            : 0y1\n"), pte);
        assertTrue(pte.contains("   +0x000 NoExecute        : 0y1\n"), pte);
        assertTrue(
                pte.contains("PageFrameNumber  : 0y1\n") || pte.contains("0y000000000000000000000000000000000001"),
                pte);
        assertTrue(run("dt nt!_LIST_ENTRY 5").contains("   +0x000 Flink            : ????\n"));
        memory.writeShort(data + 0x20 + UnicodeStringLayout.LENGTH, (short) 4);
        memory.writeLong(data + 0x20 + UnicodeStringLayout.BUFFER, data + 0x40);
        memory.write(data + 0x40, "ok".getBytes(StandardCharsets.UTF_16LE));
        assertEquals(
                lines(
                        " \"ok\"",
                        "   +0x000 Length           : 0x4",
                        "   +0x002 MaximumLength    : 0",
                        "   +0x008 Buffer           : 0x" + Hex.ticked(data + 0x40) + "  \"ok\""),
                run("dt nt!_UNICODE_STRING " + Hex.address(data + 0x20)));
    }

    @Test
    void recursionOpensStructures() {
        String process = Hex.address(system);
        assertTrue(run("dt -r1 nt!_EPROCESS ActiveProcessLinks " + process)
                .contains("      +0x000 Flink            : 0xfffff802`10c1e090 _LIST_ENTRY ["));
        assertTrue(run("dt -b nt!_KPROCESS StackCount " + process).lines().count() > 1);
        assertTrue(run("dt -l ActiveProcessLinks nt!_EPROCESS ImageFileName " + process)
                .contains("dt nt!_EPROCESS " + Hex.ticked(system) + "\n"));
    }

    @Test
    void modulesAndSymbolsAreListed() {
        assertEquals(
                lines(
                        "start             end                 module name",
                        "fffff802`10000000 fffff802`11200000   nt         (deferred)             "),
                run("lm"));
        assertEquals(
                "fffff802`10c1e090 nt!PsActiveProcessHead = <no type information>\n", run("x nt!PsActiveProcessHea?"));
        assertTrue(run("ln nt!PsActiveProcessHead+4")
                .startsWith("(fffff802`10c1e090)   nt!PsActiveProcessHead+0x4   |  (fffff802`"));
        assertTrue(run("lm m n*").contains("(pdb symbols)          ntkrnlmp.pdb\n"));
    }

    @Test
    void codeIsDisassembled() {
        memory.write(data, new byte[] {0x48, (byte) 0x83, (byte) 0xEC, 0x28, (byte) 0xC3});
        assertEquals(
                lines(
                        Hex.ticked(data) + " 4883ec28        sub     rsp,28h",
                        Hex.ticked(data + 4) + " c3              ret"),
                run("u " + Hex.ticked(data) + " L2"));
        assertTrue(run("").startsWith(Hex.ticked(data + 5)));
    }

    @Test
    void processesAreListed() {
        assertEquals(
                lines(
                        "PROCESS " + Hex.plain(system),
                        "    SessionId: none  Cid: 0004    Peb: 00000000  ParentCid: 0000",
                        "    DirBase: 001ad000  ObjectTable: 00000000  HandleCount:   0.",
                        "    Image: System",
                        ""),
                run("!process 0 0 system"));
        assertTrue(run("!process 0 0").startsWith("**** NT ACTIVE PROCESS DUMP ****\nPROCESS "));
        assertTrue(run("!process 4 1").contains("    Token                             0000000000000000\n"));
        assertTrue(run("!process 77 0").contains("Unable to find process with Cid == 77"));
        assertEquals(
                "TYPE mismatch for process object at " + Hex.plain(data) + "\n",
                run("!process " + Hex.address(data) + " 7"));
        assertTrue(run("!process ffff800000000000").startsWith("PROCESS") || debugger.hasFailed());
    }

    @Test
    void unknownAndImpossibleCommandsAreSaid() {
        assertEquals("No export nosuch found\n", run("!nosuch"));
        assertEquals("       ^ Syntax error in 'zzz 5'\n", run("zzz 5"));
        assertEquals("       ^ No runnable debuggees error in 'g'\n", run("g"));
        assertEquals(Debugger.Outcome.QUIT, debugger.execute("q; ? 5"));
        assertEquals("hello  world\n", run(".echo hello  world"));
        assertEquals("", run("* a comment"));
        assertTrue(run("help").contains("!process"));
        assertTrue(run("help dt").startsWith("dt "));
    }

    @Test
    void cancelledCommandStops() {
        debugger.clearFailure();
        var cancelling = new Appendable() {
            private Debugger target;
            private int lines;

            @Override
            public Appendable append(CharSequence text) {
                if (lines++ == 4) {
                    target.cancel();
                }
                return this;
            }

            @Override
            public Appendable append(CharSequence text, int start, int end) {
                return this;
            }

            @Override
            public Appendable append(char c) {
                return this;
            }
        };
        Debugger endless = new Debugger(windows.target(), null, cancelling);
        cancelling.target = endless;
        endless.execute("db nt L10000000");
        assertTrue(cancelling.lines < 10);
        assertFalse(endless.hasFailed());
        assertEquals(List.of(1L), List.of(endless.evaluate("1")));
    }
}
