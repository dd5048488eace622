package org.vadose.win32.crt;

import org.jspecify.annotations.Nullable;
import org.vadose.io.FileException;
import org.vadose.io.FileNode;
import org.vadose.io.GuestFileSystem.Disposition;
import org.vadose.io.GuestPath;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code io.h}, {@code direct.h}, {@code sys/stat.h}: descriptors and paths. */
final class FileFunctions {
    private static final int WRITE_ONLY = 0x1;
    private static final int READ_WRITE = 0x2;
    private static final int ACCESS_MASK = 0x3;
    private static final int APPEND = 0x8;
    private static final int CREATE = 0x100;
    private static final int TRUNCATE = 0x200;
    private static final int EXCLUSIVE = 0x400;
    private static final int TEXT = 0x4000;
    private static final int BINARY = 0x8000;
    private static final int WRITE_PERMISSION = 0x80;
    private static final int READ_ONLY_ATTRIBUTE = 1;
    private static final int NORMAL_ATTRIBUTE = 0x80;

    // Bits of st_mode.
    private static final int REGULAR = 0x8000;
    private static final int DIRECTORY = 0x4000;
    private static final int CHARACTER = 0x2000;
    private static final int FIFO = 0x1000;
    private static final int READABLE = 0x124;
    private static final int WRITABLE = 0x92;
    private static final int EXECUTABLE = 0x49;

    private static final long UNIX_EPOCH = 116_444_736_000_000_000L;
    private static final long TICKS_PER_SECOND = 10_000_000;
    private static final int LONGEST_PATH = 260;

    private static final String PERMISSION_MASK = "__crt_umask";
    /** _S_IREAD and _S_IWRITE. */
    private static final int PERMISSIONS = 0x180;

    // Modes of _locking.
    private static final int UNLOCK = 0;
    private static final int LOCK = 1;
    private static final int READ_LOCK = 3;
    private static final int LAST_LOCK_MODE = 4;
    private static final int LOCK_TRIES = 10;

    private FileFunctions() {}

