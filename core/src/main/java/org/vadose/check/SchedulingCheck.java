package org.vadose.check;

import org.vadose.base.Hex;
import org.vadose.layout.GroupAffinityLayout;
import org.vadose.layout.KaffinityExLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KthreadLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.ThreadState;

/**
 * Proves that threads are where they may be: a thread's affinity is a part of its process's and that of the processors that there
 * are, its ideal processor and the one that it waits for are in it; priorities are ones.
 */
final class SchedulingCheck {
    private static final int LEVELS = 32;
    private static final int CLASSES = 7;

    private final Memory memory;
    private final Findings findings;
    private final long processors;

    SchedulingCheck(Memory memory, long kernelBase, Findings findings) {
        this.memory = memory;
        this.findings = findings;
        this.processors = memory.readLong(kernelBase + KernelSymbols.KE_ACTIVE_PROCESSORS + KaffinityExLayout.BITMAP);
        findings.expectEqual(
                "processors of KeActiveProcessors",
                kernelBase + KernelSymbols.KE_ACTIVE_PROCESSORS,
                memory.readInt(kernelBase + KernelSymbols.KE_NUMBER_PROCESSORS),
                Long.bitCount(processors));
    }

    private static boolean isPart(long mask, long whole) {
        return mask != 0 && (mask & ~whole) == 0;
    }

    private void expect(boolean holds, String what, long at, long value) {
        if (!holds) {
            findings.add(what + " at=" + Hex.address(at) + " value=" + Hex.plain(value));
        }
    }

    void process(Eprocess process) {
        long at = process.address();
        expect(isPart(process.affinity(), processors), "KPROCESS.Affinity", at, process.affinity());
        expect(isLevel(process.basePriority()), "KPROCESS.BasePriority", at, process.basePriority());
        expect(process.priorityClass() < CLASSES, "EPROCESS.PriorityClass", at, process.priorityClass());
    }

    private static boolean isLevel(int priority) {
        return priority >= 0 && priority < LEVELS;
    }

    void thread(Eprocess process, Ethread thread) {
        long at = thread.address();
        long affinity = thread.affinity();
        expect(isPart(affinity, process.affinity()), "KTHREAD.Affinity", at, affinity);
        findings.expectEqual(
                "KTHREAD.UserAffinity",
                at,
                affinity,
                memory.readLong(at + KthreadLayout.USER_AFFINITY + GroupAffinityLayout.MASK));
        expect((affinity >>> thread.idealProcessor() & 1) != 0, "KTHREAD.IdealProcessor", at, thread.idealProcessor());
        // One that runs goes when it next looks.
        expect(
                thread.state() == ThreadState.RUNNING || (affinity >>> thread.nextProcessor() & 1) != 0,
                "KTHREAD.NextProcessor",
                at,
                thread.nextProcessor());
        expect(isLevel(thread.priority()), "KTHREAD.Priority", at, thread.priority());
        expect(isLevel(thread.basePriority()), "KTHREAD.BasePriority", at, thread.basePriority());
        expect(Math.abs(thread.saturation()) <= 1, "KTHREAD.Saturation", at, thread.saturation());
    }
}
