package org.vadose.win32.loader;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.nt.LdrDataTableEntry;
import org.vadose.pe.PeImage;

/** A module of the process, with what its PEB entry does not say. */
public final class LoadedImage {
    private final String path;
    private final String baseName;
    private final long base;
    private final PeImage image;
    private final LdrDataTableEntry entry;
    private final boolean isBuiltin;
    private final List<LoadedImage> dependencies = new ArrayList<>();
    private PeImage.@Nullable Tls tls;
    private boolean isBound;

    LoadedImage(String path, long base, PeImage image, LdrDataTableEntry entry, boolean isBuiltin) {
        this.path = path;
        this.baseName = path.substring(path.lastIndexOf('\\') + 1);
        this.base = base;
        this.image = image;
        this.entry = entry;
        this.isBuiltin = isBuiltin;
    }

    /** DOS path. */
    public String path() {
        return path;
    }

    public String baseName() {
        return baseName;
    }

    public long base() {
        return base;
    }

    /** The image as it lies in the process. */
    public PeImage image() {
        return image;
    }

    public LdrDataTableEntry entry() {
        return entry;
    }

    /** Made by this machine: a name it does not export may still be imported, and reports its call. */
    public boolean isBuiltin() {
        return isBuiltin;
    }

    public boolean contains(long address) {
        return Long.compareUnsigned(address - base, image.sizeOfImage()) < 0;
    }

    List<LoadedImage> dependencies() {
        return dependencies;
    }

    /** Its TLS directory, if it has one. */
    public PeImage.@Nullable Tls tls() {
        return tls;
    }

    void setTls(PeImage.Tls directory) {
        tls = directory;
    }

    boolean isBound() {
        return isBound;
    }

    void setBound() {
        isBound = true;
    }

    @Override
    public String toString() {
        return baseName;
    }
}
