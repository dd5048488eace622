package org.vadose.win32.crt;

import static org.vadose.win32.crt.StreamLocks.STANDARD_INPUT;
import static org.vadose.win32.crt.StreamLocks.locked;

import org.jspecify.annotations.Nullable;
import org.vadose.io.GuestFileSystem.Disposition;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code stdio.h} without the formatting. */
final class StreamFunctions {
    /** Streams in the library's first array, {@code _iob}. */
    private static final int STATIC_STREAMS = 20;

    /** Streams opened beyond those are on the heap, in a chain whose head is a variable of the library. */
    private static final int MOST_STREAMS = 512;

    private static final String STREAMS = "_iob";
    private static final String MORE_STREAMS = "__piob";
    private static final int WIDE_END = 0xFFFF;
    private static final int FULL_BUFFERING = 0;
    private static final int LINE_BUFFERING = 0x40;
    private static final int NO_BUFFERING = 4;
    private static final int SMALLEST_BUFFER = 2;
    private static final int TEXT_MODE = 0x4000;
    private static final int BINARY_MODE = 0x8000;

    /** _S_IREAD and _S_IWRITE. */
    private static final int ALL_PERMISSIONS = 0x180;

    private StreamFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.data(STREAMS, FileStream.BYTES * STATIC_STREAMS, (process, at) -> {
                    CrtState.of(process).placed(STREAMS, at);
                    initializeStandardStreams(process.memory(), at);
                })
                .data(
                        MORE_STREAMS,
                        8 * MOST_STREAMS,
                        (process, at) -> CrtState.of(process).placed(MORE_STREAMS, at))
                .data(
                        LowIo.TABLE,
                        LowIo.TABLE_BYTES,
                        (process, at) -> CrtState.of(process).placed(LowIo.TABLE, at))
                .function("__iob_func", call -> CrtState.of(call).variable(STREAMS))
                .function("__p__iob", call -> CrtState.of(call).variable(STREAMS))
                .function("fopen", call -> open(call, text(call, 0), text(call, 1)))
                .function("_wfopen", call -> open(call, wide(call, 0), wide(call, 1)))
                .function("fopen_s", call -> openSafely(call, text(call, 1), text(call, 2)))
                .function("_wfopen_s", call -> openSafely(call, wide(call, 1), wide(call, 2)))
                .function("_fsopen", call -> open(call, text(call, 0), text(call, 1)))
                .function("_fdopen", StreamFunctions::openDescriptor)
                .function("freopen", locked(2, StreamFunctions::reopen))
                .function("fclose", locked(0, StreamFunctions::close))
                .function("_fcloseall", StreamFunctions::closeAll)
                .function("fflush", StreamFunctions::flush)
                .function("_flushall", StreamFunctions::flushAll)
                .function("fread", locked(3, StreamFunctions::read))
                .function("fwrite", StreamFunctions::write)
                .function("fgetc", locked(0, call -> stream(call, 0).read()))
                .function("getc", locked(0, call -> stream(call, 0).read()))
                .function(
                        "getchar",
                        locked(STANDARD_INPUT, call -> standard(call, 0).read()))
                .function(
                        "_fgetchar",
                        locked(STANDARD_INPUT, call -> standard(call, 0).read()))
                .function("_filbuf", locked(0, call -> stream(call, 0).fill()))
                .function("fputc", call -> put(stream(call, 1), call.intArg(0)))
                .function("putc", call -> put(stream(call, 1), call.intArg(0)))
                .function("putchar", call -> put(standard(call, 1), call.intArg(0)))
                .function("_fputchar", call -> put(standard(call, 1), call.intArg(0)))
                .function("_flsbuf", call -> stream(call, 1).flushAndWrite(call.intArg(0)))
                .function("ungetc", locked(1, call -> stream(call, 1).unread(call.intArg(0))))
                .function("fgets", locked(2, StreamFunctions::getLine))
                .function("gets", locked(STANDARD_INPUT, StreamFunctions::gets))
                .function("fputs", call -> puts(stream(call, 1), text(call, 0)))
                .function("puts", call -> puts(standard(call, 1), text(call, 0) + "\n"))
                .function("fgetwc", locked(0, call -> readWide(stream(call, 0))))
                .function("getwc", locked(0, call -> readWide(stream(call, 0))))
                .function("getwchar", locked(STANDARD_INPUT, call -> readWide(standard(call, 0))))
                .function("fputwc", call -> putWide(stream(call, 1), call.intArg(0)))
                .function("putwc", call -> putWide(stream(call, 1), call.intArg(0)))
                .function("putwchar", call -> putWide(standard(call, 1), call.intArg(0)))
                .function("ungetwc", locked(1, StreamFunctions::unreadWide))
                .function("fgetws", locked(2, StreamFunctions::getWideLine))
                .function("fputws", call -> putWideText(stream(call, 1), wide(call, 0)))
                .function("_putws", call -> putWideText(standard(call, 1), wide(call, 0) + "\n"))
                .function("fseek", call -> seek(call, call.intArg(1)))
                .function("_fseeki64", call -> seek(call, call.arg(1)))
                .function("fseeko64", call -> seek(call, call.arg(1)))
                .function("ftell", call -> stream(call, 0).position())
                .function("_ftelli64", call -> stream(call, 0).position())
                .function("ftello64", call -> stream(call, 0).position())
                .function("rewind", StreamFunctions::rewind)
                .function("fgetpos", StreamFunctions::getPosition)
                .function("fsetpos", StreamFunctions::setPosition)
                .function("feof", call -> stream(call, 0).has(FileStream.AT_END) ? FileStream.AT_END : 0)
                .function("ferror", call -> stream(call, 0).has(FileStream.ERROR) ? FileStream.ERROR : 0)
                .function("clearerr", StreamFunctions::clearErrors)
                .function("_fileno", call -> stream(call, 0).descriptor())
                .function("setvbuf", StreamFunctions::setBuffer)
                .function("setbuf", StreamFunctions::setSimpleBuffer)
                .function("_setmode", StreamFunctions::setMode)
                .function("tmpfile", StreamFunctions::temporaryFile)
                .function("tmpnam", StreamFunctions::temporaryName)
                .function("perror", StreamFunctions::printError)
                .function("_lock_file", call -> {
                    StreamLocks.lock(call, call.arg(0));
                    return 0;
                })
                .function("_unlock_file", call -> {
                    StreamLocks.unlock(call, call.arg(0));
                    return 0;
                });
    }

    private static void initializeStandardStreams(Memory memory, long at) {
        int[] flags = {FileStream.READING, FileStream.WRITING, FileStream.WRITING | FileStream.UNBUFFERED};
        for (int i = 0; i < flags.length; i++) {
            // Layout of FileStream; no call exists yet to make a view with.
            memory.writeInt(at + (long) FileStream.BYTES * i + 24, flags[i]);
            memory.writeInt(at + (long) FileStream.BYTES * i + 28, i);
        }
    }

    static FileStream stream(ApiCall call, int argument) {
        return new FileStream(call, call.arg(argument));
    }

    /** @param index 0 input, 1 output, 2 errors */
    static FileStream standard(ApiCall call, int index) {
        return new FileStream(call, CrtState.of(call).variable(STREAMS) + (long) FileStream.BYTES * index);
    }

    private static String text(ApiCall call, int argument) {
        return GuestText.ansi(call.memory(), call.arg(argument));
    }

    private static String wide(ApiCall call, int argument) {
        return GuestText.wide(call.memory(), call.arg(argument));
    }

    /** Writes a message of the library's own to the error stream. */
    static void writeError(ApiCall call, String message) {
        standard(call, 2).write(GuestText.toBytes(message));
    }

    // ---- opening and closing
    // -----------------------------------------------------------------------------------------

    private static FileStream freeStream(ApiCall call) {
        CrtState crt = CrtState.of(call);
        for (int i = 0; i < STATIC_STREAMS; i++) {
            FileStream stream = standard(call, i);
            if (!stream.isInUse()) {
                return stream;
            }
        }
        long table = crt.variable(MORE_STREAMS);
        for (int i = 0; i < MOST_STREAMS; i++) {
            long at = call.memory().readLong(table + 8L * i);
            if (at == 0) {
                at = crt.allocate(FileStream.BYTES);
                call.memory().writeLong(table + 8L * i, at);
            }
            FileStream stream = new FileStream(call, at);
            if (!stream.isInUse()) {
                return stream;
            }
        }
        throw new IllegalStateException("more than " + MOST_STREAMS + " streams open");
    }

    private static boolean binaryByDefault(ApiCall call) {
        return (call.memory().readInt(CrtState.of(call).variable("_fmode")) & BINARY_MODE) != 0;
    }

    private static long open(ApiCall call, String name, String modeText) {
        OpenMode mode = OpenMode.parse(modeText, binaryByDefault(call));
        if (mode == null) {
            CrtState.invalid(call, CrtState.EINVAL);
            return 0;
        }
        int descriptor = openDescriptor(call, name, mode);
        if (descriptor < 0) {
            return 0;
        }
        return attach(call, freeStream(call), descriptor, mode);
    }

    private static int openDescriptor(ApiCall call, String name, OpenMode mode) {
        LowIo low = new LowIo(call);
        Disposition disposition =
                mode.truncate() ? Disposition.OVERWRITE_IF : mode.create() ? Disposition.OPEN_IF : Disposition.OPEN;
        long handle = low.files()
                .open(name, mode.read(), mode.write(), disposition, FileFunctions.newAttributes(call, ALL_PERMISSIONS));
        if (handle == -1) {
            return (int) CrtState.failWin32(call, low.files().lastError());
        }
        return low.attach(handle, (mode.binary() ? 0 : LowIo.TEXT) | (mode.append() ? LowIo.APPEND : 0));
    }

    private static long attach(ApiCall call, FileStream stream, int descriptor, OpenMode mode) {
        int flags =
                mode.read() && mode.write() ? FileStream.BOTH : mode.read() ? FileStream.READING : FileStream.WRITING;
        stream.initialize(descriptor, flags);
        return stream.address();
    }

    private static long openSafely(ApiCall call, String name, String mode) {
        long stream = open(call, name, mode);
        call.memory().writeLong(call.arg(0), stream);
        return stream == 0 ? CrtState.errno(call) : 0;
    }

    private static long openDescriptor(ApiCall call) {
        OpenMode mode = OpenMode.parse(text(call, 1), binaryByDefault(call));
        if (mode == null || !new LowIo(call).isOpen(call.intArg(0))) {
            CrtState.setErrno(call, mode == null ? CrtState.EINVAL : CrtState.EBADF);
            return 0;
        }
        return attach(call, freeStream(call), call.intArg(0), mode);
    }

    private static long reopen(ApiCall call) {
        FileStream stream = stream(call, 2);
        OpenMode mode = OpenMode.parse(text(call, 1), binaryByDefault(call));
        if (mode == null) {
            CrtState.setErrno(call, CrtState.EINVAL);
            return 0;
        }
        LowIo low = new LowIo(call);
        int wanted = stream.descriptor();
        boolean wasOpen = stream.isInUse();
        stream.flush();
        int descriptor = openDescriptor(call, text(call, 0), mode);
        if (descriptor < 0) {
            if (wasOpen) {
                stream.close();
            }
            return 0;
        }
        if (wasOpen) {
            low.duplicate(descriptor, wanted);
            low.close(descriptor);
            descriptor = wanted;
        }
        return attach(call, stream, descriptor, mode);
    }

    private static long close(ApiCall call) {
        FileStream stream = stream(call, 0);
        if (call.arg(0) == 0 || !stream.isInUse()) {
            return CrtState.failInvalid(call, CrtState.EINVAL);
        }
        long name = stream.temporaryName();
        boolean done = stream.close();
        if (name != 0) {
            new OsFiles(call).delete(GuestText.ansi(call.memory(), name), false);
            stream.setTemporaryName(0);
        }
        return done ? 0 : FileStream.END_OF_FILE;
    }

    private interface StreamAction {
        boolean perform(FileStream stream);
    }

    private static long forAll(ApiCall call, int first, StreamAction action) {
        long count = 0;
        for (int i = first; i < STATIC_STREAMS; i++) {
            FileStream stream = standard(call, i);
            count += stream.isInUse() && action.perform(stream) ? 1 : 0;
        }
        long table = CrtState.of(call).variable(MORE_STREAMS);
        for (int i = 0; i < MOST_STREAMS; i++) {
            long at = call.memory().readLong(table + 8L * i);
            if (at == 0) {
                break;
            }
            FileStream stream = new FileStream(call, at);
            count += stream.isInUse() && action.perform(stream) ? 1 : 0;
        }
        return count;
    }

    static long flushAll(ApiCall call) {
        return forAll(call, 0, FileStream::flush);
    }

    private static long closeAll(ApiCall call) {
        return forAll(call, 3, FileStream::close);
    }

    private static long flush(ApiCall call) {
        if (call.arg(0) == 0) {
            flushAll(call);
            return 0;
        }
        return stream(call, 0).flush() ? 0 : FileStream.END_OF_FILE;
    }

    // ---- bytes
    // -------------------------------------------------------------------------------------------------------

    private static long read(ApiCall call) {
        long size = call.arg(1);
        long count = call.arg(2);
        if (size == 0 || count == 0) {
            return 0;
        }
        return stream(call, 3).read(call.arg(0), size * count) / size;
    }

    private static long write(ApiCall call) {
        long size = call.arg(1);
        long total = size * call.arg(2);
        if (total == 0) {
            return 0;
        }
        FileStream stream = stream(call, 3);
        long done = 0;
        while (done < total) {
            int run = (int) Math.min(total - done, 1 << 20);
            long taken = stream.write(call.memory().read(call.arg(0) + done, run));
            done += taken;
            if (taken != run) {
                break;
            }
        }
        return done / size;
    }

    private static int put(FileStream stream, int value) {
        return stream.write(new byte[] {(byte) value}) == 1 ? value & 0xFF : FileStream.END_OF_FILE;
    }

    private static int puts(FileStream stream, String text) {
        return stream.write(GuestText.toBytes(text)) == text.length() ? 0 : FileStream.END_OF_FILE;
    }

    private static long getLine(ApiCall call) {
        int room = call.intArg(1);
        if (call.arg(0) == 0 || room <= 0) {
            return 0;
        }
        StringBuilder line = stream(call, 2).readLine(room - 1);
        if (line.isEmpty() && room > 1) {
            return 0;
        }
        GuestText.writeAnsi(call.memory(), call.arg(0), line);
        return call.arg(0);
    }

    private static long gets(ApiCall call) {
        StringBuilder line = standard(call, 0).readLine(Integer.MAX_VALUE);
        if (line.isEmpty()) {
            return 0;
        }
        if (line.charAt(line.length() - 1) == '\n') {
            line.setLength(line.length() - 1);
        }
        GuestText.writeAnsi(call.memory(), call.arg(0), line);
        return call.arg(0);
    }

    // ---- wide characters: in text mode bytes of the code page, in binary mode as they are
    // -----------------------------

    private static boolean isText(FileStream stream) {
        return (new LowIo(stream.call()).flags(stream.descriptor()) & LowIo.TEXT) != 0;
    }

    private static int readWide(FileStream stream) {
        int low = stream.read();
        if (low < 0 || isText(stream)) {
            return low < 0 ? WIDE_END : low;
        }
        int high = stream.read();
        return high < 0 ? WIDE_END : low | high << 8;
    }

    private static int putWide(FileStream stream, int value) {
        return putWideText(stream, String.valueOf((char) value)) == 0 ? value & 0xFFFF : WIDE_END;
    }

    static int putWideText(FileStream stream, CharSequence text) {
        byte[] bytes = isText(stream)
                ? GuestText.toBytes(text.toString())
                : text.toString().getBytes(java.nio.charset.StandardCharsets.UTF_16LE);
        return stream.write(bytes) == bytes.length ? 0 : FileStream.END_OF_FILE;
    }

    private static long unreadWide(ApiCall call) {
        FileStream stream = stream(call, 1);
        int value = call.intArg(0) & 0xFFFF;
        if (value == WIDE_END || !isText(stream) && stream.unread(value >> 8) < 0) {
            return WIDE_END;
        }
        return stream.unread(value & 0xFF) < 0 ? WIDE_END : value;
    }

    private static long getWideLine(ApiCall call) {
        FileStream stream = stream(call, 2);
        StringBuilder line = new StringBuilder();
        while (line.length() < call.intArg(1) - 1) {
            int c = readWide(stream);
            if (c == WIDE_END) {
                break;
            }
            line.append((char) c);
            if (c == '\n') {
                break;
            }
        }
        if (line.isEmpty()) {
            return 0;
        }
        GuestText.writeWide(call.memory(), call.arg(0), line);
        return call.arg(0);
    }

    // ---- positions, buffers, errors
    // ----------------------------------------------------------------------------------

    private static long seek(ApiCall call, long offset) {
        int origin = call.intArg(2);
        if (origin < OsFiles.FROM_START
                || origin > OsFiles.FROM_END
                || !stream(call, 0).isInUse()) {
            return CrtState.fail(call, CrtState.EINVAL);
        }
        return stream(call, 0).seek(offset, origin) ? 0 : -1;
    }

    private static long rewind(ApiCall call) {
        stream(call, 0).seek(0, OsFiles.FROM_START);
        stream(call, 0).removeFlags(FileStream.ERROR | FileStream.AT_END);
        return 0;
    }

    private static long getPosition(ApiCall call) {
        long position = stream(call, 0).position();
        if (position < 0) {
            return -1;
        }
        call.memory().writeLong(call.arg(1), position);
        return 0;
    }

    private static long setPosition(ApiCall call) {
        return stream(call, 0).seek(call.memory().readLong(call.arg(1)), OsFiles.FROM_START) ? 0 : -1;
    }

    private static long clearErrors(ApiCall call) {
        stream(call, 0).removeFlags(FileStream.ERROR | FileStream.AT_END);
        return 0;
    }

    private static long setBuffer(ApiCall call) {
        int mode = call.intArg(2);
        long size = call.arg(3) & ~1L;
        boolean unbuffered = mode == NO_BUFFERING;
        if (!unbuffered
                && (mode != FULL_BUFFERING && mode != LINE_BUFFERING
                        || size < SMALLEST_BUFFER
                        || size > Integer.MAX_VALUE)) {
            return -1;
        }
        return stream(call, 0).setBuffer(call.arg(1), unbuffered, (int) size) ? 0 : -1;
    }

    private static long setSimpleBuffer(ApiCall call) {
        stream(call, 0).setBuffer(call.arg(1), call.arg(1) == 0, 512);
        return 0;
    }

    private static long setMode(ApiCall call) {
        LowIo low = new LowIo(call);
        int mode = call.intArg(1);
        if (!low.isOpen(call.intArg(0))) {
            return CrtState.fail(call, CrtState.EBADF);
        }
        if (mode != TEXT_MODE && mode != BINARY_MODE) {
            return CrtState.fail(call, CrtState.EINVAL);
        }
        return low.setText(call.intArg(0), mode == TEXT_MODE) ? TEXT_MODE : BINARY_MODE;
    }

    private static String unusedName(ApiCall call) {
        OsFiles files = new OsFiles(call);
        for (int i = 1; ; i++) {
            String name = "\\s" + Long.toString(call.process().processId(), 36) + "." + Integer.toString(i, 36);
            if (files.find(name) == null) {
                return name;
            }
        }
    }

    private static long temporaryFile(ApiCall call) {
        String name = unusedName(call);
        long stream = open(call, name, "w+b");
        if (stream != 0) {
            new FileStream(call, stream).setTemporaryName(CrtState.of(call).allocateAnsi(name));
        }
        return stream;
    }

    private static long temporaryName(ApiCall call) {
        String name = unusedName(call);
        if (call.arg(0) == 0) {
            return CrtState.of(call).allocateAnsi(name);
        }
        GuestText.writeAnsi(call.memory(), call.arg(0), name);
        return call.arg(0);
    }

    private static long printError(ApiCall call) {
        String prefix = prefix(call);
        writeError(call, (prefix == null ? "" : prefix + ": ") + ErrorText.of(CrtState.errno(call)) + "\n");
        return 0;
    }

    private static @Nullable String prefix(ApiCall call) {
        if (call.arg(0) == 0) {
            return null;
        }
        String text = text(call, 0);
        return text.isEmpty() ? null : text;
    }
}
