package org.vadose.ps;

import org.vadose.base.NtStatus;
import org.vadose.base.ResourcesException;
import org.vadose.layout.EprocessLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.ImageSections;
import org.vadose.mm.MemoryManager;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.AslrPolicy;
import org.vadose.nt.CreationMitigations;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.Mitigations;
import org.vadose.nt.UserSpace;
import org.vadose.nt.WaitReason;
import org.vadose.ob.ObjectManager;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;

/** Makes processes of user mode: their address space with what it holds before the first instruction, and their threads. */
final class UserProcessFactory {
    private final Memory memory;
    private final MemoryManager memoryManager;
    private final ObjectManager objects;
    private final ProcessManager processes;
    private final UserSpaceBuilder userSpace;

    UserProcessFactory(
            MemoryManager memoryManager, ObjectManager objects, ProcessManager processes, UserSpaceBuilder userSpace) {
        this.memory = memoryManager.kernelMemory();
        this.memoryManager = memoryManager;
        this.objects = objects;
        this.processes = processes;
        this.userSpace = userSpace;
    }

    /** See {@link ProcessManager#createUserProcess}. */
    UserProcess create(UserProcessSpec spec) {
        long root = memoryManager.createAddressSpace();
        if (root == 0) {
            throw new ResourcesException("no RAM for an address space image=" + spec.imageName());
        }
        Eprocess process = processes.create(new ProcessSpec(
                spec.imageName(),
                spec.devicePath(),
                spec.parentId(),
                spec.sessionId(),
                spec.account(),
                root,
                false,
                spec.basePriority()));
        layOut(process, spec.image(), spec.mitigations());
        try {
            UserProcess made = memoryManager.attached(process, () -> buildUserSpace(process, spec));
            long address = process.address();
            memory.writeLong(
                    address + EprocessLayout.SECTION_OBJECT, processes.createImageSection(spec.imageControlArea(), ""));
            memory.writeLong(address + EprocessLayout.SECTION_BASE_ADDRESS, made.imageBase());
            memory.writeLong(address + EprocessLayout.IMAGE_FILE_POINTER, spec.imageFile());
            if (spec.imageFile() != 0) {
                objects.reference(spec.imageFile());
            }
            return made;
        } catch (ResourcesException exhausted) {
            processes.exitProcess(process, exhausted.status().code());
            throw exhausted;
        } catch (MemoryFault unreadable) {
            processes.exitProcess(process, unreadable.status().code());
            throw new ResourcesException(unreadable.status(), "no page for a new process image=" + spec.imageName());
        }
    }

    /** Settles, from what the program's headers say, how large the address space is and how its regions are placed. */
    private void layOut(Eprocess process, PeImage image, CreationMitigations wishes) {
        AddressSpaceRules rules = memoryManager.rules();
        boolean isAware = (image.characteristics() & PeFormat.FILE_LARGE_ADDRESS_AWARE) != 0;
        process.setUserEnd(UserSpace.of64Bit(rules.userSpace(), isAware).end());
        boolean isForced = wishes.forcesRelocation(rules.aslr() == AslrPolicy.FORCED);
        boolean mayMove = (image.dllCharacteristics() & PeFormat.DLL_DYNAMIC_BASE) != 0 || isForced;
        boolean randomized = rules.aslr() != AslrPolicy.OFF && wishes.isRandomized(mayMove);
        boolean highEntropy = randomized
                && isAware
                && rules.aslr().isHighEntropy()
                && wishes.isHighEntropy((image.dllCharacteristics() & PeFormat.DLL_HIGH_ENTROPY_VA) != 0);
        Mitigations mitigations = new Mitigations(process);
        mitigations.setLayout(highEntropy, randomized, isForced);
        if (wishes.hasControlFlowGuard((image.dllCharacteristics() & PeFormat.DLL_GUARD_CF) != 0)) {
            mitigations.enableControlFlowGuard();
        }
        wishes.apply(process);
    }

    private UserProcess buildUserSpace(Eprocess process, UserProcessSpec spec) {
        check(memoryManager.mapSharedUserData(process), "shared user data");
        if (new Mitigations(process).hasControlFlowGuard()) {
            check(memoryManager.controlFlowGuard().createBitmap(process), "control flow guard's bitmap");
        }
        ImageSections.View program = memoryManager.sections().map(process, spec.imageControlArea());
        check(program.status(), spec.dosPath());
        ImageSections.View ntdll = memoryManager.sections().map(process, spec.ntdllControlArea());
        check(ntdll.status(), "ntdll.dll");
        // As the first instructions of ntdll do: read both images' headers, which makes those pages resident.
        memory.readShort(program.base());
        memory.readShort(ntdll.base());
        long peb = userSpace.createPeb(process, spec, program.base());
        memory.writeLong(process.address() + EprocessLayout.PEB, peb);
        return new UserProcess(process, peb, program.base(), program.isRelocated(), ntdll.base());
    }

    private static void check(NtStatus status, String what) {
        if (!status.isSuccess()) {
            throw new ResourcesException(status, "cannot map " + what + " status=" + status);
        }
    }

    /** See {@link ProcessManager#createUserThread}. */
    UserThread createThread(
            Eprocess process,
            long startAddress,
            long win32StartAddress,
            long stackReserveBytes,
            long stackCommitBytes,
            WaitReason waitReason,
            long waitObject) {
        return memoryManager.attached(process, () -> {
            boolean first = process.threadListHead().isEmpty();
            long[] stack = userSpace.createStack(process, stackReserveBytes, stackCommitBytes);
            long teb = 0;
            Ethread thread;
            try {
                teb = userSpace.createTeb(process);
                thread = processes.createThread(
                        process,
                        new ThreadSpec(
                                startAddress, win32StartAddress, teb, process.basePriority(), waitReason, waitObject));
            } catch (ResourcesException noMemory) {
                userSpace.releaseStack(process, stack[2]);
                if (teb != 0) {
                    userSpace.releaseTeb(process, teb);
                }
                throw noMemory;
            }
            UserThread made = new UserThread(thread, teb, stack[0], stack[1], stack[2]);
            userSpace.fillTeb(process, made, first);
            return made;
        });
    }
}
