package org.vadose.machine;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.io.IoSystem;
import org.vadose.memory.Memory;
import org.vadose.mm.ImageSections;
import org.vadose.pe.DllSkeleton;
import org.vadose.pe.PeBuilder;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;
import org.vadose.pe.StubDllBuilder;
import org.vadose.win32.loader.BuiltinDlls;
import org.vadose.win32.loader.ImageSectionCache;

/**
 * The image files of the system itself: ntdll, as the given built-in DLLs have it, and the programs of the boot, each a small image
 * without code of its own. A file's section is made when first asked for and shared by all who map it.
 */
public final class SystemImages {
    /** Directory of {@link #ntdll}. */
    public static final String SYSTEM_DIRECTORY = "C:\\Windows\\System32\\";

    private static final String NTDLL = "ntdll.dll";
    private static final long PROGRAM_BASE = 0x1_4000_0000L;

    private final ImageSections sections;
    private final IoSystem io;
    private final long volume;
    private final @Nullable BuiltinDlls builtin;
    private final ImageSectionCache cache;
    private final Map<String, Image> images = new HashMap<>();

    /**
     * An image file with its section.
     *
     * @param path its DOS path
     * @param controlArea its image section
     * @param file body of its file object
     */
    public record Image(String path, PeImage image, long controlArea, long file) {}

    SystemImages(ImageSections sections, Memory kernel, IoSystem io, long volume, @Nullable BuiltinDlls builtin) {
        this.sections = sections;
        this.io = io;
        this.volume = volume;
        this.builtin = builtin;
        this.cache = new ImageSectionCache(sections, kernel, io, volume);
    }

    /** Sections by path, for loaders of user processes. */
    public ImageSectionCache cache() {
        return cache;
    }

    /** {@code C:\Windows\System32\ntdll.dll}. */
    public Image ntdll() {
        String path = SYSTEM_DIRECTORY.concat(NTDLL);
        Image known = known(path);
        if (known != null) {
            return known;
        }
        byte[] bytes = builtin == null ? null : builtin.file(NTDLL);
        return add(
                path,
                bytes != null
                        ? bytes
                        : new StubDllBuilder(NTDLL, DllSkeleton.ntdll()).build().file());
    }

    /** A program of the boot. */
    Image program(String path) {
        Image known = known(path);
        if (known != null) {
            return known;
        }
        PeBuilder builder = new PeBuilder(PROGRAM_BASE, 3)
                .subsystem(PeFormat.SUBSYSTEM_WINDOWS_GUI)
                .timeDateStamp(path.hashCode());
        long entry = builder.add(".text", PeBuilder.CODE, Pages.SIZE, (byte) 0xCC, List.of());
        builder.addZeroFill(".data", PeBuilder.READ_WRITE, Pages.SIZE);
        return add(path, builder.entryPoint(entry).toFile());
    }

    private @Nullable Image known(String path) {
        return images.get(path.toLowerCase(Locale.ROOT));
    }

    private Image add(String path, byte[] bytes) {
        PeImage image = PeImage.ofFile(bytes);
        long file = openFile(path);
        Image made = new Image(path, image, sections.create(image, path, file), file);
        io.setImageSection(file, made.controlArea());
        images.put(path.toLowerCase(Locale.ROOT), made);
        cache.add(path, image, made.controlArea());
        return made;
    }

    /** A file object of a DOS path, with one reference. */
    private long openFile(String dosPath) {
        boolean hasDrive = dosPath.length() > 2 && dosPath.charAt(1) == ':';
        return io.createFile(io.volumeOf(dosPath, volume), hasDrive ? dosPath.substring(2) : dosPath);
    }
}
