package org.vadose.io;

import java.util.HashMap;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.vadose.ex.PoolAllocator;
import org.vadose.layout.DeviceObjectLayout;
import org.vadose.layout.DevobjExtensionLayout;
import org.vadose.layout.DriverExtensionLayout;
import org.vadose.layout.DriverObjectLayout;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.KeventLayout;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.layout.UnicodeStringLayout;
import org.vadose.layout.VpbLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.DataSectionPages;
import org.vadose.mm.MappedFile;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.ListEntry;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.UnicodeString;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;
import org.vadose.ob.ObjectNamespace;

/** Makes driver, device and file objects. */
public final class IoSystem {
    /** Device types ({@code FILE_DEVICE_*}). */
    public static final int DEVICE_DISK = 7;

    public static final int DEVICE_DISK_FILE_SYSTEM = 8;
    public static final int DEVICE_NULL = 0x15;
    public static final int DEVICE_UNKNOWN = 0x22;
    public static final int DEVICE_CONSOLE = 0x50;

    private static final int FILE_NAME_TAG = PoolTag.of("IoNm");
    private static final int VPB_TAG = PoolTag.of("Vpb ");
    private static final int SECTION_POINTERS_TAG = PoolTag.of("MmSo");
    private static final int TYPE_DEVICE = 3;
    private static final int TYPE_DRIVER = 4;
    private static final int TYPE_FILE = 5;
    private static final int TYPE_VPB = 10;
    private static final int TYPE_DEVICE_EXTENSION = 13;
    private static final int VPB_MOUNTED = 1;
    private static final int DEVICE_HAS_NAME = 0x40;
    private static final int DEVICE_DIRECT_IO = 0x10;
    /** FO_SYNCHRONOUS_IO, FO_CACHE_SUPPORTED and FO_HANDLE_CREATED. */
    private static final int FILE_FLAGS = 0x2 | 0x40 | 0x40000;

    private static final int FO_NO_INTERMEDIATE_BUFFERING = 0x8;
    private static final int FO_WRITE_THROUGH = 0x10;
    private static final int FO_SEQUENTIAL_ONLY = 0x20;
    private static final int FO_RANDOM_ACCESS = 0x10_0000;

    /** FILE_EXECUTE and FILE_READ_DATA. */
    private static final int EXECUTE_ACCESS = 0x21;
    /** FILE_SHARE_READ and FILE_SHARE_DELETE. */
    private static final int EXECUTE_SHARE = 0x5;

    private final Memory memory;
    private final PoolAllocator pool;
    private final ObjectManager objects;
    /** What does the work of the file objects that programs opened. */
    private final Map<Long, OpenFile> opened = new HashMap<>();

    private final FileStreamPointers streams;
    private final DataSectionPages dataSections;
    private @Nullable FileCache cache;

    /** @param dataSections pages of mapped files */
    public IoSystem(ObjectManager objects, PoolAllocator pool, DataSectionPages dataSections) {
        this.memory = objects.memory();
        this.pool = pool;
        this.objects = objects;
        this.dataSections = dataSections;
        this.streams = new FileStreamPointers(pool);
        objects.onLastClose(KnownType.FILE, this::lastHandleClosed);
        objects.onDelete(KnownType.FILE, this::fileDeleted);
    }

    /**
     * Makes a driver object and enters it into its directory.
     *
     * @param directory body of {@code \Driver} or {@code \FileSystem}
     * @param path its full name
     * @param module address of its {@code _KLDR_DATA_TABLE_ENTRY}; 0 for none
     */
    public long createDriver(long directory, String name, String path, long base, long sizeBytes, long module) {
        long bytes = DriverObjectLayout.SIZE + DriverExtensionLayout.SIZE;
        long driver =
                objects.create(KnownType.DRIVER, bytes, name, 0, ObjectHeader.KERNEL_OBJECT | ObjectHeader.PERMANENT);
        long extension = driver + DriverObjectLayout.SIZE;
        memory.writeShort(driver + DriverObjectLayout.TYPE, (short) TYPE_DRIVER);
        memory.writeShort(driver + DriverObjectLayout.SIZE_FIELD, (short) DriverObjectLayout.SIZE);
        memory.writeLong(driver + DriverObjectLayout.DRIVER_START, base);
        memory.writeInt(driver + DriverObjectLayout.DRIVER_SIZE, (int) sizeBytes);
        memory.writeLong(driver + DriverObjectLayout.DRIVER_SECTION, module);
        memory.writeLong(driver + DriverObjectLayout.DRIVER_EXTENSION, extension);
        memory.writeLong(extension + DriverExtensionLayout.DRIVER_OBJECT, driver);
        setText(driver + DriverObjectLayout.DRIVER_NAME, path);
        setText(extension + DriverExtensionLayout.SERVICE_KEY_NAME, name);
        objects.namespace().insert(directory, driver);
        return driver;
    }

