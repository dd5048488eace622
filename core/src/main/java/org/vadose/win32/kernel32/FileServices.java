package org.vadose.win32.kernel32;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.io.FileException;
import org.vadose.io.FileNode;
import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestPath;
import org.vadose.io.OpenFile;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.UnicodeString;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.NamedObjects;
import org.vadose.win32.TypedReads;
import org.vadose.win32.WaitObject;

/**
 * The system services for files: opening by object name, reading, writing, and the {@code FILE_INFORMATION_CLASS}es that are about
 * sizes, times and names. They are done when they return: an event given to them is signalled, a call to be queued is refused.
 */
final class FileServices {
    private static final int ROOT_DIRECTORY = 8;
    private static final int OBJECT_NAME = 16;
    private static final int APPEND_ONLY_RIGHTS = 0x6;
    private static final int FILE_APPEND_DATA = 4;
    private static final int FILE_READ_DATA = 1;
    private static final int FILE_WRITE_DATA = 2;
    private static final int FILE_READ_ATTRIBUTES = 0x80;
    private static final int FILE_WRITE_ATTRIBUTES = 0x100;
    private static final int DELETE = 0x1_0000;

    /** {@code FILE_WRITE_TO_END_OF_FILE}, {@code FILE_USE_FILE_POINTER_POSITION} with -1 above them. */
    private static final long AT_END = -1;

    private static final long AT_POSITION = -2;
    private static final int CHUNK = 1 << 16;

    /** Options that are obeyed here or mean nothing where every call is done when it returns. */
    private static final int SERVED_OPTIONS = 0xFF | 0x800 | 0x1000 | 0x4000 | 0x20_0000 | 0x40_0000;

    private static final int BOTH_KINDS = GuestFileSystem.ONLY_DIRECTORY | GuestFileSystem.NOT_DIRECTORY;

    // FILE_INFORMATION_CLASS
    private static final int BASIC = 4;
    private static final int STANDARD = 5;
    private static final int INTERNAL = 6;
    private static final int EA = 7;
    private static final int ACCESS = 8;
    private static final int NAME = 9;
    private static final int DISPOSITION = 13;
    private static final int POSITION = 14;
    private static final int MODE = 16;
    private static final int ALIGNMENT = 17;
    private static final int ALLOCATION = 19;
    private static final int END_OF_FILE = 20;
    private static final int NETWORK_OPEN = 34;

    private FileServices() {}

    static void addTo(ApiModule ntdll) {
        ntdll.service("NtCreateFile", 0x55, call -> create(call).code())
                .service("NtOpenFile", 0x33, call -> openExisting(call).code())
                .service("NtReadFile", 0x06, call -> transfer(call, false).code())
                .service("NtWriteFile", 0x08, call -> transfer(call, true).code())
                .service("NtFlushBuffersFile", 0x4B, call -> flush(call).code())
                .service("NtQueryInformationFile", 0x11, call -> query(call).code())
                .service("NtSetInformationFile", 0x27, call -> set(call).code());
    }

    // --- opening ---

    /** Arguments: handle, access, attributes, status, allocation, file attributes, sharing, disposition, options, EAs. */
    private static NtStatus create(ApiCall call) {
        int disposition = call.intArg(7);
        if (disposition < 0 || disposition >= GuestFileSystem.Disposition.values().length) {
            return NtStatus.INVALID_PARAMETER;
        }
        return open(
                call,
                GuestFileSystem.Disposition.values()[disposition],
                call.intArg(5),
                call.intArg(6),
                call.intArg(8));
    }

    /** Arguments: handle, access, attributes, status, sharing, options. */
    private static NtStatus openExisting(ApiCall call) {
        return open(call, GuestFileSystem.Disposition.OPEN, 0, call.intArg(4), call.intArg(5));
    }

