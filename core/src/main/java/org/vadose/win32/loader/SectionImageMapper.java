package org.vadose.win32.loader;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.io.FileNode;
import org.vadose.layout.ControlAreaLayout;
import org.vadose.layout.SegmentLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.ImageSections;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.Eprocess;
import org.vadose.pe.PeImage;

/** Maps images through the memory manager's image sections. */
public final class SectionImageMapper implements ImageMapper {
    private final MemoryManager manager;
    private final Eprocess process;
    private final ImageSectionCache cache;
    private final Function<String, @Nullable FileNode> files;

    /** @param files the file of a path; null if it is on no drive */
    public SectionImageMapper(
            MemoryManager manager,
            Eprocess process,
            ImageSectionCache cache,
            Function<String, @Nullable FileNode> files) {
        this.files = files;
        this.manager = manager;
        this.process = process;
        this.cache = cache;
    }

    @Override
    public View map(String path, byte[] file, PeImage image) {
        long area = cache.area(path, image, files.apply(path));
        ImageSections.View view = manager.sections().map(process, area);
        long linkedBase = linkedBase(area);
        manager.sections().dereference(area);
        if (!view.status().isSuccess()) {
            throw new LoaderException(view.status(), path + " could not be mapped: " + view.status());
        }
        return new View(view.base(), linkedBase);
    }

    /** What somebody else mapped from an image section. */
    public View viewAt(long base, long controlArea) {
        return new View(base, linkedBase(controlArea));
    }

    /** What the section's pages are relocated for. */
    private long linkedBase(long area) {
        Memory kernel = manager.kernelMemory();
        long segment = kernel.readLong(area + ControlAreaLayout.SEGMENT);
        return kernel.readLong(segment + SegmentLayout.BASED_ADDRESS);
    }

    @Override
    public void unmap(long base) {
        NtStatus status = manager.sections().unmap(process, base);
        if (!status.isSuccess()) {
            throw new IllegalStateException("image view is not there base=" + Hex.address(base) + " status=" + status);
        }
    }

    @Override
    public int protect(long address, long sizeBytes, int protection) {
        VirtualMemoryServices.Region region = region(address, sizeBytes);
        int[] before = new int[1];
        NtStatus status = manager.virtualMemory().protect(process, region, protection, before);
        if (!status.isSuccess()) {
            throw new LoaderException(
                    status,
                    "protection of %s could not be changed size=0x%x protection=0x%x: %s"
                            .formatted(Hex.address(address), sizeBytes, protection, status));
        }
        return before[0];
    }

    @Override
    public long allocate(long sizeBytes, int protection) {
        VirtualMemoryServices.Region region = region(0, sizeBytes);
        NtStatus status = manager.virtualMemory()
                .allocate(
                        process,
                        region,
                        0,
                        VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE,
                        protection);
        if (!status.isSuccess()) {
            throw new LoaderException(status, "no memory for the loader size=0x%x: %s".formatted(sizeBytes, status));
        }
        return region.base;
    }

    private static VirtualMemoryServices.Region region(long base, long sizeBytes) {
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = base;
        region.sizeBytes = sizeBytes;
        return region;
    }
}
