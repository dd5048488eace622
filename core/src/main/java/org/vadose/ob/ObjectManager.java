package org.vadose.ob;

import org.vadose.base.Hex;
import org.vadose.base.ResourcesException;
import org.vadose.base.SeededRandom;
import org.vadose.ex.PoolAllocator;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.ListEntryLayout;
import org.vadose.layout.ObjectHeaderCreatorInfoLayout;
import org.vadose.layout.ObjectHeaderLayout;
import org.vadose.layout.ObjectHeaderNameInfoLayout;
import org.vadose.layout.ObjectTypeInitializerLayout;
import org.vadose.layout.ObjectTypeLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ListEntry;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.ObjectType;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.UnicodeString;

/**
 * Objects: their types, headers, reference counts and end. An object is known by the address of its body.
 *
 * <p>An object dies when its last reference goes: it leaves its directory, the type's {@link Deleter} runs, its name and block are
 * freed. A name in a directory is a reference. An object that is not permanent leaves its directory when its last handle closes.
 */
public final class ObjectManager {
    private static final int NAME_TAG = PoolTag.of("ObNm");
    private static final int TYPE_BODY_BYTES = (int) ObjectTypeLayout.SIZE;
    /** {@code SecurityRequired}, {@code MaintainTypeList}. */
    private static final int CASE_INSENSITIVE = 1;

    private static final int MAINTAIN_TYPE_LIST = 0x20;
    private static final int SECURITY_REQUIRED = 8;

    private final Memory memory;
    private final PoolAllocator pool;
    private final long kernelBase;
    private final ObjectNamespace namespace;
    private final HandleTables handleTables;
    private final Handles handles;
    /** Bits 0 to 23 of an access mask. */
    private static final int STANDARD_AND_SPECIFIC = 0xFF_FFFF;

    private static final int MAXIMUM_ALLOWED = 0x200_0000;
    private static final int GENERIC_RIGHTS = 4;

    private final Deleter[] deleters = new Deleter[KnownType.values().length];
    private final Deleter[] closers = new Deleter[KnownType.values().length];

    /** What a type does when one of its objects ends. */
    @FunctionalInterface
    public interface Deleter {
        void delete(long body);
    }

    public ObjectManager(Memory memory, PoolAllocator pool, long kernelBase) {
        this.memory = memory;
        this.pool = pool;
        this.kernelBase = kernelBase;
        this.namespace = new ObjectNamespace(memory, pool, kernelBase, this);
        this.handleTables = new HandleTables(memory, pool, kernelBase);
        this.handles = new Handles(memory, this, handleTables);
    }

    public Memory memory() {
        return memory;
    }

    public long kernelBase() {
        return kernelBase;
    }

    public ObjectNamespace namespace() {
        return namespace;
    }

    public HandleTables handleTables() {
        return handleTables;
    }

    public Handles handles() {
        return handles;
    }

    /** Makes the types and the namespace's root. Once, at boot. */
    public void initialize(long seed) {
        int cookie = (int) SeededRandom.of(seed, "ob header cookie").below(256);
        memory.writeByte(kernelBase + KernelSymbols.OB_HEADER_COOKIE, (byte) cookie);
        byte[] offsets = new byte[256];
        for (int mask = 0; mask < offsets.length; mask++) {
            offsets[mask] = (byte) ObjectHeader.infoBytes(mask);
        }
        memory.write(kernelBase + KernelSymbols.OBP_INFO_MASK_TO_OFFSET, offsets);
        // Slot 0 is null and slot 1 an address that faults, so that a wiped or freed header betrays itself.
        long table = kernelBase + KernelSymbols.OB_TYPE_INDEX_TABLE;
        memory.writeLong(table, 0);
        memory.writeLong(table + 8, memory.readLong(kernelBase + KernelSymbols.MM_BAD_POINTER));
        handleTables.initialize();
        for (KnownType type : KnownType.values()) {
            createType(type);
        }
        onDelete(KnownType.SYMBOLIC_LINK, namespace::freeTarget);
        namespace.initialize();
        for (KnownType type : KnownType.values()) {
            namespace.insert(namespace.typeDirectory(), typeBody(type));
        }
    }

