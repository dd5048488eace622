package org.vadose.win32.loader;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.vadose.mm.ImageSections;
import org.vadose.pe.PeImage;

/** The machine's image sections by path, so that processes share the pages of one file. */
public final class ImageSectionCache {
    private final ImageSections sections;
    private final ToLongFunction<String> fileObjects;
    private final Map<String, Known> known = new HashMap<>();

    /** @param hash of the file's bytes: a guest may have written another file over it since */
    private record Known(long area, int hash) {}

    /** @param fileObjects gives the {@code _FILE_OBJECT} of a DOS path, or 0 */
    public ImageSectionCache(ImageSections sections, ToLongFunction<String> fileObjects) {
        this.sections = sections;
        this.fileObjects = fileObjects;
    }

    /** Makes known the section of an image file that somebody else created. */
    public synchronized void add(String path, byte[] file, long controlArea) {
        known.put(path.toLowerCase(Locale.ROOT), new Known(controlArea, Arrays.hashCode(file)));
    }

    /** The image's control area, made when first asked for. */
    public synchronized long area(String path, byte[] file, PeImage image) {
        String key = path.toLowerCase(Locale.ROOT);
        int hash = Arrays.hashCode(file);
        Known present = known.get(key);
        if (present != null && present.hash() == hash) {
            return present.area();
        }
        long area = sections.create(image, path, fileObjects.applyAsLong(path));
        known.put(key, new Known(area, hash));
        return area;
    }
}
