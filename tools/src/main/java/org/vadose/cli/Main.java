package org.vadose.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.vadose.dump.DumpFormatException;
import org.vadose.memory.PhysicalMemory;
import org.vadose.pe.PeFormatException;
import org.vadose.win32.loader.LoaderException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code vadose}. Errors are one line on standard error; exit codes are in {@link ExitCode}. */
@Command(
        name = "vadose",
        description = "Windows memory, without Windows.",
        mixinStandardHelpOptions = true,
        version = "vadose 0.1.0",
        subcommands = {BootCommand.class, CheckCommand.class, KdCommand.class, RunCommand.class},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            " 0:done; 'run' exits with the program's own code",
            " 1:a check found something, or a debugger command of -c or a pipe failed",
            " 2:wrong usage",
            "65:a file is not what it should be",
            "66:a file cannot be read",
            "70:an internal error",
            "73:a file cannot be written",
            "130:interrupted",
            "141:nobody reads the program's output"
        })
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.exit(execute(args));
    }

    private static int execute(String... args) {
        try {
            return commandLine().execute(args);
        } catch (OutOfMemoryError e) {
            System.err.println("vadose: the host gives no more memory (" + e.getMessage()
                    + "); a smaller --ram may do, or JAVA_TOOL_OPTIONS=-Xmx... for more Java heap");
            return ExitCode.INTERNAL;
        } catch (InternalError e) {
            System.err.println("vadose: " + PhysicalMemory.hostIsFull(e));
            return ExitCode.CANNOT_WRITE;
        }
    }

    static CommandLine commandLine() {
        return new CommandLine(new Main())
                .setParameterExceptionHandler((exception, args) -> misused(exception))
                .setExecutionExceptionHandler((exception, command, parsed) -> report(exception))
                .setExitCodeExceptionMapper(e -> ExitCode.USAGE);
    }

    /** One line, not a page of options behind which it is lost. */
    private static int misused(ParameterException exception) {
        CommandLine command = exception.getCommandLine();
        PrintWriter errors = command.getErr();
        String name = command.getCommandSpec().qualifiedName();
        if (command.getParent() == null && exception.getArgSpec() == null) {
            command.usage(errors);
        }
        errors.println(name + ": " + exception.getMessage());
        if (!UnmatchedArgumentException.printSuggestions(exception, errors)) {
            errors.println("Try '" + name + " --help'.");
        }
        errors.flush();
        return ExitCode.USAGE;
    }

    private static int report(Exception exception) {
        switch (exception) {
            case DumpFormatException e -> {
                System.err.println("vadose: " + e.getMessage());
                return ExitCode.BAD_DATA;
            }
            case PeFormatException e -> {
                System.err.println("vadose: not a Windows x64 program: " + e.getMessage());
                return ExitCode.BAD_DATA;
            }
            case LoaderException e -> {
                System.err.println("vadose: " + e.getMessage() + " (" + e.status() + ")");
                return ExitCode.BAD_DATA;
            }
            case CannotWriteException e -> {
                System.err.println("vadose: " + e.getMessage());
                return ExitCode.CANNOT_WRITE;
            }
            case NoSuchFileException e -> {
                System.err.println("vadose: no such file: " + e.getFile());
                return ExitCode.NO_INPUT;
            }
            case AccessDeniedException e -> {
                System.err.println("vadose: permission denied: " + e.getFile());
                return ExitCode.NO_INPUT;
            }
            case FileSystemException e
            when e.getReason() != null -> {
                System.err.println("vadose: " + e.getFile() + " " + e.getReason());
                return ExitCode.NO_INPUT;
            }
            case IOException e -> {
                System.err.println("vadose: " + e.getMessage());
                return ExitCode.NO_INPUT;
            }
            default -> {
                System.err.println("vadose: internal error");
                exception.printStackTrace();
                return ExitCode.INTERNAL;
            }
        }
    }
}