    private void createType(KnownType type) {
        long body = create(
                KnownType.TYPE,
                TYPE_BODY_BYTES,
                type.typeName(),
                ObjectHeader.CREATOR_INFO,
                ObjectHeader.KERNEL_OBJECT | ObjectHeader.PERMANENT);
        new ListEntry(memory, body + ObjectTypeLayout.TYPE_LIST).initialize();
        new ListEntry(memory, body + ObjectTypeLayout.CALLBACK_LIST).initialize();
        UnicodeString name =
                new UnicodeString(memory, header(body).info(ObjectHeader.NAME_INFO) + ObjectHeaderNameInfoLayout.NAME);
        new UnicodeString(memory, body + ObjectTypeLayout.NAME)
                .set(name.lengthBytes(), name.maximumLengthBytes(), name.buffer());
        memory.writeByte(body + ObjectTypeLayout.INDEX, (byte) type.index());
        memory.writeInt(body + ObjectTypeLayout.KEY, type.tag());
        long info = body + ObjectTypeLayout.TYPE_INFO;
        memory.writeShort(info + ObjectTypeInitializerLayout.LENGTH, (short) ObjectTypeInitializerLayout.SIZE);
        int flags = type == KnownType.TYPE ? MAINTAIN_TYPE_LIST : SECURITY_REQUIRED;
        memory.writeShort(info + ObjectTypeInitializerLayout.OBJECT_TYPE_FLAGS, (short) (flags | CASE_INSENSITIVE));
        memory.writeInt(info + ObjectTypeInitializerLayout.VALID_ACCESS_MASK, type.validAccess());
        int[] mapping = type.genericMapping();
        for (int i = 0; i < mapping.length; i++) {
            memory.writeInt(info + ObjectTypeInitializerLayout.GENERIC_MAPPING + (long) i * Integer.BYTES, mapping[i]);
        }
        memory.writeInt(
                info + ObjectTypeInitializerLayout.POOL_TYPE,
                (type.isPaged() ? PoolType.PAGED_POOL : PoolType.NON_PAGED_POOL_NX).value());
        memory.writeLong(kernelBase + KernelSymbols.OB_TYPE_INDEX_TABLE + 8L * type.index(), body);
        memory.writeLong(kernelBase + KernelSymbols.OBP_OBJECT_TYPES + 8L * type.ordinal(), body);
        if (type.symbol() != 0) {
            memory.writeLong(kernelBase + type.symbol(), body);
        }
        ObjectType typeType = new ObjectType(memory, typeBody(KnownType.TYPE));
        if (type == KnownType.TYPE) {
            // It was made before the table could name its own type.
            typeType.addObjects(1);
        }
        long links = header(body).info(ObjectHeader.CREATOR_INFO) + ObjectHeaderCreatorInfoLayout.TYPE_LIST;
        new ListEntry(memory, typeType.address() + ObjectTypeLayout.TYPE_LIST).insertTail(links);
    }

    /** The type object of a type. */
    public long typeBody(KnownType type) {
        return memory.readLong(kernelBase + KernelSymbols.OB_TYPE_INDEX_TABLE + 8L * type.index());
    }

    /** Who is told when an object of the type ends; one a type. */
    public void onDelete(KnownType type, Deleter deleter) {
        deleters[type.ordinal()] = deleter;
    }

    /** Who is told when the last handle to an object of the type closes, however many references it has left; one a type. */
    public void onLastClose(KnownType type, Deleter closer) {
        closers[type.ordinal()] = closer;
    }

    /** Makes an object without a name. See {@link #create(KnownType, long, String, int, int)}. */
    public long create(KnownType type, long bodyBytes) {
        return create(type, bodyBytes, "", 0, 0);
    }

    /**
     * Makes an object with one reference, its body zeroed. It is in no directory yet.
     *
     * @param name the last part of its path; empty for none
     * @param infoMask optional headers it shall have besides that of its name
     * @param flags of its header
     * @return address of its body
     */
    public long create(KnownType type, long bodyBytes, String name, int infoMask, int flags) {
        int mask = infoMask | (name.isEmpty() ? 0 : ObjectHeader.NAME_INFO);
        long infoBytes = ObjectHeader.infoBytes(mask);
        PoolType poolType = type.isPaged() ? PoolType.PAGED_POOL : PoolType.NON_PAGED_POOL_NX;
        long buffer = name.isEmpty() ? 0 : pool.allocate(PoolType.PAGED_POOL, 2L * name.length() + 2, NAME_TAG);
        long block;
        try {
            block = pool.allocateZeroed(poolType, infoBytes + ObjectHeader.SIZE + bodyBytes, type.tag());
        } catch (ResourcesException exhausted) {
            if (buffer != 0) {
                pool.free(buffer);
            }
            throw exhausted;
        }
        ObjectHeader header = new ObjectHeader(memory, block + infoBytes);
        long at = header.address();
        header.setPointerCount(1);
        memory.writeByte(
                at + ObjectHeaderLayout.TYPE_INDEX, (byte) header.transformTypeIndex(type.index(), kernelBase));
        memory.writeByte(at + ObjectHeaderLayout.INFO_MASK, (byte) mask);
        memory.writeByte(at + ObjectHeaderLayout.FLAGS, (byte) flags);
        if (!name.isEmpty()) {
            long nameInfo = header.info(ObjectHeader.NAME_INFO);
            new UnicodeString(memory, nameInfo + ObjectHeaderNameInfoLayout.NAME).set(name, buffer);
            memory.writeInt(nameInfo + ObjectHeaderNameInfoLayout.REFERENCE_COUNT, 1);
        }
        long typeBody = typeBody(type);
        if (typeBody != 0) {
            new ObjectType(memory, typeBody).addObjects(1);
        }
        return header.body();
    }

