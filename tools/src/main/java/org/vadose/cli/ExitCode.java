package org.vadose.cli;

/** What the process tells the shell, unless it ran a guest program to its end: then it is the program's own code. */
final class ExitCode {
    static final int OK = 0;
    /** A check found something, or a debugger command could not do what was asked. */
    static final int FAILED = 1;
    /** The command line makes no sense. */
    static final int USAGE = 2;
    /** EX_DATAERR: a file is not what it should be. */
    static final int BAD_DATA = 65;
    /** EX_NOINPUT: a file cannot be read. */
    static final int NO_INPUT = 66;
    /** EX_SOFTWARE: a fault of Vadose itself. */
    static final int INTERNAL = 70;
    /** EX_CANTCREAT: a file cannot be written. */
    static final int CANNOT_WRITE = 73;
    /** 128 + SIGINT. */
    static final int INTERRUPTED = 130;

    /** 128 + SIGPIPE: nobody reads the program's output. */
    static final int BROKEN_PIPE = 141;

    private ExitCode() {}
}
