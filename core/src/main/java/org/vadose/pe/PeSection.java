package org.vadose.pe;

import org.vadose.base.Pages;

/**
 * One {@code _IMAGE_SECTION_HEADER}, already checked against its image.
 *
 * @param name up to eight bytes, as Latin-1, without trailing zeros
 * @param rva first byte in memory
 * @param virtualSize bytes in memory as the header states them; zero stands for {@code rawSize}
 * @param rawOffset offset in the file as the header states it
 * @param rawSize bytes in the file as the header states them
 * @param characteristics {@code SCN_*} bits of {@link PeFormat}
 * @param fileOffset where the loader reads: Windows rounds {@code rawOffset} down to a 512-byte sector
 * @param fileBytes bytes from the file that reach memory; the rest up to the section's end is zero
 */
public record PeSection(
        String name,
        long rva,
        long virtualSize,
        long rawOffset,
        long rawSize,
        int characteristics,
        long fileOffset,
        long fileBytes) {
    private static final int PAGE_NOACCESS = 0x01;
    private static final int PAGE_READONLY = 0x02;
    private static final int PAGE_READWRITE = 0x04;
    private static final int PAGE_WRITECOPY = 0x08;
    private static final int PAGE_EXECUTE = 0x10;
    private static final int PAGE_EXECUTE_READ = 0x20;
    private static final int PAGE_EXECUTE_READWRITE = 0x40;
    private static final int PAGE_EXECUTE_WRITECOPY = 0x80;

    /** Bytes in memory before rounding to pages. */
    public long sizeBytes() {
        return virtualSize == 0 ? rawSize : virtualSize;
    }

    /** Bytes in memory, rounded up to pages. */
    public long mappedBytes() {
        return Pages.up(sizeBytes());
    }

    public boolean contains(long at) {
        return at >= rva && at - rva < mappedBytes();
    }

    public boolean isExecutable() {
        return has(PeFormat.SCN_MEM_EXECUTE);
    }

    public boolean isReadable() {
        return has(PeFormat.SCN_MEM_READ);
    }

    public boolean isWritable() {
        return has(PeFormat.SCN_MEM_WRITE);
    }

    /** Writes go to the section itself, not to a private copy. */
    public boolean isShared() {
        return has(PeFormat.SCN_MEM_SHARED);
    }

    /** The {@code PAGE_*} protection a view of this section has; writable pages are copy-on-write unless shared. */
    public int pageProtection() {
        if (isWritable()) {
            if (isExecutable()) {
                return isShared() ? PAGE_EXECUTE_READWRITE : PAGE_EXECUTE_WRITECOPY;
            }
            return isShared() ? PAGE_READWRITE : PAGE_WRITECOPY;
        }
        if (isExecutable()) {
            return isReadable() ? PAGE_EXECUTE_READ : PAGE_EXECUTE;
        }
        return isReadable() ? PAGE_READONLY : PAGE_NOACCESS;
    }

    private boolean has(int bit) {
        return (characteristics & bit) != 0;
    }
}