    public ObjectHeader header(long body) {
        return ObjectHeader.ofBody(memory, body);
    }

    /** Whether an object is of a type. */
    public boolean isType(long body, KnownType type) {
        return header(body).typeIndex(kernelBase) == type.index();
    }

    /** The rights that a wish for access to an object means: those of its type for generic ones, all for the most one can get. */
    public int specificAccess(long body, int access) {
        long info = header(body).type(kernelBase).address() + ObjectTypeLayout.TYPE_INFO;
        int rights = access & STANDARD_AND_SPECIFIC;
        for (int i = 0; i < GENERIC_RIGHTS; i++) {
            // GENERIC_READ is the highest bit.
            if ((access >>> Integer.SIZE - 1 - i & 1) != 0) {
                rights |= memory.readInt(info + ObjectTypeInitializerLayout.GENERIC_MAPPING + (long) i * Integer.BYTES);
            }
        }
        int valid = memory.readInt(info + ObjectTypeInitializerLayout.VALID_ACCESS_MASK);
        return (access & MAXIMUM_ALLOWED) != 0 ? rights | valid : rights;
    }

    public void reference(long body) {
        memory.getAndAddLong(body - ObjectHeader.SIZE + ObjectHeaderLayout.POINTER_COUNT, 1);
    }

    public void dereference(long body) {
        dereference(body, 1);
    }

    /** Takes several references away; the object ends with its last. */
    void dereference(long body, long count) {
        long left = memory.getAndAddLong(body - ObjectHeader.SIZE + ObjectHeaderLayout.POINTER_COUNT, -count) - count;
        if (left < 0) {
            throw new IllegalStateException(
                    "REFERENCE_BY_POINTER object=" + Hex.address(body) + " PointerCount=" + left);
        }
        if (left == 0) {
            delete(body);
        }
    }

    private void delete(long body) {
        ObjectHeader header = header(body);
        int ordinal = header.typeIndex(kernelBase) - KnownType.FIRST_INDEX;
        Deleter deleter = deleters[ordinal];
        if (deleter != null) {
            deleter.delete(body);
        }
        header.type(kernelBase).addObjects(-1);
        long creator = header.info(ObjectHeader.CREATOR_INFO);
        if (creator != 0 && memory.readLong(creator + ListEntryLayout.FLINK) != 0) {
            new ListEntry(memory, creator + ObjectHeaderCreatorInfoLayout.TYPE_LIST).remove();
        }
        long nameInfo = header.info(ObjectHeader.NAME_INFO);
        if (nameInfo != 0) {
            long buffer = new UnicodeString(memory, nameInfo + ObjectHeaderNameInfoLayout.NAME).buffer();
            if (buffer != 0) {
                pool.free(buffer);
            }
        }
        pool.free(header.start());
    }

    /** An object that is not permanent and has no handle left loses its name. */
    void lastHandleClosed(long body) {
        ObjectHeader header = header(body);
        Deleter closer = closers[header.typeIndex(kernelBase) - KnownType.FIRST_INDEX];
        if (closer != null) {
            closer.delete(body);
        }
        if (!header.isPermanent() && header.nameDirectory() != 0) {
            namespace.remove(body);
        }
    }

    /** Makes an object permanent or, closing it for good once unused, temporary. */
    public void setPermanent(long body, boolean permanent) {
        ObjectHeader header = header(body);
        int flags = header.flags() & ~ObjectHeader.PERMANENT | (permanent ? ObjectHeader.PERMANENT : 0);
        memory.writeByte(header.address() + ObjectHeaderLayout.FLAGS, (byte) flags);
        if (!permanent && header.handleCount() == 0) {
            lastHandleClosed(body);
        }
    }
}
