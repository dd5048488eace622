package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.io.OpenFile;
import org.vadose.layout.SectionImageInformationLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MappedFile;
import org.vadose.mm.NodePreferences;
import org.vadose.mm.SectionServices;
import org.vadose.mm.ViewServices;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Section;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestKernel;
import org.vadose.win32.NamedObjects;

/** The system services for sections and views, and what the Win32 functions for file mappings share with them. */
final class SectionFunctions {
    /** {@code SECTION_} access rights. */
    static final int SECTION_QUERY = 1;

    static final int SECTION_MAP_WRITE = 2;
    static final int SECTION_MAP_READ = 4;
    static final int SECTION_MAP_EXECUTE = 8;
    static final int SECTION_EXTEND_SIZE = 0x10;
    static final int STANDARD_RIGHTS_REQUIRED = 0xF_0000;
    static final int SECTION_ALL_ACCESS = 0xF_001F;
    /** {@code OBJ_INHERIT}, {@code OBJ_OPENIF}. */
    static final int OBJ_INHERIT = 2;

    static final int OBJ_OPENIF = 0x80;

    private static final int GENERIC_READ = 0x8000_0000;
    private static final int GENERIC_WRITE = 0x4000_0000;
    private static final int GENERIC_EXECUTE = 0x2000_0000;
    private static final int GENERIC_ALL = 0x1000_0000;
    private static final int MAXIMUM_ALLOWED = 0x200_0000;
    private static final int FILE_EXECUTE = 0x20;
    private static final int BASIC_INFORMATION_SIZE = 24;
    /** {@code MEM_UNMAP_WITH_TRANSIENT_BOOST}, {@code MEM_PRESERVE_PLACEHOLDER}. */
    private static final int UNMAP_WITH_TRANSIENT_BOOST = 1;

    private static final int PRESERVE_PLACEHOLDER = 2;

