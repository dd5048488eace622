package org.vadose.debug;

import java.util.List;
import java.util.regex.Pattern;

/**
 * An address range as commands take it: {@code start}, {@code start L count}, {@code start end}.
 *
 * @param count elements; -1 if the text names none
 */
record Range(long start, long count) {
    /** Beyond any use; {@code L?} goes as far. */
    private static final long MAXIMUM_COUNT = 1L << 32;
    /** WinDbg's limit for a length without a question mark. */
    private static final long MAXIMUM_BYTES = 256L << 20;

    private static final Pattern LENGTH = Pattern.compile("[lL]\\??(0[xXnN])?[0-9a-fA-F`]*");

    /** @param elementBytes what an inclusive {@code end} is counted in */
    static Range parse(Debugger debugger, String text, int elementBytes) {
        List<String> words = new Arguments(text).all();
        for (int i = 1; i < words.size(); i++) {
            if (LENGTH.matcher(words.get(i)).matches()) {
                String word = words.get(i);
                String length =
                        word.replaceFirst("[lL]\\??", "") + " " + String.join(" ", words.subList(i + 1, words.size()));
                long most = word.contains("?") ? MAXIMUM_COUNT : MAXIMUM_BYTES / elementBytes;
                return new Range(
                        debugger.evaluate(String.join(" ", words.subList(0, i))),
                        checked(debugger.evaluate(length.strip()), most, text));
            }
        }
        if (words.size() == 2
                && !words.get(1).matches("[-+*/&|^<>=].*")
                && !words.get(0).matches(".*[-+*/&|^<>=]")) {
            long start = debugger.evaluate(words.get(0));
            long bytes = debugger.evaluate(words.get(1)) - start + 1;
            if (bytes <= 0) {
                throw new CommandException("Range error in '" + text + "'");
            }
            return new Range(
                    start, checked((bytes + elementBytes - 1) / elementBytes, MAXIMUM_BYTES / elementBytes, text));
        }
        return new Range(debugger.evaluate(text), -1);
    }

    private static long checked(long count, long most, String text) {
        if (count < 0 || count > most) {
            throw new CommandException("Range error in '" + text + "'");
        }
        return count;
    }
}
