package org.vadose.io;

import java.util.Arrays;
import org.vadose.base.NtStatus;
import org.vadose.mm.DataSectionPages;
import org.vadose.mm.MappedFile;
import org.vadose.ob.ObjectManager;

/** A guest file as sections see it: its bytes past any cache, and the file object that a section keeps. */
final class MappedOpenFile implements MappedFile {
    private final ObjectManager objects;
    private final long body;
    private final OpenFile.OnDisk file;
    private final DataSectionPages pages;

    MappedOpenFile(ObjectManager objects, long body, OpenFile.OnDisk file, DataSectionPages pages) {
        this.objects = objects;
        this.body = body;
        this.file = file;
        this.pages = pages;
    }

    @Override
    public long fileObject() {
        return body;
    }

    @Override
    public boolean isWritable() {
        return file.canWrite();
    }

    @Override
    public long sizeBytes() {
        return file.node().size();
    }

    @Override
    public NtStatus setSize(long bytes) {
        try {
            file.node().setSize(bytes);
            return NtStatus.SUCCESS;
        } catch (FileException e) {
            return e.status();
        }
    }

    @Override
    public NtStatus read(long position, byte[] target, int offset, int length) {
        try {
            int done = 0;
            while (done < length) {
                int count = file.node().contents().read(position + done, target, offset + done, length - done);
                if (count <= 0) {
                    break;
                }
                done += count;
            }
            Arrays.fill(target, offset + done, offset + length, (byte) 0);
            return NtStatus.SUCCESS;
        } catch (FileException e) {
            return e.status();
        }
    }

    @Override
    public NtStatus write(long position, byte[] source, int offset, int length) {
        try {
            file.node().contents().write(position, source, offset, length);
            return NtStatus.SUCCESS;
        } catch (FileException e) {
            return e.status();
        }
    }

    @Override
    public void dataSectionMade(long controlArea) {
        file.node().setDataSection(new FileNode.DataSection(pages, controlArea));
    }

    @Override
    public void dataSectionGone() {
        file.node().setDataSection(null);
        file.node().releaseIfClosed();
    }

    @Override
    public void imageSectionMade(long controlArea) {
        file.node().setImageSection(new FileNode.DataSection(pages, controlArea));
    }

    @Override
    public void imageSectionGone() {
        file.node().setImageSection(null);
        file.node().releaseIfClosed();
    }

    @Override
    public void putAside() {
        file.node().releaseIfClosed();
    }

    @Override
    public boolean mayBeReopened() {
        return !file.node().isDeletePending();
    }

    @Override
    public void acquire() {
        objects.reference(body);
    }

    @Override
    public void release() {
        objects.dereference(body);
    }
}