    static void addTo(ApiModule msvcrt) {
        for (boolean wide : new boolean[] {false, true}) {
            String w = wide ? "w" : "";
            msvcrt.function("_" + w + "open", call -> open(call, text(call, 0, wide), call.intArg(1), call.intArg(2)))
                    .function(
                            "_" + w + "sopen", call -> open(call, text(call, 0, wide), call.intArg(1), call.intArg(3)))
                    .function("_" + w + "creat", call -> create(call, text(call, 0, wide)))
                    .function("_" + w + "unlink", call -> done(call, f -> f.delete(text(call, 0, wide), false)))
                    .function("_" + w + "remove", call -> done(call, f -> f.delete(text(call, 0, wide), false)))
                    .function("_" + w + "rename", call -> rename(call, wide))
                    .function("_" + w + "mkdir", call -> done(call, f -> f.makeDirectory(text(call, 0, wide))))
                    .function("_" + w + "rmdir", call -> done(call, f -> f.delete(text(call, 0, wide), true)))
                    .function("_" + w + "chdir", call -> changeDirectory(call, text(call, 0, wide)))
                    .function("_" + w + "getcwd", call -> currentDirectory(call, wide))
                    .function("_" + w + "access", call -> access(call, text(call, 0, wide)))
                    .function("_" + w + "chmod", call -> changeMode(call, text(call, 0, wide)))
                    .function("_" + w + "stat64", call -> stat(call, text(call, 0, wide), StatForm.TIME64_SIZE64))
                    .function("_" + w + "stati64", call -> stat(call, text(call, 0, wide), StatForm.TIME64_SIZE64))
                    .function("_" + w + "stat64i32", call -> stat(call, text(call, 0, wide), StatForm.TIME64_SIZE32))
                    .function("_" + w + "stat", call -> stat(call, text(call, 0, wide), StatForm.TIME64_SIZE32))
                    .function("_" + w + "stat32", call -> stat(call, text(call, 0, wide), StatForm.TIME32_SIZE32))
                    .function("_" + w + "fullpath", call -> fullPath(call, wide));
        }
        for (String name :
                new String[] {"open", "creat", "unlink", "mkdir", "rmdir", "chdir", "getcwd", "access", "chmod"}) {
            ApiModule.Export underscored = msvcrt.export("_" + name);
            if (underscored instanceof ApiModule.Function function) {
                msvcrt.function(name, function.body());
            }
        }
        msvcrt.function("remove", call -> done(call, f -> f.delete(text(call, 0, false), false)))
                .function("rename", call -> rename(call, false))
                .function("_read", call -> low(call).read(call.intArg(0), call.arg(1), call.intArg(2)))
                .function("read", call -> low(call).read(call.intArg(0), call.arg(1), call.intArg(2)))
                .function("_write", call -> low(call).write(call.intArg(0), call.arg(1), call.intArg(2)))
                .function("write", call -> low(call).write(call.intArg(0), call.arg(1), call.intArg(2)))
                .function("_close", call -> low(call).close(call.intArg(0)))
                .function("close", call -> low(call).close(call.intArg(0)))
                .function("_lseek", call -> low(call).seek(call.intArg(0), call.intArg(1), call.intArg(2)))
                .function("lseek", call -> low(call).seek(call.intArg(0), call.intArg(1), call.intArg(2)))
                .function("_lseeki64", call -> low(call).seek(call.intArg(0), call.arg(1), call.intArg(2)))
                .function("_tell", call -> low(call).seek(call.intArg(0), 0, OsFiles.FROM_CURRENT))
                .function("_telli64", call -> low(call).seek(call.intArg(0), 0, OsFiles.FROM_CURRENT))
                .function("_dup", call -> low(call).duplicate(call.intArg(0)))
                .function("dup", call -> low(call).duplicate(call.intArg(0)))
                .function("_dup2", call -> low(call).duplicate(call.intArg(0), call.intArg(1)))
                .function("dup2", call -> low(call).duplicate(call.intArg(0), call.intArg(1)))
                .function("_isatty", call -> low(call).flags(call.intArg(0)) & LowIo.DEVICE)
                .function("isatty", call -> low(call).flags(call.intArg(0)) & LowIo.DEVICE)
                .function("_eof", FileFunctions::atEnd)
                .function("_filelength", FileFunctions::length)
                .function("_filelengthi64", FileFunctions::length)
                .function("_chsize", call -> changeSize(call, call.intArg(1)))
                .function("_chsize_s", call -> changeSize(call, call.arg(1)) == 0 ? 0 : CrtState.errno(call))
                .function("_commit", call -> low(call).isOpen(call.intArg(0)) ? 0 : CrtState.fail(call, CrtState.EBADF))
                .function("_get_osfhandle", FileFunctions::systemHandle)
                .function("_open_osfhandle", FileFunctions::adoptHandle)
                .function("_fstat", call -> statOf(call, StatForm.TIME64_SIZE32))
                .function("_fstat64", call -> statOf(call, StatForm.TIME64_SIZE64))
                .function("_fstati64", call -> statOf(call, StatForm.TIME64_SIZE64))
                .function("_fstat64i32", call -> statOf(call, StatForm.TIME64_SIZE32))
                .function("_fstat32", call -> statOf(call, StatForm.TIME32_SIZE32))
                .data(
                        PERMISSION_MASK,
                        Integer.BYTES,
                        (process, at) -> CrtState.of(process).placed(PERMISSION_MASK, at))
                .function("_umask", FileFunctions::setPermissionMask)
                .function("_locking", FileFunctions::lock)
                .function("_getdrive", call -> call.process().currentDirectory().drive() - 'A' + 1);
    }

    private static String text(ApiCall call, int argument, boolean wide) {
        return wide
                ? GuestText.wide(call.memory(), call.arg(argument))
                : GuestText.ansi(call.memory(), call.arg(argument));
    }

    private static LowIo low(ApiCall call) {
        return new LowIo(call);
    }

    private interface PathAction {
        boolean perform(OsFiles files);
    }

    private static long done(ApiCall call, PathAction action) {
        OsFiles files = new OsFiles(call);
        return action.perform(files) ? 0 : CrtState.failWin32(call, files.lastError());
    }

    private static long rename(ApiCall call, boolean wide) {
        return done(call, files -> files.rename(text(call, 0, wide), text(call, 1, wide)));
    }

    // ---- descriptors
    // -------------------------------------------------------------------------------------------------

    private static long open(ApiCall call, String name, int flags, int permissions) {
        boolean create = (flags & CREATE) != 0;
        boolean truncate = (flags & TRUNCATE) != 0;
        Disposition disposition = create && (flags & EXCLUSIVE) != 0
                ? Disposition.CREATE
                : create
                        ? truncate ? Disposition.OVERWRITE_IF : Disposition.OPEN_IF
                        : truncate ? Disposition.OVERWRITE : Disposition.OPEN;
        int access = flags & ACCESS_MASK;
        int attributes = create ? newAttributes(call, permissions) : NORMAL_ATTRIBUTE;
        LowIo low = low(call);
        long handle = low.files().open(name, access != WRITE_ONLY, access != 0, disposition, attributes);
        if (handle == -1) {
            return CrtState.failWin32(call, low.files().lastError());
        }
        boolean binaryByDefault = (call.memory().readInt(CrtState.of(call).variable("_fmode")) & BINARY) != 0;
        boolean isText = (flags & BINARY) == 0 && ((flags & TEXT) != 0 || !binaryByDefault);
        return low.attach(handle, (isText ? LowIo.TEXT : 0) | ((flags & APPEND) != 0 ? LowIo.APPEND : 0));
    }

