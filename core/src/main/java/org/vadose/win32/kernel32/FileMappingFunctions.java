package org.vadose.win32.kernel32;

import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.NodePreferences;
import org.vadose.mm.SectionServices;
import org.vadose.mm.ViewServices;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.NamedObjects;

/** File mappings: what Win32 makes of sections and views, its argument rules and last errors. */
final class FileMappingFunctions {
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_ALREADY_EXISTS = 183;
    private static final int INHERIT_HANDLE = 16;
    private static final int FILE_MAP_COPY = 1;
    private static final int FILE_MAP_WRITE = 2;
    private static final int FILE_MAP_READ = 4;
    private static final int FILE_MAP_EXECUTE = 0x20;
    private static final int FILE_MAP_LARGE_PAGES = 0x2000_0000;
    private static final int FILE_MAP_TARGETS_INVALID = 0x4000_0000;
    private static final int FILE_MAP_RESERVE = 0x8000_0000;
    private static final int VIEW_FLAGS = FILE_MAP_LARGE_PAGES | FILE_MAP_TARGETS_INVALID | FILE_MAP_RESERVE;
    private static final int PROTECTION_BITS = 0xFF;
    /** PAGE_EXECUTE and its kin. */
    private static final int EXECUTABLE = 0xF0;

    private static final int ERROR_NOACCESS = 998;

