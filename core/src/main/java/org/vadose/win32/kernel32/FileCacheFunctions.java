package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.SystemCacheWorkingSet;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** The limits of the system cache's working set: {@code GetSystemFileCacheSize}, {@code SetSystemFileCacheSize}. */
final class FileCacheFunctions {
    private static final int ERROR_NOACCESS = 998;

    private FileCacheFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("GetSystemFileCacheSize", FileCacheFunctions::get)
                .function("SetSystemFileCacheSize", FileCacheFunctions::set);
    }

    /** Arguments: where the minimum, the maximum and the flags go. */
    private static long get(ApiCall call) {
        SystemCacheWorkingSet cache =
                call.process().kernel().memoryManager().systemCache().workingSet();
        try {
            call.memory().writeLong(call.arg(0), cache.minimumPages() << Pages.SHIFT);
            call.memory().writeLong(call.arg(1), cache.maximumPages() << Pages.SHIFT);
            call.memory().writeInt(call.arg(2), cache.hardLimits());
            return 1;
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }

    /** Arguments: minimum and maximum in bytes, both -1 to empty the cache; flags. */
    private static long set(ApiCall call) {
        NtStatus status = call.process()
                .kernel()
                .memoryManager()
                .systemCache()
                .setLimits(call.process().eprocess(), call.arg(0), call.arg(1), call.intArg(2));
        return status.isSuccess() ? 1 : call.fail(status);
    }
}