    /** Of a file that is made with these permissions, less what {@code _umask} takes away. */
    static int newAttributes(ApiCall call, int permissions) {
        int mask = call.memory().readInt(CrtState.of(call).variable(PERMISSION_MASK));
        return (permissions & ~mask & WRITE_PERMISSION) == 0 ? READ_ONLY_ATTRIBUTE : NORMAL_ATTRIBUTE;
    }

    private static long setPermissionMask(ApiCall call) {
        long at = CrtState.of(call).variable(PERMISSION_MASK);
        int before = call.memory().readInt(at);
        call.memory().writeInt(at, call.intArg(0) & PERMISSIONS);
        return before;
    }

    /** Locks bytes from the descriptor's position on, or gives them back; some modes try ten times, a second apart. */
    private static long lock(ApiCall call) {
        LowIo low = low(call);
        if (!low.isOpen(call.intArg(0))) {
            return CrtState.fail(call, CrtState.EBADF);
        }
        int mode = call.intArg(1);
        if (mode < UNLOCK || mode > LAST_LOCK_MODE || call.intArg(2) < 0) {
            return CrtState.failInvalid(call, CrtState.EINVAL);
        }
        long handle = low.handle(call.intArg(0));
        long start = low.seek(call.intArg(0), 0, OsFiles.FROM_CURRENT);
        boolean isPatient = mode == LOCK || mode == READ_LOCK;
        for (int tries = isPatient ? LOCK_TRIES : 1; ; tries--) {
            if (low.files().lock(handle, start, call.intArg(2), mode != UNLOCK)) {
                return 0;
            }
            if (tries == 1) {
                return isPatient
                        ? CrtState.fail(call, CrtState.EDEADLOCK)
                        : CrtState.failWin32(call, low.files().lastError());
            }
            call.thread().sleepUntil(call.process().clock().now() + TICKS_PER_SECOND);
        }
    }

    private static long create(ApiCall call, String name) {
        return open(call, name, CREATE | TRUNCATE | READ_WRITE, call.intArg(1));
    }

    private static long length(ApiCall call) {
        LowIo low = low(call);
        return low.isOpen(call.intArg(0))
                ? low.files().size(low.handle(call.intArg(0)))
                : CrtState.fail(call, CrtState.EBADF);
    }

    private static long atEnd(ApiCall call) {
        LowIo low = low(call);
        long position = low.seek(call.intArg(0), 0, OsFiles.FROM_CURRENT);
        return position < 0 ? -1 : position >= low.files().size(low.handle(call.intArg(0))) ? 1 : 0;
    }

    private static long changeSize(ApiCall call, long size) {
        LowIo low = low(call);
        if (!low.isOpen(call.intArg(0))) {
            return CrtState.fail(call, CrtState.EBADF);
        }
        return low.files().setSize(low.handle(call.intArg(0)), size)
                ? 0
                : CrtState.failWin32(call, low.files().lastError());
    }

    private static long systemHandle(ApiCall call) {
        LowIo low = low(call);
        return low.isOpen(call.intArg(0)) ? low.handle(call.intArg(0)) : CrtState.fail(call, CrtState.EBADF);
    }

    private static long adoptHandle(ApiCall call) {
        int flags = call.intArg(1);
        return low(call)
                .attach(
                        call.arg(0),
                        ((flags & TEXT) != 0 ? LowIo.TEXT : 0) | ((flags & APPEND) != 0 ? LowIo.APPEND : 0));
    }

    // ---- paths
    // -------------------------------------------------------------------------------------------------------

    private static long access(ApiCall call, String name) {
        OsFiles files = new OsFiles(call);
        FileNode node = files.find(name);
        if (node == null) {
            return CrtState.failWin32(call, files.lastError());
        }
        return (call.intArg(1) & 2) != 0 && node.isReadOnly() && !node.isDirectory()
                ? CrtState.fail(call, CrtState.EACCES)
                : 0;
    }

    private static long changeMode(ApiCall call, String name) {
        OsFiles files = new OsFiles(call);
        FileNode node = files.find(name);
        if (node == null) {
            return CrtState.failWin32(call, files.lastError());
        }
        boolean writable = (call.intArg(1) & WRITE_PERMISSION) != 0;
        int others = node.attributes() & ~READ_ONLY_ATTRIBUTE;
        node.setAttributes(writable ? others : others | READ_ONLY_ATTRIBUTE);
        return 0;
    }

    private static long changeDirectory(ApiCall call, String name) {
        OsFiles files = new OsFiles(call);
        FileNode node = files.find(name);
        if (node == null || !node.isDirectory()) {
            return CrtState.fail(call, CrtState.ENOENT);
        }
        call.process().setCurrentDirectory(GuestPath.parse(name, call.process().currentDirectory()));
        return 0;
    }

