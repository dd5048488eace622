package org.vadose.io;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vadose.io.GuestFileSystem.Disposition;

/** Whatever a guest calls a file, what it reads and writes is in the folder that was granted. */
class GuestEscapeTest {
    private static final int READ = 0x8000_0000;
    private static final int WRITE = 0x4000_0000;
    private static final int SHARE_ALL = 7;
    private static final int SEED = 20261121;
    private static final int STEPS = 6_000;
    private static final String SECRET = "what nobody granted";
    private static final String[] PARTS = {
        "..",
        ".",
        "...",
        ".. ",
        ". .",
        "..\\..",
        "../..",
        "sub",
        "SUB",
        "deep",
        "file.txt",
        "link",
        "up",
        "up/secret.txt",
        "secret.txt",
        "outside",
        "",
        " ",
        "NUL",
        "CON",
        "com1",
        "COM1.txt",
        "aux.h",
        "CONIN$",
        "file.txt:stream",
        "file.txt::$DATA",
        ":x",
        "C:",
        "D:",
        "D:..",
        "a\0b",
        "%2e%2e",
        "..%5c",
        "\u2025",
        "\uff0e\uff0e",
        "..\u0000",
        "~",
        "$RECYCLE.BIN",
        "x".repeat(300),
        "a*",
        "b?",
        "<>",
        "|"
    };
    private static final String[] STARTS = {
        "",
        "D:",
        "D:\\",
        "D:/",
        "\\",
        "\\\\",
        "\\\\?\\D:\\",
        "\\\\.\\D:\\",
        "\\??\\D:\\",
        "\\\\?\\",
        "\\\\?\\UNC\\host\\share\\",
        "\\\\?\\GLOBALROOT\\Device\\HarddiskVolume2\\",
        "\\\\.\\PhysicalDrive0",
        "\\\\localhost\\c$\\",
        "/",
        "/etc/",
        "//",
        "C:\\",
        "file:///"
    };

    @TempDir
    Path sandbox;

    private final GuestFileSystem files = new GuestFileSystem(() -> 1000L);
    private Path granted;

    @BeforeEach
    void grant() throws IOException {
        granted = Files.createDirectory(sandbox.resolve("granted"));
        Files.createDirectories(granted.resolve("sub/deep"));
        Files.writeString(granted.resolve("file.txt"), "inside");
        Files.writeString(sandbox.resolve("secret.txt"), SECRET);
        Files.createDirectory(sandbox.resolve("outside"));
        Files.writeString(sandbox.resolve("outside/secret.txt"), SECRET);
        Files.createSymbolicLink(granted.resolve("link"), sandbox.resolve("secret.txt"));
        Files.createSymbolicLink(granted.resolve("up"), sandbox);
        files.addDrive('C');
        files.mount('D', granted, true);
    }

    /** Every file and link outside the granted folder, with its bytes. */
    private Map<String, String> outside() throws IOException {
        Map<String, String> found = new TreeMap<>();
        try (Stream<Path> all = Files.walk(sandbox)) {
            for (Path path : all.filter(p -> !p.startsWith(granted)).toList()) {
                boolean isFile = Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS);
                found.put(sandbox.relativize(path).toString(), isFile ? Files.readString(path) : "");
            }
        }
        return found;
    }

    @Test
    void noNameLeadsOutOfAMountedFolder() throws IOException {
        System.out.println("GuestEscapeTest seed=" + SEED);
        Random random = new Random(SEED);
        Map<String, String> before = outside();
        for (int step = 0; step < STEPS; step++) {
            String name = name(random);
            try {
                act(random, name);
            } catch (FileException refused) {
                // As good as any answer.
            }
            if (step % 1000 == 0) {
                assertEquals(before, outside(), name);
            }
        }
        assertEquals(before, outside());
    }

    private static String name(Random random) {
        StringBuilder name = new StringBuilder(STARTS[random.nextInt(STARTS.length)]);
        for (int parts = random.nextInt(5); parts >= 0; parts--) {
            name.append(PARTS[random.nextInt(PARTS.length)]).append(random.nextInt(4) == 0 ? '/' : '\\');
        }
        return random.nextBoolean() ? name.substring(0, name.length() - 1) : name.toString();
    }

    private void act(Random random, String name) {
        GuestPath path = GuestPath.parse(name, GuestPath.parse("D:\\sub", GuestPath.root('D')));
        switch (random.nextInt(4)) {
            case 0 -> {
                Disposition[] all = Disposition.values();
                try (OpenFile.OnDisk file = files.open(
                                path, READ | WRITE, SHARE_ALL, all[random.nextInt(all.length)], 0, 0)
                        .file()) {
                    if (!file.node().isDirectory()) {
                        byte[] bytes = new byte[64];
                        int length = file.read(0, bytes, 0, bytes.length);
                        String text = new String(bytes, 0, Math.max(0, length), US_ASCII);
                        assertEquals(-1, text.indexOf(SECRET), name);
                        file.write(0, "guest".getBytes(US_ASCII), 0, 5);
                    }
                }
            }
            case 1 -> files.rename(path, GuestPath.parse(name(random), GuestPath.root('D')), random.nextBoolean());
            case 2 -> {
                FileNode node = files.find(path);
                if (node != null && node.isDirectory() && path.parts().isEmpty() && path.drive() == 'D') {
                    for (FileNode each : files.list(node)) {
                        assertEquals(false, List.of("link", "up").contains(each.name()) && isLink(each.name()), name);
                    }
                }
            }
            default -> {
                FileNode node = files.find(path);
                if (node != null && !node.isDirectory() && random.nextInt(10) == 0) {
                    try (OpenFile.OnDisk file = files.open(
                                    path, READ | WRITE | 0x10000, SHARE_ALL, Disposition.OPEN, 0, 0)
                            .file()) {
                        files.markForDeletion(file.node(), true);
                    }
                }
            }
        }
    }

    private boolean isLink(String name) {
        return Files.isSymbolicLink(granted.resolve(name));
    }

    /** A link put in a folder's place after the guest has seen the folder. */
    @Test
    void aFolderThatBecomesALinkLeadsNowhere() throws IOException {
        GuestPath inside = GuestPath.parse("D:\\sub\\deep\\new.txt", GuestPath.root('D'));
        assertEquals(true, files.find(inside.parent()) != null);
        Map<String, String> before = outside();
        Files.delete(granted.resolve("sub/deep"));
        Files.delete(granted.resolve("sub"));
        Files.createSymbolicLink(granted.resolve("sub"), sandbox.resolve("outside"));
        Files.createDirectory(sandbox.resolve("outside/deep"));
        before.put("outside/deep", "");
        assertThrows(
                FileException.class,
                () -> files.open(inside, WRITE, SHARE_ALL, Disposition.CREATE, 0, 0)
                        .file()
                        .close());
        GuestPath secret = GuestPath.parse("D:\\sub\\secret.txt", GuestPath.root('D'));
        assertThrows(
                FileException.class,
                () -> files.open(secret, READ, SHARE_ALL, Disposition.OPEN, 0, 0)
                        .file()
                        .close());
        assertEquals(before, outside());
    }
}
