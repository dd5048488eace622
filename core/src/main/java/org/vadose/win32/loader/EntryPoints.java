package org.vadose.win32.loader;

import org.vadose.base.NtStatus;
import org.vadose.layout.LdrDdagStateValues;
import org.vadose.nt.LdrDataTableEntry;
import org.vadose.pe.PeImage;

/** Calls of a module's TLS callbacks and its entry point, which tell it of the process and its threads. */
final class EntryPoints {
    static final int PROCESS_DETACH = 0;
    static final int PROCESS_ATTACH = 1;
    static final int THREAD_ATTACH = 2;
    static final int THREAD_DETACH = 3;

    private EntryPoints() {}

    /**
     * Tells a DLL that it is loaded, once.
     *
     * @param isStatic whether because the program needs it
     * @throws LoaderException with STATUS_DLL_INIT_FAILED when it refuses
     */
    static void attachProcess(LoadedImage module, boolean isStatic, GuestCaller guest) {
        LdrDataTableEntry entry = module.entry();
        if (entry.isProcessAttachCalled()) {
            return;
        }
        if (!module.image().isDll()) {
            // A program that is loaded as if it were a DLL is not told of anything.
            entry.setState(LdrDdagStateValues.LDR_MODULES_READY_TO_RUN);
            return;
        }
        entry.setProcessAttachCalled();
        entry.setState(LdrDdagStateValues.LDR_MODULES_INITIALIZING);
        long context = isStatic ? 1 : 0;
        runTlsCallbacks(module, PROCESS_ATTACH, context, guest);
        long entryPoint = entry.entryPoint();
        if (entryPoint != 0 && (guest.call(entryPoint, module.base(), PROCESS_ATTACH, context) & 0xFF) == 0) {
            entry.setProcessAttachFailed();
            entry.setState(LdrDdagStateValues.LDR_MODULES_INIT_ERROR);
            throw new LoaderException(
                    NtStatus.DLL_INIT_FAILED, module + " refused to be loaded: its entry point returned FALSE");
        }
        entry.setState(LdrDdagStateValues.LDR_MODULES_READY_TO_RUN);
    }

    /** Tells a DLL that it goes; a module that was not told that it came hears nothing. */
    static void detachProcess(LoadedImage module, boolean isStatic, GuestCaller guest) {
        if (!module.entry().isProcessAttachCalled()) {
            return;
        }
        long context = isStatic ? 1 : 0;
        runTlsCallbacks(module, PROCESS_DETACH, context, guest);
        long entryPoint = module.entry().entryPoint();
        if (entryPoint != 0) {
            guest.call(entryPoint, module.base(), PROCESS_DETACH, context);
        }
    }

    static void notifyThread(LoadedImage module, int reason, GuestCaller guest) {
        LdrDataTableEntry entry = module.entry();
        if (!entry.isProcessAttachCalled() || entry.isDontCallForThreads()) {
            return;
        }
        runTlsCallbacks(module, reason, 0, guest);
        long entryPoint = entry.entryPoint();
        if (entryPoint != 0) {
            guest.call(entryPoint, module.base(), reason, 0);
        }
    }

    static void runTlsCallbacks(LoadedImage module, int reason, long context, GuestCaller guest) {
        PeImage.Tls tls = module.tls();
        if (tls != null) {
            for (long callback : tls.callbackRvas()) {
                guest.call(module.base() + callback, module.base(), reason, context);
            }
        }
    }
}
