package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vadose.base.NtStatus;
import org.vadose.debug.Debugger;
import org.vadose.nt.ThreadState;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestSystem;
import org.vadose.win32.loader.BuiltinDlls;

/** A thread that waits for what a person types keeps nobody else waiting. */
class TypedInputTest {
    private static final Path PROGRAM = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests/typing.exe");
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();

    /** What a person types, who does so only after seeing what the program prints: pairs of the one and the other. */
    private static final List<String> TALK = List.of(
            "0 counted to 3", "first line\n",
            "1 counted to 6", "second\n",
            "2 counted to 9", "x\n",
            "3 counted to 12", "y\n",
            "4 counted to 15", "17\n",
            "", "25\n",
            "5 counted to 18", "ab\n",
            "6 counted to 21", "wide\n",
            "7 counted to 24", "file\n",
            "8 counted to 27", "console\n",
            "9 counted to 30", "service\n",
            "two wait", "here\n",
            "one of two: here", "there\n",
            "end of input now", "");

    private static final String PRINTED = """
            0 counted to 3
            fgets: first line
            1 counted to 6
            gets: second
            2 counted to 9
            getchar: x 10
            3 counted to 12
            _getch: y 10
            4 counted to 15
            scanf: 2 of 17 and 25
            5 counted to 18
            fread: 3 ab
            6 counted to 21
            fgetws: wide
            7 counted to 24
            ReadFile: 1 5 file
            8 counted to 27
            ReadConsole: 1 8 console
            9 counted to 30
            NtReadFile: 0 8 service
            two wait
            one of two: here
            one of two: there
            end of input now
            fgets: end
            """;

    /** Gives what it is fed, blocks while there is nothing, reports an end for an empty piece. */
    private static final class Keyboard extends InputStream {
        private final BlockingQueue<byte[]> pieces = new LinkedBlockingQueue<>();

        void type(String text) {
            pieces.add(text.getBytes(StandardCharsets.US_ASCII));
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(byte[] target, int offset, int length) {
            byte[] piece;
            try {
                piece = pieces.take();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            System.arraycopy(piece, 0, target, offset, piece.length);
            return piece.length == 0 ? -1 : piece.length;
        }
    }

    /** Shows what is printed to a person who answers it. */
    private static final class Screen extends OutputStream {
        private final Keyboard keyboard;
        private final Deque<String> talk = new ArrayDeque<>(TALK);
        private final ByteArrayOutputStream all = new ByteArrayOutputStream();
        private final CountDownLatch last = new CountDownLatch(1);
        private int seen;

        Screen(Keyboard keyboard) {
            this.keyboard = keyboard;
        }

        @Override
        public void write(int b) {
            all.write(b);
            String text = text();
            while (!talk.isEmpty()) {
                int at = text.indexOf(talk.getFirst() + (talk.getFirst().isEmpty() ? "" : "\n"), seen);
                if (at < 0) {
                    break;
                }
                seen = at + talk.removeFirst().length();
                keyboard.type(talk.removeFirst());
            }
            if (text.endsWith("for ever now\n")) {
                last.countDown();
            }
        }

        String text() {
            return all.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n");
        }
    }

    private final Keyboard keyboard = new Keyboard();
    private final Screen screen = new Screen(keyboard);
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

    private Launch launch(String... arguments) {
        return Launch.of(PROGRAM, List.of(arguments), new GuestConsole(keyboard, screen, errors, true));
    }

    @ParameterizedTest
    @CsvSource({"1, STEPPED", "2, STEPPED", "4, STEPPED", "1, THREADS", "2, THREADS"})
    void othersRunMeanwhile(int processors, BackgroundMode background) throws Exception {
        MachineConfig config = MachineConfig.standard()
                .withBare(true)
                .withRamBytes(64 << 20)
                .withProcessors(processors)
                .withBackground(background);
        try (Machine machine = Machine.boot(config, DLLS)) {
            RunningProgram program = new ProgramRunner(machine, DLLS).start(launch());
            assertEquals(5, program.await(), errors::toString);
            machine.memoryManager().background().stop();
            Checks.check("after exit", machine);
        }
        assertEquals(PRINTED + "gone\n", screen.text());
        assertEquals("", errors.toString(StandardCharsets.ISO_8859_1));
    }

    /** As on Windows the thread waits for the event of its file object; Ctrl-C ends it. */
    @Test
    void theWaitIsOneLikeOthers() throws Exception {
        try (Machine machine =
                Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64 << 20), DLLS)) {
            RunningProgram program = new ProgramRunner(machine, DLLS).start(launch("stay"));
            screen.last.await();
            GuestSystem system = program.process().system();
            while (!system.exclusively(() -> program.mainThread().ethread().state() == ThreadState.WAITING)) {
                Thread.onSpinWait();
            }
            StringBuilder shown = new StringBuilder();
            system.exclusively(() -> {
                Checks.check("while it waits", machine);
                new Debugger(machine.target(), null, shown)
                        .execute("!thread "
                                + Long.toHexString(
                                        program.mainThread().ethread().address()) + " 2");
                return 0;
            });
            String text = shown.toString();
            assertTrue(text.contains("WAIT: (Executive) UserMode Non-Alertable"), text);
            assertTrue(text.contains("NotificationEvent"), text);
            program.stop();
            assertTrue(program.process().hasEnded());
            assertEquals(NtStatus.CONTROL_C_EXIT.code(), program.await());
            Checks.check("after exit", machine);
        }
        assertEquals(PRINTED + "for ever now\n", screen.text());
    }
}
