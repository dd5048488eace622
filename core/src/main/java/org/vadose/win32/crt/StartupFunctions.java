package org.vadose.win32.crt;

import java.util.ArrayList;
import java.util.List;
import org.vadose.layout.PebLayout;
import org.vadose.layout.RtlUserProcessParametersLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.UnicodeString;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.ProcessEnded;
import org.vadose.win32.loader.Loader;

/** How programs begin and end: arguments, environment tables, initializers, exit functions. */
final class StartupFunctions {
    /** Exit code of {@code abort} and of a fatal run-time error. */
    private static final int ABORT_CODE = 3;

    private static final int FATAL_ERROR_CODE = 255;
    private static final int SIGABRT = 22;
    private static final int FIRST_EXIT_SLOTS = 32;

    private StartupFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("__getmainargs", call -> mainArguments(call, false))
                .function("__wgetmainargs", call -> mainArguments(call, true))
                .function("_initterm", StartupFunctions::initTerm)
                .function("_initterm_e", StartupFunctions::initTermWithError)
                .function("_onexit", call -> register(call, call.arg(0)) ? call.arg(0) : 0)
                .function("atexit", call -> register(call, call.arg(0)) ? 0 : 1)
                .function("__dllonexit", StartupFunctions::dllOnExit)
                .function("exit", call -> exit(call, call.intArg(0), true))
                .function("_exit", call -> exit(call, call.intArg(0), false))
                .function("_cexit", StartupFunctions::cleanUp)
                .function("_c_exit", call -> 0)
                .function("abort", StartupFunctions::abort)
                .function("_amsg_exit", StartupFunctions::fatalError)
                .function("__p___argc", call -> variable(call, "__argc"))
                .function("__p___argv", call -> variable(call, "__argv"))
                .function("__p___wargv", call -> variable(call, "__wargv"))
                .function("__p__fmode", call -> variable(call, "_fmode"))
                .function("__p__commode", call -> variable(call, "_commode"))
                .function("__p__acmdln", call -> variable(call, "_acmdln"))
                .function("__p__wcmdln", call -> variable(call, "_wcmdln"))
                .function("__p__environ", call -> variable(call, "_environ"))
                .function("__p__wenviron", call -> variable(call, "_wenviron"))
                .function("__p__pgmptr", call -> variable(call, "_pgmptr"))
                .function("__p___initenv", call -> variable(call, "__initenv"))
                .function("_get_pgmptr", call -> copyVariable(call, "_pgmptr"));
        for (String pointer : List.of("__argv", "__wargv", "_environ", "_wenviron", "__initenv", "__winitenv")) {
            msvcrt.data(
                    pointer, Long.BYTES, (process, at) -> CrtState.of(process).placed(pointer, at));
        }
        for (String number : List.of("__argc", "_fmode", "_commode")) {
            msvcrt.data(
                    number, Integer.BYTES, (process, at) -> CrtState.of(process).placed(number, at));
        }
        msvcrt.data("_acmdln", Long.BYTES, (process, at) -> text(process, "_acmdln", at, commandLine(process), false));
        msvcrt.data("_wcmdln", Long.BYTES, (process, at) -> text(process, "_wcmdln", at, commandLine(process), true));
        msvcrt.data("_pgmptr", Long.BYTES, (process, at) -> text(process, "_pgmptr", at, imagePath(process), false));
        msvcrt.data("_wpgmptr", Long.BYTES, (process, at) -> text(process, "_wpgmptr", at, imagePath(process), true));
    }

    private static void text(GuestProcess process, String name, long at, String text, boolean wide) {
        CrtState crt = CrtState.of(process);
        crt.placed(name, at);
        process.memory().writeLong(at, wide ? crt.allocateWide(text) : crt.allocateAnsi(text));
    }

    private static long variable(ApiCall call, String name) {
        return CrtState.of(call).variable(name);
    }

    private static long copyVariable(ApiCall call, String name) {
        call.memory().writeLong(call.arg(0), call.memory().readLong(variable(call, name)));
        return 0;
    }

    static long parameters(GuestProcess process) {
        return process.memory().readLong(process.peb() + PebLayout.PROCESS_PARAMETERS);
    }

    static String commandLine(GuestProcess process) {
        return new UnicodeString(process.memory(), parameters(process) + RtlUserProcessParametersLayout.COMMAND_LINE)
                .text();
    }

    static String imagePath(GuestProcess process) {
        return new UnicodeString(process.memory(), parameters(process) + RtlUserProcessParametersLayout.IMAGE_PATH_NAME)
                .text();
    }

    /** The library's rules for cutting a command line: see {@code argv} in Microsoft's notes on parsing arguments. */
    static List<String> arguments(String commandLine) {
        List<String> arguments = new ArrayList<>();
        int at = 0;
        int length = commandLine.length();
        StringBuilder word = new StringBuilder();
        // The program's name knows quotes but no escapes.
        boolean quoted = false;
        while (at < length) {
            char c = commandLine.charAt(at);
            if (c == '"') {
                quoted = !quoted;
            } else if (!quoted && (c == ' ' || c == '\t')) {
                break;
            } else {
                word.append(c);
            }
            at++;
        }
        arguments.add(word.toString());
        while (true) {
            while (at < length && (commandLine.charAt(at) == ' ' || commandLine.charAt(at) == '\t')) {
                at++;
            }
            if (at >= length) {
                return arguments;
            }
            at = argument(commandLine, at, arguments);
        }
    }

    private static int argument(String line, int start, List<String> arguments) {
        StringBuilder word = new StringBuilder();
        boolean quoted = false;
        int at = start;
        while (at < line.length()) {
            char c = line.charAt(at);
            int slashes = 0;
            while (at < line.length() && line.charAt(at) == '\\') {
                slashes++;
                at++;
            }
            if (slashes > 0) {
                boolean quote = at < line.length() && line.charAt(at) == '"';
                word.repeat('\\', quote ? slashes / 2 : slashes);
                if (quote && slashes % 2 == 1) {
                    word.append('"');
                    at++;
                }
                continue;
            }
            if (c == '"') {
                if (quoted && at + 1 < line.length() && line.charAt(at + 1) == '"') {
                    word.append('"');
                    at++;
                }
                quoted = !quoted;
            } else if (!quoted && (c == ' ' || c == '\t')) {
                break;
            } else {
                word.append(c);
            }
            at++;
        }
        arguments.add(word.toString());
        return at;
    }

    private static long mainArguments(ApiCall call, boolean wide) {
        CrtState crt = CrtState.of(call);
        Memory memory = call.memory();
        List<String> arguments = arguments(commandLine(call.process()));
        long argv = table(crt, arguments, wide);
        long environment = EnvironmentFunctions.table(call, wide);
        memory.writeInt(crt.variable("__argc"), arguments.size());
        memory.writeLong(crt.variable(wide ? "__wargv" : "__argv"), argv);
        memory.writeLong(crt.variable(wide ? "__winitenv" : "__initenv"), environment);
        memory.writeInt(call.arg(0), arguments.size());
        memory.writeLong(call.arg(1), argv);
        memory.writeLong(call.arg(2), environment);
        return 0;
    }

    /** A table of strings with a null at its end. */
    static long table(CrtState crt, List<String> texts, boolean wide) {
        long table = crt.allocate(8L * (texts.size() + 1));
        for (int i = 0; i < texts.size(); i++) {
            String text = texts.get(i);
            crt.memory().writeLong(table + 8L * i, wide ? crt.allocateWide(text) : crt.allocateAnsi(text));
        }
        return table;
    }

    private static long initTerm(ApiCall call) {
        for (long at = call.arg(0); Long.compareUnsigned(at, call.arg(1)) < 0; at += 8) {
            long function = call.memory().readLong(at);
            if (function != 0) {
                call.callGuest(function);
            }
        }
        return 0;
    }

    private static long initTermWithError(ApiCall call) {
        for (long at = call.arg(0); Long.compareUnsigned(at, call.arg(1)) < 0; at += 8) {
            long function = call.memory().readLong(at);
            int result = function == 0 ? 0 : (int) call.callGuest(function);
            if (result != 0) {
                return result;
            }
        }
        return 0;
    }

    // ---- exit functions
    // ----------------------------------------------------------------------------------------------

    /*
     * The table of exit functions: on the process heap; a count, the room there is, then the functions. Its address is in a
     * variable of the library.
     */
    private static final String EXIT_TABLE = "__onexitbegin";

    private static long exitTable(CrtState crt) {
        Memory memory = crt.memory();
        long table = memory.readLong(crt.variable(EXIT_TABLE));
        if (table == 0) {
            table = crt.allocate(16 + 8L * FIRST_EXIT_SLOTS);
            memory.writeLong(table + 8, FIRST_EXIT_SLOTS);
            memory.writeLong(crt.variable(EXIT_TABLE), table);
        }
        return table;
    }

    static void addPrivateData(ApiModule msvcrt) {
        msvcrt.data(
                EXIT_TABLE, Long.BYTES, (process, at) -> CrtState.of(process).placed(EXIT_TABLE, at));
    }

    private static boolean register(ApiCall call, long function) {
        CrtState crt = CrtState.of(call);
        Memory memory = call.memory();
        long table = exitTable(crt);
        long count = memory.readLong(table);
        long room = memory.readLong(table + 8);
        if (count == room) {
            table = crt.heap().reAllocate(0, table, 16 + 16 * room);
            if (table == 0) {
                return false;
            }
            memory.writeLong(table + 8, 2 * room);
            memory.writeLong(crt.variable(EXIT_TABLE), table);
        }
        memory.writeLong(table + 16 + 8 * count, function);
        memory.writeLong(table, count + 1);
        return true;
    }

    /** A DLL's own table: the function, pointers to its start and end. */
    private static long dllOnExit(ApiCall call) {
        Memory memory = call.memory();
        long begin = memory.readLong(call.arg(1));
        long end = memory.readLong(call.arg(2));
        CrtState crt = CrtState.of(call);
        long bytes = end - begin;
        if (begin == 0 || crt.heap().size(begin) < bytes + 8) {
            long longer = begin == 0
                    ? crt.heap().allocate(0, 8L * FIRST_EXIT_SLOTS)
                    : crt.heap().reAllocate(0, begin, 2 * bytes + 8);
            if (longer == 0) {
                return 0;
            }
            begin = longer;
            memory.writeLong(call.arg(1), begin);
        }
        memory.writeLong(begin + bytes, call.arg(0));
        memory.writeLong(call.arg(2), begin + bytes + 8);
        return call.arg(0);
    }

    private static void runExitFunctions(ApiCall call) {
        CrtState crt = CrtState.of(call);
        Memory memory = call.memory();
        while (true) {
            long table = exitTable(crt);
            long count = memory.readLong(table);
            if (count == 0) {
                return;
            }
            memory.writeLong(table, count - 1);
            call.callGuest(memory.readLong(table + 8 + 8 * count));
        }
    }

    private static long cleanUp(ApiCall call) {
        runExitFunctions(call);
        StreamFunctions.flushAll(call);
        return 0;
    }

    private static long exit(ApiCall call, int code, boolean clean) {
        if (clean) {
            cleanUp(call);
        }
        end(call, code);
        return 0;
    }

    static void end(ApiCall call, int code) {
        Loader.of(call.process()).exitProcess(call.thread());
        call.process().runExitActions(call);
        call.process().end(code, null);
        throw new ProcessEnded();
    }

    static long abort(ApiCall call) {
        RuntimeErrors.tellOfAbort(call);
        SignalFunctions.raise(call, SIGABRT);
        call.process().end(ABORT_CODE, null);
        throw new ProcessEnded();
    }

    private static long fatalError(ApiCall call) {
        RuntimeErrors.tell(call, "\nruntime error R60%02d\n".formatted(call.intArg(0)));
        call.process().end(FATAL_ERROR_CODE, null);
        throw new ProcessEnded();
    }
}
