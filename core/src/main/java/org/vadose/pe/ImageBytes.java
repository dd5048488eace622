package org.vadose.pe;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;

/** The bytes of an image by relative virtual address. Whoever reads has checked the range against the image's size. */
abstract sealed class ImageBytes {
    abstract int unsignedByte(long rva);

    abstract void copy(long rva, byte[] target, int offset, int length);

    /** The whole file; null for an image in memory. */
    byte @Nullable [] file() {
        return null;
    }

    int unsignedShort(long rva) {
        return unsignedByte(rva) | unsignedByte(rva + 1) << 8;
    }

    int readInt(long rva) {
        return unsignedShort(rva) | unsignedShort(rva + 2) << 16;
    }

    long readLong(long rva) {
        return (readInt(rva) & 0xFFFF_FFFFL) | (long) readInt(rva + 4) << 32;
    }

    /** A file that nothing is known of yet: address and file offset are the same. */
    static final class Flat extends ImageBytes {
        private final byte[] file;

        Flat(byte[] file) {
            this.file = file;
        }

        @Override
        byte[] file() {
            return file;
        }

        @Override
        int unsignedByte(long offset) {
            return offset < file.length ? file[(int) offset] & 0xFF : 0;
        }

        @Override
        void copy(long offset, byte[] target, int at, int length) {
            int present = (int) Math.clamp(file.length - offset, 0, length);
            if (present > 0) {
                System.arraycopy(file, (int) offset, target, at, present);
            }
            Arrays.fill(target, at + present, at + length, (byte) 0);
        }
    }

    /** A file seen as it would be mapped: headers, then each section's file bytes, zeros behind them and in gaps. */
    static final class Sectioned extends ImageBytes {
        private final byte[] file;
        private final long headerBytes;
        private final List<PeSection> sections;
        private PeSection last;

        Sectioned(byte[] file, long headerBytes, List<PeSection> sections) {
            this.file = file;
            this.headerBytes = headerBytes;
            this.sections = sections;
            this.last = sections.getFirst();
        }

        @Override
        byte[] file() {
            return file;
        }

        @Override
        int unsignedByte(long rva) {
            PeSection section = at(rva);
            if (section == null) {
                return rva < headerBytes ? file[(int) rva] & 0xFF : 0;
            }
            long within = rva - section.rva();
            return within < section.fileBytes() ? file[(int) (section.fileOffset() + within)] & 0xFF : 0;
        }

        @Override
        void copy(long rva, byte[] target, int offset, int length) {
            Arrays.fill(target, offset, offset + length, (byte) 0);
            for (int done = 0; done < length; ) {
                long here = rva + done;
                PeSection section = at(here);
                long present = section == null ? headerBytes - here : section.rva() + section.fileBytes() - here;
                long source = section == null ? here : section.fileOffset() + here - section.rva();
                // Past the file's bytes: zeros up to the section's end, or through the page behind the headers.
                long extent = section == null
                        ? Math.max(present, Pages.up(here + 1) - here)
                        : section.rva() + section.mappedBytes() - here;
                int step = (int) Math.min(extent, length - done);
                int count = (int) Math.clamp(present, 0, step);
                if (count > 0) {
                    System.arraycopy(file, (int) source, target, offset + done, count);
                }
                done += step;
            }
        }

        private @Nullable PeSection at(long rva) {
            PeSection recent = last;
            if (recent.contains(rva)) {
                return recent;
            }
            int low = 0;
            int high = sections.size() - 1;
            while (low <= high) {
                int middle = (low + high) >>> 1;
                PeSection section = sections.get(middle);
                if (section.contains(rva)) {
                    last = section;
                    return section;
                }
                if (section.rva() > rva) {
                    high = middle - 1;
                } else {
                    low = middle + 1;
                }
            }
            return null;
        }
    }

    /** An image mapped in memory. */
    static final class Mapped extends ImageBytes {
        private final Memory memory;
        private final long base;

        Mapped(Memory memory, long base) {
            this.memory = memory;
            this.base = base;
        }

        @Override
        int unsignedByte(long rva) {
            try {
                return memory.readUnsignedByte(base + rva);
            } catch (MemoryFault | IndexOutOfBoundsException e) {
                throw unreadable(rva, e);
            }
        }

        @Override
        int readInt(long rva) {
            try {
                return memory.readInt(base + rva);
            } catch (MemoryFault | IndexOutOfBoundsException e) {
                throw unreadable(rva, e);
            }
        }

        @Override
        void copy(long rva, byte[] target, int offset, int length) {
            try {
                memory.read(base + rva, target, offset, length);
            } catch (MemoryFault | IndexOutOfBoundsException e) {
                throw unreadable(rva, e);
            }
        }

        private PeFormatException unreadable(long rva, RuntimeException cause) {
            PeFormatException exception =
                    PeFormatException.invalid("mapped image is not readable address=%s", Hex.address(base + rva));
            exception.initCause(cause);
            return exception;
        }
    }
}