    /**
     * Makes a device of a driver and, when it has a name, enters it into a directory.
     *
     * @param deviceType one of {@code DEVICE_*}
     */
    public long createDevice(long driver, long directory, String name, int deviceType) {
        long bytes = DeviceObjectLayout.SIZE + DevobjExtensionLayout.SIZE;
        long device =
                objects.create(KnownType.DEVICE, bytes, name, 0, ObjectHeader.KERNEL_OBJECT | ObjectHeader.PERMANENT);
        long extension = device + DeviceObjectLayout.SIZE;
        memory.writeShort(device + DeviceObjectLayout.TYPE, (short) TYPE_DEVICE);
        memory.writeShort(device + DeviceObjectLayout.SIZE_FIELD, (short) DeviceObjectLayout.SIZE);
        memory.writeLong(device + DeviceObjectLayout.DRIVER_OBJECT, driver);
        memory.writeLong(
                device + DeviceObjectLayout.NEXT_DEVICE, memory.readLong(driver + DriverObjectLayout.DEVICE_OBJECT));
        memory.writeLong(driver + DriverObjectLayout.DEVICE_OBJECT, device);
        memory.writeInt(device + DeviceObjectLayout.FLAGS, DEVICE_DIRECT_IO | (name.isEmpty() ? 0 : DEVICE_HAS_NAME));
        memory.writeInt(device + DeviceObjectLayout.DEVICE_TYPE, deviceType);
        memory.writeByte(device + DeviceObjectLayout.STACK_SIZE, (byte) 1);
        memory.writeShort(device + DeviceObjectLayout.SECTOR_SIZE, (short) 512);
        memory.writeLong(device + DeviceObjectLayout.DEVICE_OBJECT_EXTENSION, extension);
        new DispatcherHeader(memory, device + DeviceObjectLayout.DEVICE_LOCK)
                .initialize(DispatcherHeader.SYNCHRONIZATION_EVENT, KeventLayout.SIZE, 1);
        memory.writeShort(extension + DevobjExtensionLayout.TYPE, (short) TYPE_DEVICE_EXTENSION);
        memory.writeLong(extension + DevobjExtensionLayout.DEVICE_OBJECT, device);
        if (!name.isEmpty()) {
            objects.namespace().insert(directory, device);
        }
        return device;
    }

