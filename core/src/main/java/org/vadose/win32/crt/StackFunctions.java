package org.vadose.win32.crt;

import org.vadose.base.Pages;
import org.vadose.layout.TebLayout;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code _resetstkoflw}: a stack that overflowed gets a guard page again. */
final class StackFunctions {
    private static final int PAGE_GUARD = 0x100;

    private StackFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("_resetstkoflw", StackFunctions::resetOverflow);
    }

    /** Puts the guard above the pages promised to the handler of the next overflow. 1, or 0 if there is no room for it. */
    private static long resetOverflow(ApiCall call) {
        VirtualMemoryServices services = call.process().kernel().memoryManager().virtualMemory();
        Eprocess process = call.process().eprocess();
        long stackPointer = Pages.down(call.stackPointer());
        BasicInformation information = new BasicInformation();
        if (!services.query(process, stackPointer, information).isSuccess()) {
            return 0;
        }
        long lowest = information.allocationBase;
        do {
            if (!services.query(process, lowest, information).isSuccess()) {
                return 0;
            }
            lowest = information.baseAddress + information.regionSizeBytes;
        } while (information.state != VirtualMemoryServices.MEM_COMMIT);
        if ((information.protect & PAGE_GUARD) != 0) {
            return 1;
        }
        long promised = call.memory().readUnsignedInt(call.thread().teb() + TebLayout.GUARANTEED_STACK_BYTES);
        long guard = information.baseAddress + Pages.up(promised);
        if (Long.compareUnsigned(guard, stackPointer) >= 0) {
            return 0;
        }
        Region region = new Region();
        region.base = guard;
        region.sizeBytes = Pages.SIZE;
        return services.protect(process, region, information.protect | PAGE_GUARD, new int[1])
                        .isSuccess()
                ? 1
                : 0;
    }
}
