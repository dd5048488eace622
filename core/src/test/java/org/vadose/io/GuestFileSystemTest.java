package org.vadose.io;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vadose.base.NtStatus;
import org.vadose.io.GuestFileSystem.Disposition;

class GuestFileSystemTest {
    private static final int READ = 0x8000_0000;
    private static final int WRITE = 0x4000_0000;
    private static final int SHARE_ALL = 7;

    private final GuestFileSystem files = new GuestFileSystem(() -> 1000L);

    @TempDir
    Path host;

    GuestFileSystemTest() {
        files.addDrive('C');
        files.makeDirectories("C:\\Windows\\System32");
    }

    private static GuestPath path(String text) {
        return GuestPath.parse(text, GuestPath.parse("C:\\Windows", GuestPath.root('C')));
    }

    private OpenFile.OnDisk open(String text, int access, Disposition disposition) {
        return files.open(path(text), access, SHARE_ALL, disposition, 0, 0).file();
    }

    private static String content(OpenFile file) {
        byte[] bytes = new byte[100];
        return new String(bytes, 0, file.read(0, bytes, 0, bytes.length), US_ASCII);
    }

    @Test
    void dotsAndSlashesResolveAndNeverLeaveTheDrive() {
        assertEquals("C:\\Windows\\a", path("a").toString());
        assertEquals("C:\\a", path("../../../..//a").toString());
        assertEquals("C:\\x\\z", path("C:/x/y/./../z. . ").toString());
        assertEquals("D:\\q", path("d:\\q").toString());
        assertEquals("C:\\Windows\\b", path("\\\\?\\C:\\Windows\\b").toString());
    }

    @Test
    void streamsDevicesAndWildCardsAreNoNames() {
        for (String bad : List.of("a:b", "NUL", "com1.txt", "a*b", "x?", "a<b", "CON", "lpt9.", "a\u0001b")) {
            FileException e = assertThrows(FileException.class, () -> path("C:\\" + bad), bad);
            assertEquals(NtStatus.OBJECT_NAME_INVALID, e.status());
        }
    }

    @Test
    void namesIgnoreCaseAndKeepIt() {
        open("C:\\Windows\\Readme.TXT", WRITE, Disposition.CREATE).close();
        FileNode node = files.find(path("c:\\WINDOWS\\readme.txt"));
        assertNotNull(node);
        assertEquals("Readme.TXT", node.name());
        FileException e = assertThrows(FileException.class, () -> open("README.txt", WRITE, Disposition.CREATE));
        assertEquals(NtStatus.OBJECT_NAME_COLLISION, e.status());
    }

    @Test
    void writesToTheProgramsFolderStayInMemory() throws IOException {
        Files.writeString(host.resolve("data.txt"), "host");
        files.showFolder("C:\\Programs\\p", host);
        try (OpenFile.OnDisk file = open("C:\\Programs\\p\\data.txt", READ | WRITE, Disposition.OPEN)) {
            assertEquals("host", content(file));
            file.write(0, "mem".getBytes(US_ASCII), 0, 3);
            assertEquals("memt", content(file));
        }
        open("C:\\Programs\\p\\new.txt", WRITE, Disposition.CREATE).close();
        assertEquals("host", Files.readString(host.resolve("data.txt")));
        assertFalse(Files.exists(host.resolve("new.txt")));
    }

    @Test
    void writesToAFolderGrantedForWritingReachTheHost() throws IOException {
        files.mount('D', host, true);
        try (OpenFile.OnDisk file = open("D:\\out.txt", WRITE, Disposition.CREATE)) {
            file.write(0, "hello".getBytes(US_ASCII), 0, 5);
        }
        files.open(path("D:\\sub"), READ, SHARE_ALL, Disposition.CREATE, GuestFileSystem.ONLY_DIRECTORY, 0)
                .file()
                .close();
        assertEquals("hello", Files.readString(host.resolve("out.txt")));
        assertTrue(Files.isDirectory(host.resolve("sub")));
        files.rename(path("D:\\out.txt"), path("D:\\sub\\moved.txt"), false);
        assertEquals("hello", Files.readString(host.resolve("sub/moved.txt")));
    }

