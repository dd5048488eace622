package org.vadose.win32.crt;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.io.FileException;
import org.vadose.io.FileLocks;
import org.vadose.io.FileNode;
import org.vadose.io.GuestFileSystem;
import org.vadose.io.GuestPath;
import org.vadose.io.OpenFile;
import org.vadose.layout.RtlUserProcessParametersLayout;
import org.vadose.win32.ApiCall;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.TypedReads;

/** Files as the operating system below the library has them: handles, positions, paths. Failures leave a Win32 error behind. */
final class OsFiles {
    // What GetFileType answers.
    static final int UNKNOWN = 0;
    static final int DISK = 1;
    static final int CHARACTER = 2;
    static final int PIPE = 3;

    static final int FROM_START = 0;
    static final int FROM_CURRENT = 1;
    static final int FROM_END = 2;

    static final int ERROR_ACCESS_DENIED = 5;
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_SEEK = 25;
    private static final int ERROR_NEGATIVE_SEEK = 131;
    private static final int GENERIC_READ = 0x8000_0000;
    private static final int GENERIC_WRITE = 0x4000_0000;
    private static final int DELETE = 0x10000;
    private static final int SHARE_READ_WRITE = 3;
    private static final int SHARE_ALL = 7;

    private final GuestProcess process;
    private final GuestObjects objects;
    private final ApiCall call;
    private int lastError;

    OsFiles(ApiCall call) {
        this.call = call;
        process = call.process();
        objects = process.objects();
    }

    int lastError() {
        return lastError;
    }

    private int fail(int error) {
        lastError = error;
        return -1;
    }

    /** @param index 0 input, 1 output, 2 errors */
    long standardHandle(int index) {
        long field = switch (index) {
            case 0 -> RtlUserProcessParametersLayout.STANDARD_INPUT;
            case 1 -> RtlUserProcessParametersLayout.STANDARD_OUTPUT;
            default -> RtlUserProcessParametersLayout.STANDARD_ERROR;
        };
        return call.memory().readLong(StartupFunctions.parameters(process) + field);
    }

    private @Nullable OpenFile file(long handle) {
        return handle == 0 || handle == -1 ? null : objects.file(handle);
    }

    int type(long handle) {
        OpenFile file = file(handle);
        return file == null ? UNKNOWN : file.kind().win32();
    }

    int read(long handle, byte[] target, int offset, int length) {
        OpenFile file = file(handle);
        if (file == null) {
            return fail(ERROR_INVALID_HANDLE);
        }
        boolean positioned = file.node() != null;
        long position = positioned ? objects.filePosition(handle) : 0;
        if (positioned && (file.access() & (GENERIC_READ | 1)) == 0) {
            return fail(ERROR_ACCESS_DENIED);
        }
        try {
            file.checkLocks(process.eprocess().address(), 0, position, length, false);
            int got = Math.max(0, TypedReads.read(call, handle, file, position, target, offset, length));
            if (positioned) {
                objects.setFilePosition(handle, position + got);
            }
            return got;
        } catch (FileException e) {
            return fail(e.status().win32Error());
        }
    }

    int write(long handle, byte[] source, int offset, int length) {
        OpenFile file = file(handle);
        if (file == null) {
            return fail(ERROR_INVALID_HANDLE);
        }
        boolean positioned = file.node() != null;
        long position = positioned ? objects.filePosition(handle) : 0;
        if ((file.access() & (GENERIC_WRITE | 2 | 4)) == 0) {
            return fail(ERROR_ACCESS_DENIED);
        }
        try {
            file.checkLocks(process.eprocess().address(), 0, position, length, true);
            int done = file.write(position, source, offset, length);
            FileNode node = file.node();
            if (node != null) {
                objects.setFilePosition(handle, position + done);
                node.setTimes(0, 0, process.clock().systemTime());
            }
            return done;
        } catch (FileException e) {
            return fail(e.status().win32Error());
        }
    }