    private static long put(ApiCall call, String text, boolean wide, long target, long room) {
        if (target == 0) {
            CrtState crt = CrtState.of(call);
            return wide ? crt.allocateWide(text) : crt.allocateAnsi(text);
        }
        if (text.length() >= room) {
            CrtState.setErrno(call, CrtState.ERANGE);
            return 0;
        }
        if (wide) {
            GuestText.writeWide(call.memory(), target, text);
        } else {
            GuestText.writeAnsi(call.memory(), target, text);
        }
        return target;
    }

    private static long currentDirectory(ApiCall call, boolean wide) {
        return put(call, call.process().currentDirectory().toString(), wide, call.arg(0), call.intArg(1));
    }

    private static long fullPath(ApiCall call, boolean wide) {
        String name = text(call, 1, wide);
        String full;
        try {
            full = GuestPath.parse(name.isEmpty() ? "." : name, call.process().currentDirectory())
                    .toString();
        } catch (FileException noPath) {
            CrtState.setErrno(call, CrtState.EINVAL);
            return 0;
        }
        return put(call, full, wide, call.arg(0), call.arg(0) == 0 ? LONGEST_PATH : call.arg(2));
    }

    // ---- stat
    // --------------------------------------------------------------------------------------------------------

    /** Which of the structures: widths of st_size and of the times, and where they are. */
    private enum StatForm {
        TIME64_SIZE64(24, 8, 32, 8),
        TIME64_SIZE32(20, 4, 24, 8),
        TIME32_SIZE32(20, 4, 24, 4);

        private final int sizeOffset;
        private final int sizeBytes;
        private final int timeOffset;
        private final int timeBytes;

        StatForm(int sizeOffset, int sizeBytes, int timeOffset, int timeBytes) {
            this.sizeOffset = sizeOffset;
            this.sizeBytes = sizeBytes;
            this.timeOffset = timeOffset;
            this.timeBytes = timeBytes;
        }

        void write(Memory memory, long at, int drive, int mode, long size, long[] times) {
            memory.fill(at, timeOffset + 3L * timeBytes, (byte) 0);
            memory.writeInt(at, drive);
            memory.writeShort(at + 6, (short) mode);
            memory.writeShort(at + 8, (short) 1);
            memory.writeInt(at + 16, drive);
            put(memory, at + sizeOffset, size, sizeBytes);
            for (int i = 0; i < times.length; i++) {
                put(memory, at + timeOffset + (long) timeBytes * i, times[i], timeBytes);
            }
        }

        private static void put(Memory memory, long at, long value, int bytes) {
            if (bytes == 8) {
                memory.writeLong(at, value);
            } else {
                memory.writeInt(at, (int) value);
            }
        }
    }

    private static long seconds(long ticks) {
        return ticks == 0 ? 0 : Math.floorDiv(ticks - UNIX_EPOCH, TICKS_PER_SECOND);
    }

    private static void write(ApiCall call, StatForm form, String name, FileNode node) {
        String lower = name.toLowerCase(java.util.Locale.ROOT);
        boolean runs = node.isDirectory()
                || lower.endsWith(".exe")
                || lower.endsWith(".cmd")
                || lower.endsWith(".bat")
                || lower.endsWith(".com");
        int mode = (node.isDirectory() ? DIRECTORY : REGULAR)
                | READABLE
                | (node.isDirectory() || !node.isReadOnly() ? WRITABLE : 0)
                | (runs ? EXECUTABLE : 0);
        long[] times = {seconds(node.lastWriteTime()), seconds(node.lastWriteTime()), seconds(node.creationTime())};
        int drive = GuestPath.parse(name, call.process().currentDirectory()).drive() - 'A';
        form.write(call.memory(), call.arg(1), drive, mode, node.isDirectory() ? 0 : node.size(), times);
    }

    private static long stat(ApiCall call, String name, StatForm form) {
        OsFiles files = new OsFiles(call);
        FileNode node = files.find(name);
        if (node == null) {
            return CrtState.fail(call, CrtState.ENOENT);
        }
        write(call, form, name, node);
        return 0;
    }

    private static long statOf(ApiCall call, StatForm form) {
        LowIo low = low(call);
        int descriptor = call.intArg(0);
        if (!low.isOpen(descriptor)) {
            return CrtState.fail(call, CrtState.EBADF);
        }
        @Nullable FileNode node = low.files().node(low.handle(descriptor));
        if (node == null) {
            boolean device = (low.flags(descriptor) & LowIo.DEVICE) != 0;
            form.write(
                    call.memory(),
                    call.arg(1),
                    descriptor,
                    (device ? CHARACTER : FIFO) | READABLE | WRITABLE,
                    0,
                    new long[3]);
        } else {
            write(call, form, "C:\\", node);
        }
        return 0;
    }
}
