package org.vadose.cc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.base.NtStatus;
import org.vadose.io.FileException;
import org.vadose.io.GuestFileSystem;
import org.vadose.memory.Memory;
import org.vadose.mm.PfnDatabase;

/** Files read, written, mapped, grown, cut, flushed and closed at random, against arrays; every invariant after each step. */
class RandomCacheTest {
    private static final int LARGEST = 3 << 20;

    /** A file as it must be. */
    private static final class Model {
        final String path;
        byte[] bytes = {};
        final List<CachedFiles.Handle> handles = new ArrayList<>();
        CachedFiles.@Nullable View view;
        int mappedBytes;

        Model(String path) {
            this.path = path;
        }
    }

    private Random random;
    private CachedFiles files;
    private final List<Model> models = new ArrayList<>();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void modelAgrees(long seed) {
        random = new Random(seed);
        try (CachedFiles made = new CachedFiles(32L << 20)) {
            files = made;
            for (int i = 0; i < 3; i++) {
                models.add(new Model("C:\\file" + i));
            }
            for (int step = 0; step < 100; step++) {
                String what = "seed=" + seed + " step=" + step + " " + step();
                files.check(what);
                files.machine.attach(files.process);
            }
            models.forEach(model -> {
                unmap(model);
                while (!model.handles.isEmpty()) {
                    close(model);
                }
            });
            files.check("seed=" + seed + " closed");
            for (Model model : models) {
                CachedFiles.Handle handle = files.open(model.path);
                assertEquals(model.bytes.length, handle.file().node().size());
                assertArrayEquals(model.bytes, files.read(handle, 0, model.bytes.length + 1), model.path);
                files.close(handle);
            }
            assertEquals(0, files.machine.cacheManager().dirtyPageCount());
        }
    }

    private String step() {
        Model model = models.get(random.nextInt(models.size()));
        if (model.handles.isEmpty() || random.nextInt(12) == 0 && model.handles.size() < 4) {
            int options = random.nextInt(6) == 0
                    ? GuestFileSystem.NO_BUFFERING
                    : random.nextInt(6) == 0 ? GuestFileSystem.WRITE_THROUGH : 0;
            model.handles.add(files.open(model.path, GuestFileSystem.Disposition.OPEN_IF, options));
            return "open";
        }
        return switch (random.nextInt(16)) {
            case 0 -> close(model);
            case 1, 2 -> map(model);
            case 3 -> unmap(model);
            case 4 -> resize(model);
            case 5 -> {
                handle(model).file().flush();
                yield "flush";
            }
            case 6 -> pressure();
            case 7, 8 -> viewAccess(model);
            case 9, 10, 11, 12 -> write(model);
            case 13 -> sequential(model);
            default -> read(model);
        };
    }

    private CachedFiles.Handle handle(Model model) {
        return model.handles.get(random.nextInt(model.handles.size()));
    }

    private String close(Model model) {
        files.close(model.handles.remove(random.nextInt(model.handles.size())));
        return "close";
    }

    private String map(Model model) {
        if (model.view == null && model.bytes.length > 0) {
            model.view = files.map(handle(model));
            model.mappedBytes = model.bytes.length;
        }
        return "map";
    }

    private String unmap(Model model) {
        if (model.view != null) {
            files.unmap(model.view);
            model.view = null;
        }
        return "unmap";
    }

    private String viewAccess(Model model) {
        CachedFiles.View view = model.view;
        if (view == null) {
            return "nothing";
        }
        Memory user = files.machine.mmu().user();
        for (int i = 0; i < 30; i++) {
            int at = random.nextInt(model.mappedBytes);
            if (random.nextBoolean()) {
                byte value = (byte) random.nextInt();
                user.writeByte(view.base() + at, value);
                model.bytes[at] = value;
            } else {
                assertEquals(model.bytes[at], user.readByte(view.base() + at), "mapped byte " + at);
            }
        }
        return "view";
    }

    private int position(Model model) {
        return random.nextInt(Math.min(LARGEST, model.bytes.length + 9000));
    }

    private String write(Model model) {
        CachedFiles.Handle handle = handle(model);
        int sector = sector(handle);
        int at = position(model) / sector * sector;
        int length = 1 + random.nextInt(random.nextInt(5) == 0 ? 600_000 : 9_000);
        byte[] bytes = new byte[Math.ceilDiv(length, sector) * sector];
        random.nextBytes(bytes);
        files.write(handle, at, bytes);
        if (at + bytes.length > model.bytes.length) {
            model.bytes = Arrays.copyOf(model.bytes, at + bytes.length);
        }
        System.arraycopy(bytes, 0, model.bytes, at, bytes.length);
        return "write at=" + at + " length=" + bytes.length;
    }

    private String read(Model model) {
        CachedFiles.Handle handle = handle(model);
        int sector = sector(handle);
        int at = position(model) / sector * sector;
        int length = Math.ceilDiv(1 + random.nextInt(100_000), sector) * sector;
        int end = Math.min(model.bytes.length, at + length);
        byte[] expected = at >= end ? new byte[0] : Arrays.copyOfRange(model.bytes, at, end);
        assertArrayEquals(expected, files.read(handle, at, length), "read at " + at);
        return "read";
    }

    /** What positions and lengths are multiples of. */
    private static int sector(CachedFiles.Handle handle) {
        return (handle.file().options() & GuestFileSystem.NO_BUFFERING) != 0 ? 512 : 1;
    }

    private String sequential(Model model) {
        CachedFiles.Handle handle = handle(model);
        if (sector(handle) != 1) {
            return "nothing";
        }
        int at = position(model);
        for (int i = 0; i < 20 && at < model.bytes.length; i++) {
            byte[] expected = Arrays.copyOfRange(model.bytes, at, Math.min(model.bytes.length, at + 3000));
            assertArrayEquals(expected, files.read(handle, at, 3000), "sequential read at " + at);
            at += 3000;
        }
        return "sequential";
    }

    private String resize(Model model) {
        int size = random.nextInt(3) == 0 ? random.nextInt(LARGEST) : position(model);
        try {
            handle(model).file().setSize(size);
            assertFalse(model.view != null && size < model.mappedBytes, "cut below what is mapped");
            model.bytes = Arrays.copyOf(model.bytes, size);
        } catch (FileException refused) {
            assertEquals(NtStatus.USER_MAPPED_FILE, refused.status());
            assertTrue(model.view != null && size < model.bytes.length, "refused");
        }
        return "resize " + size;
    }

    private String pressure() {
        int kind = random.nextInt(4);
        switch (kind) {
            case 0 -> files.machine.memoryManager().systemCache().empty();
            case 1 -> files.machine.cacheManager().lazyWrite();
            case 2 -> files.machine.memoryManager().writeModifiedPages();
            default -> {
                PfnDatabase pfns = files.machine.memoryManager().pfns();
                List<Long> frames = new ArrayList<>();
                for (long frame = pfns.allocate(0, 0); frame != PfnDatabase.NONE; frame = pfns.allocate(0, 0)) {
                    frames.add(frame);
                }
                frames.forEach(pfns::free);
            }
        }
        return "pressure " + kind;
    }
}
