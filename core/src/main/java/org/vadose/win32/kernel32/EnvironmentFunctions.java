package org.vadose.win32.kernel32;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.layout.PebLayout;
import org.vadose.layout.RtlUserProcessParametersLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.UnicodeString;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** Command line, environment and start-up information, all of which live in the process parameters that the PEB points to. */
public final class EnvironmentFunctions {
    private static final int ERROR_ENVVAR_NOT_FOUND = 203;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int MOST_CHARS = 1 << 20;
    private static final int STARTUPINFO_SIZE = 104;
    private static final int STARTF_USESTDHANDLES = 0x100;

    private EnvironmentFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("GetCommandLineW", call -> commandLine(call).buffer())
                .function("GetCommandLineA", EnvironmentFunctions::commandLineAnsi)
                .function("GetEnvironmentStringsW", call -> strings(call, true))
                .function("GetEnvironmentStrings", call -> strings(call, false))
                .function("GetEnvironmentStringsA", call -> strings(call, false))
                .function("FreeEnvironmentStringsW", EnvironmentFunctions::freeStrings)
                .function("FreeEnvironmentStringsA", EnvironmentFunctions::freeStrings);
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("GetEnvironmentVariable" + letter, call -> getVariable(call, wide))
                    .function("SetEnvironmentVariable" + letter, call -> setVariable(call, wide))
                    .function("ExpandEnvironmentStrings" + letter, call -> expand(call, wide))
                    .function("GetStartupInfo" + letter, EnvironmentFunctions::startupInfo);
        }
    }

    static long parameters(ApiCall call) {
        return call.memory().readLong(call.process().peb() + PebLayout.PROCESS_PARAMETERS);
    }

    private static UnicodeString commandLine(ApiCall call) {
        return new UnicodeString(call.memory(), parameters(call) + RtlUserProcessParametersLayout.COMMAND_LINE);
    }

    private static long commandLineAnsi(ApiCall call) {
        return call.process().constantText("command line", commandLine(call).text());
    }

    // --- the environment block ---

    /** Variables in the block's order. Names that begin with an equals sign are the current directories of drives. */
    static Map<String, String> read(Memory memory, long parameters) {
        Map<String, String> variables = new LinkedHashMap<>();
        long at = memory.readLong(parameters + RtlUserProcessParametersLayout.ENVIRONMENT);
        if (at == 0) {
            return variables;
        }
        for (int chars = 0; chars < MOST_CHARS; ) {
            StringBuilder line = new StringBuilder();
            while (chars++ < MOST_CHARS) {
                char c = (char) memory.readShort(at);
                at += 2;
                if (c == 0) {
                    break;
                }
                line.append(c);
            }
            if (line.isEmpty()) {
                break;
            }
            int equals = line.indexOf("=", 1);
            if (equals > 0) {
                variables.put(line.substring(0, equals), line.substring(equals + 1));
            }
        }
        return variables;
    }

    /** The block of these variables with all its zeros. */
    static String block(Map<String, String> variables) {
        StringBuilder block = new StringBuilder();
        variables.forEach(
                (name, value) -> block.append(name).append('=').append(value).append('\0'));
        if (block.isEmpty()) {
            block.append('\0');
        }
        return block.append('\0').toString();
    }

    private static @Nullable String find(Map<String, String> variables, String name) {
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            if (variable.getKey().equalsIgnoreCase(name)) {
                return variable.getValue();
            }
        }
        return null;
    }

    /** A variable of the process, null if it is not set. */
    static @Nullable String variable(ApiCall call, String name) {
        return find(read(call.memory(), parameters(call)), name);
    }

    private static long strings(ApiCall call, boolean wide) {
        String block = block(read(call.memory(), parameters(call)));
        byte[] bytes = wide ? block.getBytes(StandardCharsets.UTF_16LE) : CodePages.encode(block);
        long copy = call.process().heap().allocate(bytes.length);
        call.memory().write(copy, bytes);
        return copy;
    }

    private static long freeStrings(ApiCall call) {
        if (call.arg(0) != 0) {
            call.process().heap().free(call.arg(0));
        }
        return 1;
    }

    private static long getVariable(ApiCall call, boolean wide) {
        String value = variable(call, Texts.readOrEmpty(call, call.arg(0), wide));
        if (value == null) {
            return call.fail(ERROR_ENVVAR_NOT_FOUND);
        }
        if (value.isEmpty()) {
            call.setLastError(0);
        }
        return Texts.fill(call, call.arg(1), call.unsignedIntArg(2), value, wide);
    }

    private static long setVariable(ApiCall call, boolean wide) {
        String name = Texts.readOrEmpty(call, call.arg(0), wide);
        String value = Texts.read(call, call.arg(1), wide);
        if (name.isEmpty() || name.indexOf('=', 1) >= 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        return set(call, name, value);
    }

    /** Sets a variable of the process, or removes it when the value is null; TRUE, or FALSE with the last error. */
    public static long set(ApiCall call, String name, @Nullable String value) {
        Memory memory = call.memory();
        long parameters = parameters(call);
        Map<String, String> variables = read(memory, parameters);
        String known = null;
        for (String each : variables.keySet()) {
            if (each.equalsIgnoreCase(name)) {
                known = each;
            }
        }
        if (value == null) {
            if (known == null) {
                return call.fail(ERROR_ENVVAR_NOT_FOUND);
            }
            variables.remove(known);
        } else {
            variables.put(known == null ? name : known, value);
        }
        Map<String, String> sorted = new LinkedHashMap<>();
        variables.keySet().stream()
                .sorted((a, b) -> a.toUpperCase(Locale.ROOT).compareTo(b.toUpperCase(Locale.ROOT)))
                .forEach(key -> sorted.put(key, variables.get(key)));
        byte[] bytes = block(sorted).getBytes(StandardCharsets.UTF_16LE);
        // The old block stays: the program may hold pointers into it, and the first one is no heap block.
        long copy = call.process().heap().allocate(bytes.length);
        memory.write(copy, bytes);
        memory.writeLong(parameters + RtlUserProcessParametersLayout.ENVIRONMENT, copy);
        memory.writeLong(parameters + RtlUserProcessParametersLayout.ENVIRONMENT_SIZE, bytes.length);
        return 1;
    }

    private static long expand(ApiCall call, boolean wide) {
        String source = Texts.readOrEmpty(call, call.arg(0), wide);
        Map<String, String> variables = read(call.memory(), parameters(call));
        StringBuilder result = new StringBuilder();
        for (int i = 0; i < source.length(); i++) {
            int end = source.charAt(i) == '%' ? source.indexOf('%', i + 1) : -1;
            String value = end > i ? find(variables, source.substring(i + 1, end)) : null;
            if (value == null) {
                result.append(source.charAt(i));
            } else {
                result.append(value);
                i = end;
            }
        }
        String text = result.toString();
        int needed = Texts.length(text, wide) + 1;
        if (call.arg(1) != 0 && needed <= call.unsignedIntArg(2)) {
            Texts.write(call, call.arg(1), text, wide);
        }
        return needed;
    }

    /** STARTUPINFO: size, then what the parent asked for; the three standard handles are at its end. */
    private static long startupInfo(ApiCall call) {
        Memory memory = call.memory();
        long info = call.arg(0);
        long parameters = parameters(call);
        memory.fill(info, STARTUPINFO_SIZE, (byte) 0);
        memory.writeInt(info, STARTUPINFO_SIZE);
        memory.writeInt(info + 60, STARTF_USESTDHANDLES);
        memory.writeLong(info + 80, memory.readLong(parameters + RtlUserProcessParametersLayout.STANDARD_INPUT));
        memory.writeLong(info + 88, memory.readLong(parameters + RtlUserProcessParametersLayout.STANDARD_OUTPUT));
        memory.writeLong(info + 96, memory.readLong(parameters + RtlUserProcessParametersLayout.STANDARD_ERROR));
        return 0;
    }
}
