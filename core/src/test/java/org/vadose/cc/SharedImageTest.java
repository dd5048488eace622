package org.vadose.cc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.io.FileException;
import org.vadose.io.FileNode;
import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestPath;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.ImageSections;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.SectionServices;
import org.vadose.nt.ControlArea;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Section;
import org.vadose.ob.KnownType;
import org.vadose.pe.PeImage;
import org.vadose.win32.loader.ImageSectionCache;

/** A file has one image section, whether a loader maps it or a program asks for SEC_IMAGE. */
class SharedImageTest {
    private static final String PATH = "C:\\hello.exe";

    private CachedFiles files;
    private MemoryManager manager;
    private Memory memory;
    private ImageSectionCache cache;
    private PeImage image;

    @BeforeEach
    void boot() throws IOException {
        byte[] program = Files.readAllBytes(Path.of("..", "examples", "hello.exe"));
        image = PeImage.ofFile(program);
        files = new CachedFiles(64L << 20);
        files.files.addFile(PATH, program);
        manager = files.machine.memoryManager();
        memory = manager.kernelMemory();
        cache = new ImageSectionCache(
                manager.sections(), memory, files.machine.ioSystem(), files.machine.systemVolume());
    }

    @AfterEach
    void close() {
        files.check("end of test");
        files.close();
    }

    private FileNode node() {
        return Objects.requireNonNull(files.files.find(GuestPath.parse(PATH, GuestPath.root('C'))));
    }

    private long sectionOf(CachedFiles.Handle handle) {
        long section = files.machine.objectManager().create(KnownType.SECTION, Section.SIZE);
        assertEquals(
                NtStatus.SUCCESS,
                manager.sectionObjects()
                        .create(
                                section,
                                files.process,
                                0,
                                PageProtection.PAGE_READONLY,
                                SectionServices.SEC_IMAGE,
                                files.machine.ioSystem().mapped(handle.body()),
                                PATH));
        return section;
    }

    private long imageSection(CachedFiles.Handle handle) {
        long pointers = memory.readLong(handle.body() + FileObjectLayout.SECTION_OBJECT_POINTER);
        return memory.readLong(pointers + SectionObjectPointersLayout.IMAGE_SECTION_OBJECT);
    }

    private void assertRefused(NtStatus status, Runnable use) {
        assertEquals(status, assertThrows(FileException.class, use::run).status());
    }

    @Test
    void loaderAndProgramShareOneControlArea() {
        long area = cache.area(PATH, image, node());
        ImageSections.View view = manager.sections().map(files.process, area);
        manager.sections().dereference(area);
        assertTrue(manager.mmu().user().readByte(view.base()) == 'M');
        assertRefused(NtStatus.SHARING_VIOLATION, () -> files.open(PATH));
        CachedFiles.Handle handle = files.openReadOnly(PATH);
        assertEquals(area, imageSection(handle));
        long section = sectionOf(handle);
        assertEquals(area, new Section(memory, section).controlArea().address());
        assertEquals(1, new ControlArea(memory, area).sectionReferences());
        assertEquals(1, new ControlArea(memory, area).mappedViews());
        files.check("both");
        assertRefused(NtStatus.CANNOT_DELETE, () -> files.files.markForDeletion(node(), true));
        files.machine.objectManager().dereference(section);
        manager.sections().unmap(files.process, view.base());
        files.check("unused");
        // Its pages wait for the next who wants them.
        assertEquals(area, imageSection(handle));
        assertTrue(new ControlArea(memory, area).isUnused());
        section = sectionOf(handle);
        assertEquals(area, new Section(memory, section).controlArea().address());
        files.machine.objectManager().dereference(section);
        files.close(handle);
        files.check("closed");
    }

    @Test
    void writingToTheFileEndsTheSection() {
        CachedFiles.Handle handle = files.openReadOnly(PATH);
        long section = sectionOf(handle);
        long first = imageSection(handle);
        assertEquals(first, cache.area(PATH, image, node()));
        files.machine.objectManager().dereference(section);
        ImageSections.View view = manager.sections().map(files.process, first);
        manager.mmu().user().readByte(view.base());
        manager.sections().dereference(first);
        manager.sections().unmap(files.process, view.base());
        assertNotEquals(0, imageSection(handle));
        CachedFiles.Handle writer = files.open(PATH);
        assertEquals(0, imageSection(handle));
        files.write(writer, 0, new byte[] {'X'});
        files.close(writer);
        files.close(handle);
        CachedFiles.Handle deleted =
                files.open(PATH, GuestFileSystem.Disposition.OPEN, GuestFileSystem.DELETE_ON_CLOSE);
        files.close(deleted);
        assertEquals(null, files.files.find(GuestPath.parse(PATH, GuestPath.root('C'))));
    }
}
