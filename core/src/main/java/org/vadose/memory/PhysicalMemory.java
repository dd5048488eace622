package org.vadose.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;

/**
 * The machine's RAM: off the Java heap, bounds-checked, and sparse, so a machine may have more of it than the host as long as
 * the guest does not touch it all. RAM is one private mapping of a file that has only holes: the host finds a page for it at the
 * first write. Which chunks of 2 MB were written is remembered.
 *
 * <p>Frames that hold decoded instructions are marked ({@link #markCode}); a write to one tells every {@link CodeListener} and
 * clears the mark.
 */
public final class PhysicalMemory implements Memory, AutoCloseable {
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final VarHandle ATOMIC_INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    static final VarHandle ATOMIC_LONG =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    private static final VarHandle MARK = MethodHandles.arrayElementVarHandle(byte[].class);
    private static final byte NO_CODE = 0;
    private static final byte MARKED = 1;
    private static final byte KNOWN = 2;

    static final int CHUNK_SHIFT = 21;
    static final long CHUNK_SIZE = 1L << CHUNK_SHIFT;
    private static final long CHUNK_MASK = CHUNK_SIZE - 1;

    /** The least that a machine boots with. */
    public static final long MINIMUM_BYTES = 32L << 20;

    private final long sizeBytes;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;
    /** One flag a chunk: whether anything in it was ever written. */
    private final boolean[] touched;
    /** One byte a frame of the chunk: {@link #NO_CODE}, {@link #MARKED} or {@link #KNOWN}; null where no frame of the chunk is marked. */
    private final byte[] @Nullable [] code;

    private final CopyOnWriteArrayList<CodeListener> codeListeners = new CopyOnWriteArrayList<>();

    /** Told when a frame that was marked as code is written. */
    @FunctionalInterface
    public interface CodeListener {
        void codeWritten(long frame);
    }

    /** @param sizeBytes a multiple of 4 KB, at least one page */
    public PhysicalMemory(long sizeBytes) {
        if (sizeBytes <= 0 || Pages.offset(sizeBytes) != 0 || sizeBytes >> CHUNK_SHIFT > Integer.MAX_VALUE - 16) {
            throw new IllegalArgumentException("RAM must be a positive number of 4 KB pages sizeBytes=" + sizeBytes);
        }
        this.sizeBytes = sizeBytes;
        int count = (int) ((sizeBytes + CHUNK_MASK) >>> CHUNK_SHIFT);
        touched = new boolean[count];
        code = new byte[count][];
        segment = reserve(sizeBytes, arena);
    }

