package org.vadose.win32.kernel32;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.io.FileException;
import org.vadose.io.GuestPath;
import org.vadose.layout.ImageDosHeaderLayout;
import org.vadose.layout.StringLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.UnicodeString;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.loader.LoadedImage;
import org.vadose.win32.loader.Loader;
import org.vadose.win32.loader.LoaderException;

/** Loaded modules: the Win32 functions and ntdll's {@code Ldr} functions over the loader. */
final class ModuleFunctions {
    private static final int ERROR_MOD_NOT_FOUND = 126;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_SUCCESS = 0;

    /** Numbers below this in place of a name are ordinals. */
    private static final long LOWEST_NAME = 0x10000;

    private static final int LOAD_AS_DATA = 0x2 | 0x20 | 0x40;
    private static final int SEARCH_ALTERED = 0x8;
    private static final int SEARCH_OWN_DIRECTORY = 0x100;
    private static final int SEARCH_PLACES = 0x1F00;
    /** What {@code SetDefaultDllDirectories} takes. */
    private static final int DEFAULT_PLACES = 0x1E00;

    private static final int HANDLE_PIN = 0x1;
    private static final int HANDLE_UNCHANGED_COUNT = 0x2;
    private static final int HANDLE_FROM_ADDRESS = 0x4;

    private ModuleFunctions() {}

