package org.vadose.nt;

import org.vadose.layout.KernelSymbols;
import org.vadose.layout.ObjectHeaderLayout;
import org.vadose.memory.Memory;

/**
 * What stands before every object ({@code _OBJECT_HEADER}). Optional headers stand before it in turn, those of lower mask bits
 * nearer to it:
 *
 * <pre>
 *  ... | QUOTA | HANDLE | NAME | CREATOR | _OBJECT_HEADER | body
 * </pre>
 */
public record ObjectHeader(Memory memory, long address) {
    /** Bits of {@code InfoMask}. */
    public static final int CREATOR_INFO = 1;

    public static final int NAME_INFO = 2;
    public static final int HANDLE_INFO = 4;
    public static final int QUOTA_INFO = 8;
    public static final int PROCESS_INFO = 0x10;
    public static final int AUDIT_INFO = 0x20;
    public static final int EXTENDED_INFO = 0x40;
    public static final int PADDING_INFO = 0x80;

    /** Bits of {@code Flags}. */
    public static final int NEW_OBJECT = 1;

    public static final int KERNEL_OBJECT = 2;
    public static final int KERNEL_ONLY_ACCESS = 4;
    public static final int EXCLUSIVE = 8;
    public static final int PERMANENT = 0x10;

    /** Bytes of the header proper. */
    public static final long SIZE = ObjectHeaderLayout.BODY;

    /** Sizes of the optional headers, by bit of {@code InfoMask}. */
    private static final int[] INFO_SIZES = {0x20, 0x20, 0x10, 0x20, 0x10, 0x10, 0x10, 0x10};

    public static ObjectHeader ofBody(Memory memory, long body) {
        return new ObjectHeader(memory, body - SIZE);
    }

    /** Bytes of the optional headers that a mask names: what {@code ObpInfoMaskToOffset} holds for it. */
    public static int infoBytes(int mask) {
        int bytes = 0;
        for (int bit = 0; bit < INFO_SIZES.length; bit++) {
            bytes += (mask >>> bit & 1) * INFO_SIZES[bit];
        }
        return bytes;
    }

    public long body() {
        return address + SIZE;
    }

    public long pointerCount() {
        return memory.readLong(address + ObjectHeaderLayout.POINTER_COUNT);
    }

    public long handleCount() {
        return memory.readLong(address + ObjectHeaderLayout.HANDLE_COUNT);
    }

    /** The index as stored: combined with the header's address and a cookie. */
    public int encodedTypeIndex() {
        return memory.readUnsignedByte(address + ObjectHeaderLayout.TYPE_INDEX);
    }

    public int infoMask() {
        return memory.readUnsignedByte(address + ObjectHeaderLayout.INFO_MASK);
    }

    public int flags() {
        return memory.readUnsignedByte(address + ObjectHeaderLayout.FLAGS);
    }

    public boolean isPermanent() {
        return (flags() & PERMANENT) != 0;
    }

    /** Index into {@code ObTypeIndexTable}. */
    public int typeIndex(long kernelBase) {
        return transformTypeIndex(encodedTypeIndex(), kernelBase);
    }

    /** The object's type, from {@code ObTypeIndexTable}. */
    public ObjectType type(long kernelBase) {
        return new ObjectType(
                memory, memory.readLong(kernelBase + KernelSymbols.OB_TYPE_INDEX_TABLE + 8L * typeIndex(kernelBase)));
    }

    /** Encodes an index for this header, or decodes it: the same operation. */
    public int transformTypeIndex(int index, long kernelBase) {
        int cookie = memory.readUnsignedByte(kernelBase + KernelSymbols.OB_HEADER_COOKIE);
        return (index ^ cookie ^ (int) (address >>> 8)) & 0xFF;
    }

    /** Where an optional header stands; 0 if this object has none of the kind. */
    public long info(int bit) {
        int mask = infoMask();
        return (mask & bit) == 0 ? 0 : address - infoBytes(mask & (bit | bit - 1));
    }

    /** First byte of the allocation: the farthest optional header. */
    public long start() {
        return address - infoBytes(infoMask());
    }

    /** The name within its directory; empty when it has none. */
    public String name() {
        long info = info(NAME_INFO);
        return info == 0
                ? ""
                : new UnicodeString(memory, info + org.vadose.layout.ObjectHeaderNameInfoLayout.NAME).text();
    }

    /** The directory that holds the object's name; 0 if none does. */
    public long nameDirectory() {
        long info = info(NAME_INFO);
        return info == 0 ? 0 : memory.readLong(info + org.vadose.layout.ObjectHeaderNameInfoLayout.DIRECTORY);
    }

    public void setPointerCount(long count) {
        memory.writeLong(address + ObjectHeaderLayout.POINTER_COUNT, count);
    }
}
