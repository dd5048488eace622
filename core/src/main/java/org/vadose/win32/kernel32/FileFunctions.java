package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.io.FileException;
import org.vadose.io.FileNode;
import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestFileSystem.Disposition;
import org.vadose.io.GuestPath;
import org.vadose.io.OpenFile;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ConsoleEvents;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.TypedReads;

/** Opening, reading, writing, positions, sizes, attributes of files. */
final class FileFunctions {
    static final long INVALID_HANDLE = -1;
    private static final int ERROR_PATH_NOT_FOUND = 3;
    private static final int ERROR_ACCESS_DENIED = 5;
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_FILE_EXISTS = 80;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_BROKEN_PIPE = 109;
    private static final int ERROR_NEGATIVE_SEEK = 131;
    private static final int ERROR_ALREADY_EXISTS = 183;
    private static final int ERROR_NOACCESS = 998;
    private static final int FILE_FLAG_DELETE_ON_CLOSE = 0x0400_0000;
    private static final int FILE_FLAG_WRITE_THROUGH = 0x8000_0000;
    private static final int FILE_FLAG_RANDOM_ACCESS = 0x1000_0000;
    private static final int FILE_FLAG_NO_BUFFERING = 0x2000_0000;
    private static final int FILE_FLAG_SEQUENTIAL_SCAN = 0x0800_0000;
    private static final int FILE_FLAG_BACKUP_SEMANTICS = 0x0200_0000;
    private static final int SETTABLE_ATTRIBUTES = 0xFFFF;
    private static final int FILE_APPEND_DATA = 4;
    private static final int FILE_WRITE_DATA = 2;
    private static final int GENERIC_WRITE = 0x4000_0000;
    private static final int GENERIC_ALL = 0x1000_0000;
    private static final long INVALID_FILE_SIZE = 0xFFFF_FFFFL;
    private static final int CHUNK = 1 << 16;