    static void addToNtdll(ApiModule ntdll) {
        ntdll.function("LdrLoadDll", ModuleFunctions::ldrLoadDll)
                .function("LdrUnloadDll", ModuleFunctions::ldrUnloadDll)
                .function("LdrGetDllHandle", call -> ldrGetDllHandle(call, 2, 3))
                .function("LdrGetDllHandleEx", call -> ldrGetDllHandle(call, 3, 4))
                .function("LdrGetProcedureAddress", ModuleFunctions::ldrGetProcedureAddress)
                .function("LdrDisableThreadCalloutsForDll", ModuleFunctions::ldrDisableThreadCallouts)
                .function("RtlImageNtHeader", ModuleFunctions::imageNtHeader)
                .function("RtlImageDirectoryEntryToData", ModuleFunctions::imageDirectory);
    }

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("GetModuleHandle" + letter, call -> getModuleHandle(call, wide))
                    .function("GetModuleHandleEx" + letter, call -> getModuleHandleEx(call, wide))
                    .function("GetModuleFileName" + letter, call -> getModuleFileName(call, wide))
                    .function("LoadLibrary" + letter, call -> loadLibrary(call, wide, 0))
                    .function("LoadLibraryEx" + letter, call -> loadLibrary(call, wide, call.intArg(2)))
                    .function("SetDllDirectory" + letter, call -> setDllDirectory(call, wide));
        }
        kernel32.function("GetProcAddress", ModuleFunctions::getProcAddress)
                .function("SetDefaultDllDirectories", ModuleFunctions::setDefaultDirectories)
                .function("AddDllDirectory", ModuleFunctions::addDirectory)
                .function("RemoveDllDirectory", ModuleFunctions::removeDirectory)
                .function("FreeLibrary", ModuleFunctions::freeLibrary)
                .function("FreeLibraryAndExitThread", ModuleFunctions::freeLibraryAndExitThread)
                .function("DisableThreadLibraryCalls", ModuleFunctions::disableThreadLibraryCalls);
    }

    // --- kernel32 ---

    private static Loader loader(ApiCall call) {
        return Loader.of(call.process());
    }

    private static long loadLibrary(ApiCall call, boolean isWide, int flags) {
        String name = FileTexts.read(call, call.arg(0), isWide);
        if (name == null || name.isEmpty()) {
            return call.fail(name == null ? ERROR_INVALID_PARAMETER : ERROR_MOD_NOT_FOUND);
        }
        boolean isPath = name.indexOf('\\') >= 0 || name.indexOf('/') >= 0 || name.indexOf(':') >= 0;
        if ((flags & SEARCH_ALTERED) != 0 && (flags & SEARCH_PLACES) != 0
                || (flags & SEARCH_OWN_DIRECTORY) != 0 && !isPath) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if ((flags & LOAD_AS_DATA) != 0) {
            return call.fail(NtStatus.NOT_SUPPORTED);
        }
        try {
            return loader(call)
                    .loadLibrary(call.thread(), name, flags & (SEARCH_ALTERED | SEARCH_PLACES))
                    .base();
        } catch (LoaderException e) {
            return call.fail(e.status());
        }
    }

    private static long getProcAddress(ApiCall call) {
        long module = call.arg(0) == 0 ? loader(call).program().base() : call.arg(0);
        boolean byNumber = Long.compareUnsigned(call.arg(1), LOWEST_NAME) < 0;
        try {
            long address = byNumber
                    ? loader(call).procAddress(module, call.intArg(1))
                    : loader(call).procAddress(module, call.ansi(call.arg(1)));
            if (address != 0) {
                return address;
            }
        } catch (LoaderException e) {
            return call.fail(e.status());
        }
        if (loader(call).at(module) == null) {
            return call.fail(ERROR_MOD_NOT_FOUND);
        }
        return call.fail(byNumber ? NtStatus.ORDINAL_NOT_FOUND : NtStatus.ENTRYPOINT_NOT_FOUND);
    }

    private static long freeLibrary(ApiCall call) {
        return call.succeeded(loader(call).freeLibrary(call.thread(), call.arg(0)));
    }

    private static long freeLibraryAndExitThread(ApiCall call) {
        loader(call).freeLibrary(call.thread(), call.arg(0));
        return ProcessFunctions.exitThread(call, call.intArg(1));
    }

    private static long getModuleHandle(ApiCall call, boolean isWide) {
        LoadedImage module = find(call, FileTexts.read(call, call.arg(0), isWide));
        return module == null ? call.fail(ERROR_MOD_NOT_FOUND) : module.base();
    }

    /** @param name {@code null} for the program itself */
    private static @Nullable LoadedImage find(ApiCall call, @Nullable String name) {
        if (name == null) {
            return loader(call).program();
        }
        try {
            return loader(call).find(name);
        } catch (LoaderException e) {
            return null;
        }
    }

    private static long getModuleHandleEx(ApiCall call, boolean isWide) {
        int flags = call.intArg(0);
        long result = call.arg(2);
        if (result == 0 || (flags & (HANDLE_PIN | HANDLE_UNCHANGED_COUNT)) == (HANDLE_PIN | HANDLE_UNCHANGED_COUNT)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        LoadedImage module = (flags & HANDLE_FROM_ADDRESS) != 0
                ? loader(call).at(call.arg(1))
                : find(call, FileTexts.read(call, call.arg(1), isWide));
        call.memory().writeLong(result, module == null ? 0 : module.base());
        if (module == null) {
            return call.fail(ERROR_MOD_NOT_FOUND);
        }
        if ((flags & HANDLE_PIN) != 0) {
            loader(call).pin(module);
        } else if ((flags & HANDLE_UNCHANGED_COUNT) == 0) {
            loader(call).addReference(module);
        }
        return 1;
    }

    /** Characters written; a name that does not fit is cut, ends in a zero all the same, and sets the last error. */
    private static long getModuleFileName(ApiCall call, boolean isWide) {
        long base = call.arg(0);
        LoadedImage module = base == 0 ? loader(call).program() : moduleAtBase(call, base);
        if (module == null) {
            return call.fail(ERROR_MOD_NOT_FOUND);
        }
        int capacity = (int) Math.min(call.unsignedIntArg(2), Integer.MAX_VALUE);
        String path = module.path();
        if (capacity == 0) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        int length = FileTexts.length(call, path, isWide);
        boolean fits = length < capacity;
        FileTexts.write(
                call, call.arg(1), fits ? path : path.substring(0, Math.min(capacity - 1, path.length())), isWide);
        call.setLastError(fits ? ERROR_SUCCESS : Texts.ERROR_INSUFFICIENT_BUFFER);
        return fits ? length : capacity;
    }

    /** A null pointer restores the usual order. */
    private static long setDllDirectory(ApiCall call, boolean isWide) {
        loader(call).setDllDirectory(FileTexts.read(call, call.arg(0), isWide));
        return 1;
    }

    private static long setDefaultDirectories(ApiCall call) {
        int places = call.intArg(0);
        if (places == 0 || (places & ~DEFAULT_PLACES) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        loader(call).setDefaultPlaces(places);
        return 1;
    }

    /** The directory must be there, and be named from its drive on. */
    private static long addDirectory(ApiCall call) {
        String name = FileTexts.readOrEmpty(call, call.arg(0), true);
        if (!name.startsWith("\\\\")
                && (name.length() < 3 || name.charAt(1) != ':' || name.charAt(2) != '\\' && name.charAt(2) != '/')) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        try {
            GuestPath path = FileFunctions.path(call, name);
            if (call.process().files().find(path) == null) {
                return call.fail(
                        call.process().files().find(path.parent()) == null
                                ? NtStatus.OBJECT_PATH_NOT_FOUND
                                : NtStatus.OBJECT_NAME_NOT_FOUND);
            }
        } catch (FileException e) {
            return call.fail(e.status());
        }
        long cookie = call.process().newCookie();
        loader(call).addDirectory(cookie, name);
        return cookie;
    }

    private static long removeDirectory(ApiCall call) {
        return loader(call).removeDirectory(call.arg(0)) ? 1 : call.fail(ERROR_INVALID_PARAMETER);
    }

    private static @Nullable LoadedImage moduleAtBase(ApiCall call, long base) {
        LoadedImage module = loader(call).at(base);
        return module != null && module.base() == base ? module : null;
    }

    /** Refused for modules with TLS, which want to hear of threads. */
    private static long disableThreadLibraryCalls(ApiCall call) {
        return call.succeeded(NtStatus.of((int) ldrDisableThreadCallouts(call)));
    }

    // --- ntdll ---

    private static long ldrLoadDll(ApiCall call) {
        String name = new UnicodeString(call.memory(), call.arg(2)).text();
        try {
            LoadedImage module = loader(call).loadLibrary(call.thread(), name);
            call.memory().writeLong(call.arg(3), module.base());
            return NtStatus.SUCCESS.code();
        } catch (LoaderException e) {
            return e.status().code();
        }
    }

    private static long ldrUnloadDll(ApiCall call) {
        return loader(call).freeLibrary(call.thread(), call.arg(0)).code();
    }

    private static long ldrGetDllHandle(ApiCall call, int nameIndex, int resultIndex) {
        LoadedImage module = find(call, new UnicodeString(call.memory(), call.arg(nameIndex)).text());
        if (module == null) {
            return NtStatus.DLL_NOT_FOUND.code();
        }
        if (call.arg(resultIndex) != 0) {
            call.memory().writeLong(call.arg(resultIndex), module.base());
        }
        return NtStatus.SUCCESS.code();
    }

    private static long ldrGetProcedureAddress(ApiCall call) {
        Memory memory = call.memory();
        long string = call.arg(1);
        try {
            long address;
            if (string != 0) {
                int length = memory.readUnsignedShort(string + StringLayout.LENGTH);
                byte[] text = memory.read(memory.readLong(string + StringLayout.BUFFER), length);
                address = loader(call).procAddress(call.arg(0), new String(text, StandardCharsets.ISO_8859_1));
            } else {
                address = loader(call).procAddress(call.arg(0), call.intArg(2));
            }
            memory.writeLong(call.arg(3), address);
            if (address != 0) {
                return NtStatus.SUCCESS.code();
            }
            return (string != 0 ? NtStatus.ENTRYPOINT_NOT_FOUND : NtStatus.ORDINAL_NOT_FOUND).code();
        } catch (LoaderException e) {
            return e.status().code();
        }
    }

    private static long ldrDisableThreadCallouts(ApiCall call) {
        LoadedImage module = moduleAtBase(call, call.arg(0));
        if (module == null || module.tls() != null) {
            return NtStatus.DLL_NOT_FOUND.code();
        }
        module.entry().setDontCallForThreads();
        return NtStatus.SUCCESS.code();
    }

    /** Address of the NT headers of an image in memory, or 0 when there are none. */
    private static long imageNtHeader(ApiCall call) {
        long base = call.arg(0);
        if (base == 0 || base == -1) {
            return 0;
        }
        Memory memory = call.memory();
        try {
            if (memory.readUnsignedShort(base + ImageDosHeaderLayout.E_MAGIC) != PeFormat.DOS_MAGIC) {
                return 0;
            }
            long headers = base + memory.readUnsignedInt(base + ImageDosHeaderLayout.E_LFANEW);
            return memory.readInt(headers) == PeFormat.NT_SIGNATURE ? headers : 0;
        } catch (MemoryFault e) {
            return 0;
        }
    }

    /** Arguments: base (low bits mark data files), mapped as image, index, out size. */
    private static long imageDirectory(ApiCall call) {
        LoadedImage module = moduleAtBase(call, call.arg(0) & ~3L);
        int index = call.intArg(2) & 0xFFFF;
        if (module == null || index >= PeFormat.DIRECTORY_COUNT) {
            return 0;
        }
        PeImage.Directory directory = module.image().directory(index);
        if (directory.rva() == 0) {
            return 0;
        }
        call.memory().writeInt(call.arg(3), (int) directory.sizeBytes());
        return module.base() + directory.rva();
    }
}
