package org.vadose.win32.loader;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.io.FileException;
import org.vadose.io.FileNode;
import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestPath;
import org.vadose.io.OpenFile;

/** DLLs out of the guest's own files. */
public final class GuestLoaderFiles implements LoaderFiles {
    private static final int GENERIC_READ = 0x8000_0000;
    private static final int SHARE_READ_DELETE = 0x1 | 0x4;
    /** Far above any DLL; what is larger is no image this machine could map. */
    private static final long LARGEST_FILE = 1L << 29;

    private final GuestFileSystem files;
    private final Supplier<GuestPath> currentDirectory;
    private final Supplier<String> searchPath;

    /**
     * @param currentDirectory of the process, now
     * @param searchPath the process's {@code PATH}, now
     */
    public GuestLoaderFiles(GuestFileSystem files, Supplier<GuestPath> currentDirectory, Supplier<String> searchPath) {
        this.files = files;
        this.currentDirectory = currentDirectory;
        this.searchPath = searchPath;
    }

    @Override
    public byte @Nullable [] read(String path) {
        try {
            GuestPath at = GuestPath.parse(path, currentDirectory.get());
            FileNode node = files.find(at);
            if (node == null || node.isDirectory()) {
                return null;
            }
            try (OpenFile file = files.open(
                            at,
                            GENERIC_READ,
                            SHARE_READ_DELETE,
                            GuestFileSystem.Disposition.OPEN,
                            GuestFileSystem.NOT_DIRECTORY,
                            0)
                    .file()) {
                return contents(path, file, node.size());
            }
        } catch (FileException e) {
            throw new LoaderException(e.status(), path + ": " + e.status());
        }
    }

    private static byte[] contents(String path, OpenFile file, long size) {
        if (size > LARGEST_FILE) {
            throw new LoaderException(
                    NtStatus.INVALID_IMAGE_FORMAT, "%s is too large for an image size=%d".formatted(path, size));
        }
        byte[] bytes = new byte[(int) size];
        int done = 0;
        while (done < bytes.length) {
            int count = file.read(done, bytes, done, bytes.length - done);
            if (count <= 0) {
                throw new LoaderException(
                        NtStatus.END_OF_FILE, "%s ended while it was read at=%d size=%d".formatted(path, done, size));
            }
            done += count;
        }
        return bytes;
    }

    @Override
    public String fullPath(String path) {
        try {
            return GuestPath.parse(path, currentDirectory.get()).toString();
        } catch (FileException e) {
            throw new LoaderException(e.status(), path + ": " + e.status());
        }
    }

    @Override
    public List<String> searchDirectories() {
        List<String> directories = new ArrayList<>(List.of("C:\\Windows\\System", "C:\\Windows"));
        directories.add(currentDirectory.get().toString());
        for (String part : searchPath.get().split(";")) {
            if (!part.isBlank()) {
                directories.add(part.strip());
            }
        }
        return directories;
    }
}
