package org.vadose.machine;

import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestPath;
import org.vadose.mm.SectionServices;
import org.vadose.mm.ViewServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.HandleTable;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Section;
import org.vadose.ob.KnownType;

/**
 * A file of a guest's drive, mapped and written in a process of a booted desktop.
 *
 * @param base of the view
 * @param expected what the file's pages hold
 */
record MappedFileInProcess(Eprocess process, long file, long section, long base, byte[] expected) {
    private static final int READ_WRITE = 0xC000_0000;

    static MappedFileInProcess map(Machine machine, String path, byte[] bytes) {
        GuestFileSystem files = new GuestFileSystem(() -> machine.clock().now());
        files.addDrive('C');
        files.addFile(path, bytes.clone());
        GuestPath at = GuestPath.parse(path, GuestPath.root('C'));
        long file = machine.ioSystem()
                .createFile(
                        machine.systemVolume(),
                        files.open(at, READ_WRITE, 1, GuestFileSystem.Disposition.OPEN, 0, 0)
                                .file());
        Eprocess process = machine.processManager().processes().stream()
                .filter(p -> p.imageFileName().equalsIgnoreCase("explorer.exe"))
                .findFirst()
                .orElseThrow();
        var handles = machine.objectManager().handles();
        HandleTable table = new HandleTable(machine.objectManager().memory(), process.objectTable());
        handles.open(table, file, 0, KnownType.FILE.validAccess());
        long section = machine.objectManager().create(KnownType.SECTION, Section.SIZE);
        SectionServices sections = machine.memoryManager().sectionObjects();
        check(sections.create(
                        section,
                        process,
                        0,
                        PageProtection.PAGE_READWRITE,
                        SectionServices.SEC_COMMIT,
                        machine.ioSystem().mapped(file),
                        path)
                .isSuccess());
        handles.open(table, section, 0, KnownType.SECTION.validAccess());
        ViewServices.View view = new ViewServices.View();
        check(machine.memoryManager()
                .views()
                .map(section, process, view, 0, 0, ViewServices.VIEW_SHARE, 0, PageProtection.PAGE_READWRITE)
                .isSuccess());
        byte[] expected = bytes.clone();
        machine.memoryManager().attached(process, () -> {
            for (int i = 0; i < bytes.length; i += 4096) {
                machine.mmu().user().readByte(view.base + i);
            }
            machine.mmu().user().writeByte(view.base + 5000, (byte) 0x5A);
            return 0;
        });
        expected[5000] = 0x5A;
        return new MappedFileInProcess(process, file, section, view.base, expected);
    }

    private static void check(boolean success) {
        if (!success) {
            throw new IllegalStateException("file could not be mapped");
        }
    }
}