    /** Mounts a file system's device on a volume's device: gives the volume its {@code _VPB}. */
    public long mount(long volume, long fileSystemDevice, int serialNumber) {
        long vpb = pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, VpbLayout.SIZE, VPB_TAG);
        memory.writeShort(vpb + VpbLayout.TYPE, (short) TYPE_VPB);
        memory.writeShort(vpb + VpbLayout.SIZE_FIELD, (short) VpbLayout.SIZE);
        memory.writeShort(vpb + VpbLayout.FLAGS, (short) VPB_MOUNTED);
        memory.writeLong(vpb + VpbLayout.DEVICE_OBJECT, fileSystemDevice);
        memory.writeLong(vpb + VpbLayout.REAL_DEVICE, volume);
        memory.writeInt(vpb + VpbLayout.SERIAL_NUMBER, serialNumber);
        memory.writeLong(volume + DeviceObjectLayout.VPB, vpb);
        return vpb;
    }

    /**
     * Makes a file object for a file opened for reading, with one reference.
     *
     * @param fileName path on the device, {@code \Windows\System32\ntdll.dll}; empty for the device itself
     */
    public long createFile(long device, String fileName) {
        long file = objects.create(KnownType.FILE, FileObjectLayout.SIZE);
        memory.writeShort(file + FileObjectLayout.TYPE, (short) TYPE_FILE);
        memory.writeShort(file + FileObjectLayout.SIZE_FIELD, (short) FileObjectLayout.SIZE);
        memory.writeLong(file + FileObjectLayout.DEVICE_OBJECT, device);
        long vpb = memory.readLong(device + DeviceObjectLayout.VPB);
        memory.writeLong(file + FileObjectLayout.VPB, vpb);
        if (vpb != 0) {
            memory.getAndAddInt(vpb + VpbLayout.REFERENCE_COUNT, 1);
        }
        memory.writeByte(file + FileObjectLayout.READ_ACCESS, (byte) 1);
        memory.writeByte(file + FileObjectLayout.SHARED_READ, (byte) 1);
        memory.writeByte(file + FileObjectLayout.SHARED_DELETE, (byte) 1);
        memory.writeInt(file + FileObjectLayout.FLAGS, FILE_FLAGS);
        new DispatcherHeader(memory, file + FileObjectLayout.LOCK)
                .initialize(DispatcherHeader.SYNCHRONIZATION_EVENT, KeventLayout.SIZE, 0);
        new DispatcherHeader(memory, file + FileObjectLayout.EVENT)
                .initialize(DispatcherHeader.NOTIFICATION_EVENT, KeventLayout.SIZE, 0);
        new ListEntry(memory, file + FileObjectLayout.IRP_LIST).initialize();
        if (!fileName.isEmpty()) {
            setText(file + FileObjectLayout.FILE_NAME, fileName);
        }
        memory.getAndAddInt(device + DeviceObjectLayout.REFERENCE_COUNT, 1);
        return file;
    }

    /** Names the image section that was made of a file in the file's {@code _SECTION_OBJECT_POINTERS}. */
    public void setImageSection(long file, long controlArea) {
        long pointers = memory.readLong(file + FileObjectLayout.SECTION_OBJECT_POINTER);
        if (pointers == 0) {
            pointers = pool.allocateZeroed(
                    PoolType.NON_PAGED_POOL_NX, SectionObjectPointersLayout.SIZE, SECTION_POINTERS_TAG);
            memory.writeLong(file + FileObjectLayout.SECTION_OBJECT_POINTER, pointers);
        }
        memory.writeLong(pointers + SectionObjectPointersLayout.IMAGE_SECTION_OBJECT, controlArea);
    }

    /**
     * A file of the system's stands on a drive: its file objects lead to the image section that it has.
     *
     * @param file a file object of it that stays for ever
     */
    public void shareImageSection(FileNode node, long file) {
        long pointers = memory.readLong(file + FileObjectLayout.SECTION_OBJECT_POINTER);
        if (pointers != 0) {
            streams.share(node, pointers);
            long image = memory.readLong(pointers + SectionObjectPointersLayout.IMAGE_SECTION_OBJECT);
            node.setImageSection(image == 0 ? null : new FileNode.DataSection(dataSections, image));
        }
    }

    /** Does something with a file opened for execution, as whoever starts a program or loads a DLL does. */
    public long withImageFile(long device, FileNode node, String path, ToLongFunction<MappedFile> use) {
        OpenFile.OnDisk open = new OpenFile.OnDisk(node, path, EXECUTE_ACCESS, EXECUTE_SHARE, 0);
        long body = createFile(device, open);
        try {
            return use.applyAsLong(new MappedOpenFile(objects, body, open, dataSections));
        } finally {
            open.close();
            objects.dereference(body);
        }
    }

    /**
     * Makes a file object for an opened file, with one reference; the file is closed when the object ends.
     *
     * @param device the device it is on, or the volume of drive C
     */
    public long createFile(long device, OpenFile file) {
        String path = file.path();
        boolean isOnDrive = path.length() > 2 && path.charAt(1) == ':';
        long body =
                createFile(isOnDrive ? volumeOf(path, device) : device, isOnDrive ? path.substring(2) : "\\" + path);
        memory.writeByte(body + FileObjectLayout.READ_ACCESS, bit(file.canRead()));
        memory.writeByte(body + FileObjectLayout.WRITE_ACCESS, bit(file.canWrite()));
        memory.writeByte(body + FileObjectLayout.SHARED_READ, bit((file.share() & 1) != 0));
        memory.writeByte(body + FileObjectLayout.SHARED_WRITE, bit((file.share() & 2) != 0));
        memory.writeByte(body + FileObjectLayout.SHARED_DELETE, bit((file.share() & 4) != 0));
        opened.put(body, file);
        FileNode node = file.node();
        if (node != null && !node.isDirectory()) {
            memory.writeLong(body + FileObjectLayout.SECTION_OBJECT_POINTER, streams.acquire(node, body));
        }
        FileCache through = cache;
        if (file instanceof OpenFile.OnDisk onDisk) {
            memory.writeInt(body + FileObjectLayout.FLAGS, FILE_FLAGS | flags(onDisk.options()));
            if (through != null && node != null && !node.isDirectory()) {
                onDisk.useCache(through, body);
            }
        }
        return body;
    }

    /**
     * The volume that the drive of a DOS path is.
     *
     * @param systemVolume that of drive C, and of what names no drive that there is
     */
    public long volumeOf(String dosPath, long systemVolume) {
        if (dosPath.startsWith("C:") || dosPath.length() < 2 || dosPath.charAt(1) != ':') {
            return systemVolume;
        }
        ObjectNamespace.Lookup found = objects.namespace().lookup("\\??\\" + dosPath.substring(0, 2));
        return found.status().isSuccess() ? found.body() : systemVolume;
    }

    /** {@code FO_*} that go with options of an open. */
    private static int flags(int options) {
        return ((options & GuestFileSystem.NO_BUFFERING) != 0 ? FO_NO_INTERMEDIATE_BUFFERING : 0)
                | ((options & GuestFileSystem.WRITE_THROUGH) != 0 ? FO_WRITE_THROUGH : 0)
                | ((options & GuestFileSystem.SEQUENTIAL_ONLY) != 0 ? FO_SEQUENTIAL_ONLY : 0)
                | ((options & GuestFileSystem.RANDOM_ACCESS) != 0 ? FO_RANDOM_ACCESS : 0);
    }

    /** Who caches files opened from now on. */
    public void setCache(FileCache newCache) {
        cache = newCache;
    }

    /** Full name of a file in the object namespace: {@code \Device\HarddiskVolume2\notes.txt}. */
    public String path(long file) {
        long device = memory.readLong(file + FileObjectLayout.DEVICE_OBJECT);
        return objects.namespace()
                .path(device)
                .concat(new UnicodeString(memory, file + FileObjectLayout.FILE_NAME).text());
    }

    /** The file behind a file object as sections map it; null for what cannot be mapped. */
    public @Nullable MappedFile mapped(long file) {
        return opened.get(file) instanceof OpenFile.OnDisk onDisk
                        && !onDisk.node().isDirectory()
                ? new MappedOpenFile(objects, file, onDisk, dataSections)
                : null;
    }

    private void lastHandleClosed(long file) {
        OpenFile closed = opened.get(file);
        if (closed != null) {
            closed.close();
        }
    }

    private static byte bit(boolean set) {
        return (byte) (set ? 1 : 0);
    }

    /** The opened file behind a file object; null for one that the kernel made for itself. */
    public @Nullable OpenFile opened(long file) {
        return opened.get(file);
    }

    private void fileDeleted(long file) {
        OpenFile gone = opened.remove(file);
        if (gone != null) {
            gone.close();
        }
        long device = memory.readLong(file + FileObjectLayout.DEVICE_OBJECT);
        memory.getAndAddInt(device + DeviceObjectLayout.REFERENCE_COUNT, -1);
        long vpb = memory.readLong(file + FileObjectLayout.VPB);
        if (vpb != 0) {
            memory.getAndAddInt(vpb + VpbLayout.REFERENCE_COUNT, -1);
        }
        long pointers = memory.readLong(file + FileObjectLayout.SECTION_OBJECT_POINTER);
        if (pointers != 0 && !streams.release(file)) {
            pool.free(pointers);
        }
        long buffer = memory.readLong(file + FileObjectLayout.FILE_NAME + UnicodeStringLayout.BUFFER);
        if (buffer != 0) {
            pool.free(buffer);
        }
    }

    private void setText(long string, String text) {
        long buffer = pool.allocate(PoolType.PAGED_POOL, 2L * text.length() + 2, FILE_NAME_TAG);
        new UnicodeString(memory, string).set(text, buffer);
    }
}
