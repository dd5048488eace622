package org.vadose.machine;

import java.nio.file.Path;
import java.util.List;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestEvents;

/**
 * A program to run.
 *
 * @param program its file on the host; its folder is shown to it, read-only, as {@code C:\Programs\NAME}
 * @param arguments after the program's name
 * @param console the streams it is connected to
 * @param mounts host folders granted as drives
 * @param events who is told, {@link GuestEvents#NONE} for nobody
 */
public record Launch(
        Path program, List<String> arguments, GuestConsole console, List<Mount> mounts, GuestEvents events) {
    /**
     * A host folder as a drive.
     *
     * @param letter {@code D} to {@code Z}
     * @param writable whether what the guest writes reaches the host; else it stays in memory
     */
    public record Mount(char letter, Path folder, boolean writable) {
        public Mount {
            if (letter < 'D' || letter > 'Z') {
                throw new IllegalArgumentException("a mounted drive is one of D: to Z:, not " + letter + ":");
            }
        }
    }

    public Launch {
        arguments = List.copyOf(arguments);
        mounts = List.copyOf(mounts);
        for (Mount mount : mounts) {
            if (mounts.stream()
                            .filter(other -> other.letter() == mount.letter())
                            .count()
                    > 1) {
                throw new IllegalArgumentException("two folders are mounted as " + mount.letter() + ":");
            }
        }
    }

    /** With nothing granted and nobody told. */
    public static Launch of(Path program, List<String> arguments, GuestConsole console) {
        return new Launch(program, arguments, console, List.of(), GuestEvents.NONE);
    }

    public Launch withEvents(GuestEvents listener) {
        return new Launch(program, arguments, console, mounts, listener);
    }

    public Launch withMounts(List<Mount> granted) {
        return new Launch(program, arguments, console, granted, events);
    }
}
