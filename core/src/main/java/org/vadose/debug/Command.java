package org.vadose.debug;

/**
 * A command of the debugger.
 *
 * @param name what is typed
 * @param usage name and arguments, for help
 * @param summary one line, for help
 * @param argument what its arguments name, for completion
 * @param action carries it out
 */
public record Command(String name, String usage, String summary, Argument argument, Action action) {
    /** Whether the command means nothing without arguments. */
    boolean needsArguments() {
        String arguments = usage.substring(name.length()).strip();
        return !arguments.isEmpty() && !arguments.startsWith("[");
    }

    /** What completion offers for an argument. */
    public enum Argument {
        NONE,
        EXPRESSION,
        TYPE,
        PROCESS,
        FILE,
        COMMAND
    }

    /** Carries out a command. */
    @FunctionalInterface
    public interface Action {
        /** @param arguments what followed the name, without blanks around it */
        void run(Debugger debugger, String arguments);
    }
}