    private FileFunctions() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("CreateFile" + letter, call -> createFile(call, wide))
                    .function("DeleteFile" + letter, call -> delete(call, wide, false))
                    .function("RemoveDirectory" + letter, call -> delete(call, wide, true))
                    .function("CreateDirectory" + letter, call -> createDirectory(call, wide))
                    .function("GetFileAttributes" + letter, call -> getAttributes(call, wide))
                    .function("GetFileAttributesEx" + letter, call -> getAttributesEx(call, wide))
                    .function("SetFileAttributes" + letter, call -> setAttributes(call, wide))
                    .function("MoveFile" + letter, call -> move(call, wide, false))
                    .function("MoveFileEx" + letter, call -> move(call, wide, (call.intArg(2) & 1) != 0))
                    .function("CopyFile" + letter, call -> copy(call, wide));
        }
        kernel32.function("ReadFile", FileFunctions::readFile)
                .function("WriteFile", FileFunctions::writeFile)
                .function("FlushFileBuffers", FileFunctions::flush)
                .function("GetFileType", FileFunctions::getFileType)
                .function("GetFileSize", FileFunctions::getFileSize)
                .function("GetFileSizeEx", FileFunctions::getFileSizeEx)
                .function("SetFilePointer", FileFunctions::setFilePointer)
                .function("SetFilePointerEx", FileFunctions::setFilePointerEx)
                .function("SetEndOfFile", FileFunctions::setEndOfFile)
                .function("GetFileTime", FileFunctions::getFileTime)
                .function("SetFileTime", FileFunctions::setFileTime)
                .function("GetFileInformationByHandle", FileFunctions::getInformation);
    }

    static GuestPath path(ApiCall call, String text) {
        return GuestPath.parse(text, call.process().currentDirectory());
    }

    static @Nullable OpenFile file(ApiCall call) {
        return call.process().objects().file(call.arg(0));
    }

    // --- opening ---

    private static long createFile(ApiCall call, boolean wide) {
        String name = FileTexts.readOrEmpty(call, call.arg(0), wide);
        int creation = call.intArg(4);
        int flags = call.intArg(5);
        Disposition disposition = switch (creation) {
            case 1 -> Disposition.CREATE;
            case 2 -> Disposition.OVERWRITE_IF;
            case 3 -> Disposition.OPEN;
            case 4 -> Disposition.OPEN_IF;
            case 5 -> Disposition.OVERWRITE;
            default -> null;
        };
        if (disposition == null || name.isEmpty()) {
            call.setLastError(name.isEmpty() ? ERROR_PATH_NOT_FOUND : ERROR_INVALID_PARAMETER);
            return INVALID_HANDLE;
        }
        GuestProcess process = call.process();
        try {
            OpenFile device = process.console().device(name, call.intArg(1));
            if (device instanceof OpenFile.Stream stream
                    && stream.isConsole()
                    && ConsoleEvents.of(process).console() == 0) {
                call.setLastError(ERROR_INVALID_HANDLE);
                return INVALID_HANDLE;
            }
            if (device != null) {
                return process.objects().open(device);
            }
            int options = (flags & FILE_FLAG_BACKUP_SEMANTICS) == 0 ? GuestFileSystem.NOT_DIRECTORY : 0;
            options |= (flags & FILE_FLAG_DELETE_ON_CLOSE) != 0 ? GuestFileSystem.DELETE_ON_CLOSE : 0;
            options |= (flags & FILE_FLAG_WRITE_THROUGH) != 0 ? GuestFileSystem.WRITE_THROUGH : 0;
            options |= (flags & FILE_FLAG_NO_BUFFERING) != 0 ? GuestFileSystem.NO_BUFFERING : 0;
            options |= (flags & FILE_FLAG_SEQUENTIAL_SCAN) != 0 ? GuestFileSystem.SEQUENTIAL_ONLY : 0;
            options |= (flags & FILE_FLAG_RANDOM_ACCESS) != 0 ? GuestFileSystem.RANDOM_ACCESS : 0;
            GuestFileSystem.Opened opened = process.files()
                    .open(
                            path(call, name),
                            call.intArg(1),
                            call.intArg(2),
                            disposition,
                            options,
                            flags & SETTABLE_ATTRIBUTES);
            boolean wasThere = opened.information() != 2;
            call.setLastError(wasThere && (creation == 2 || creation == 4) ? ERROR_ALREADY_EXISTS : 0);
            return SecurityAttributes.apply(call, call.arg(3), process.objects().open(opened.file()));
        } catch (FileException e) {
            call.setLastError(
                    e.status().equals(NtStatus.OBJECT_NAME_COLLISION)
                            ? ERROR_FILE_EXISTS
                            : e.status().win32Error());
            return INVALID_HANDLE;
        }
    }

    private static long createDirectory(ApiCall call, boolean wide) {
        try {
            call.process()
                    .files()
                    .open(
                            path(call, FileTexts.readOrEmpty(call, call.arg(0), wide)),
                            1,
                            7,
                            Disposition.CREATE,
                            GuestFileSystem.ONLY_DIRECTORY,
                            0)
                    .file()
                    .close();
            return 1;
        } catch (FileException e) {
            return call.fail(e.status());
        }
    }

    private static long delete(ApiCall call, boolean wide, boolean directory) {
        try {
            int options = directory ? GuestFileSystem.ONLY_DIRECTORY : GuestFileSystem.NOT_DIRECTORY;
            OpenFile.OnDisk file = call.process()
                    .files()
                    .open(
                            path(call, FileTexts.readOrEmpty(call, call.arg(0), wide)),
                            0x10000,
                            7,
                            Disposition.OPEN,
                            options,
                            0)
                    .file();
            try (file) {
                call.process().files().markForDeletion(file.node(), true);
            }
            return 1;
        } catch (FileException e) {
            return call.fail(e.status());
        }
    }

    private static long move(ApiCall call, boolean wide, boolean replace) {
        try {
            call.process()
                    .files()
                    .rename(
                            path(call, FileTexts.readOrEmpty(call, call.arg(0), wide)),
                            path(call, FileTexts.readOrEmpty(call, call.arg(1), wide)),
                            replace);
            return 1;
        } catch (FileException e) {
            return call.fail(e.status());
        }
    }

    private static long copy(ApiCall call, boolean wide) {
        GuestFileSystem files = call.process().files();
        Disposition disposition = call.boolArg(2) ? Disposition.CREATE : Disposition.OVERWRITE_IF;
        GuestPath from;
        GuestPath to;
        try {
            from = path(call, FileTexts.readOrEmpty(call, call.arg(0), wide));
            to = path(call, FileTexts.readOrEmpty(call, call.arg(1), wide));
            try (OpenFile.OnDisk source = files.open(
                                    from, 0x8000_0000, 3, Disposition.OPEN, GuestFileSystem.NOT_DIRECTORY, 0)
                            .file();
                    OpenFile.OnDisk target = files.open(
                                    to, GENERIC_WRITE, 0, disposition, GuestFileSystem.NOT_DIRECTORY, 0)
                            .file()) {
                byte[] buffer = new byte[CHUNK];
                long position = 0;
                for (int count; (count = source.read(position, buffer, 0, CHUNK)) > 0; position += count) {
                    target.write(position, buffer, 0, count);
                }
                target.node().setAttributes(source.node().attributes());
                target.node().setTimes(0, 0, source.node().lastWriteTime());
            }
            return 1;
        } catch (FileException e) {
            return call.fail(e.status());
        }
    }

    // --- bytes ---

    private static long readFile(ApiCall call) {
        OpenFile file = file(call);
        long countAt = call.arg(3);
        if (countAt != 0) {
            call.memory().writeInt(countAt, 0);
        }
        if (file == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if (file.node() != null && !canRead(file.access())) {
            return call.fail(ERROR_ACCESS_DENIED);
        }
        long overlapped = call.arg(4);
        long start = overlapped != 0 ? call.memory().readLong(overlapped + 16) : position(call, file);
        try {
            int done = transfer(call, file, start, call.arg(1), call.unsignedIntArg(2), false);
            if (done == 0 && call.intArg(2) != 0 && file.kind() == OpenFile.Kind.PIPE) {
                return call.fail(ERROR_BROKEN_PIPE);
            }
            return finish(call, file, start, done, overlapped);
        } catch (FileException e) {
            return call.fail(e.status());
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }

    private static long writeFile(ApiCall call) {
        OpenFile file = file(call);
        long countAt = call.arg(3);
        if (countAt != 0) {
            call.memory().writeInt(countAt, 0);
        }
        if (file == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if (!canWrite(file.access())) {
            return call.fail(ERROR_ACCESS_DENIED);
        }
        long overlapped = call.arg(4);
        long start = overlapped != 0 ? call.memory().readLong(overlapped + 16) : position(call, file);
        FileNode node = file.node();
        boolean appends = (file.access() & (FILE_APPEND_DATA | FILE_WRITE_DATA | GENERIC_WRITE | GENERIC_ALL))
                == FILE_APPEND_DATA;
        if (node != null && appends) {
            start = node.size();
        }
        try {
            int done = transfer(call, file, start, call.arg(1), call.unsignedIntArg(2), true);
            if (node != null && done > 0) {
                node.setTimes(0, 0, call.process().clock().systemTime());
            }
            return finish(call, file, start, done, overlapped);
        } catch (FileException e) {
            return call.fail(e.status());
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }

    private static long flush(ApiCall call) {
        OpenFile file = file(call);
        if (file == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        try {
            file.flush();
            return 1;
        } catch (FileException e) {
            return call.fail(e.status());
        }
    }

    /** Moves bytes in pieces, so that a huge count from a guest needs no huge array. */
    private static int transfer(ApiCall call, OpenFile file, long start, long buffer, long length, boolean write) {
        if (file instanceof OpenFile.OnDisk disk) {
            disk.checkSectors(start, length);
            disk.checkLocks(call.process().eprocess().address(), 0, start, length, write);
        }
        byte[] piece = new byte[(int) Math.min(length, CHUNK)];
        int done = 0;
        while (done < length) {
            int wanted = (int) Math.min(piece.length, length - done);
            int count;
            if (write) {
                call.memory().read(buffer + done, piece, 0, wanted);
                count = file.write(start + done, piece, 0, wanted);
            } else {
                count = TypedReads.read(call, call.arg(0), file, start + done, piece, 0, wanted);
                call.memory().write(buffer + done, piece, 0, count);
            }
            done += count;
            if (count < wanted) {
                break;
            }
        }
        return done;
    }

    private static long finish(ApiCall call, OpenFile file, long start, int done, long overlapped) {
        if (file.node() != null) {
            call.process().objects().setFilePosition(call.arg(0), start + done);
        }
        if (call.arg(3) != 0) {
            call.memory().writeInt(call.arg(3), done);
        }
        if (overlapped != 0) {
            call.memory().writeLong(overlapped, 0);
            call.memory().writeLong(overlapped + 8, done);
        }
        return 1;
    }

    private static boolean canRead(int access) {
        return (access & (0x8000_0000 | GENERIC_ALL | 1 | 0x2000_0000)) != 0;
    }

    private static boolean canWrite(int access) {
        return (access & (GENERIC_WRITE | GENERIC_ALL | FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    }

    private static long position(ApiCall call, OpenFile file) {
        return file.node() == null ? 0 : call.process().objects().filePosition(call.arg(0));
    }

    // --- sizes and positions ---

    private static long getFileType(ApiCall call) {
        OpenFile file = file(call);
        if (file == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        call.setLastError(0);
        return file.kind().win32();
    }

    private static long getFileSize(ApiCall call) {
        OpenFile file = file(call);
        FileNode node = file == null ? null : file.node();
        if (node == null) {
            call.setLastError(ERROR_INVALID_HANDLE);
            return INVALID_FILE_SIZE;
        }
        if (call.arg(1) != 0) {
            call.memory().writeInt(call.arg(1), (int) (node.size() >>> 32));
        }
        call.setLastError(0);
        return node.size() & 0xFFFF_FFFFL;
    }

    private static long getFileSizeEx(ApiCall call) {
        OpenFile file = file(call);
        FileNode node = file == null ? null : file.node();
        if (node == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        call.memory().writeLong(call.arg(1), node.size());
        return 1;
    }

    /** The new position, or -1 with the last error set. */
    private static long seek(ApiCall call, long distance, int method) {
        OpenFile file = file(call);
        FileNode node = file == null ? null : file.node();
        if (node == null || method < 0 || method > 2) {
            call.setLastError(node == null ? ERROR_INVALID_HANDLE : ERROR_INVALID_PARAMETER);
            return -1;
        }
        long from = switch (method) {
            case 0 -> 0;
            case 1 -> call.process().objects().filePosition(call.arg(0));
            default -> node.size();
        };
        long to = from + distance;
        if (to < 0) {
            call.setLastError(ERROR_NEGATIVE_SEEK);
            return -1;
        }
        call.process().objects().setFilePosition(call.arg(0), to);
        return to;
    }

    private static long setFilePointer(ApiCall call) {
        long highAt = call.arg(2);
        long distance =
                highAt == 0 ? call.intArg(1) : (long) call.memory().readInt(highAt) << 32 | call.unsignedIntArg(1);
        long to = seek(call, distance, call.intArg(3));
        if (to < 0) {
            return INVALID_FILE_SIZE;
        }
        if (highAt != 0) {
            call.memory().writeInt(highAt, (int) (to >>> 32));
        }
        call.setLastError(0);
        return to & 0xFFFF_FFFFL;
    }

    private static long setFilePointerEx(ApiCall call) {
        long to = seek(call, call.arg(1), call.intArg(3));
        if (to < 0) {
            return 0;
        }
        if (call.arg(2) != 0) {
            call.memory().writeLong(call.arg(2), to);
        }
        return 1;
    }

    private static long setEndOfFile(ApiCall call) {
        if (!(file(call) instanceof OpenFile.OnDisk file)) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if (!canWrite(file.access())) {
            return call.fail(ERROR_ACCESS_DENIED);
        }
        try {
            file.setSize(call.process().objects().filePosition(call.arg(0)));
            return 1;
        } catch (FileException e) {
            return call.fail(e.status());
        }
    }

    // --- attributes and times ---

    private static @Nullable FileNode named(ApiCall call, boolean wide) {
        try {
            GuestPath path = path(call, FileTexts.readOrEmpty(call, call.arg(0), wide));
            FileNode node = call.process().files().find(path);
            if (node == null) {
                FileNode parent = call.process().files().find(path.parent());
                call.fail(
                        parent == null || !parent.isDirectory()
                                ? NtStatus.OBJECT_PATH_NOT_FOUND
                                : NtStatus.OBJECT_NAME_NOT_FOUND);
            }
            return node;
        } catch (FileException e) {
            call.fail(e.status());
            return null;
        }
    }

    private static long getAttributes(ApiCall call, boolean wide) {
        FileNode node = named(call, wide);
        return node == null ? 0xFFFF_FFFFL : node.attributes();
    }

    private static long getAttributesEx(ApiCall call, boolean wide) {
        FileNode node = named(call, wide);
        if (node == null) {
            return 0;
        }
        writeAttributeData(call.memory(), call.arg(2), node);
        return 1;
    }

    /** WIN32_FILE_ATTRIBUTE_DATA, with which WIN32_FIND_DATA begins too: attributes, three times, size high and low. */
    static void writeAttributeData(Memory memory, long address, FileNode node) {
        memory.writeInt(address, node.attributes());
        memory.writeLong(address + 4, node.creationTime());
        memory.writeLong(address + 12, node.lastAccessTime());
        memory.writeLong(address + 20, node.lastWriteTime());
        memory.writeInt(address + 28, (int) (node.size() >>> 32));
        memory.writeInt(address + 32, (int) node.size());
    }

    private static long setAttributes(ApiCall call, boolean wide) {
        FileNode node = named(call, wide);
        if (node == null) {
            return 0;
        }
        node.setAttributes(call.intArg(1));
        return 1;
    }

    private static long getFileTime(ApiCall call) {
        OpenFile file = file(call);
        FileNode node = file == null ? null : file.node();
        if (node == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        long[] times = {node.creationTime(), node.lastAccessTime(), node.lastWriteTime()};
        for (int i = 0; i < times.length; i++) {
            if (call.arg(i + 1) != 0) {
                call.memory().writeLong(call.arg(i + 1), times[i]);
            }
        }
        return 1;
    }

    private static long setFileTime(ApiCall call) {
        OpenFile file = file(call);
        FileNode node = file == null ? null : file.node();
        if (node == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        long[] times = new long[3];
        for (int i = 0; i < times.length; i++) {
            times[i] = call.arg(i + 1) == 0 ? 0 : call.memory().readLong(call.arg(i + 1));
        }
        node.setTimes(times[0], times[1], times[2]);
        return 1;
    }

    /** BY_HANDLE_FILE_INFORMATION. */
    private static long getInformation(ApiCall call) {
        OpenFile file = file(call);
        FileNode node = file == null ? null : file.node();
        if (node == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        Memory memory = call.memory();
        long info = call.arg(1);
        memory.writeInt(info, node.attributes());
        memory.writeLong(info + 4, node.creationTime());
        memory.writeLong(info + 12, node.lastAccessTime());
        memory.writeLong(info + 20, node.lastWriteTime());
        memory.writeInt(info + 28, VolumeFunctions.VOLUME_SERIAL);
        memory.writeInt(info + 32, (int) (node.size() >>> 32));
        memory.writeInt(info + 36, (int) node.size());
        memory.writeInt(info + 40, 1);
        memory.writeInt(info + 44, (int) (node.index() >>> 32));
        memory.writeInt(info + 48, (int) node.index());
        return 1;
    }
}
