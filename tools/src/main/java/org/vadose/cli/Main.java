package org.vadose.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import org.vadose.dump.DumpFormatException;
import org.vadose.pe.PeFormatException;
import org.vadose.win32.loader.LoaderException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

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
        System.exit(commandLine().execute(args));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Main())
                .setExecutionExceptionHandler((exception, command, parsed) -> report(exception))
                .setExitCodeExceptionMapper(e -> ExitCode.USAGE);
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
