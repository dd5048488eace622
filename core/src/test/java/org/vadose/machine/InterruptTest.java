package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vadose.base.NtStatus;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;

/** Ctrl-C of the person reaches the handlers of the program that runs; who has none is not bothered. */
@Timeout(60)
class InterruptTest {
    private static final Path PROGRAM = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests/console.exe");
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();

    private static RunningProgram start(Machine machine, String what) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, out, false);
        return new ProgramRunner(machine, DLLS).start(Launch.of(PROGRAM, List.of("child", what), console));
    }

    private static Machine machine() {
        return Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64 << 20), DLLS);
    }

    @Test
    void handlerHears() throws Exception {
        try (Machine machine = machine()) {
            RunningProgram running = start(machine, "handles");
            // Until the program has come to setting its handler; on a busy host it may hear although that was not known
            // in time.
            while (!running.interrupt() && !running.process().hasEnded()) {
                Thread.onSpinWait();
            }
            assertEquals(40, running.await());
            assertFalse(running.interrupt());
        }
    }

    @Test
    void programWithoutHandlerIsOnlyStopped() throws Exception {
        try (Machine machine = machine()) {
            RunningProgram running = start(machine, "nothing");
            assertFalse(running.interrupt());
            running.stop();
            assertEquals(NtStatus.CONTROL_C_EXIT.code(), running.await());
        }
    }
}
