package org.vadose.win32.loader;

import org.vadose.pe.PeImage;

/** How images get into the process's memory: through the memory manager's image sections. */
public interface ImageMapper {
    int PAGE_READWRITE = 0x04;
    int PAGE_EXECUTE_READ = 0x20;

    /**
     * A mapped image.
     *
     * @param base where it is
     * @param linkedBase what its contents are relocated for: {@code base} when nothing is left to do
     */
    record View(long base, long linkedBase) {}

    /**
     * Maps an image with each section's protection.
     *
     * @param path DOS path, {@code C:\dir\name.dll}
     * @param file the whole file
     * @param image the same, validated
     * @throws LoaderException with what creating or mapping the section returned
     */
    View map(String path, byte[] file, PeImage image);

    void unmap(long base);

    /**
     * {@code NtProtectVirtualMemory} on whole pages.
     *
     * @return the first page's protection before
     */
    int protect(long address, long sizeBytes, int protection);

    /** Fresh private committed zero pages. */
    long allocate(long sizeBytes, int protection);
}
