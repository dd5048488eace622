package org.vadose.target;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.SymbolTable;
import org.vadose.memory.Memory;
import org.vadose.memory.PageTableFormat;
import org.vadose.pe.PeImage;

/**
 * A machine to look at: live RAM or an image of it. Everything is read from bytes; nothing here knows the memory manager.
 *
 * <p>Kernel symbols and types are those of the one build this project has tables of. {@link #symbolMismatch()} tells when the image
 * is another build's, and then names and offsets must not be believed.
 */
public final class Target {
    private static final int MAXIMUM_PROCESSORS = 64;

    private final String description;
    private final Memory physical;
    private final long physicalBytes;
    private final PageTableFormat format;
    private final TargetMemory kernel;
    private final long kernelBase;
    private final List<RegisterFile> givenRegisters;
    private final Map<Long, TargetMemory> spaces = new HashMap<>();
    private @Nullable PagedOutPages pagedOut;

    /**
     * @param description what is looked at, for people
     * @param physical reads throw {@link IndexOutOfBoundsException} where there is no RAM
     * @param physicalBytes one more than the highest physical address
     * @param kernelRoot physical address of System's top page table
     * @param kernelBase virtual address of the kernel image; 0 if unknown
     * @param registers per processor; empty to read them from each {@code _KPRCB}
     */
    public Target(
            String description,
            Memory physical,
            long physicalBytes,
            PageTableFormat format,
            long kernelRoot,
            long kernelBase,
            List<RegisterFile> registers) {
        this.description = description;
        this.physical = physical;
        this.physicalBytes = physicalBytes;
        this.format = format;
        this.kernel = new TargetMemory(physical, format, kernelRoot);
        this.kernelBase = kernelBase;
        this.givenRegisters = List.copyOf(registers);
    }

    public String description() {
        return description;
    }

    public Memory physical() {
        return physical;
    }

    /** One more than the highest physical address. */
    public long physicalBytes() {
        return physicalBytes;
    }

    public PageTableFormat format() {
        return format;
    }

    /** The address space of System. */
    public TargetMemory kernel() {
        return kernel;
    }

    /** The address space of this root. */
    public TargetMemory space(long root) {
        return root == kernel.root()
                ? kernel
                : spaces.computeIfAbsent(root, r -> {
                    TargetMemory made = new TargetMemory(physical, format, r);
                    made.setPagedOut(pagedOut);
                    return made;
                });
    }

    /** Says where pages are that no frame holds; all address spaces read them from there. */
    public void setPagedOut(PagedOutPages pages) {
        pagedOut = pages;
        kernel.setPagedOut(pages);
        spaces.values().forEach(space -> space.setPagedOut(pages));
    }

    /** Forgets what is derived from memory that may have changed. */
    public void forget() {
        kernel.forget();
        spaces.clear();
    }

    public long kernelBase() {
        return kernelBase;
    }

    /** Address of a kernel symbol, one of {@link KernelSymbols} say. */
    public long kernelAddress(long rva) {
        return kernelBase + rva;
    }

    /** What is wrong about using this project's tables for the image, or null if they fit. */
    public @Nullable String symbolMismatch() {
        if (kernelBase == 0) {
            return "no Windows kernel found";
        }
        PeImage.DebugRecord record = KernelFinder.debugRecord(kernel, kernelBase);
        if (record == null) {
            return "the kernel image has no readable debug record";
        }
        String wanted = SymbolTable.kernel().identity().guid();
        return record.guid().equalsIgnoreCase(wanted)
                ? null
                : "the kernel is another build: GUID " + record.guid() + ", symbols are for " + wanted;
    }

    /** Registers of each processor, as far as the target has them. */
    public List<RegisterFile> processors() {
        if (!givenRegisters.isEmpty()) {
            return givenRegisters;
        }
        List<RegisterFile> found = new ArrayList<>();
        for (long prcb : processorBlocks()) {
            found.add(new SavedProcessor(kernel, prcb));
        }
        return found;
    }

    /**
     * Registers of the processor that stopped: those a dump's header has, else those of the first processor that has any saved.
     * Null if the target has no processors.
     */
    public @Nullable RegisterFile stoppedRegisters() {
        List<RegisterFile> all = processors();
        try {
            for (RegisterFile registers : all) {
                if (registers.get(Register.RIP) != 0) {
                    return registers;
                }
            }
        } catch (UnreadableMemoryException e) {
            // The first is as good as any.
        }
        return all.isEmpty() ? null : all.getFirst();
    }

    /** Addresses of the {@code _KPRCB}s, from {@code KiProcessorBlock}; empty if they cannot be read. */
    public List<Long> processorBlocks() {
        List<Long> found = new ArrayList<>();
        if (kernelBase == 0) {
            return found;
        }
        try {
            int count = kernel.readInt(kernelAddress(KernelSymbols.KE_NUMBER_PROCESSORS));
            for (int i = 0; i < Math.clamp(count, 0, MAXIMUM_PROCESSORS); i++) {
                long prcb = kernel.readLong(kernelAddress(KernelSymbols.KI_PROCESSOR_BLOCK) + i * 8L);
                if (prcb != 0) {
                    found.add(prcb);
                }
            }
        } catch (UnreadableMemoryException e) {
            return found;
        }
        return found;
    }
}
