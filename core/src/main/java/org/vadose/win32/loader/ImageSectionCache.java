package org.vadose.win32.loader;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.io.FileNode;
import org.vadose.io.IoSystem;
import org.vadose.layout.ControlAreaLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.ImageSections;
import org.vadose.pe.PeImage;

/**
 * The image sections of files that programs run or load. A file has one section, named in its {@code _SECTION_OBJECT_POINTERS},
 * whoever made it: the loader, or a program with {@code SEC_IMAGE}. DLLs of the system are known by path and never go, as those of
 * {@code \KnownDlls} on Windows; so are files that are on no drive.
 */
public final class ImageSectionCache {
    private static final String SYSTEM_DIRECTORY = "c:\\windows\\system32\\";
    private static final long FAST_REFERENCE_BITS = 0xF;

    private final ImageSections sections;
    private final @Nullable IoSystem io;
    private final Memory kernel;
    private final long volume;
    private final Map<String, Known> known = new HashMap<>();

    /** @param image what the section was made of: a guest may have written another file over it since */
    private record Known(long area, PeImage image) {}

    /** Sections of files that are on no drive. */
    public ImageSectionCache(ImageSections sections, Memory kernel) {
        this(sections, kernel, null, 0);
    }

    /** @param volume device of the drives */
    public ImageSectionCache(ImageSections sections, Memory kernel, @Nullable IoSystem io, long volume) {
        this.sections = sections;
        this.kernel = kernel;
        this.io = io;
        this.volume = volume;
    }

    /** Makes known the section of an image file that somebody else created and that stays. */
    public synchronized void add(String path, PeImage image, long controlArea) {
        known.put(key(path), new Known(controlArea, image));
    }

    private static String key(String path) {
        return path.toLowerCase(Locale.ROOT);
    }

    /** A drive has the file of this path: if its section is known, all who open the file there find it. */
    public synchronized void share(String path, FileNode node) {
        Known present = known.get(key(path));
        if (present != null) {
            share(present, node);
        }
    }

    private void share(Known present, FileNode node) {
        long file = kernel.readLong(present.area() + ControlAreaLayout.FILE_POINTER) & ~FAST_REFERENCE_BITS;
        if (io != null && file != 0) {
            io.shareImageSection(node, file);
        }
    }

    /**
     * The image's control area, with one section reference for the caller.
     *
     * @param node the file; null if it is on no drive
     * @throws LoaderException when the commitment limit is reached
     */
    public synchronized long area(String path, PeImage image, @Nullable FileNode node) {
        Known present = known.get(key(path));
        if (present != null && present.image().isSameFile(image)) {
            sections.reference(present.area());
            return present.area();
        }
        IoSystem files = io;
        boolean isOnDrive = false;
        long area;
        if (files != null && node != null) {
            isOnDrive = true;
            area = files.withImageFile(volume, node, path, file -> sections.open(file, image, path));
        } else {
            area = sections.create(image, path, 0);
        }
        if (area == 0) {
            throw new LoaderException(NtStatus.COMMITMENT_LIMIT, path + " could not be mapped: commitment limit");
        }
        if (!isOnDrive || key(path).startsWith(SYSTEM_DIRECTORY)) {
            sections.reference(area);
            known.put(key(path), new Known(area, image));
        }
        return area;
    }
}
