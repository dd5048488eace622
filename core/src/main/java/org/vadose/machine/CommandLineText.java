package org.vadose.machine;

import java.util.List;

/** Makes a command line that the C runtime takes apart into the same arguments again. */
final class CommandLineText {
    private CommandLineText() {}

    static String of(String program, List<String> arguments) {
        StringBuilder line = new StringBuilder();
        line.append(program.indexOf(' ') >= 0 ? '"' + program + '"' : program);
        for (String argument : arguments) {
            line.append(' ');
            append(line, argument);
        }
        return line.toString();
    }

    /** Quotes where needed; backslashes count only before a quote, where each is doubled. */
    private static void append(StringBuilder line, String argument) {
        if (!argument.isEmpty() && argument.chars().noneMatch(c -> c == ' ' || c == '\t' || c == '"')) {
            line.append(argument);
            return;
        }
        line.append('"');
        int backslashes = 0;
        for (char c : argument.toCharArray()) {
            if (c == '\\') {
                backslashes++;
                continue;
            }
            line.repeat("\\", c == '"' ? 2 * backslashes + 1 : backslashes).append(c);
            backslashes = 0;
        }
        line.repeat("\\", 2 * backslashes).append('"');
    }
}