    /** The new position, or -1. */
    long seek(long handle, long offset, int origin) {
        OpenFile file = file(handle);
        if (file == null) {
            return fail(ERROR_INVALID_HANDLE);
        }
        FileNode node = file.node();
        if (node == null) {
            return file.kind() == OpenFile.Kind.CHARACTER ? 0 : fail(ERROR_SEEK);
        }
        long base = switch (origin) {
            case FROM_START -> 0;
            case FROM_CURRENT -> objects.filePosition(handle);
            default -> node.size();
        };
        if (base + offset < 0) {
            return fail(ERROR_NEGATIVE_SEEK);
        }
        objects.setFilePosition(handle, base + offset);
        return base + offset;
    }

    /** The file on a drive behind a handle, or null. */
    @Nullable FileNode node(long handle) {
        OpenFile file = file(handle);
        return file == null ? null : file.node();
    }

    long size(long handle) {
        FileNode node = node(handle);
        return node == null ? 0 : node.size();
    }

    boolean setSize(long handle, long size) {
        if (file(handle) instanceof OpenFile.OnDisk disk) {
            try {
                disk.setSize(size);
                return true;
            } catch (FileException e) {
                fail(e.status().win32Error());
                return false;
            }
        }
        fail(ERROR_INVALID_HANDLE);
        return false;
    }

    /** Locks bytes for the process alone, or gives them back; at once or not at all. */
    boolean lock(long handle, long start, long length, boolean locks) {
        if (!(file(handle) instanceof OpenFile.OnDisk disk)) {
            fail(ERROR_INVALID_HANDLE);
            return false;
        }
        FileLocks.Owner owner = new FileLocks.Owner(disk, process.eprocess().address(), 0);
        NtStatus status = locks
                ? disk.node().locks().lock(owner, start, length, true, process::hasEnded)
                : disk.node().locks().unlock(owner, start, length);
        if (!status.isSuccess()) {
            fail(status.win32Error());
        }
        return status.isSuccess();
    }

    void close(long handle) {
        objects.close(handle);
    }

    private GuestPath path(String text) {
        return GuestPath.parse(text, process.currentDirectory());
    }

    /** A handle, or -1. */
    long open(String name, boolean read, boolean write, GuestFileSystem.Disposition disposition, int attributes) {
        int access = (read ? GENERIC_READ : 0) | (write ? GENERIC_WRITE : 0);
        try {
            OpenFile device = process.console().device(name, access);
            if (device != null) {
                return objects.open(device);
            }
            return objects.open(process.files()
                    .open(path(name), access, SHARE_READ_WRITE, disposition, GuestFileSystem.NOT_DIRECTORY, attributes)
                    .file());
        } catch (FileException e) {
            return fail(
                    e.status().equals(NtStatus.OBJECT_NAME_COLLISION)
                            ? 80
                            : e.status().win32Error());
        }
    }

    boolean delete(String name, boolean directory) {
        try (OpenFile.OnDisk file = process.files()
                .open(
                        path(name),
                        DELETE,
                        SHARE_ALL,
                        GuestFileSystem.Disposition.OPEN,
                        directory ? GuestFileSystem.ONLY_DIRECTORY : GuestFileSystem.NOT_DIRECTORY,
                        0)
                .file()) {
            process.files().markForDeletion(file.node(), true);
            return true;
        } catch (FileException e) {
            fail(e.status().win32Error());
            return false;
        }
    }

    boolean makeDirectory(String name) {
        try (OpenFile.OnDisk made = process.files()
                .open(path(name), 1, SHARE_ALL, GuestFileSystem.Disposition.CREATE, GuestFileSystem.ONLY_DIRECTORY, 0)
                .file()) {
            return made.node() != null;
        } catch (FileException e) {
            fail(e.status().win32Error());
            return false;
        }
    }

    boolean rename(String from, String to) {
        try {
            process.files().rename(path(from), path(to), false);
            return true;
        } catch (FileException e) {
            fail(e.status().win32Error());
            return false;
        }
    }

    /** The file or directory, or null with the error set. */
    @Nullable FileNode find(String name) {
        FileNode node = null;
        try {
            node = process.files().find(path(name));
        } catch (FileException e) {
            fail(e.status().win32Error());
        }
        if (node == null) {
            fail(NtStatus.OBJECT_NAME_NOT_FOUND.win32Error());
        }
        return node;
    }
}
