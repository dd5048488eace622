package org.vadose.cpu;

import java.util.Arrays;
import org.vadose.base.Pages;
import org.vadose.memory.Mmu;

/** Decodes instructions from memory and gathers their micro-operations into {@link Block}s. */
final class BlockTranslator {
    private static final int MOST_INSTRUCTIONS = 64;
    private static final int PAGE = (int) Pages.SIZE;

    private final Mmu mmu;
    private final Decoder decoder = new Decoder();
    private final BlockBuilder builder = new BlockBuilder();
    private final InstructionTranslator instructions = new InstructionTranslator(builder);
    /** The bytes from the block's start to the end of its page, and the first of the next page for an instruction that straddles. */
    private final byte[] bytes = new byte[PAGE + Instruction.MAXIMUM_LENGTH];

    private Instruction scratch = new Instruction();
    /** Sorted. */
    private volatile long[] breakpoints = {};

    BlockTranslator(Mmu mmu) {
        this.mmu = mmu;
    }

    void setBreakpoints(long[] addresses) {
        long[] sorted = addresses.clone();
        Arrays.sort(sorted);
        breakpoints = sorted;
    }

    private boolean isBreakpoint(long address) {
        return breakpoints.length != 0 && Arrays.binarySearch(breakpoints, address) >= 0;
    }

    Block translate(long address, long physicalAddress) {
        if (isBreakpoint(address)) {
            builder.start(address);
            builder.begin(address, 1);
            builder.generic(true, InstructionGroup.BREAKPOINT, new Instruction());
            return builder.finish(physicalAddress, physicalAddress >>> Pages.SHIFT, address + 1);
        }
        return translate(address, physicalAddress, MOST_INSTRUCTIONS);
    }

    Block translateOne(long address, long physicalAddress) {
        return translate(address, physicalAddress, 1);
    }

    private Block translate(long address, long physicalAddress, int limit) {
        builder.start(address);
        int available = PAGE - Pages.offset(address);
        mmu.ram().read(physicalAddress, bytes, 0, available);
        long lastFrame = physicalAddress >>> Pages.SHIFT;
        long at = address;
        boolean open = true;
        while (open && builder.count() < limit && (at == address || !isBreakpoint(at))) {
            boolean valid = decode(at, address, available);
            if (!valid && scratch.defect() == Instruction.Defect.TRUNCATED) {
                if (at != address) {
                    // It begins a block of its own, so that its second page is fetched only when it runs.
                    break;
                }
                long nextPage = Pages.down(address) + PAGE;
                long nextPhysical = mmu.translateFetch(nextPage);
                mmu.ram().read(nextPhysical, bytes, available, Instruction.MAXIMUM_LENGTH);
                valid = decode(at, address, available + Instruction.MAXIMUM_LENGTH);
                lastFrame = nextPhysical >>> Pages.SHIFT;
                limit = 1;
            }
            if (!valid) {
                if (at != address) {
                    break;
                }
                builder.begin(scratch.address, Math.max(1, scratch.length()));
                builder.generic(
                        true,
                        scratch.defect() == Instruction.Defect.TOO_LONG
                                ? InstructionGroup.TOO_LONG
                                : InstructionGroup.INVALID,
                        scratch);
                at += Math.max(1, scratch.length());
                scratch = new Instruction();
                open = false;
                break;
            }
            builder.begin(at, scratch.length());
            at = scratch.nextAddress();
            open = instructions.translate(scratch);
            if (builder.keeps(scratch)) {
                scratch = new Instruction();
            }
        }
        if (open) {
            builder.emit(MicroOp.FALL, 0, 0, 0, 0);
        }
        return builder.finish(physicalAddress, lastFrame, at);
    }

    private boolean decode(long at, long start, int limit) {
        return decoder.decode(bytes, (int) (at - start), limit, at, scratch);
    }
}