    /** Address space that costs the host nothing until it is written. */
    private static MemorySegment reserve(long sizeBytes, Arena arena) {
        try {
            Path file = Files.createTempFile("vadose-", ".ram");
            try (FileChannel channel = FileChannel.open(
                    file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE)) {
                try {
                    return channel.map(FileChannel.MapMode.PRIVATE, 0, sizeBytes, arena);
                } catch (IOException | OutOfMemoryError moreThanTheHostHas) {
                    // The file itself then takes what is written.
                    return channel.map(FileChannel.MapMode.READ_WRITE, 0, sizeBytes, arena);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot reserve " + sizeBytes + " bytes of RAM; a temporary file is needed in "
                            + System.getProperty("java.io.tmpdir"),
                    e);
        }
    }

    /** What to tell the person when Java says InternalError of an access: the host had no page to put behind the mapping. */
    public static String hostIsFull(InternalError fault) {
        return "the host cannot keep the machine's memory: the folder for temporary files, "
                + System.getProperty("java.io.tmpdir") + ", is full; set TMPDIR to another one (" + fault.getMessage()
                + ")";
    }

    /** All of RAM, by physical address. */
    MemorySegment segment() {
        return segment;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    public long frames() {
        return sizeBytes >>> Pages.SHIFT;
    }

    /** Bytes of host memory held: the chunks written so far. */
    public long residentBytes() {
        long resident = 0;
        for (boolean chunk : touched) {
            resident += chunk ? CHUNK_SIZE : 0;
        }
        return resident;
    }

    /** Whether any byte of the 2 MB around this address was ever written; what was not reads as zeros. */
    public boolean isTouched(long address) {
        return touched[chunkIndex(address, 1)];
    }

    @Override
    public byte readByte(long address) {
        return readable(address, 1).get(ValueLayout.JAVA_BYTE, address);
    }

    @Override
    public short readShort(long address) {
        return crosses(address, 2)
                ? (short) readSplit(address, 2)
                : readable(address, 2).get(SHORT, address);
    }

    @Override
    public int readInt(long address) {
        return crosses(address, 4)
                ? (int) readSplit(address, 4)
                : readable(address, 4).get(INT, address);
    }

    @Override
    public long readLong(long address) {
        return crosses(address, 8)
                ? readSplit(address, 8)
                : readable(address, 8).get(LONG, address);
    }

    @Override
    public void writeByte(long address, byte value) {
        writable(address, 1).set(ValueLayout.JAVA_BYTE, address, value);
    }

    @Override
    public void writeShort(long address, short value) {
        if (crosses(address, 2)) {
            writeSplit(address, value, 2);
        } else {
            writable(address, 2).set(SHORT, address, value);
        }
    }

    @Override
    public void writeInt(long address, int value) {
        if (crosses(address, 4)) {
            writeSplit(address, value, 4);
        } else {
            writable(address, 4).set(INT, address, value);
        }
    }

    @Override
    public void writeLong(long address, long value) {
        if (crosses(address, 8)) {
            writeSplit(address, value, 8);
        } else {
            writable(address, 8).set(LONG, address, value);
        }
    }

    @Override
    public void read(long address, byte[] target, int offset, int length) {
        checkRange(address, length);
        for (int done = 0; done < length; ) {
            long at = address + done;
            int run = (int) Math.min(length - done, CHUNK_SIZE - (at & CHUNK_MASK));
            MemorySegment.copy(readable(at, run), ValueLayout.JAVA_BYTE, at, target, offset + done, run);
            done += run;
        }
    }

    @Override
    public void write(long address, byte[] source, int offset, int length) {
        checkRange(address, length);
        for (int done = 0; done < length; ) {
            long at = address + done;
            int run = (int) Math.min(length - done, CHUNK_SIZE - (at & CHUNK_MASK));
            MemorySegment.copy(source, offset + done, writable(at, run), ValueLayout.JAVA_BYTE, at, run);
            done += run;
        }
    }

    @Override
    public void fill(long address, long length, byte value) {
        checkRange(address, length);
        for (long done = 0; done < length; ) {
            long at = address + done;
            long run = Math.min(length - done, CHUNK_SIZE - (at & CHUNK_MASK));
            boolean zerosOverNothing = value == 0 && !touched[(int) (at >>> CHUNK_SHIFT)];
            if (!zerosOverNothing) {
                writable(at, run).asSlice(at, run).fill(value);
            }
            done += run;
        }
    }

    /** Copies one frame to another. */
    public void copyFrame(long fromFrame, long toFrame) {
        long from = fromFrame << Pages.SHIFT;
        long to = toFrame << Pages.SHIFT;
        MemorySegment.copy(readable(from, Pages.SIZE), from, writable(to, Pages.SIZE), to, Pages.SIZE);
    }

    /** Copies a frame out. */
    public void readFrame(long frame, MemorySegment target, long offset) {
        long from = frame << Pages.SHIFT;
        MemorySegment.copy(readable(from, Pages.SIZE), from, target, offset, Pages.SIZE);
    }

    /** Copies a frame in. */
    public void writeFrame(long frame, MemorySegment source, long offset) {
        long to = frame << Pages.SHIFT;
        MemorySegment.copy(source, offset, writable(to, Pages.SIZE), to, Pages.SIZE);
    }

    public void zeroFrame(long frame) {
        fill(frame << Pages.SHIFT, Pages.SIZE, (byte) 0);
    }

    @Override
    public boolean compareAndSetInt(long address, int expected, int value) {
        if ((address & 3) == 0) {
            return ATOMIC_INT.compareAndSet(writable(address, 4), address, expected, value);
        }
        synchronized (this) {
            if (readInt(address) != expected) {
                return false;
            }
            writeInt(address, value);
            return true;
        }
    }

    @Override
    public boolean compareAndSetLong(long address, long expected, long value) {
        if ((address & 7) == 0) {
            return ATOMIC_LONG.compareAndSet(writable(address, 8), address, expected, value);
        }
        synchronized (this) {
            if (readLong(address) != expected) {
                return false;
            }
            writeLong(address, value);
            return true;
        }
    }

    /**
     * Says that instructions are going to be decoded from this frame: the next write to it is told to the listeners. Processors that
     * found out before that they may write there do not know yet: {@link #setCodeKnown}.
     */
    public void markCode(long frame) {
        int chunk = chunkIndex(frame << Pages.SHIFT, 1);
        byte[] marks = code[chunk];
        if (marks == null) {
            synchronized (this) {
                marks = code[chunk];
                if (marks == null) {
                    marks = new byte[(int) (CHUNK_SIZE >>> Pages.SHIFT)];
                    code[chunk] = marks;
                }
            }
        }
        MARK.compareAndSet(marks, mark(frame), NO_CODE, MARKED);
    }

    /** Every processor looks again before it writes to this frame. A write that came first has taken the mark away. */
    void setCodeKnown(long frame) {
        byte[] marks = code[(int) (frame >>> (CHUNK_SHIFT - Pages.SHIFT))];
        if (marks != null) {
            MARK.compareAndSet(marks, mark(frame), MARKED, KNOWN);
        }
    }

    /** Whether the frame is marked, and every processor knows: no write to it goes untold. */
    public boolean isKnownCode(long frame) {
        byte[] marks = code[(int) (frame >>> (CHUNK_SHIFT - Pages.SHIFT))];
        return marks != null && (byte) MARK.getAcquire(marks, mark(frame)) == KNOWN;
    }

    public boolean isCode(long frame) {
        byte[] marks = code[(int) (frame >>> (CHUNK_SHIFT - Pages.SHIFT))];
        return marks != null && marks[mark(frame)] != NO_CODE;
    }

    private static int mark(long frame) {
        return (int) (frame & (CHUNK_MASK >>> Pages.SHIFT));
    }

    public void addCodeListener(CodeListener listener) {
        codeListeners.add(listener);
    }

    /** All of RAM, of which {@code length} bytes from {@code address} are to be read. */
    private MemorySegment readable(long address, long length) {
        checkRange(address, length);
        return segment;
    }

    /** Says that bytes, all in one chunk, are about to be written; code marks among them are told and cleared. */
    MemorySegment writable(long address, long length) {
        int index = chunkIndex(address, length);
        byte[] marks = code[index];
        if (marks != null) {
            clearCode(marks, address, length);
        }
        if (!touched[index]) {
            // Only then: processors that write elsewhere read the flags' cache lines all the time.
            touched[index] = true;
        }
        return segment;
    }

    private void clearCode(byte[] marks, long address, long length) {
        long last = (address + length - 1) >>> Pages.SHIFT;
        for (long frame = address >>> Pages.SHIFT; frame <= last; frame++) {
            int mark = mark(frame);
            if (marks[mark] != NO_CODE) {
                MARK.setVolatile(marks, mark, NO_CODE);
                for (CodeListener listener : codeListeners) {
                    listener.codeWritten(frame);
                }
            }
        }
    }

    private int chunkIndex(long address, long length) {
        checkRange(address, length);
        return (int) (address >>> CHUNK_SHIFT);
    }

    private void checkRange(long address, long length) {
        if ((address | length) < 0 || address > sizeBytes - length) {
            throw new IndexOutOfBoundsException("physical address outside RAM address=" + Hex.plain(address)
                    + " length=" + length + " ram=" + Hex.plain(sizeBytes));
        }
    }

    private static boolean crosses(long address, int length) {
        return (address & CHUNK_MASK) > CHUNK_SIZE - length;
    }

    private long readSplit(long address, int length) {
        checkRange(address, length);
        long value = 0;
        for (int i = 0; i < length; i++) {
            value |= (readByte(address + i) & 0xFFL) << (8 * i);
        }
        return value;
    }

    private void writeSplit(long address, long value, int length) {
        checkRange(address, length);
        for (int i = 0; i < length; i++) {
            writeByte(address + i, (byte) (value >>> (8 * i)));
        }
    }

    /** Gives the host its memory back; any later access throws {@link IllegalStateException}. */
    @Override
    public void close() {
        arena.close();
    }
}
