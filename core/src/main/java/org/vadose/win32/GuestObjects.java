package org.vadose.win32;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.io.OpenFile;
import org.vadose.layout.DispatcherHeaderLayout;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.KeventLayout;
import org.vadose.layout.KmutantLayout;
import org.vadose.layout.KsemaphoreLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.Pool;
import org.vadose.nt.HandleTable;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.UnicodeString;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;

/**
 * A process's handles and the objects behind them. The objects are in kernel memory in their genuine layouts; beside a
 * {@code _FILE_OBJECT} stands the {@link OpenFile} that does its work, which goes when the object does.
 */
public final class GuestObjects {
    /** {@code NtCurrentProcess}. */
    public static final long CURRENT_PROCESS = -1;

    /** {@code NtCurrentThread}. */
    public static final long CURRENT_THREAD = -2;

    private static final int FILE_OBJECT_TYPE = 5;
    private static final int NAME_TAG = PoolTag.of("IoNm");
    private static final int SYNCHRONOUS_IO = 0x2;

    private final ObjectManager objects;
    private final Memory kernel;
    private final Pool pool;
    private final HandleTable table;
    private final Map<Long, OpenFile> files = new HashMap<>();

    public GuestObjects(ObjectManager objects, Pool pool, HandleTable table) {
        this.objects = objects;
        this.kernel = objects.memory();
        this.pool = pool;
        this.table = table;
        objects.onDelete(KnownType.FILE, this::fileEnds);
    }

    /** The body behind a handle, 0 for none. */
    public long body(long handle) {
        return objects.handles().peek(table, handle);
    }

    /** The body behind a handle of a type, 0 for none. */
    public long body(long handle, KnownType type) {
        return objects.handles().peek(table, handle, type);
    }

    public NtStatus close(long handle) {
        if (handle == CURRENT_PROCESS || handle == CURRENT_THREAD) {
            return NtStatus.SUCCESS;
        }
        return objects.handles().close(table, handle);
    }

    /** One more handle to an object; 0 when the table is full. */
    public int open(long body, int access) {
        return objects.handles().open(table, body, 0, access);
    }

    private int openNew(long body, int access) {
        int handle = open(body, access);
        objects.dereference(body);
        return handle;
    }

    // --- files ---

    /** A handle to an opened file. */
    public int open(OpenFile file) {
        long body = objects.create(KnownType.FILE, FileObjectLayout.SIZE);
        kernel.writeShort(body + FileObjectLayout.TYPE, (short) FILE_OBJECT_TYPE);
        kernel.writeShort(body + FileObjectLayout.TYPE + 2, (short) FileObjectLayout.SIZE);
        kernel.writeInt(body + FileObjectLayout.FLAGS, SYNCHRONOUS_IO);
        kernel.writeByte(body + FileObjectLayout.READ_ACCESS, (byte) (file.access() >>> 31 | file.access() & 1));
        kernel.writeByte(
                body + FileObjectLayout.WRITE_ACCESS, (byte) (file.access() >>> 30 & 1 | file.access() >> 1 & 1));
        kernel.writeByte(body + FileObjectLayout.SHARED_READ, (byte) (file.share() & 1));
        kernel.writeByte(body + FileObjectLayout.SHARED_WRITE, (byte) (file.share() >> 1 & 1));
        kernel.writeByte(body + FileObjectLayout.SHARED_DELETE, (byte) (file.share() >> 2 & 1));
        new ListEntry(kernel, body + FileObjectLayout.IRP_LIST).initialize();
        String path = file.path();
        String name = path.length() > 2 && path.charAt(1) == ':' ? path.substring(2) : "\\" + path;
        long buffer = pool.allocate(PoolType.NON_PAGED_POOL_NX, 2L * name.length() + 2, NAME_TAG);
        new UnicodeString(kernel, body + FileObjectLayout.FILE_NAME).set(name, buffer);
        files.put(body, file);
        return openNew(body, 0x12019F);
    }

    /** The file behind a handle; null when the handle is no file's. */
    public @Nullable OpenFile file(long handle) {
        long body = body(handle, KnownType.FILE);
        return body == 0 ? null : files.get(body);
    }

    /** Where the file object stands in its file. */
    public long filePosition(long handle) {
        return kernel.readLong(body(handle, KnownType.FILE) + FileObjectLayout.CURRENT_BYTE_OFFSET);
    }

    public void setFilePosition(long handle, long position) {
        kernel.writeLong(body(handle, KnownType.FILE) + FileObjectLayout.CURRENT_BYTE_OFFSET, position);
    }

    private void fileEnds(long body) {
        OpenFile file = files.remove(body);
        if (file != null) {
            file.close();
        }
        long name = new UnicodeString(kernel, body + FileObjectLayout.FILE_NAME).buffer();
        if (name != 0) {
            pool.free(name);
        }
    }

    // --- what threads wait for ---

    public int createEvent(boolean manualReset, boolean signalled) {
        long body = objects.create(KnownType.EVENT, KeventLayout.SIZE);
        header(body, manualReset ? WaitObject.NOTIFICATION_EVENT : WaitObject.SYNCHRONIZATION_EVENT, signalled ? 1 : 0);
        return openNew(body, KnownType.EVENT.validAccess());
    }

    public int createSemaphore(int initial, int limit) {
        long body = objects.create(KnownType.SEMAPHORE, KsemaphoreLayout.SIZE);
        header(body, WaitObject.SEMAPHORE, initial);
        kernel.writeInt(body + KsemaphoreLayout.LIMIT, limit);
        return openNew(body, KnownType.SEMAPHORE.validAccess());
    }

    public int createMutant(@Nullable GuestThread owner) {
        long body = objects.create(KnownType.MUTANT, KmutantLayout.SIZE);
        header(body, WaitObject.MUTANT, owner == null ? 1 : 0);
        if (owner != null) {
            kernel.writeLong(body + KmutantLayout.OWNER_THREAD, owner.threadId());
        }
        return openNew(body, KnownType.MUTANT.validAccess());
    }

    private void header(long body, int type, int signalState) {
        kernel.writeByte(body + DispatcherHeaderLayout.TYPE, (byte) type);
        kernel.writeInt(body + DispatcherHeaderLayout.SIGNAL_STATE, signalState);
        new ListEntry(kernel, body + DispatcherHeaderLayout.WAIT_LIST_HEAD).initialize();
    }

    /** What waiting on a handle means; null when it names nothing one can wait for. */
    public @Nullable WaitObject waitObject(long handle) {
        long body = body(handle);
        if (body == 0) {
            return null;
        }
        if (objects.isType(body, KnownType.FILE)) {
            return new WaitObject(kernel, body + FileObjectLayout.EVENT);
        }
        for (KnownType type : WaitObject.TYPES) {
            if (objects.isType(body, type)) {
                return new WaitObject(kernel, body);
            }
        }
        return null;
    }
}
