package org.vadose.win32;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.nt.CreationMitigations;

/**
 * A process that a program wants made.
 *
 * @param parent who wants it; the child has its files, its console and what it inherits
 * @param path full DOS path of the program
 * @param commandLine as the child shall see it
 * @param currentDirectory full DOS path
 * @param environment entries {@code NAME=value}
 * @param inheritsHandles whether inheritable handles are opened in the child, with the same values
 * @param inheritedHandles of them, the only ones; null for all
 * @param standardHandles input, output, error as values of handles the child inherits; null for what the parent has
 * @param flags {@code CREATE_*} of {@code CreateProcess}, for its console and its group
 * @param ignoresCtrlC whether its parent ignores Ctrl-C
 * @param group of its parent
 * @param parentHasConsole whether there is a console to share
 * @param mitigations policies that the child begins with
 */
public record ProcessRequest(
        GuestProcess parent,
        String path,
        String commandLine,
        String currentDirectory,
        List<String> environment,
        boolean inheritsHandles,
        long @Nullable [] inheritedHandles,
        long @Nullable [] standardHandles,
        int flags,
        boolean ignoresCtrlC,
        int group,
        boolean parentHasConsole,
        CreationMitigations mitigations) {}
