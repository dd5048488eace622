package org.vadose.debug;

import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The commands there are, by name without regard to case. */
public final class CommandTable {
    private final Map<String, Command> commands = new TreeMap<>();

    public void add(String name, String arguments, String summary, Command.Argument completion, Command.Action action) {
        String usage = arguments.isEmpty() ? name : name + " " + arguments;
        commands.put(name.toLowerCase(Locale.ROOT), new Command(name, usage, summary, completion, action));
    }

    public @Nullable Command find(String name) {
        return commands.get(name.toLowerCase(Locale.ROOT));
    }

    /** By name. */
    public Collection<Command> all() {
        return commands.values();
    }
}
