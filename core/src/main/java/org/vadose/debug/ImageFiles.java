package org.vadose.debug;

import org.jspecify.annotations.Nullable;

/** Where a debugger finds the files of images whose pages are not all in RAM. */
@FunctionalInterface
public interface ImageFiles {
    /** None. */
    ImageFiles NONE = path -> null;

    /**
     * @param path of the module as the target records it
     * @return the file's bytes; null if there is none
     */
    byte @Nullable [] read(String path);
}
