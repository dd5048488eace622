package org.vadose.debug;

import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import org.vadose.layout.SymbolTable;
import org.vadose.layout.TypeTable;
import org.vadose.layout.Wildcard;
import org.vadose.target.UnreadableMemoryException;

/** What may stand where the cursor is: commands, types, symbols, registers, process names. */
public final class Completion {
    private static final int LIMIT = 400;

    private final Debugger debugger;

    public Completion(Debugger debugger) {
        this.debugger = debugger;
    }

    /**
     * Words that may replace the last word of a line.
     *
     * @param words the line's words up to the cursor, the last one possibly empty
     */
    public List<String> candidates(List<String> words) {
        if (words.isEmpty()) {
            return List.of();
        }
        String word = words.getLast();
        if (words.size() == 1) {
            return debugger.commands().all().stream()
                    .map(Command::name)
                    .filter(n -> startsWith(n, word))
                    .toList();
        }
        Command command = debugger.commands().find(words.getFirst());
        if (command == null) {
            return List.of();
        }
        return switch (command.argument()) {
            case TYPE -> words.size() == 2 || words.get(words.size() - 2).startsWith("-") ? types(word) : symbols(word);
            case EXPRESSION -> symbols(word);
            case PROCESS -> words.size() > 3 ? images(word) : symbols(word);
            case COMMAND ->
                debugger.commands().all().stream()
                        .map(Command::name)
                        .filter(n -> startsWith(n, word))
                        .toList();
            case FILE, NONE -> List.of();
        };
    }

    /** Whether the last word names a file. */
    public boolean wantsFile(List<String> words) {
        Command command = words.size() < 2 ? null : debugger.commands().find(words.getFirst());
        return command != null && command.argument() == Command.Argument.FILE;
    }

    private static boolean startsWith(String name, String word) {
        return name.regionMatches(true, 0, word, 0, word.length());
    }

    private static List<String> types(String word) {
        TreeSet<String> found = new TreeSet<>();
        int bang = word.indexOf('!');
        if (bang < 0) {
            found.add("nt!");
            found.add("ntdll!");
            found.removeIf(m -> !startsWith(m, word));
        }
        String module = bang < 0 ? "nt" : word.substring(0, bang).toLowerCase(Locale.ROOT);
        TypeTable table = module.equals("ntdll") ? TypeTable.ntdll() : TypeTable.kernel();
        for (String name : table.matching(new Wildcard(word.substring(bang + 1) + "*"))) {
            if (found.size() == LIMIT) {
                break;
            }
            found.add(word.substring(0, bang + 1) + name);
        }
        return List.copyOf(found);
    }

    private List<String> symbols(String word) {
        TreeSet<String> found = new TreeSet<>();
        int start = Math.max(word.lastIndexOf('('), Math.max(word.lastIndexOf('+'), word.lastIndexOf('-'))) + 1;
        String before = word.substring(0, start);
        String name = word.substring(start);
        int bang = name.indexOf('!');
        try {
            for (Module module : debugger.modules().all()) {
                if (bang < 0) {
                    if (startsWith(module.name(), name)) {
                        found.add(before + module.name() + "!");
                    }
                } else if (module.name().equalsIgnoreCase(name.substring(0, bang))) {
                    String prefix = before + name.substring(0, bang + 1);
                    for (SymbolTable.Symbol symbol :
                            module.symbols().matching(new Wildcard(name.substring(bang + 1) + "*"))) {
                        if (found.size() == LIMIT) {
                            break;
                        }
                        found.add(prefix + symbol.name());
                    }
                }
            }
        } catch (UnreadableMemoryException e) {
            return List.copyOf(found);
        }
        return List.copyOf(found);
    }

    private List<String> images(String word) {
        try {
            return ProcessCommands.images(debugger).stream()
                    .filter(i -> startsWith(i, word))
                    .toList();
        } catch (UnreadableMemoryException e) {
            return List.of();
        }
    }
}