    private SectionFunctions() {}

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtCreateSection", 0x4A, SectionFunctions::ntCreate)
                .service("NtCreateSectionEx", 0xBE, SectionFunctions::ntCreate)
                .service("NtOpenSection", 0x37, SectionFunctions::ntOpen)
                .service("NtExtendSection", 0xE2, SectionFunctions::ntExtend)
                .service("NtQuerySection", 0x51, SectionFunctions::ntQuery)
                .service("NtMapViewOfSection", 0x28, SectionFunctions::ntMap)
                .service("NtMapViewOfSectionEx", 0x114, SectionFunctions::ntMapEx)
                .service("NtUnmapViewOfSection", 0x2A, call -> ntUnmap(call, 0))
                .service("NtUnmapViewOfSectionEx", 0x1CC, call -> ntUnmap(call, call.intArg(2)))
                .service("NtFlushVirtualMemory", 0xEB, SectionFunctions::ntFlush)
                .service("NtAreMappedFilesTheSame", 0x8E, SectionFunctions::ntAreTheSame);
    }

    static SectionServices services(ApiCall call) {
        return call.process().kernel().memoryManager().sectionObjects();
    }

    static ViewServices views(ApiCall call) {
        return call.process().kernel().memoryManager().views();
    }

    // --- handles ---

    /**
     * What making or opening a section came to.
     *
     * @param status OBJECT_NAME_EXISTS when one of the name was there and was opened
     */
    record Opened(NtStatus status, int handle) {
        static Opened failed(NtStatus status) {
            return new Opened(status, 0);
        }
    }

    /** Specific rights for generic ones ({@code GENERIC_MAPPING} of sections). */
    private static int specific(int access) {
        int rights = access & 0xFF_FFFF;
        rights |= (access & GENERIC_READ) != 0 ? 0x2_0000 | SECTION_QUERY | SECTION_MAP_READ : 0;
        rights |= (access & GENERIC_WRITE) != 0 ? 0x2_0000 | SECTION_MAP_WRITE : 0;
        rights |= (access & GENERIC_EXECUTE) != 0 ? 0x2_0000 | SECTION_MAP_EXECUTE : 0;
        return (access & (GENERIC_ALL | MAXIMUM_ALLOWED)) != 0 ? rights | SECTION_ALL_ACCESS : rights & 0x1F_FFFF;
    }

    /** What a section needs of the file handle it is made of: the right to do to the file what views do. */
    private static boolean mayMap(OpenFile file, int protection) {
        int access = file.access();
        boolean all = (access & (GENERIC_ALL | MAXIMUM_ALLOWED)) != 0;
        boolean reads = all || (access & (GENERIC_READ | 1)) != 0;
        boolean writes = all || (access & (GENERIC_WRITE | 2)) != 0;
        boolean executes = all || (access & (GENERIC_EXECUTE | FILE_EXECUTE)) != 0;
        return switch (protection & 7) {
            case PageProtection.EXECUTE -> executes;
            case PageProtection.EXECUTE_READ, PageProtection.EXECUTE_WRITECOPY -> reads && executes;
            case PageProtection.READWRITE -> reads && writes;
            case PageProtection.EXECUTE_READWRITE -> reads && writes && executes;
            default -> reads;
        };
    }

    /**
     * Makes a section with a handle.
     *
     * @param file handle; 0 for none
     */
    static Opened create(
            ApiCall call,
            NamedObjects.Place place,
            int flags,
            int access,
            long maximumBytes,
            int pageProtection,
            int attributes,
            long file) {
        if (!place.status().isSuccess()) {
            return Opened.failed(place.status());
        }
        GuestKernel kernel = call.process().kernel();
        MappedFile mapped = null;
        String path = "";
        if (file != 0) {
            OpenFile open = call.process().objects().file(file);
            if (open == null) {
                return Opened.failed(
                        call.process().objects().body(file) == 0
                                ? NtStatus.INVALID_HANDLE
                                : NtStatus.OBJECT_TYPE_MISMATCH);
            }
            mapped = kernel.ioSystem().mapped(call.process().objects().body(file, KnownType.FILE));
            int protection = PageProtection.toMask(pageProtection);
            if (protection != PageProtection.INVALID && !mayMap(open, protection)) {
                return Opened.failed(NtStatus.ACCESS_DENIED);
            }
            if (mapped == null) {
                return Opened.failed(NtStatus.INVALID_FILE_FOR_SECTION);
            }
            path = open.path();
        }
        ObjectManager objects = kernel.objectManager();
        long body = objects.create(KnownType.SECTION, Section.SIZE, place.name(), 0, 0);
        NtStatus status = services(call)
                .create(body, call.process().eprocess(), maximumBytes, pageProtection, attributes, mapped, path);
        if (status.isSuccess() && place.directory() != 0) {
            status = objects.namespace().insert(place.directory(), body);
        }
        if (!status.isSuccess()) {
            objects.dereference(body);
            return status.equals(NtStatus.OBJECT_NAME_COLLISION) && (flags & OBJ_OPENIF) != 0
                    ? openExisting(call, place, flags, access, NtStatus.OBJECT_NAME_EXISTS)
                    : Opened.failed(status);
        }
        int handle = call.process().objects().open(body, specific(access));
        objects.dereference(body);
        return opened(call, handle, flags, NtStatus.SUCCESS);
    }

    private static Opened opened(ApiCall call, int handle, int flags, NtStatus status) {
        if (handle == 0) {
            return Opened.failed(NtStatus.INSUFFICIENT_RESOURCES);
        }
        if ((flags & OBJ_INHERIT) != 0) {
            call.process().objects().setInheritable(handle, true);
        }
        return new Opened(status, handle);
    }

    /** Opens the section of a name. */
    static Opened open(ApiCall call, NamedObjects.Place place, int flags, int access) {
        return place.status().isSuccess()
                ? openExisting(call, place, flags, access, NtStatus.SUCCESS)
                : Opened.failed(place.status());
    }

    private static Opened openExisting(
            ApiCall call, NamedObjects.Place place, int flags, int access, NtStatus success) {
        ObjectManager objects = call.process().kernel().objectManager();
        long body = place.find(objects);
        if (body == 0) {
            return Opened.failed(
                    place.directory() == 0 ? NtStatus.OBJECT_PATH_SYNTAX_BAD : NtStatus.OBJECT_NAME_NOT_FOUND);
        }
        if (!objects.isType(body, KnownType.SECTION)) {
            return Opened.failed(NtStatus.OBJECT_TYPE_MISMATCH);
        }
        return opened(call, call.process().objects().open(body, specific(access)), flags, success);
    }

    /** What a handle resolved to: a section's body, or why not. */
    private record Found(NtStatus status, long body) {}

    private static Found find(ApiCall call, long handle, int access) {
        long body = call.process().objects().body(handle, KnownType.SECTION);
        if (body == 0) {
            boolean other = call.process().objects().body(handle) != 0;
            return new Found(other ? NtStatus.OBJECT_TYPE_MISMATCH : NtStatus.INVALID_HANDLE, 0);
        }
        return (call.process().objects().grantedAccess(handle) & access) == access
                ? new Found(NtStatus.SUCCESS, body)
                : new Found(NtStatus.ACCESS_DENIED, 0);
    }

    // --- views ---

    /** The right to a section that a view of a protection needs. */
    private static int accessFor(int pageProtection) {
        return switch (pageProtection & 0xFF) {
            case PageProtection.PAGE_READWRITE -> SECTION_MAP_WRITE;
            case PageProtection.PAGE_EXECUTE -> SECTION_MAP_EXECUTE;
            case PageProtection.PAGE_EXECUTE_READ, PageProtection.PAGE_EXECUTE_WRITECOPY ->
                SECTION_MAP_READ | SECTION_MAP_EXECUTE;
            case PageProtection.PAGE_EXECUTE_READWRITE -> SECTION_MAP_WRITE | SECTION_MAP_EXECUTE;
            default -> SECTION_MAP_READ;
        };
    }

    /**
     * {@code NtMapViewOfSection} with its in and out parameters in {@code view}.
     *
     * @param process handle
     */
    static NtStatus map(
            ApiCall call,
            long section,
            long process,
            ViewServices.View view,
            long zeroBits,
            long commitBytes,
            int inheritDisposition,
            int type,
            int pageProtection) {
        Found found = find(call, section, accessFor(pageProtection));
        if (!found.status().isSuccess()) {
            return found.status();
        }
        Eprocess target = ProcessHandles.find(call, process, ProcessHandles.VM_OPERATION);
        return target == null
                ? ProcessHandles.refusal(call, process)
                : views(call)
                        .map(
                                found.body(),
                                target,
                                view,
                                zeroBits,
                                commitBytes,
                                inheritDisposition,
                                type,
                                pageProtection);
    }

    /**
     * {@code NtMapViewOfSectionEx} with its in and out parameters in {@code view}.
     *
     * @param process handle
     * @param parameters address of the array of MEM_EXTENDED_PARAMETER
     */
    static NtStatus mapEx(
            ApiCall call,
            long section,
            long process,
            ViewServices.View view,
            int type,
            int pageProtection,
            long parameters,
            int count) {
        Found found = find(call, section, accessFor(pageProtection));
        if (!found.status().isSuccess()) {
            return found.status();
        }
        Eprocess target = ProcessHandles.find(call, process, ProcessHandles.VM_OPERATION);
        if (target == null) {
            return ProcessHandles.refusal(call, process);
        }
        ExtendedParameters given = ExtendedParameters.read(call, target, parameters, count, view.base);
        if (!given.status().isSuccess()) {
            return given.status();
        }
        if (given.attributes() != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        NtStatus status = views(call).mapEx(found.body(), target, view, given.placement(), type, pageProtection);
        if (status.isSuccess() && given.node() != NodePreferences.NONE) {
            MemoryFunctions.preferNode(call, target, view.base, given.node());
        }
        return status;
    }

    /**
     * {@code NtUnmapViewOfSectionEx}: with {@code MEM_PRESERVE_PLACEHOLDER}, a placeholder stays.
     *
     * @param process handle
     */
    static NtStatus unmap(ApiCall call, long process, long address, int flags) {
        if ((flags & ~(UNMAP_WITH_TRANSIENT_BOOST | PRESERVE_PLACEHOLDER)) != 0) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        Eprocess target = ProcessHandles.find(call, process, ProcessHandles.VM_OPERATION);
        return target == null
                ? ProcessHandles.refusal(call, process)
                : views(call).unmap(target, address, (flags & PRESERVE_PLACEHOLDER) != 0);
    }

    // --- services ---

    private static long ntCreate(ApiCall call) {
        long sizeAt = call.arg(3);
        Opened opened = create(
                call,
                NamedObjects.ofAttributes(call.process(), call.arg(2)),
                NamedObjects.flags(call.process(), call.arg(2)),
                call.intArg(1),
                sizeAt == 0 ? 0 : call.memory().readLong(sizeAt),
                call.intArg(4),
                call.intArg(5),
                call.arg(6));
        if (opened.status().isSuccess()) {
            call.memory().writeLong(call.arg(0), opened.handle());
        }
        return opened.status().code();
    }

    private static long ntOpen(ApiCall call) {
        Opened opened = open(
                call,
                NamedObjects.ofAttributes(call.process(), call.arg(2)),
                NamedObjects.flags(call.process(), call.arg(2)),
                call.intArg(1));
        if (opened.status().isSuccess()) {
            call.memory().writeLong(call.arg(0), opened.handle());
        }
        return opened.status().code();
    }

    private static long ntExtend(ApiCall call) {
        Found found = find(call, call.arg(0), SECTION_EXTEND_SIZE);
        if (!found.status().isSuccess()) {
            return found.status().code();
        }
        long[] size = {call.memory().readLong(call.arg(1))};
        GuestKernel kernel = call.process().kernel();
        long file = new Section(kernel.objectManager().memory(), found.body())
                .controlArea()
                .fileObject();
        MappedFile mapped = file == 0 ? null : kernel.ioSystem().mapped(file);
        NtStatus status = services(call).extend(found.body(), size, mapped);
        if (status.isSuccess()) {
            call.memory().writeLong(call.arg(1), size[0]);
        }
        return status.code();
    }

    private static long ntQuery(ApiCall call) {
        int informationClass = call.intArg(1);
        if (informationClass != 0 && informationClass != 1) {
            return NtStatus.INVALID_INFO_CLASS.code();
        }
        int size = informationClass == 0 ? BASIC_INFORMATION_SIZE : (int) SectionImageInformationLayout.SIZE;
        if (Long.compareUnsigned(call.arg(3), size) < 0) {
            return NtStatus.INFO_LENGTH_MISMATCH.code();
        }
        Found found = find(call, call.arg(0), SECTION_QUERY);
        if (!found.status().isSuccess()) {
            return found.status().code();
        }
        Memory memory = call.memory();
        long at = call.arg(2);
        if (informationClass == 0) {
            SectionServices.BasicInformation information = services(call).query(found.body());
            memory.writeLong(at, information.baseAddress());
            memory.writeInt(at + 8, information.attributes());
            memory.writeInt(at + 12, 0);
            memory.writeLong(at + 16, information.sizeBytes());
        } else {
            byte[] information = services(call).imageInformation(found.body());
            if (information == null) {
                return NtStatus.SECTION_NOT_IMAGE.code();
            }
            memory.write(at, information);
        }
        if (call.arg(4) != 0) {
            memory.writeLong(call.arg(4), size);
        }
        return NtStatus.SUCCESS.code();
    }

    private static long ntMap(ApiCall call) {
        return ntMap(call, call.arg(2), call.arg(3), call.arg(4), call.arg(5), call.arg(6), call.intArg(7), 8);
    }

    /** Arguments: section, process, base, offset, size, type, protection, extended parameters, how many. */
    private static long ntMapEx(ApiCall call) {
        Memory memory = call.memory();
        ViewServices.View view = new ViewServices.View();
        view.base = memory.readLong(call.arg(2));
        view.offsetBytes = call.arg(3) == 0 ? 0 : memory.readLong(call.arg(3));
        view.sizeBytes = memory.readLong(call.arg(4));
        NtStatus status = mapEx(
                call, call.arg(0), call.arg(1), view, call.intArg(5), call.intArg(6), call.arg(7), call.intArg(8));
        if (status.isSuccess()) {
            memory.writeLong(call.arg(2), view.base);
            memory.writeLong(call.arg(4), view.sizeBytes);
            if (call.arg(3) != 0) {
                memory.writeLong(call.arg(3), view.offsetBytes);
            }
        }
        return status.code();
    }

    /** @param typeIndex which argument is the allocation type; the protection follows it */
    private static long ntMap(
            ApiCall call,
            long baseAt,
            long zeroBits,
            long commitBytes,
            long offsetAt,
            long sizeAt,
            int inheritDisposition,
            int typeIndex) {
        Memory memory = call.memory();
        ViewServices.View view = new ViewServices.View();
        view.base = memory.readLong(baseAt);
        view.sizeBytes = memory.readLong(sizeAt);
        view.offsetBytes = offsetAt == 0 ? 0 : memory.readLong(offsetAt);
        NtStatus status = map(
                call,
                call.arg(0),
                call.arg(1),
                view,
                zeroBits,
                commitBytes,
                inheritDisposition,
                call.intArg(typeIndex),
                call.intArg(typeIndex + 1));
        if (status.isSuccess()) {
            memory.writeLong(baseAt, view.base);
            memory.writeLong(sizeAt, view.sizeBytes);
            if (offsetAt != 0) {
                memory.writeLong(offsetAt, view.offsetBytes);
            }
        }
        return status.code();
    }

    private static long ntUnmap(ApiCall call, int flags) {
        return unmap(call, call.arg(0), call.arg(1), flags).code();
    }

    private static long ntFlush(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0)).code();
        }
        Memory memory = call.memory();
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = memory.readLong(call.arg(1));
        region.sizeBytes = memory.readLong(call.arg(2));
        NtStatus status = views(call).flush(process, region);
        if (status.isSuccess()) {
            memory.writeLong(call.arg(1), region.base);
            memory.writeLong(call.arg(2), region.sizeBytes);
        }
        if (call.arg(3) != 0) {
            // IO_STATUS_BLOCK
            memory.writeLong(call.arg(3), status.code() & 0xFFFF_FFFFL);
            memory.writeLong(call.arg(3) + 8, 0);
        }
        return status.code();
    }

    private static long ntAreTheSame(ApiCall call) {
        return views(call)
                .areTheSame(call.process().eprocess(), call.arg(0), call.arg(1))
                .code();
    }
}
