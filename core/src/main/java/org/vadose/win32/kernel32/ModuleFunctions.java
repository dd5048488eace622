package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.nt.UnicodeString;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.loader.LoadedImage;
import org.vadose.win32.loader.Loader;
import org.vadose.win32.loader.LoaderException;

/** Loaded modules: the Win32 functions and ntdll's {@code Ldr} functions over the loader. */
final class ModuleFunctions {
    private static final int ERROR_MOD_NOT_FOUND = 126;
    private static final int ERROR_PROC_NOT_FOUND = 127;
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int LOAD_LIBRARY_AS_DATA = 0x2 | 0x20 | 0x40;
    private static final int FROM_ADDRESS = 4;
    private static final int UNCHANGED_REFERENCE = 2;
    private static final int PIN = 1;
    private static final long HIGHEST_ORDINAL = 0xFFFF;

    private ModuleFunctions() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("GetModuleHandle" + letter, call -> getModuleHandle(call, wide))
                    .function("GetModuleHandleEx" + letter, call -> getModuleHandleEx(call, wide))
                    .function("GetModuleFileName" + letter, call -> getModuleFileName(call, wide))
                    .function("LoadLibrary" + letter, call -> loadLibrary(call, wide, 0))
                    .function("LoadLibraryEx" + letter, call -> loadLibrary(call, wide, call.intArg(2)))
                    .function("SetDllDirectory" + letter, call -> 1);
        }
        kernel32.function("GetProcAddress", ModuleFunctions::getProcAddress)
                .function("FreeLibrary", ModuleFunctions::freeLibrary)
                .function("FreeLibraryAndExitThread", ModuleFunctions::freeLibraryAndExitThread)
                .function(
                        "DisableThreadLibraryCalls",
                        call -> module(call, call.arg(0)) == null ? call.fail(ERROR_INVALID_HANDLE) : 1);
    }

    static void addToNtdll(ApiModule ntdll) {
        ntdll.function("LdrLoadDll", ModuleFunctions::ldrLoadDll)
                .function(
                        "LdrUnloadDll",
                        call -> loader(call)
                                .freeLibrary(call.thread(), call.arg(0))
                                .code())
                .function("LdrGetDllHandle", ModuleFunctions::ldrGetDllHandle)
                .function("LdrGetProcedureAddress", ModuleFunctions::ldrGetProcedureAddress);
    }

    private static Loader loader(ApiCall call) {
        return call.process().loader();
    }

    /** The module at a base address; a null handle is the program. */
    private static @Nullable LoadedImage module(ApiCall call, long base) {
        if (base == 0) {
            return loader(call).program();
        }
        LoadedImage module = loader(call).at(base);
        return module != null && module.base() == base ? module : null;
    }

    private static long getModuleHandle(ApiCall call, boolean wide) {
        String name = Texts.read(call, call.arg(0), wide);
        LoadedImage module =
                name == null ? loader(call).program() : loader(call).find(name);
        return module == null ? call.fail(ERROR_MOD_NOT_FOUND) : module.base();
    }

    private static long getModuleHandleEx(ApiCall call, boolean wide) {
        int flags = call.intArg(0);
        if (call.arg(2) == 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        LoadedImage module;
        if ((flags & FROM_ADDRESS) != 0) {
            module = loader(call).at(call.arg(1));
        } else {
            String name = Texts.read(call, call.arg(1), wide);
            module = name == null ? loader(call).program() : loader(call).find(name);
        }
        call.memory().writeLong(call.arg(2), module == null ? 0 : module.base());
        if (module == null) {
            return call.fail(ERROR_MOD_NOT_FOUND);
        }
        if ((flags & (UNCHANGED_REFERENCE | PIN)) == 0 && module != loader(call).program()) {
            loader(call).loadLibrary(call.thread(), module.path());
        }
        return 1;
    }

    private static long getModuleFileName(ApiCall call, boolean wide) {
        LoadedImage module = module(call, call.arg(0));
        if (module == null) {
            return call.fail(ERROR_MOD_NOT_FOUND);
        }
        String path = module.path();
        long capacity = call.unsignedIntArg(2);
        if (capacity == 0) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        int length = Texts.length(path, wide);
        if (length >= capacity) {
            Texts.write(call, call.arg(1), path.substring(0, (int) capacity - 1), wide);
            call.setLastError(Texts.ERROR_INSUFFICIENT_BUFFER);
            return capacity;
        }
        Texts.write(call, call.arg(1), path, wide);
        call.setLastError(0);
        return length;
    }

    private static long loadLibrary(ApiCall call, boolean wide, int flags) {
        String name = Texts.read(call, call.arg(0), wide);
        if (name == null || name.isEmpty()) {
            return call.fail(name == null ? ERROR_INVALID_PARAMETER : ERROR_MOD_NOT_FOUND);
        }
        if ((flags & LOAD_LIBRARY_AS_DATA) != 0) {
            return call.fail(NtStatus.NOT_SUPPORTED);
        }
        try {
            return loader(call).loadLibrary(call.thread(), name).base();
        } catch (LoaderException e) {
            return call.fail(e.status());
        }
    }

    private static long freeLibrary(ApiCall call) {
        LoadedImage module = module(call, call.arg(0));
        if (module == null || call.arg(0) == 0) {
            return call.fail(ERROR_MOD_NOT_FOUND);
        }
        return call.succeeded(loader(call).freeLibrary(call.thread(), module.base()));
    }

    private static long freeLibraryAndExitThread(ApiCall call) {
        loader(call).freeLibrary(call.thread(), call.arg(0));
        return ProcessFunctions.exitThread(call, call.intArg(1));
    }

    private static long getProcAddress(ApiCall call) {
        LoadedImage module = module(call, call.arg(0));
        if (module == null) {
            return call.fail(ERROR_MOD_NOT_FOUND);
        }
        long name = call.arg(1);
        long address = Long.compareUnsigned(name, HIGHEST_ORDINAL) <= 0
                ? loader(call).procAddress(module.base(), (int) name)
                : loader(call).procAddress(module.base(), call.ansi(name));
        return address == 0 ? call.fail(ERROR_PROC_NOT_FOUND) : address;
    }

    // --- ntdll's forms ---

    private static long ldrLoadDll(ApiCall call) {
        try {
            String name = new UnicodeString(call.memory(), call.arg(2)).text();
            call.memory()
                    .writeLong(
                            call.arg(3),
                            loader(call).loadLibrary(call.thread(), name).base());
            return 0;
        } catch (LoaderException e) {
            return e.status().code();
        }
    }

    private static long ldrGetDllHandle(ApiCall call) {
        LoadedImage module = loader(call).find(new UnicodeString(call.memory(), call.arg(2)).text());
        if (module == null) {
            return NtStatus.DLL_NOT_FOUND.code();
        }
        call.memory().writeLong(call.arg(3), module.base());
        return 0;
    }

    private static long ldrGetProcedureAddress(ApiCall call) {
        long address = 0;
        if (call.arg(1) != 0) {
            // An ANSI_STRING has the shape of a UNICODE_STRING.
            UnicodeString name = new UnicodeString(call.memory(), call.arg(1));
            address =
                    loader(call).procAddress(call.arg(0), call.memory().readLatin1(name.buffer(), name.lengthBytes()));
        } else {
            address = loader(call).procAddress(call.arg(0), call.intArg(2));
        }
        call.memory().writeLong(call.arg(3), address);
        return (address == 0 ? NtStatus.ENTRYPOINT_NOT_FOUND : NtStatus.SUCCESS).code();
    }
}
