package org.vadose.win32.loader;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.layout.ImageDosHeaderLayout;
import org.vadose.layout.StringLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.UnicodeString;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** The functions by which programs ask for modules: {@code LoadLibrary} and its kin, ntdll's {@code Ldr} family. */
public final class LoaderFunctions {
    private static final int ERROR_MOD_NOT_FOUND = 126;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_INSUFFICIENT_BUFFER = 122;
    private static final int ERROR_NOT_SUPPORTED = 50;
    private static final int ERROR_SUCCESS = 0;

    /** Numbers below this in place of a name are ordinals. */
    private static final long LOWEST_NAME = 0x10000;

    private static final int LOAD_AS_DATA = 0x2 | 0x20 | 0x40;
    private static final int HANDLE_PIN = 0x1;
    private static final int HANDLE_UNCHANGED_COUNT = 0x2;
    private static final int HANDLE_FROM_ADDRESS = 0x4;

    private LoaderFunctions() {}

    /** Adds the {@code Ldr} functions, {@code LdrInitializeThunk} among them. */
    public static void addToNtdll(ApiModule ntdll) {
        Loader.addExports(ntdll);
        ntdll.function("LdrLoadDll", LoaderFunctions::ldrLoadDll)
                .function("LdrUnloadDll", LoaderFunctions::ldrUnloadDll)
                .function("LdrGetDllHandle", call -> ldrGetDllHandle(call, 2, 3))
                .function("LdrGetDllHandleEx", call -> ldrGetDllHandle(call, 3, 4))
                .function("LdrGetProcedureAddress", LoaderFunctions::ldrGetProcedureAddress)
                .function("LdrDisableThreadCalloutsForDll", LoaderFunctions::ldrDisableThreadCallouts)
                .function("RtlImageNtHeader", LoaderFunctions::imageNtHeader)
                .function("RtlImageDirectoryEntryToData", LoaderFunctions::imageDirectory);
    }

    /** Adds kernel32's functions; kernelbase shares them. */
    public static void addTo(ApiModule kernel32) {
        kernel32.function("LoadLibraryA", call -> loadLibrary(call, ansi(call, 0), 0))
                .function("LoadLibraryW", call -> loadLibrary(call, wide(call, 0), 0))
                .function("LoadLibraryExA", call -> loadLibrary(call, ansi(call, 0), call.intArg(2)))
                .function("LoadLibraryExW", call -> loadLibrary(call, wide(call, 0), call.intArg(2)))
                .function("GetProcAddress", LoaderFunctions::getProcAddress)
                .function("FreeLibrary", LoaderFunctions::freeLibrary)
                .function("FreeLibraryAndExitThread", LoaderFunctions::freeLibraryAndExitThread)
                .function("GetModuleHandleA", call -> getModuleHandle(call, ansi(call, 0)))
                .function("GetModuleHandleW", call -> getModuleHandle(call, wide(call, 0)))
                .function("GetModuleHandleExA", call -> getModuleHandleEx(call, false))
                .function("GetModuleHandleExW", call -> getModuleHandleEx(call, true))
                .function("GetModuleFileNameA", call -> getModuleFileName(call, false))
                .function("GetModuleFileNameW", call -> getModuleFileName(call, true))
                .function("DisableThreadLibraryCalls", LoaderFunctions::disableThreadLibraryCalls);
    }

    // --- kernel32 ---

    private static Loader loader(ApiCall call) {
        return call.process().loader();
    }

    private static @Nullable String ansi(ApiCall call, int index) {
        return call.arg(index) == 0 ? null : call.ansi(call.arg(index));
    }

    private static @Nullable String wide(ApiCall call, int index) {
        return call.arg(index) == 0 ? null : call.wide(call.arg(index));
    }

    private static long loadLibrary(ApiCall call, @Nullable String name, int flags) {
        if (name == null || name.isEmpty()) {
            return call.fail(name == null ? ERROR_INVALID_PARAMETER : ERROR_MOD_NOT_FOUND);
        }
        if ((flags & LOAD_AS_DATA) != 0) {
            return call.fail(ERROR_NOT_SUPPORTED);
        }
        try {
            return loader(call).loadLibrary(call.thread(), name).base();
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
        return call.callGuest(loader(call).ntdllAddress("RtlExitUserThread"), call.unsignedIntArg(1));
    }

    private static long getModuleHandle(ApiCall call, @Nullable String name) {
        LoadedImage module = find(call, name);
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
                : find(call, isWide ? wide(call, 1) : ansi(call, 1));
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
            return call.fail(ERROR_INSUFFICIENT_BUFFER);
        }
        boolean fits = path.length() < capacity;
        String written = fits ? path : path.substring(0, capacity - 1);
        if (isWide) {
            call.writeWide(call.arg(1), written);
        } else {
            call.writeAnsi(call.arg(1), written);
        }
        call.setLastError(fits ? ERROR_SUCCESS : ERROR_INSUFFICIENT_BUFFER);
        return fits ? path.length() : capacity;
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
