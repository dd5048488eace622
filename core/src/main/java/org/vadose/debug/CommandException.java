package org.vadose.debug;

/** A command that cannot be carried out; the message is what the user reads. */
public final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public CommandException(String message) {
        super(message, null, false, false);
    }
}
