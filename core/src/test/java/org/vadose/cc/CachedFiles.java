package org.vadose.cc;

import java.util.List;
import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestPath;
import org.vadose.io.OpenFile;
import org.vadose.machine.Checks;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;
import org.vadose.mm.SectionServices;
import org.vadose.mm.ViewServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.HandleTable;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Section;
import org.vadose.ob.KnownType;
import org.vadose.ps.Account;
import org.vadose.ps.ProcessSpec;

/** A bare machine with a drive, whose System process opens and maps files. */
final class CachedFiles implements AutoCloseable {
    static final int READ_WRITE = 0xC000_0000;

    final Machine machine;
    final GuestFileSystem files;
    final Eprocess process;
    private final HandleTable table;

    CachedFiles(long ramBytes) {
        this(ramBytes, List.of());
    }

    CachedFiles(long ramBytes, List<org.vadose.machine.PageFileSetup> pageFiles) {
        MachineConfig config =
                MachineConfig.standard().withBare(true).withRamBytes(ramBytes).withPageFiles(pageFiles);
        machine = Machine.boot(config);
        files = new GuestFileSystem(() -> machine.clock().now());
        files.addDrive('C');
        process = machine.processManager()
                .create(new ProcessSpec(
                        "reader.exe",
                        "",
                        4,
                        ProcessSpec.NO_SESSION,
                        Account.USER,
                        machine.memoryManager().createAddressSpace(),
                        true,
                        8));
        machine.attach(process);
        table = new HandleTable(machine.objectManager().memory(), process.objectTable());
    }

    /** A handle with its file object. */
    record Handle(int value, long body, OpenFile.OnDisk file) {}

    Handle open(String path) {
        return open(path, GuestFileSystem.Disposition.OPEN_IF, 0);
    }

    Handle openReadOnly(String path) {
        return open(path, 0x8000_0000, GuestFileSystem.Disposition.OPEN, 0);
    }

    Handle open(String path, GuestFileSystem.Disposition disposition, int options) {
        return open(path, READ_WRITE, disposition, options);
    }

    private Handle open(String path, int access, GuestFileSystem.Disposition disposition, int options) {
        OpenFile.OnDisk file = files.open(
                        GuestPath.parse(path, GuestPath.root('C')), access, 7, disposition, options, 0)
                .file();
        long body = machine.ioSystem().createFile(machine.systemVolume(), file);
        var handles = machine.objectManager().handles();
        int handle = handles.open(table, body, 0, KnownType.FILE.validAccess());
        machine.objectManager().dereference(body);
        return new Handle(handle, body, file);
    }

    void close(Handle handle) {
        machine.objectManager().handles().close(table, handle.value());
    }

    /** A view of a file in the process. */
    record View(long section, long base) {}

    View map(Handle handle) {
        long section = machine.objectManager().create(KnownType.SECTION, Section.SIZE);
        SectionServices sections = machine.memoryManager().sectionObjects();
        expect(sections.create(
                        section,
                        process,
                        0,
                        PageProtection.PAGE_READWRITE,
                        SectionServices.SEC_COMMIT,
                        machine.ioSystem().mapped(handle.body()),
                        "test")
                .isSuccess());
        ViewServices.View view = new ViewServices.View();
        expect(machine.memoryManager()
                .views()
                .map(section, process, view, 0, 0, ViewServices.VIEW_UNMAP, 0, PageProtection.PAGE_READWRITE)
                .isSuccess());
        return new View(section, view.base);
    }

    void unmap(View view) {
        expect(machine.memoryManager().views().unmap(process, view.base()).isSuccess());
        machine.objectManager().dereference(view.section());
    }

    private static void expect(boolean success) {
        if (!success) {
            throw new IllegalStateException("file could not be mapped");
        }
    }

    byte[] read(Handle handle, long position, int length) {
        byte[] bytes = new byte[length];
        int count = handle.file().read(position, bytes, 0, length);
        return java.util.Arrays.copyOf(bytes, count);
    }

    void write(Handle handle, long position, byte[] bytes) {
        handle.file().write(position, bytes, 0, bytes.length);
    }

    void check(String when) {
        Checks.check(when, machine);
    }

    @Override
    public void close() {
        machine.close();
    }
}
