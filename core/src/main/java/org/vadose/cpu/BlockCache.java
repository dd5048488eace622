package org.vadose.cpu;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.memory.Mmu;
import org.vadose.memory.PhysicalMemory;

/**
 * The translated blocks of one processor, shared by the register states that take turns on it.
 *
 * <p>A block belongs to a virtual and a physical address. It may run while its {@code generation} is the cache's; that number
 * moves on when the processor's translations may have changed ({@link Mmu#addInvalidationListener}), after which each block has
 * its address translated again before its next use. A write to a frame that blocks were made from kills them ({@link Block#kill}).
 */
public final class BlockCache implements PhysicalMemory.CodeListener {
    private static final int BUCKETS = 1 << 14;
    private static final int DIRECT = 1 << 12;
    /** Beyond this many blocks the cache starts again. */
    private static final int MOST_BLOCKS = 1 << 17;

    private final Mmu mmu;
    private final BlockTranslator translator;
    private @Nullable Block[] buckets = new Block[BUCKETS];
    /** By address alone, for branches whose target is only known when they run. */
    private final @Nullable Block[] direct = new Block[DIRECT];

    private final Map<Long, List<Block>> byFrame = new HashMap<>();
    private int blocks;
    /** How often code was written to, by whichever processor. */
    private volatile int writes;
    /** Read by the interpreter at every branch, so not through a method that might not be inlined. */
    int generation = 1;

    public BlockCache(Mmu mmu) {
        this.mmu = mmu;
        this.translator = new BlockTranslator(mmu);
        mmu.addInvalidationListener(this::translationsChanged);
        mmu.ram().addCodeListener(this);
    }

    private void translationsChanged() {
        generation++;
    }

    /** Blocks translated and not dropped since. */
    public int size() {
        return blocks;
    }

    Mmu mmu() {
        return mmu;
    }

    private static int directIndex(long address) {
        return (int) (address ^ address >>> 12) & DIRECT - 1;
    }

    private static int bucket(long address) {
        return (int) (address * 0x9E37_79B9_7F4A_7C15L >>> 50);
    }

    /** A block that may run at once, if it is near at hand. */
    @Nullable Block peek(long address) {
        Block block = direct[directIndex(address)];
        return block != null && block.start == address && block.generation == generation ? block : null;
    }

    /** The block at an address, translated if need be. Throws what the fetch throws. */
    Block find(long address) {
        Block block = peek(address);
        if (block == null) {
            block = findVerified(address);
            direct[directIndex(address)] = block;
        }
        return block;
    }

    private Block findVerified(long address) {
        while (true) {
            int before = generation;
            Block block = lookUp(address, before, writes);
            // A fetch that faults, or has to tell other processors, lets them have their turn: where it was may be
            // wrong now.
            if (generation == before) {
                return block;
            }
        }
    }

    private Block lookUp(long address, int before, int writesBefore) {
        long physicalAddress = mmu.translateFetch(address);
        for (Block b = buckets[bucket(address)]; b != null; b = b.sameBucket) {
            if (b.start == address && b.physicalStart == physicalAddress && b.generation != 0 && lastPageIsSame(b)) {
                verify(b, before);
                return b;
            }
        }
        Block made = translator.translate(address, physicalAddress);
        return keep(made, before, writesBefore) ? made : translator.translateOne(address, physicalAddress);
    }

    private boolean lastPageIsSame(Block block) {
        long lastPage = Pages.down(block.end - 1);
        return lastPage == Pages.down(block.start) || mmu.translateFetch(lastPage) >>> Pages.SHIFT == block.lastFrame;
    }

    /** One instruction at an address, not kept. */
    Block translateOne(long address) {
        while (true) {
            int before = generation;
            Block block = translator.translateOne(address, mmu.translateFetch(address));
            if (generation == before) {
                return block;
            }
        }
    }

    private synchronized void verify(Block block, int before) {
        if (block.generation != 0 && generation == before) {
            block.generation = generation;
        }
    }

    /** Keeps a block; false if what it was made from may have been written to since, or may be without anybody's being told. */
    private synchronized boolean keep(Block block, int before, int writesBefore) {
        long firstFrame = block.physicalStart >>> Pages.SHIFT;
        if (generation != before
                || writes != writesBefore
                || !mmu.ram().isKnownCode(firstFrame)
                || !mmu.ram().isKnownCode(block.lastFrame)) {
            return false;
        }
        if (blocks >= MOST_BLOCKS) {
            clear();
        }
        int bucket = bucket(block.start);
        block.sameBucket = buckets[bucket];
        buckets[bucket] = block;
        block.generation = generation;
        byFrame.computeIfAbsent(firstFrame, frame -> new ArrayList<>()).add(block);
        if (block.lastFrame != firstFrame) {
            byFrame.computeIfAbsent(block.lastFrame, frame -> new ArrayList<>()).add(block);
        }
        blocks++;
        return true;
    }

    /**
     * Where the processor stops before an instruction, with a fault that {@link CpuFault#isInstructionBreakpoint} tells, in
     * whatever address space; {@link X64Cpu#runOne} goes past. While the processor executes nothing.
     */
    public synchronized void setBreakpoints(long[] addresses) {
        translator.setBreakpoints(addresses);
        clear();
        generation++;
    }

    private void clear() {
        byFrame.values().forEach(list -> list.forEach(Block::kill));
        byFrame.clear();
        buckets = new Block[BUCKETS];
        blocks = 0;
    }

    @Override
    public synchronized void codeWritten(long frame) {
        writes++;
        List<Block> dead = byFrame.remove(frame);
        if (dead == null) {
            return;
        }
        for (Block block : dead) {
            if (block.generation != 0) {
                block.kill();
                unlink(block);
            }
        }
    }

    private void unlink(Block block) {
        int bucket = bucket(block.start);
        Block before = null;
        for (Block b = buckets[bucket]; b != null; b = b.sameBucket) {
            if (b == block) {
                if (before == null) {
                    buckets[bucket] = b.sameBucket;
                } else {
                    before.sameBucket = b.sameBucket;
                }
                blocks--;
                return;
            }
            before = b;
        }
    }
}
