package org.vadose.check;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.vadose.base.Hex;
import org.vadose.layout.DispatcherHeaderLayout;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.HandleTableLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KmutantLayout;
import org.vadose.layout.KprcbLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.layout.KtimerTableEntryLayout;
import org.vadose.layout.KtimerTableLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.HandleTable;
import org.vadose.nt.Kmutant;
import org.vadose.nt.Kprcb;
import org.vadose.nt.Ktimer;
import org.vadose.nt.KwaitBlock;
import org.vadose.nt.ListEntry;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.ThreadState;
import org.vadose.target.UnreadableMemoryException;

/**
 * Proves that waits hang together both ways: every wait block of a waiting thread is on the list of the object it names, and every
 * entry of an object's list is such a block; nobody waits for what is his already; set timers are where their due times say, sorted;
 * mutants and their owners know each other.
 */
public final class WaitCheck {
    private static final int TIMER_BLOCK = 3;
    private static final int HANDS = 256;
    private static final int HAND_SHIFT = 18;
    private static final int NOBODY = 0;

    private final Memory memory;
    private final long kernelBase;
    private final Findings findings;
    /** Object of each block of each waiting thread. */
    private final Map<Long, Long> objectOfBlock = new HashMap<>();
    /** Dispatcher objects, with what is known of them. */
    private final Map<Long, String> objects = new LinkedHashMap<>();

    private final Set<Long> setTimers = new HashSet<>();

    public WaitCheck(Memory memory, long kernelBase, Findings findings) {
        this.memory = memory;
        this.kernelBase = kernelBase;
        this.findings = findings;
    }

    public void run() {
        walkTimers();
        for (long links : list(kernelBase + KernelSymbols.PS_ACTIVE_PROCESS_HEAD, "PsActiveProcessHead")) {
            Eprocess process = Eprocess.ofActiveLinks(memory, links);
            objects.put(process.address(), "process");
            for (long thread : list(process.address() + EprocessLayout.THREAD_LIST_HEAD, "EPROCESS.ThreadListHead")) {
                guarded(thread, () -> visit(Ethread.ofThreadListEntry(memory, thread)));
            }
        }
        collectFromHandles();
        objectOfBlock.values().forEach(object -> objects.putIfAbsent(object, "object"));
        int listed = 0;
        for (Map.Entry<Long, String> object : objects.entrySet()) {
            listed += checkObject(object.getKey(), object.getValue());
        }
        findings.expectEqual("wait blocks on objects' lists", kernelBase, objectOfBlock.size(), listed);
    }

    private void guarded(long at, Runnable step) {
        try {
            step.run();
        } catch (MemoryFault | UnreadableMemoryException e) {
            findings.add("wait unreadable at=" + Hex.address(at));
        }
    }

    private void visit(Ethread thread) {
        long at = thread.address();
        objects.put(at, "thread");
        objects.put(at + KthreadLayout.TIMER, "thread's timer");
        objects.put(at + KthreadLayout.SUSPEND_EVENT, "thread's suspend event");
        boolean isTimed =
                (memory.readInt(at + KthreadLayout.TIMER_ACTIVE) >>> KthreadLayout.TIMER_ACTIVE_SHIFT & 1) != 0;
        if (thread.state() == ThreadState.WAITING) {
            for (int i = 0; i < thread.waitBlockCount(); i++) {
                note(thread, KwaitBlock.of(memory, thread.waitBlockList(), i));
            }
            if (isTimed) {
                note(thread, KwaitBlock.of(memory, at + KthreadLayout.WAIT_BLOCK, TIMER_BLOCK));
            }
        } else {
            findings.expectEqual("WaitBlockCount of a thread that does not wait", at, 0, thread.waitBlockCount());
        }
        findings.expectEqual(
                "timer of a timed wait set", at, isTimed ? 1 : 0, setTimers.contains(at + KthreadLayout.TIMER) ? 1 : 0);
        for (long links : list(at + KthreadLayout.MUTANT_LIST_HEAD, "KTHREAD.MutantListHead")) {
            Kmutant mutant = new Kmutant(memory, links - KmutantLayout.MUTANT_LIST_ENTRY);
            findings.expectEqual("mutant's owner", mutant.address(), at, mutant.owner());
        }
    }

    private void note(Ethread thread, KwaitBlock block) {
        findings.expectEqual("wait block's thread", block.address(), thread.address(), block.thread());
        findings.expectEqual("wait block's state", block.address(), KwaitBlock.ACTIVE, block.state());
        objectOfBlock.put(block.address(), block.object());
    }

