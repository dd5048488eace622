package org.vadose.win32.loader;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestPath;

class GuestLoaderFilesTest {
    private final GuestFileSystem files = new GuestFileSystem(() -> 0);
    private final GuestLoaderFiles loaderFiles = new GuestLoaderFiles(
            files, () -> GuestPath.parse("C:\\work", GuestPath.root('C')), () -> "C:\\tools; ;D:\\bin");

    GuestLoaderFilesTest() {
        files.addDrive('C');
        files.addFile("C:\\work\\a.dll", new byte[] {1, 2, 3});
    }

    @Test
    void readsFilesRelativeToTheCurrentDirectory() {
        assertArrayEquals(new byte[] {1, 2, 3}, loaderFiles.read("A.DLL"));
        assertArrayEquals(new byte[] {1, 2, 3}, loaderFiles.read("C:\\work\\.\\a.dll"));
        assertNull(loaderFiles.read("b.dll"));
        assertNull(loaderFiles.read("C:\\work"));
        assertEquals("C:\\work\\a.dll", loaderFiles.fullPath("..\\work\\a.dll"));
        assertThrows(LoaderException.class, () -> loaderFiles.fullPath("C:\\a|b.dll"));
    }

    @Test
    void searchesWindowsTheCurrentDirectoryAndThePath() {
        assertEquals(
                List.of("C:\\Windows\\System", "C:\\Windows", "C:\\work", "C:\\tools", "D:\\bin"),
                loaderFiles.searchDirectories());
    }
}