    /** A file that the host has no room for does not grow, not even on paper: nothing that is written later can be lost. */
    @Test
    void aFileGrowsOnlyAsFarAsTheHostHasRoom() throws IOException {
        Path out = Files.writeString(host.resolve("out.txt"), "before");
        files.mount('D', host, true);
        try (OpenFile.OnDisk file = open("D:\\out.txt", WRITE, Disposition.OPEN)) {
            file.setSize(200_000);
            assertEquals(200_000, Files.size(out));
            FileException e = assertThrows(FileException.class, () -> file.setSize(1L << 60));
            assertEquals(NtStatus.DISK_FULL, e.status());
            assertEquals(200_000, Files.size(out));
            file.setSize(6);
        }
        assertEquals("before", Files.readString(out));
    }

    /** As on the host itself: the file lives until it is closed. */
    @Test
    void aFileThatTheHostDeletesIsTheGuestsUntilItIsClosed() throws IOException {
        Path out = Files.writeString(host.resolve("out.txt"), "before");
        files.mount('D', host, true);
        try (OpenFile.OnDisk file = open("D:\\out.txt", WRITE, Disposition.OPEN)) {
            byte[] bytes = new byte[6];
            assertEquals(6, file.read(0, bytes, 0, 6));
            Files.delete(out);
            file.write(3, "e".getBytes(US_ASCII), 0, 1);
            assertEquals(6, file.node().size());
            assertEquals(6, file.read(0, bytes, 0, 6));
            assertEquals("befere", new String(bytes, US_ASCII));
        }
    }

    @Test
    void symbolicLinksDoNotExistForTheGuest() throws IOException {
        Path secret = Files.createTempFile("secret", ".txt");
        try {
            Files.createSymbolicLink(host.resolve("link.txt"), secret);
            Files.createSymbolicLink(host.resolve("up"), host.getParent());
            files.mount('D', host, true);
            assertNull(files.find(path("D:\\link.txt")));
            assertNull(files.find(path("D:\\up")));
        } finally {
            Files.delete(secret);
        }
    }

    @Test
    void sharingIsAgreedBothWays() {
        OpenFile.OnDisk reader =
                files.open(path("f"), READ, 1, Disposition.OPEN_IF, 0, 0).file();
        FileException e = assertThrows(
                FileException.class, () -> files.open(path("f"), WRITE, SHARE_ALL, Disposition.OPEN, 0, 0));
        assertEquals(NtStatus.SHARING_VIOLATION, e.status());
        reader.close();
        open("f", WRITE, Disposition.OPEN).close();
    }

    @Test
    void aFileMarkedForDeletionGoesWithItsLastHandle() {
        OpenFile.OnDisk file = open("f", WRITE, Disposition.CREATE);
        files.markForDeletion(file.node(), true);
        FileException e = assertThrows(FileException.class, () -> open("f", READ, Disposition.OPEN));
        assertEquals(NtStatus.DELETE_PENDING, e.status());
        file.close();
        assertNull(files.find(path("f")));
        open("f", WRITE, Disposition.CREATE).close();
    }

    @Test
    void missingFilesAndMissingFoldersDiffer() {
        FileException file = assertThrows(FileException.class, () -> open("nope", READ, Disposition.OPEN));
        assertEquals(2, file.status().win32Error());
        FileException folder = assertThrows(FileException.class, () -> open("no\\pe", READ, Disposition.OPEN));
        assertEquals(3, folder.status().win32Error());
    }

    @Test
    void aFullDiskSaysSo() {
        OpenFile.OnDisk file = open("big", WRITE, Disposition.CREATE);
        FileException e = assertThrows(FileException.class, () -> file.setSize(1L << 40));
        assertEquals(NtStatus.DISK_FULL, e.status());
        assertEquals(0, file.node().size());
    }
}
