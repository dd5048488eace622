package org.vadose.io;

import java.io.IOException;
import java.nio.file.Path;

/** That a path of the host is what it was when the folder was granted: no link has been put in its way since. */
final class HostPaths {
    private HostPaths() {}

    /** The path with no link in it, which {@link #check} compares later; of a folder that is not there, an absolute one. */
    static Path real(Path folder) {
        try {
            return folder.toRealPath();
        } catch (IOException missing) {
            return folder.toAbsolutePath().normalize();
        }
    }

    /**
     * Checks the folder that an entry is in, before each use of the entry; who uses the entry does not follow it either.
     *
     * @throws IOException if a folder on the way is gone, or is a link now
     */
    static void check(Path entry) throws IOException {
        Path folder = entry.getParent();
        if (folder != null) {
            checkFolder(folder);
        }
    }

    static void checkFolder(Path folder) throws IOException {
        if (!folder.toRealPath().equals(folder)) {
            throw new IOException("leads elsewhere now: " + folder);
        }
    }
}