    private void collectFromHandles() {
        long head = kernelBase + KernelSymbols.HANDLE_TABLE_LIST_HEAD;
        for (long links : list(head, "HandleTableListHead")) {
            new HandleTable(memory, links - HandleTableLayout.HANDLE_TABLE_LIST)
                    .forEach((value, entry) -> guarded(entry.address(), () -> addObject(entry.object())));
        }
    }

    private void addObject(long header) {
        ObjectHeader object = new ObjectHeader(memory, header);
        String type = object.type(kernelBase).name();
        long body = header + ObjectHeader.SIZE;
        switch (type) {
            case "Event", "Semaphore", "Timer", "IoCompletion" -> objects.put(body, type);
            case "Mutant" -> {
                objects.put(body, type);
                checkOwner(new Kmutant(memory, body));
            }
            case "File" -> objects.put(body + FileObjectLayout.EVENT, "file's event");
            default -> {
                // Processes and threads were met already; nobody waits for others.
            }
        }
    }

    private void checkOwner(Kmutant mutant) {
        if (mutant.owner() != NOBODY) {
            long links = mutant.address() + KmutantLayout.MUTANT_LIST_ENTRY;
            ListEntry before = new ListEntry(memory, new ListEntry(memory, links).blink());
            findings.expectEqual("owned mutant on its owner's list", mutant.address(), links, before.flink());
        }
        if ((mutant.owner() == 0) != (new DispatcherHeader(memory, mutant.address()).signalState() > 0)) {
            findings.add("mutant owned and signalled, or neither at=" + Hex.address(mutant.address()));
        }
    }

    /** Returns how many blocks are on the object's list. */
    private int checkObject(long object, String what) {
        DispatcherHeader header = new DispatcherHeader(memory, object);
        int count = 0;
        try {
            long[] blocks = list(header.waitListHead().address(), "WaitListHead of " + what);
            for (long links : blocks) {
                long named = objectOfBlock.getOrDefault(links, 0L);
                if (named != object) {
                    findings.add("entry on an object's list is no block of a thread that waits for it object="
                            + Hex.address(object) + " block=" + Hex.address(links) + " names=" + Hex.address(named));
                } else {
                    count++;
                }
            }
            if (count > 0 && header.signalState() > 0 && !isForAll(blocks)) {
                findings.add("threads wait for what is signalled object=" + Hex.address(object) + " state="
                        + header.signalState());
            }
        } catch (MemoryFault | UnreadableMemoryException e) {
            findings.add("dispatcher object unreadable object=" + Hex.address(object) + " " + what);
        }
        return count;
    }

    /** Whether all who wait want other objects, too. */
    private boolean isForAll(long[] blocks) {
        for (long block : blocks) {
            if (!new KwaitBlock(memory, block).isForAll()) {
                return false;
            }
        }
        return true;
    }

    private void walkTimers() {
        int processors = memory.readInt(kernelBase + KernelSymbols.KE_NUMBER_PROCESSORS);
        for (int number = 0; number < Math.min(processors, 1 << 11); number++) {
            long table = Kprcb.of(memory, kernelBase, number).address()
                    + KprcbLayout.TIMER_TABLE
                    + KtimerTableLayout.TIMER_ENTRIES;
            for (int hand = 0; hand < HANDS; hand++) {
                long entry = table + hand * KtimerTableEntryLayout.SIZE;
                int expected = hand;
                guarded(entry, () -> checkHand(entry, expected));
            }
        }
    }

    private void checkHand(long entry, int hand) {
        long last = Long.MIN_VALUE;
        long first = -1;
        for (long links : list(entry + KtimerTableEntryLayout.ENTRY, "timer table")) {
            Ktimer timer = Ktimer.ofTimerListEntry(memory, links);
            long at = timer.address();
            setTimers.add(at);
            objects.put(at, "timer");
            long due = timer.dueTime();
            first = first == -1 ? due : first;
            findings.expectEqual("timer's hand", at, hand, due >>> HAND_SHIFT & HANDS - 1);
            findings.expectEqual("timer's Hand", at, hand, memory.readUnsignedByte(at + DispatcherHeaderLayout.HAND));
            if (!timer.isInserted() || due < last) {
                findings.add("set timer not marked, or out of order timer=" + Hex.address(at) + " due=" + due);
            }
            last = due;
        }
        findings.expectEqual(
                "Time of a timer table's hand", entry, first, memory.readLong(entry + KtimerTableEntryLayout.TIME));
    }

    private long[] list(long head, String name) {
        return CheckedList.entries(memory, head, name, findings);
    }
}
