package org.vadose.win32.loader;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The guest's files as the loader sees them. Paths are DOS paths. */
public interface LoaderFiles {
    /** The whole file; {@code null} when there is none. */
    byte @Nullable [] read(String path);

    /** Relative to the current directory, dots resolved. */
    String fullPath(String path);

    /** Where DLLs are looked for after the system directory: the Windows directory, the current one, {@code PATH}. */
    List<String> searchDirectories();
}
