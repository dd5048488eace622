package org.vadose.win32.loader;

import java.util.function.ToLongFunction;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.GuardBits;
import org.vadose.nt.Mitigations;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;
import org.vadose.win32.GuestProcess;

/** What the loader does for control flow guard: ntdll's block of values, and the pointers through which images check their calls. */
final class GuardBinding {
    private final GuestProcess process;
    private final Memory memory;
    private final ImageWriter writer;
    private final ToLongFunction<String> ntdll;

    /** @param ntdll says where names of ntdll are, once it is loaded */
    GuardBinding(GuestProcess process, ImageWriter writer, ToLongFunction<String> ntdll) {
        this.process = process;
        this.memory = process.memory();
        this.writer = writer;
        this.ntdll = ntdll;
    }

    /** What the kernel writes there as it makes the process. */
    void fillInitBlock() {
        long check = ntdll.applyAsLong(NtdllCode.GUARD_CHECK);
        long dispatch = ntdll.applyAsLong(NtdllCode.GUARD_DISPATCH);
        long first = Math.min(check, dispatch);
        process.setGuardCheck(first, Math.max(check, dispatch) - first + NtdllCode.GUARD_CODE_BYTES);
        long block = ntdll.applyAsLong(NtdllCode.INIT_BLOCK);
        memory.writeInt(block, NtdllCode.INIT_BLOCK_BYTES);
        Eprocess eprocess = process.eprocessIfAny();
        if (eprocess != null && new Mitigations(eprocess).hasControlFlowGuard()) {
            long bitmap = process.kernel().memoryManager().controlFlowGuard().bitmap(eprocess);
            memory.writeLong(block + NtdllCode.INIT_BLOCK_BITMAP, bitmap);
            memory.writeLong(block + NtdllCode.INIT_BLOCK_BITMAP_BYTES, GuardBits.sizeBytes(eprocess.userEnd()));
        }
    }

    private boolean isGuarded() {
        return memory.readLong(ntdll.applyAsLong(NtdllCode.INIT_BLOCK) + NtdllCode.INIT_BLOCK_BITMAP) != 0;
    }

    /** Lets the module's checks of indirect calls reach ntdll's; without control flow guard they stay what they are linked to be. */
    void bind(LoadedImage module) {
        PeImage image = module.image();
        if (!isGuarded() || (image.guardFlags() & PeFormat.GUARD_CF_INSTRUMENTED) == 0) {
            return;
        }
        setPointer(module, image.guardCheckPointer(), NtdllCode.GUARD_CHECK);
        setPointer(module, image.guardDispatchPointer(), NtdllCode.GUARD_DISPATCH);
    }

    private void setPointer(LoadedImage module, long rva, String function) {
        if (rva != 0) {
            long to = ntdll.applyAsLong(function);
            writer.writable(
                    module.base(), module.image(), rva, Long.BYTES, () -> memory.writeLong(module.base() + rva, to));
        }
    }

    /** Strict mode takes no DLL that was not built for it. */
    void refuseUnguarded(String path, PeImage image) {
        Eprocess eprocess = process.eprocessIfAny();
        if (eprocess != null && new Mitigations(eprocess).isGuardStrict() && !image.isGuarded()) {
            throw new LoaderException(
                    NtStatus.STRICT_CFG_VIOLATION,
                    path + " was not built for control flow guard, which the process demands");
        }
    }
}
