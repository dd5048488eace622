package org.vadose.mm;

import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PoolType;

/** A file that is an array, with a file object that has nothing but its section pointers. */
final class PlainFile implements MappedFile {
    private final MemoryManager manager;
    private final long fileObject;
    private byte[] bytes;
    private long dataSection;
    private int held;
    private boolean broken;
    private @Nullable Random random;
    private int failuresPerMille;
    private int reads;
    private boolean isGoing;

    PlainFile(MemoryManager manager, int size) {
        this.manager = manager;
        this.bytes = new byte[size];
        Memory memory = manager.kernelMemory();
        fileObject = manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, FileObjectLayout.SIZE, 0);
        memory.fill(fileObject, FileObjectLayout.SIZE, (byte) 0);
        long pointers = manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, SectionObjectPointersLayout.SIZE, 0);
        memory.fill(pointers, SectionObjectPointersLayout.SIZE, (byte) 0);
        memory.writeLong(fileObject + FileObjectLayout.SECTION_OBJECT_POINTER, pointers);
    }

    /** What a disk would hold. */
    byte[] bytes() {
        return bytes;
    }

    int held() {
        return held;
    }

    /** How often it was read. */
    int reads() {
        return reads;
    }

    /** It is deleted with its last handle. */
    void setGoing() {
        isGoing = true;
    }

    @Override
    public boolean mayBeReopened() {
        return !isGoing;
    }

    /** Reading fails from now on, or no longer. */
    void setBroken(boolean isBroken) {
        broken = isBroken;
    }

    /** From now on so many calls of a thousand fail. */
    void setFailing(Random chance, int perMille) {
        random = chance;
        failuresPerMille = perMille;
    }

    private boolean fails() {
        Random chance = random;
        return broken || chance != null && chance.nextInt(1000) < failuresPerMille;
    }

    /** As a program reads it. */
    byte[] readFile(int position, int length) {
        byte[] target = Arrays.copyOfRange(bytes, position, position + length);
        if (dataSection != 0) {
            manager.dataSections().overlay(dataSection, position, target, 0, length);
        }
        return target;
    }

    /** As a program writes it. */
    void writeFile(int position, byte[] source) {
        int before = bytes.length;
        if (position + source.length > before) {
            bytes = Arrays.copyOf(bytes, position + source.length);
            if (dataSection != 0) {
                manager.dataSections().grown(dataSection, before);
            }
        }
        System.arraycopy(source, 0, bytes, position, source.length);
        if (dataSection != 0) {
            manager.dataSections().written(dataSection, position, source, 0, source.length);
        }
    }

    @Override
    public long fileObject() {
        return fileObject;
    }

    @Override
    public boolean isWritable() {
        return true;
    }

    @Override
    public long sizeBytes() {
        return bytes.length;
    }

    @Override
    public NtStatus setSize(long size) {
        long before = bytes.length;
        bytes = Arrays.copyOf(bytes, (int) size);
        if (dataSection != 0 && size > before) {
            manager.dataSections().grown(dataSection, before);
        }
        return NtStatus.SUCCESS;
    }

    @Override
    public NtStatus read(long position, byte[] target, int offset, int length) {
        if (fails()) {
            return NtStatus.DATA_ERROR;
        }
        reads++;
        int count = (int) Math.clamp(bytes.length - position, 0, length);
        System.arraycopy(bytes, (int) Math.min(position, bytes.length), target, offset, count);
        Arrays.fill(target, offset + count, offset + length, (byte) 0);
        return NtStatus.SUCCESS;
    }

    @Override
    public NtStatus write(long position, byte[] source, int offset, int length) {
        if (fails()) {
            return NtStatus.DATA_ERROR;
        }
        System.arraycopy(source, offset, bytes, (int) position, length);
        return NtStatus.SUCCESS;
    }

    @Override
    public void dataSectionMade(long controlArea) {
        dataSection = controlArea;
    }

    @Override
    public void dataSectionGone() {
        dataSection = 0;
    }

    @Override
    public void acquire() {
        held++;
    }

    @Override
    public void release() {
        held--;
    }
}