    private static NtStatus open(
            ApiCall call, GuestFileSystem.Disposition disposition, int attributes, int share, int options) {
        if ((options & BOTH_KINDS) == BOTH_KINDS || (options & ~SERVED_OPTIONS) != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        Memory memory = call.memory();
        // Before anything is opened: the answers must have somewhere to go.
        memory.writeLong(call.arg(0), 0);
        memory.writeLong(call.arg(3), memory.readLong(call.arg(3)));
        try {
            GuestPath path = path(call, call.arg(2));
            GuestFileSystem.Opened opened =
                    call.process().files().open(path, call.intArg(1), share, disposition, options, attributes);
            int handle = call.process().objects().open(opened.file());
            if (handle == 0) {
                return NtStatus.INSUFFICIENT_RESOURCES;
            }
            if ((NamedObjects.flags(call.process(), call.arg(2)) & SectionFunctions.OBJ_INHERIT) != 0) {
                call.process().objects().setInheritable(handle, true);
            }
            memory.writeLong(call.arg(0), handle);
            return status(memory, call.arg(3), NtStatus.SUCCESS, opened.information());
        } catch (FileException e) {
            return e.status();
        }
    }

    /** The file that OBJECT_ATTRIBUTES name, from the root or from an open folder. */
    private static GuestPath path(ApiCall call, long attributes) {
        if (attributes == 0) {
            throw new FileException(NtStatus.INVALID_PARAMETER);
        }
        Memory memory = call.memory();
        long string = memory.readLong(attributes + OBJECT_NAME);
        String name = string == 0 ? "" : new UnicodeString(memory, string).text();
        long root = memory.readLong(attributes + ROOT_DIRECTORY);
        if (root != 0) {
            OpenFile folder = call.process().objects().file(root);
            if (folder == null) {
                throw new FileException(
                        call.process().objects().body(root) == 0
                                ? NtStatus.INVALID_HANDLE
                                : NtStatus.OBJECT_TYPE_MISMATCH);
            }
            if (name.startsWith("\\")) {
                throw new FileException(NtStatus.OBJECT_NAME_INVALID);
            }
            return GuestPath.parse(folder.path() + "\\" + name, GuestPath.root('C'));
        }
        if (!name.startsWith("\\")) {
            throw new FileException(NtStatus.OBJECT_PATH_SYNTAX_BAD);
        }
        for (String prefix : new String[] {"\\??\\", "\\DosDevices\\", "\\GLOBAL??\\"}) {
            if (name.regionMatches(true, 0, prefix, 0, prefix.length())) {
                String dos = name.substring(prefix.length());
                if (dos.length() < 2 || dos.charAt(1) != ':') {
                    throw new FileException(NtStatus.OBJECT_NAME_NOT_FOUND);
                }
                return GuestPath.parse(dos, GuestPath.root('C'));
            }
        }
        throw new FileException(NtStatus.OBJECT_PATH_NOT_FOUND);
    }

    // --- what a handle stands for ---

    /** An open file, or why a handle does not lead to one. */
    private record Found(NtStatus status, @Nullable OpenFile file) {}

    private static Found find(ApiCall call, int access) {
        GuestObjects objects = call.process().objects();
        OpenFile file = objects.file(call.arg(0));
        if (file == null) {
            return new Found(
                    objects.body(call.arg(0)) == 0 ? NtStatus.INVALID_HANDLE : NtStatus.OBJECT_TYPE_MISMATCH, null);
        }
        return access != 0 && (objects.grantedAccess(call.arg(0)) & access) == 0
                ? new Found(NtStatus.ACCESS_DENIED, null)
                : new Found(NtStatus.SUCCESS, file);
    }

    /** IO_STATUS_BLOCK. */
    private static NtStatus status(Memory memory, long at, NtStatus status, long information) {
        memory.writeLong(at, status.code() & 0xFFFF_FFFFL);
        memory.writeLong(at + 8, information);
        return status;
    }

    // --- bytes ---

    /** Arguments: file, event, call to queue, its argument, status, buffer, length, where in the file, key. */
    private static NtStatus transfer(ApiCall call, boolean write) {
        Found found = find(call, write ? FILE_WRITE_DATA | FILE_APPEND_DATA : FILE_READ_DATA);
        OpenFile file = found.file();
        if (file == null) {
            return found.status();
        }
        if (call.arg(2) != 0) {
            return NtStatus.NOT_SUPPORTED;
        }
        GuestObjects objects = call.process().objects();
        WaitObject event = null;
        if (call.arg(1) != 0) {
            if (objects.body(call.arg(1), KnownType.EVENT) == 0) {
                return objects.body(call.arg(1)) == 0 ? NtStatus.INVALID_HANDLE : NtStatus.OBJECT_TYPE_MISMATCH;
            }
            event = objects.waitObject(call.arg(1));
        }
        Memory memory = call.memory();
        memory.writeLong(call.arg(4), memory.readLong(call.arg(4)));
        FileNode node = file.node();
        long start = node == null ? 0 : objects.filePosition(call.arg(0));
        if (node != null && call.arg(7) != 0) {
            long given = memory.readLong(call.arg(7));
            if (given == AT_END && write) {
                start = node.size();
            } else if (given != AT_POSITION) {
                if (given < 0) {
                    return NtStatus.INVALID_PARAMETER;
                }
                start = given;
            }
        }
        if (write && node != null && (file.access() & APPEND_ONLY_RIGHTS) == FILE_APPEND_DATA && !file.canRead()) {
            start = node.size();
        }
        long length = call.unsignedIntArg(6);
        try {
            long done = move(call, file, start, call.arg(5), length, write);
            if (node != null) {
                objects.setFilePosition(call.arg(0), start + done);
                if (write && done > 0) {
                    node.setTimes(0, 0, call.process().clock().systemTime());
                }
            }
            NtStatus status = !write && done == 0 && length != 0 ? NtStatus.END_OF_FILE : NtStatus.SUCCESS;
            if (event != null) {
                call.process().kernel().processManager().waits().signal(event.address());
            }
            return status(memory, call.arg(4), status, done);
        } catch (FileException e) {
            return e.status();
        }
    }

    private static long move(ApiCall call, OpenFile file, long start, long buffer, long length, boolean write) {
        if (file instanceof OpenFile.OnDisk disk) {
            disk.checkSectors(start, length);
            int key = call.arg(8) == 0 ? 0 : call.memory().readInt(call.arg(8));
            disk.checkLocks(call.process().eprocess().address(), key, start, length, write);
        }
        byte[] piece = new byte[(int) Math.min(length, CHUNK)];
        long done = 0;
        while (done < length) {
            int wanted = (int) Math.min(piece.length, length - done);
            int count;
            if (write) {
                take(call, buffer + done, piece, wanted);
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

    /** What cannot be read is the caller's mistake as a file system sees it. */
    private static void take(ApiCall call, long at, byte[] piece, int count) {
        try {
            call.memory().read(at, piece, 0, count);
        } catch (MemoryFault bad) {
            throw new FileException(NtStatus.INVALID_USER_BUFFER);
        }
    }

    /** Arguments: file, status. */
    private static NtStatus flush(ApiCall call) {
        Found found = find(call, FILE_WRITE_DATA | FILE_APPEND_DATA);
        OpenFile file = found.file();
        if (file == null) {
            return found.status();
        }
        try {
            file.flush();
            return status(call.memory(), call.arg(1), NtStatus.SUCCESS, 0);
        } catch (FileException e) {
            return e.status();
        }
    }

    // --- information ---

    /** Bytes that a class has at least; -1 for a class that is not known. */
    private static int size(int informationClass) {
        return switch (informationClass) {
            case BASIC -> 40;
            case STANDARD -> 24;
            case INTERNAL, POSITION, NAME, ALLOCATION, END_OF_FILE -> 8;
            case EA, ACCESS, MODE, ALIGNMENT -> 4;
            case DISPOSITION -> 1;
            case NETWORK_OPEN -> 56;
            default -> -1;
        };
    }

    /** Arguments: file, status, buffer, its size, class. */
    private static NtStatus query(ApiCall call) {
        int informationClass = call.intArg(4);
        int size = size(informationClass);
        if (size < 0
                || informationClass == DISPOSITION
                || informationClass == ALLOCATION
                || informationClass == END_OF_FILE) {
            return NtStatus.INVALID_INFO_CLASS;
        }
        if (call.unsignedIntArg(3) < size) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        boolean isAttributes = informationClass == BASIC || informationClass == NETWORK_OPEN;
        Found found = find(call, isAttributes ? FILE_READ_ATTRIBUTES : 0);
        OpenFile file = found.file();
        if (file == null) {
            return found.status();
        }
        FileNode node = file.node();
        Memory memory = call.memory();
        long at = call.arg(2);
        if (node == null && informationClass != ACCESS && informationClass != MODE && informationClass != ALIGNMENT) {
            return NtStatus.INVALID_DEVICE_REQUEST;
        }
        if (informationClass == NAME && node != null) {
            return name(call, file);
        }
        memory.fill(at, size, (byte) 0);
        if (node != null) {
            switch (informationClass) {
                case BASIC -> {
                    times(memory, at, node);
                    memory.writeInt(at + 32, node.attributes());
                }
                case STANDARD -> {
                    memory.writeLong(at, Pages.up(node.size()));
                    memory.writeLong(at + 8, node.size());
                    memory.writeInt(at + 16, 1);
                    memory.writeByte(at + 21, (byte) (node.isDirectory() ? 1 : 0));
                }
                case INTERNAL -> memory.writeLong(at, node.index());
                case POSITION -> memory.writeLong(at, call.process().objects().filePosition(call.arg(0)));
                case NETWORK_OPEN -> {
                    times(memory, at, node);
                    memory.writeLong(at + 32, Pages.up(node.size()));
                    memory.writeLong(at + 40, node.size());
                    memory.writeInt(at + 48, node.attributes());
                }
                default -> {
                    // Extended attributes, mode and alignment: none, none, bytes.
                }
            }
        }
        if (informationClass == ACCESS) {
            memory.writeInt(at, call.process().objects().grantedAccess(call.arg(0)));
        }
        return status(memory, call.arg(1), NtStatus.SUCCESS, size);
    }

    /** Creation, last access, last write, change. */
    private static void times(Memory memory, long at, FileNode node) {
        memory.writeLong(at, node.creationTime());
        memory.writeLong(at + 8, node.lastAccessTime());
        memory.writeLong(at + 16, node.lastWriteTime());
        memory.writeLong(at + 24, node.lastWriteTime());
    }

    /** FILE_NAME_INFORMATION: the path on its volume, as much of it as there is room for. */
    private static NtStatus name(ApiCall call, OpenFile file) {
        byte[] text = file.path().substring(2).getBytes(StandardCharsets.UTF_16LE);
        int room = (int) Math.min(text.length, call.unsignedIntArg(3) - 4) & ~1;
        Memory memory = call.memory();
        memory.writeInt(call.arg(2), text.length);
        memory.write(call.arg(2) + 4, Arrays.copyOf(text, room));
        return status(memory, call.arg(1), room < text.length ? NtStatus.BUFFER_OVERFLOW : NtStatus.SUCCESS, 4L + room);
    }

    /** Arguments: file, status, buffer, its size, class. */
    private static NtStatus set(ApiCall call) {
        int informationClass = call.intArg(4);
        int size = size(informationClass);
        int access;
        switch (informationClass) {
            case BASIC -> access = FILE_WRITE_ATTRIBUTES;
            case DISPOSITION -> access = DELETE;
            case POSITION -> access = 0;
            case ALLOCATION, END_OF_FILE -> access = FILE_WRITE_DATA;
            default -> {
                return NtStatus.INVALID_INFO_CLASS;
            }
        }
        if (call.unsignedIntArg(3) < size) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        Found found = find(call, informationClass == DISPOSITION ? 0 : access);
        if (!(found.file() instanceof OpenFile.OnDisk file)) {
            return found.status().isSuccess() ? NtStatus.INVALID_DEVICE_REQUEST : found.status();
        }
        Memory memory = call.memory();
        long at = call.arg(2);
        try {
            switch (informationClass) {
                case BASIC -> {
                    file.node().setTimes(memory.readLong(at), memory.readLong(at + 8), memory.readLong(at + 16));
                    if (memory.readInt(at + 32) != 0) {
                        file.node().setAttributes(memory.readInt(at + 32));
                    }
                }
                case DISPOSITION -> {
                    if ((file.access() & DELETE) == 0) {
                        return NtStatus.ACCESS_DENIED;
                    }
                    call.process().files().markForDeletion(file.node(), memory.readByte(at) != 0);
                }
                case POSITION -> {
                    if (memory.readLong(at) < 0) {
                        return NtStatus.INVALID_PARAMETER;
                    }
                    call.process().objects().setFilePosition(call.arg(0), memory.readLong(at));
                }
                default -> {
                    long bytes = memory.readLong(at);
                    if (bytes < 0) {
                        return NtStatus.INVALID_PARAMETER;
                    }
                    // More room than the file has bytes is nothing that shows.
                    if (informationClass == END_OF_FILE || bytes < file.node().size()) {
                        file.setSize(bytes);
                    }
                }
            }
            return status(memory, call.arg(1), NtStatus.SUCCESS, 0);
        } catch (FileException e) {
            return e.status();
        }
    }
}
