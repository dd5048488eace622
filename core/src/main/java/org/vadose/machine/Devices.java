package org.vadose.machine;

import org.vadose.base.SeededRandom;
import org.vadose.io.IoSystem;
import org.vadose.nt.LoadedModule;
import org.vadose.ob.ObjectManager;
import org.vadose.ob.ObjectNamespace;

/** The namespace's directories and links, and the drivers and devices in it. */
final class Devices {
    private static final String[] DIRECTORIES = {
        "ArcName",
        "BaseNamedObjects",
        "Callback",
        "Device",
        "Driver",
        "DriverStores",
        "FileSystem",
        "GLOBAL??",
        "KernelObjects",
        "KnownDlls",
        "KnownDlls32",
        "NLS",
        "RPC Control",
        "Security",
        "Sessions",
        "UMDFCommunicationPorts",
        "Windows"
    };

    private final ObjectNamespace names;
    private final IoSystem io;
    private final Modules modules;
    private long volumeManager;
    private long fileSystem;
    private int volumes;
    private long volume;
    private long console;
    private long nullDevice;

    Devices(ObjectManager objects, IoSystem io, Modules modules) {
        this.names = objects.namespace();
        this.io = io;
        this.modules = modules;
    }

    /** Makes the directories and the links that need no device. */
    static void createDirectories(ObjectNamespace names, long now) {
        long root = names.root();
        for (String name : DIRECTORIES) {
            names.createDirectory(root, name);
        }
        names.createDirectory(names.find(root, "BaseNamedObjects"), "Restricted");
        names.createDirectory(names.find(root, "Sessions"), "BNOLINKS");
        names.createLink(root, "DosDevices", "\\??", now);
        names.createLink(root, "SystemRoot", "\\Device\\BootDevice\\Windows", now);
        long global = names.find(root, "GLOBAL??");
        names.createLink(global, "GLOBALROOT", "", now);
        names.createLink(global, "Global", "\\GLOBAL??", now);
        linkNamedObjects(names, names.find(root, "BaseNamedObjects"), "\\BaseNamedObjects", now);
    }

    /** Links that give {@code Global\}, {@code Local\} and {@code Session\} in names of a session's objects their meaning. */
    static void linkNamedObjects(ObjectNamespace names, long directory, String path, long now) {
        names.createLink(directory, "Global", "\\BaseNamedObjects", now);
        names.createLink(directory, "Local", path, now);
        names.createLink(directory, "Session", "\\Sessions\\BNOLINKS", now);
    }

    void create(long seed, long now) {
        long root = names.root();
        long device = names.find(root, "Device");
        long global = names.find(root, "GLOBAL??");
        volumeManager = driver("Driver", "volmgr", "volmgr.sys");
        createVolume(device);
        volume = createVolume(device);
        createVolume(device);
        fileSystem = driver("FileSystem", "Ntfs", "ntfs.sys");
        io.createDevice(fileSystem, device, "Ntfs", IoSystem.DEVICE_DISK_FILE_SYSTEM);
        mount(volume, SeededRandom.of(seed, "volume serial").nextInt());
        long disk = driver("Driver", "Disk", "disk.sys");
        long harddisk = names.createDirectory(device, "Harddisk0");
        io.createDevice(disk, harddisk, "DR0", IoSystem.DEVICE_DISK);
        nullDevice = io.createDevice(driver("Driver", "Null", "null.sys"), device, "Null", IoSystem.DEVICE_NULL);
        io.createDevice(driver("FileSystem", "Npfs", "npfs.sys"), device, "NamedPipe", 0x11);
        console = io.createDevice(driver("Driver", "condrv", "condrv.sys"), device, "ConDrv", IoSystem.DEVICE_CONSOLE);
        io.createDevice(driver("Driver", "AFD", "afd.sys"), device, "Afd", 0x11);
        io.createDevice(driver("Driver", "KSecDD", "ksecdd.sys"), device, "KsecDD", 0x39);
        io.createDevice(driver("Driver", "CNG", "cng.sys"), device, "CNG", 0x39);
        io.createDevice(driver("Driver", "mountmgr", "mountmgr.sys"), device, "MountPointManager", 0x6D);
        names.createLink(device, "BootDevice", "\\Device\\HarddiskVolume2", now);
        names.createLink(device, "Harddisk0Partition2", "\\Device\\HarddiskVolume2", now);
        names.createLink(global, "C:", "\\Device\\HarddiskVolume2", now);
        names.createLink(global, "NUL", "\\Device\\Null", now);
        names.createLink(global, "CON", "\\Device\\ConDrv\\Console", now);
        names.createLink(global, "CONIN$", "\\Device\\ConDrv\\CurrentIn", now);
        names.createLink(global, "CONOUT$", "\\Device\\ConDrv\\CurrentOut", now);
        names.createLink(global, "PIPE", "\\Device\\NamedPipe", now);
        names.createLink(global, "PhysicalDrive0", "\\Device\\Harddisk0\\DR0", now);
        names.createLink(global, "MountPointManager", "\\Device\\MountPointManager", now);
    }

    private long createVolume(long directory) {
        volumes++;
        return io.createDevice(volumeManager, directory, "HarddiskVolume" + volumes, IoSystem.DEVICE_DISK);
    }

    private void mount(long onto, int serial) {
        io.mount(onto, io.createDevice(fileSystem, 0, "", IoSystem.DEVICE_DISK_FILE_SYSTEM), serial);
    }

    /** Makes a volume for a drive, unless there is one. */
    void addDrive(char letter, long seed, long now) {
        String name = letter + ":";
        long global = names.find(names.root(), "GLOBAL??");
        if (names.find(global, name) == 0) {
            long added = createVolume(names.find(names.root(), "Device"));
            mount(added, SeededRandom.of(seed, "volume serial " + name).nextInt());
            names.createLink(global, name, names.path(added), now);
        }
    }

    private long driver(String directory, String name, String file) {
        LoadedModule module = modules.named(file);
        return io.createDriver(
                names.find(names.root(), directory),
                name,
                "\\".concat(directory).concat("\\").concat(name),
                module.base(),
                module.sizeBytes(),
                module.address());
    }

    /** {@code \Device\HarddiskVolume2}, which is {@code C:}. */
    long volume() {
        return volume;
    }

    long console() {
        return console;
    }

    long nullDevice() {
        return nullDevice;
    }
}