    private FileMappingFunctions() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("CreateFileMapping" + letter, call -> createFileMapping(call, wide))
                    .function("CreateFileMappingNuma" + letter, call -> createNuma(call, wide))
                    .function(
                            "OpenFileMapping" + letter,
                            call -> openFileMapping(call, Texts.read(call, call.arg(2), wide)));
        }
        kernel32.function("CreateFileMapping2", Buffers.ofService(FileMappingFunctions::createFileMapping2))
                .function("CreateFileMappingFromApp", FileMappingFunctions::createFromApp)
                .function("OpenFileMappingFromApp", call -> openFileMapping(call, Texts.read(call, call.arg(2), true)))
                .function("MapViewOfFile", call -> mapViewOfFile(call, offset(call), call.arg(4), 0))
                .function("MapViewOfFileEx", call -> mapViewOfFile(call, offset(call), call.arg(4), call.arg(5)))
                .function("MapViewOfFileExNuma", FileMappingFunctions::mapViewOfFileNuma)
                .function("MapViewOfFileFromApp", FileMappingFunctions::mapFromApp)
                .function("MapViewOfFileNuma2", FileMappingFunctions::mapViewOfFile2)
                .function("MapViewOfFile3", call -> mapViewOfFile3(call, false))
                .function("MapViewOfFile3FromApp", call -> mapViewOfFile3(call, true))
                .function("UnmapViewOfFile", call -> unmap(call, GuestObjects.CURRENT_PROCESS, call.arg(0), 0))
                .function(
                        "UnmapViewOfFileEx",
                        call -> unmap(call, GuestObjects.CURRENT_PROCESS, call.arg(0), call.intArg(1)))
                .function("UnmapViewOfFile2", call -> unmap(call, call.arg(0), call.arg(1), call.intArg(2)))
                .function("FlushViewOfFile", FileMappingFunctions::flush);
    }

    private static long offset(ApiCall call) {
        return call.unsignedIntArg(2) << 32 | call.unsignedIntArg(3);
    }

    // --- making and opening ---

    private static long createFileMapping(ApiCall call, boolean wide) {
        return create(
                call,
                call.intArg(2),
                call.intArg(2) & ~PROTECTION_BITS,
                call.unsignedIntArg(3) << 32 | call.unsignedIntArg(4),
                Texts.read(call, call.arg(5), wide),
                0);
    }

    private static long createNuma(ApiCall call, boolean wide) {
        int node = NumaFunctions.preferred(call, call.arg(6));
        if (NumaFunctions.isMissing(node)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        long handle = createFileMapping(call, wide);
        keepNode(call, handle, node);
        return handle;
    }

    /** Apps make no mappings to execute. */
    private static long createFromApp(ApiCall call) {
        if ((call.intArg(2) & EXECUTABLE) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        return create(
                call,
                call.intArg(2),
                call.intArg(2) & ~PROTECTION_BITS,
                call.arg(3),
                Texts.read(call, call.arg(4), true),
                0);
    }

    /** Arguments: file, security, access, protection, attributes, size, name, extended parameters, how many. */
    private static long createFileMapping2(ApiCall call) {
        ExtendedParameters given =
                ExtendedParameters.read(call, call.process().eprocess(), call.arg(7), call.intArg(8), 0);
        if (!given.status().isSuccess() || (given.present() & ~(1 << ExtendedParameters.NUMA_NODE)) != 0) {
            return call.fail(given.status().isSuccess() ? NtStatus.INVALID_PARAMETER : given.status());
        }
        long handle = create(
                call, call.intArg(3), call.intArg(4), call.arg(5), Texts.read(call, call.arg(6), true), call.intArg(2));
        keepNode(call, handle, given.node());
        return handle;
    }

    /** A section that this call made keeps the node; one that was there before has its own. */
    private static void keepNode(ApiCall call, long handle, int node) {
        if (handle != 0 && node != NodePreferences.NONE && call.lastError() != ERROR_ALREADY_EXISTS) {
            call.process()
                    .kernel()
                    .memoryManager()
                    .nodePreferences()
                    .setSection(call.process().objects().body(handle, KnownType.SECTION), node);
        }
    }

    /** @param access to the section; 0 for what the protection lets its views do */
    private static long create(
            ApiCall call, int pageProtection, int secAttributes, long bytes, @Nullable String name, int access) {
        int protection = pageProtection & PROTECTION_BITS;
        int attributes = secAttributes == 0 ? SectionServices.SEC_COMMIT : secAttributes;
        int rights = SectionFunctions.STANDARD_RIGHTS_REQUIRED
                | SectionFunctions.SECTION_QUERY
                | SectionFunctions.SECTION_MAP_READ;
        switch (protection) {
            case PageProtection.PAGE_READONLY, PageProtection.PAGE_WRITECOPY -> {
                // Reading is all it takes.
            }
            case PageProtection.PAGE_READWRITE -> rights |= SectionFunctions.SECTION_MAP_WRITE;
            case PageProtection.PAGE_EXECUTE_READ, PageProtection.PAGE_EXECUTE_WRITECOPY ->
                rights |= SectionFunctions.SECTION_MAP_EXECUTE;
            case PageProtection.PAGE_EXECUTE_READWRITE ->
                rights |= SectionFunctions.SECTION_MAP_WRITE | SectionFunctions.SECTION_MAP_EXECUTE;
            default -> {
                return call.fail(ERROR_INVALID_PARAMETER);
            }
        }
        long file = call.arg(0);
        boolean hasFile = file != FileFunctions.INVALID_HANDLE;
        if (hasFile && file == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        int flags = SectionFunctions.OBJ_OPENIF | inheritance(call, call.arg(1));
        SectionFunctions.Opened opened = SectionFunctions.create(
                call,
                NamedObjects.ofWin32(call.process(), name == null ? "" : name),
                flags,
                access == 0 ? rights : access,
                bytes,
                protection,
                attributes,
                hasFile ? file : 0);
        if (!opened.status().isSuccess()) {
            return call.fail(opened.status());
        }
        call.setLastError(opened.status().equals(NtStatus.OBJECT_NAME_EXISTS) ? ERROR_ALREADY_EXISTS : 0);
        return opened.handle();
    }

    private static int inheritance(ApiCall call, long securityAttributes) {
        return securityAttributes != 0 && call.memory().readInt(securityAttributes + INHERIT_HANDLE) != 0
                ? SectionFunctions.OBJ_INHERIT
                : 0;
    }

    private static long openFileMapping(ApiCall call, @Nullable String name) {
        if (name == null) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        int wanted = call.intArg(0);
        int access = wanted == FILE_MAP_COPY ? FILE_MAP_READ : wanted;
        access = (access & FILE_MAP_EXECUTE) != 0
                ? access & ~FILE_MAP_EXECUTE | SectionFunctions.SECTION_MAP_EXECUTE
                : access;
        SectionFunctions.Opened opened = SectionFunctions.open(
                call,
                NamedObjects.ofWin32(call.process(), name),
                call.boolArg(1) ? SectionFunctions.OBJ_INHERIT : 0,
                access);
        return opened.status().isSuccess() ? opened.handle() : call.fail(opened.status());
    }

    // --- views ---

    /** The protection that {@code FILE_MAP_} bits mean. */
    private static int protection(int access) {
        boolean executes = (access & FILE_MAP_EXECUTE) != 0;
        int rest = access & ~(FILE_MAP_EXECUTE | VIEW_FLAGS);
        if (rest == FILE_MAP_COPY) {
            return executes ? PageProtection.PAGE_EXECUTE_WRITECOPY : PageProtection.PAGE_WRITECOPY;
        }
        if ((rest & FILE_MAP_WRITE) != 0) {
            return executes ? PageProtection.PAGE_EXECUTE_READWRITE : PageProtection.PAGE_READWRITE;
        }
        if ((rest & FILE_MAP_READ) != 0) {
            return executes ? PageProtection.PAGE_EXECUTE_READ : PageProtection.PAGE_READONLY;
        }
        return PageProtection.PAGE_NOACCESS;
    }

    private static long mapViewOfFile(ApiCall call, long offset, long bytes, long base) {
        int access = call.intArg(1);
        int type = ((access & FILE_MAP_RESERVE) != 0 ? VirtualMemoryServices.MEM_RESERVE : 0)
                | ((access & FILE_MAP_LARGE_PAGES) != 0 ? VirtualMemoryServices.MEM_LARGE_PAGES : 0);
        return map(
                call,
                GuestObjects.CURRENT_PROCESS,
                base,
                offset,
                bytes,
                ViewServices.VIEW_SHARE,
                type,
                protection(access));
    }

    private static long mapFromApp(ApiCall call) {
        return (call.intArg(1) & FILE_MAP_EXECUTE) != 0
                ? call.fail(ERROR_INVALID_PARAMETER)
                : mapViewOfFile(call, call.arg(2), call.arg(3), 0);
    }

    private static long mapViewOfFileNuma(ApiCall call) {
        return mapOn(
                call,
                GuestObjects.CURRENT_PROCESS,
                call.arg(6),
                () -> mapViewOfFile(call, offset(call), call.arg(4), call.arg(5)));
    }

    private static long mapViewOfFile2(ApiCall call) {
        long process = call.arg(1);
        return mapOn(
                call,
                process,
                call.arg(7),
                () -> map(
                        call,
                        process,
                        call.arg(3),
                        call.arg(2),
                        call.arg(4),
                        ViewServices.VIEW_UNMAP,
                        call.intArg(5),
                        call.intArg(6)));
    }

    /** Maps a view whose pages are to come from a node. */
    private static long mapOn(ApiCall call, long processHandle, long nodeArgument, LongSupplier map) {
        int node = NumaFunctions.preferred(call, nodeArgument);
        if (NumaFunctions.isMissing(node)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        long base = map.getAsLong();
        Eprocess process = MemoryFunctions.process(call, processHandle);
        if (base != 0 && node != NodePreferences.NONE && process != null) {
            MemoryFunctions.preferNode(call, process, base, node);
        }
        return base;
    }

    /** Arguments: section, process, base, offset, size, type, protection, extended parameters, how many. */
    private static long mapViewOfFile3(ApiCall call, boolean fromApp) {
        if (fromApp && (call.intArg(6) & EXECUTABLE) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        ViewServices.View view = new ViewServices.View();
        view.base = call.arg(2);
        view.offsetBytes = call.arg(3);
        view.sizeBytes = call.arg(4);
        // A null handle, too, means the process itself.
        long process = call.arg(1) == 0 ? GuestObjects.CURRENT_PROCESS : call.arg(1);
        try {
            NtStatus status = SectionFunctions.mapEx(
                    call, call.arg(0), process, view, call.intArg(5), call.intArg(6), call.arg(7), call.intArg(8));
            return status.isSuccess() ? view.base : call.fail(status);
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }

    private static long map(
            ApiCall call,
            long process,
            long base,
            long offset,
            long bytes,
            int inheritDisposition,
            int type,
            int pageProtection) {
        ViewServices.View view = new ViewServices.View();
        view.base = base;
        view.offsetBytes = offset;
        view.sizeBytes = bytes;
        NtStatus status =
                SectionFunctions.map(call, call.arg(0), process, view, 0, 0, inheritDisposition, type, pageProtection);
        return status.isSuccess() ? view.base : call.fail(status);
    }

    private static long unmap(ApiCall call, long process, long address, int flags) {
        return call.succeeded(SectionFunctions.unmap(call, process, address, flags));
    }

    private static long flush(ApiCall call) {
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = call.arg(0);
        region.sizeBytes = call.arg(1);
        return call.succeeded(SectionFunctions.views(call).flush(call.process().eprocess(), region));
    }
}
