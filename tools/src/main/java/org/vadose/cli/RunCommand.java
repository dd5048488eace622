package org.vadose.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jline.utils.Signals;
import org.jspecify.annotations.Nullable;
import org.vadose.machine.Launch;
import org.vadose.machine.Machine;
import org.vadose.machine.ProgramRunner;
import org.vadose.machine.RunningProgram;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.loader.BuiltinDlls;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code vadose run}: a Windows program on a machine of its own. */
@Command(
        name = "run",
        description = "Boot a machine and run a Windows x64 console program on it; exits with the program's exit code.",
        mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {
    @Mixin
    private MachineOptions options = new MachineOptions();

    @Option(names = "--bare", description = "Boot Idle and System alone before the program.")
    private boolean bare;

    @Option(names = "--kd", description = "Stop in the debugger at the entry point, at exceptions and at exit.")
    private boolean kd;

    @Option(
            names = "-c",
            paramLabel = "COMMANDS",
            description = "Debugger commands, taken in turn at each stop; implies --kd.")
    private @Nullable List<String> commands;

    @Option(
            names = "--dump",
            paramLabel = "FILE",
            description =
                    "Write physical memory when the program ends: a crash dump if FILE ends in .dmp, else a raw image.")
    private @Nullable Path dump;

    @Option(
            names = "--mount",
            paramLabel = "D:=DIR[:rw]",
            converter = MountText.class,
            description =
                    "Show a host folder as a drive; with :rw the program's writes reach it, else they stay in memory.")
    private List<Launch.Mount> mounts = List.of();

    @Parameters(index = "0", paramLabel = "PROGRAM", description = "A Windows x64 console program (.exe).")
    private Path program = Path.of("");

    @Parameters(index = "1..*", arity = "0..*", paramLabel = "ARGUMENT", description = "What the program is given.")
    private List<String> arguments = List.of();

    @Spec
    private @Nullable CommandSpec command;

    @Override
    public Integer call() throws IOException, InterruptedException {
        BootCommand.requirePlace(dump);
        if (mounts.stream().map(Launch.Mount::letter).distinct().count() < mounts.size()) {
            throw new ParameterException(spec(), "two folders are mounted as one drive; give each a letter of its own");
        }
        BuiltinDlls dlls = ProgramRunner.builtinDlls();
        try (Machine machine = Machine.boot(options.config(bare), dlls)) {
            int code = kd || commands != null ? debug(machine, dlls) : run(machine, dlls);
            for (String problem : machine.pageFileProblems()) {
                System.err.println("vadose: " + problem + "; --page-file-folder names another folder");
            }
            return code;
        }
    }

    private CommandLine spec() {
        return Objects.requireNonNull(command, "a command without its specification")
                .commandLine();
    }

    private int run(Machine machine, BuiltinDlls dlls) throws IOException, InterruptedException {
        InputStream in = new FileInputStream(FileDescriptor.in);
        boolean interactive = System.console() != null && System.console().isTerminal();
        HostOutput out = new HostOutput(new FileOutputStream(FileDescriptor.out));
        OutputStream errors = new FileOutputStream(FileDescriptor.err);
        ExitDump events = new ExitDump(machine, dump, GuestEvents.NONE);
        RunningProgram running = new ProgramRunner(machine, dlls)
                .start(Launch.of(program, arguments, new GuestConsole(in, out, errors, interactive))
                        .withMounts(mounts)
                        .withEvents(events));
        out.whenGone(running::stop);
        Signals.register("INT", new KeyboardInterrupt(running)::pressed);
        try (Interrupts interrupts = new Interrupts(running::stop)) {
            int code = running.await();
            running.endDescendants();
            events.rethrow();
            return out.isGone() ? ExitCode.BROKEN_PIPE : code;
        }
    }

    private int debug(Machine machine, BuiltinDlls dlls) throws IOException, InterruptedException {
        PrintStream out = Output.standard();
        try (LiveSession session = new LiveSession(machine, commands, out)) {
            ExitDump events = new ExitDump(machine, dump, session);
            RunningProgram running = new ProgramRunner(machine, dlls)
                    .start(Launch.of(
                                    program,
                                    arguments,
                                    new GuestConsole(
                                            session.guestInput(),
                                            session.guestOutput(),
                                            session.guestOutput(),
                                            session.isInteractive()))
                            .withMounts(mounts)
                            .withEvents(events));
            session.attach(running.process());
            if (!session.isInteractive()) {
                Signals.register("INT", session::interrupt);
            }
            Runnable stop = () -> {
                session.leave();
                running.stop();
            };
            try (Interrupts interrupts = new Interrupts(stop)) {
                int code = running.process().awaitEnd();
                running.endDescendants();
                out.flush();
                events.rethrow();
                if (session.hasFailed()) {
                    return ExitCode.FAILED;
                }
                return session.hasQuit() ? ExitCode.OK : code;
            }
        }
    }

    /** {@code D:=DIR} or {@code D:=DIR:rw}. */
    static final class MountText implements ITypeConverter<Launch.Mount> {
        private static final String WRITABLE = ":rw";

        @Override
        public Launch.Mount convert(String text) {
            if (!text.matches("[A-Za-z]:=.+")) {
                throw new TypeConversionException("a mount is D:=DIR or D:=DIR:rw, not '" + text + "'");
            }
            boolean writable = text.endsWith(WRITABLE);
            Path folder = Path.of(text.substring(3, text.length() - (writable ? WRITABLE.length() : 0)));
            if (!Files.isDirectory(folder)) {
                throw new TypeConversionException("there is no folder " + folder + " to mount");
            }
            try {
                return new Launch.Mount(Character.toUpperCase(text.charAt(0)), folder, writable);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
