package org.vadose.cpu;

import org.jspecify.annotations.Nullable;

/**
 * A run of decoded instructions with one entry, ending at a branch or a page's end. Lies in one page, save for a single
 * instruction that straddles two.
 *
 * <p>{@code code} is two longs a micro-operation (see {@link MicroOp}); the last one always leaves the block. A block whose bytes
 * were overwritten is dead: the first micro-operation of each instruction is then {@link MicroOp#REFETCH}, so that a run inside it
 * leaves at the next instruction.
 */
final class Block {
    private static final Instruction[] NONE = {};

    final long start;
    final long end;
    final long[] code;
    /** Instructions that {@link MicroOp#GENERAL} and kin execute; the micro-operation holds the index. */
    final Instruction[] instructions;
    /** Of each micro-operation, the instruction's number in the block. */
    final byte[] ordinals;
    /** Of each instruction, where it starts counted from {@code start}. */
    final short[] offsets;

    final int count;
    final long physicalStart;
    /** Frame of the second page of a straddling instruction, else that of the first. */
    final long lastFrame;

    /** The {@link BlockCache#generation} in which the block was last known to be what memory holds; 0 when dead. */
    int generation;
    /** Successors already looked up; each is checked against the generation. */
    @Nullable Block taken;

    @Nullable Block next;
    /** Chain of the cache's bucket. */
    @Nullable Block sameBucket;

    Block(
            long start,
            long end,
            long physicalStart,
            long lastFrame,
            long[] code,
            byte[] ordinals,
            short[] offsets,
            Instruction @Nullable [] instructions) {
        this.start = start;
        this.end = end;
        this.physicalStart = physicalStart;
        this.lastFrame = lastFrame;
        this.code = code;
        this.ordinals = ordinals;
        this.offsets = offsets;
        this.count = offsets.length;
        this.instructions = instructions == null ? NONE : instructions;
    }

    /** Address of the instruction that a micro-operation belongs to. */
    long addressOf(int position) {
        return start + offsets[ordinals[position >> 1]];
    }

    /** Instructions before the one that a micro-operation belongs to. */
    int ordinalOf(int position) {
        return ordinals[position >> 1];
    }

    int lengthOf(int ordinal) {
        long next = ordinal + 1 < count ? start + offsets[ordinal + 1] : end;
        return (int) (next - start) - offsets[ordinal];
    }

    /** Remembers the successor that the block's last operation has just led to, if that operation always leads there. */
    void follow(long word, boolean isTaken, Block successor) {
        int operation = (int) word & MicroOp.OPERATION_MASK;
        if (isTaken) {
            taken = successor;
        } else if (operation == MicroOp.FALL || operation >= MicroOp.JUMP_IF) {
            next = successor;
        }
    }

    void kill() {
        generation = 0;
        taken = null;
        next = null;
        int before = -1;
        for (int i = 0; i < ordinals.length; i++) {
            if (ordinals[i] != before) {
                before = ordinals[i];
                code[i << 1] = MicroOp.REFETCH;
            }
        }
    }
}
