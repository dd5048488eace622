package org.vadose.win32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.io.IoSystem;
import org.vadose.io.OpenFile;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.KeventLayout;
import org.vadose.layout.KmutantLayout;
import org.vadose.layout.KsemaphoreLayout;
import org.vadose.layout.KtimerLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.HandleTable;
import org.vadose.nt.HandleTableEntry;
import org.vadose.nt.Kmutant;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;

/**
 * A process's handles and the objects behind them. The objects are in kernel memory in their genuine layouts; beside a
 * {@code _FILE_OBJECT} that a program opened stands the {@link OpenFile} that does its work.
 */
public final class GuestObjects {
    /** {@code NtCurrentProcess}. */
    public static final long CURRENT_PROCESS = -1;

    /** {@code NtCurrentThread}. */
    public static final long CURRENT_THREAD = -2;

    private final ObjectManager objects;
    private final IoSystem io;
    private final Memory kernel;
    private final HandleTable table;
    private final long volume;
    private final long console;

    /**
     * @param volume device of the drives
     * @param console device of the standard streams
     */
    public GuestObjects(ObjectManager objects, IoSystem io, HandleTable table, long volume, long console) {
        this.objects = objects;
        this.io = io;
        this.kernel = objects.memory();
        this.table = table;
        this.volume = volume;
        this.console = console;
    }

    /** The body behind a handle, 0 for none. */
    public long body(long handle) {
        return objects.handles().peek(table, handle);
    }

    /** The body behind a handle of a type, 0 for none. */
    public long body(long handle, KnownType type) {
        return objects.handles().peek(table, handle, type);
    }

    /** The entry of an open handle; null when none is. */
    public @Nullable HandleTableEntry entry(long handle) {
        return body(handle) == 0 ? null : new HandleTableEntry(kernel, table.entryAddress(handle));
    }

    public int grantedAccess(long handle) {
        return objects.handles().grantedAccess(table, handle);
    }

    /** Whether processes that this one makes get the handle too, if they are to inherit handles. */
    public void setInheritable(long handle, boolean inheritable) {
        HandleTableEntry entry = entry(handle);
        if (entry != null) {
            entry.setAttribute(HandleTableEntry.INHERIT, inheritable);
        }
    }

    public NtStatus close(long handle) {
        if (handle == CURRENT_PROCESS || handle == CURRENT_THREAD) {
            return NtStatus.SUCCESS;
        }
        return objects.handles().close(table, handle);
    }

    /** One more handle to an object, with the rights that generic ones mean for its type; 0 when the table is full. */
    public int open(long body, int access) {
        return objects.handles().open(table, body, 0, objects.specificAccess(body, access));
    }

    private int openNew(long body, int access) {
        int handle = open(body, access);
        objects.dereference(body);
        return handle;
    }

    // --- files ---

    /** A handle to an opened file. */
    public int open(OpenFile file) {
        int access = (file.canRead() ? 0x120089 : 0) | (file.canWrite() ? 0x120116 : 0);
        return openNew(io.createFile(file.node() == null ? console : volume, file), access);
    }

    /** The file behind a handle; null when the handle is no file's. */
    public @Nullable OpenFile file(long handle) {
        long body = body(handle, KnownType.FILE);
        return body == 0 ? null : io.opened(body);
    }

    /** Where the file object stands in its file. */
    public long filePosition(long handle) {
        return kernel.readLong(body(handle, KnownType.FILE) + FileObjectLayout.CURRENT_BYTE_OFFSET);
    }

    public void setFilePosition(long handle, long position) {
        kernel.writeLong(body(handle, KnownType.FILE) + FileObjectLayout.CURRENT_BYTE_OFFSET, position);
    }

    // --- what threads wait for ---

    /** Keeps an object alive while a thread waits for it. */
    public void reference(WaitObject object) {
        objects.reference(object.body());
    }

    public void dereference(WaitObject object) {
        objects.dereference(object.body());
    }

    /** A new event with one reference; {@code name} is its last part, which the caller inserts. */
    public long newEvent(String name, boolean manualReset, boolean signalled) {
        long body = objects.create(KnownType.EVENT, KeventLayout.SIZE, name, 0, 0);
        int type = manualReset ? DispatcherHeader.NOTIFICATION_EVENT : DispatcherHeader.SYNCHRONIZATION_EVENT;
        new DispatcherHeader(kernel, body).initialize(type, KeventLayout.SIZE, signalled ? 1 : 0);
        return body;
    }

    public long newSemaphore(String name, int initial, int limit) {
        long body = objects.create(KnownType.SEMAPHORE, KsemaphoreLayout.SIZE, name, 0, 0);
        new DispatcherHeader(kernel, body).initialize(DispatcherHeader.SEMAPHORE, KsemaphoreLayout.SIZE, initial);
        kernel.writeInt(body + KsemaphoreLayout.LIMIT, limit);
        return body;
    }

    public long newMutant(String name, @Nullable GuestThread owner) {
        long body = objects.create(KnownType.MUTANT, KmutantLayout.SIZE, name, 0, 0);
        new DispatcherHeader(kernel, body).initialize(DispatcherHeader.MUTANT, KmutantLayout.SIZE, 1);
        if (owner != null) {
            new Kmutant(kernel, body).acquire(owner.ethread().address());
        }
        return body;
    }

    public long newTimer(String name, boolean manualReset) {
        long body = objects.create(KnownType.TIMER, KtimerLayout.SIZE, name, 0, 0);
        int type = manualReset ? DispatcherHeader.NOTIFICATION_TIMER : DispatcherHeader.SYNCHRONIZATION_TIMER;
        new DispatcherHeader(kernel, body).initialize(type, KtimerLayout.SIZE, 0);
        return body;
    }

    /** What waiting on a handle means; null when it names nothing one can wait for. */
    public @Nullable WaitObject waitObject(long handle) {
        long body = body(handle);
        if (body == 0) {
            return null;
        }
        if (objects.isType(body, KnownType.FILE)) {
            return new WaitObject(kernel, body, body + FileObjectLayout.EVENT);
        }
        for (KnownType type : WaitObject.TYPES) {
            if (objects.isType(body, type)) {
                return new WaitObject(kernel, body, body);
            }
        }
        return null;
    }
}
