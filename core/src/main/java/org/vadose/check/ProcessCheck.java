package org.vadose.check;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.layout.MmSessionSpaceLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.ExecuteOptions;
import org.vadose.nt.HandleTable;
import org.vadose.nt.Kprcb;
import org.vadose.nt.LoadedModule;
import org.vadose.nt.NxPolicy;
import org.vadose.nt.PoolQuota;
import org.vadose.nt.SharedUserData;
import org.vadose.nt.UserSpace;
import org.vadose.target.UnreadableMemoryException;

/**
 * Proves that processes and threads hang together: the list of active processes, the table of ids, each process's two thread
 * lists, sessions, processors, where threads may run, and the list of loaded modules.
 */
public final class ProcessCheck {
    private static final int MOST_PROCESSORS = 1 << 11;

    private final Memory memory;
    private final long kernelBase;
    private final Findings findings;
    private final Map<Long, Long> bodyOfId = new HashMap<>();
    private final Set<Long> threads = new HashSet<>();
    private final SchedulingCheck scheduling;

    public ProcessCheck(Memory memory, long kernelBase, Findings findings) {
        this.memory = memory;
        this.kernelBase = kernelBase;
        this.findings = findings;
        this.scheduling = new SchedulingCheck(memory, kernelBase, findings);
    }

    public void run() {
        HandleTable cids = new HandleTable(memory, memory.readLong(kernelBase + KernelSymbols.PSP_CID_TABLE));
        cids.forEach((value, entry) -> bodyOfId.put((long) value, entry.object()));
        int ids = bodyOfId.size();
        Set<Long> roots = new HashSet<>();
        int found = 0;
        for (long links : list(kernelBase + KernelSymbols.PS_ACTIVE_PROCESS_HEAD, "PsActiveProcessHead")) {
            Eprocess process = Eprocess.ofActiveLinks(memory, links);
            try {
                found += 1 + checkProcess(process);
            } catch (MemoryFault | UnreadableMemoryException e) {
                findings.add("process unreadable at=" + Hex.address(process.address()));
            }
            if (!process.isExiting() && !roots.add(process.directoryTableBase())) {
                findings.add("two processes with one DirectoryTableBase at=" + Hex.address(process.address()));
            }
        }
        findings.expectEqual("ids in PspCidTable", cids.address(), found, ids);
        checkProcessors();
        checkModules();
    }

    private int checkProcess(Eprocess process) {
        long at = process.address();
        findings.expectEqual(
                "PspCidTable entry of process", at, at, bodyOfId.getOrDefault(process.uniqueProcessId(), 0L));
        findings.expectEqual(
                "dispatcher type of process", at, DispatcherHeader.PROCESS, new DispatcherHeader(memory, at).type());
        if (Pages.offset(process.directoryTableBase()) != 0 || process.directoryTableBase() == 0) {
            findings.add(
                    "DirectoryTableBase at=" + Hex.address(at) + " value=" + Hex.plain(process.directoryTableBase()));
        }
        checkLayout(process);
        scheduling.process(process);
        int alive = 0;
        int count = 0;
        for (long links : list(at + EprocessLayout.THREAD_LIST_HEAD, "EPROCESS.ThreadListHead")) {
            Ethread thread = Ethread.ofThreadListEntry(memory, links);
            threads.add(thread.address());
            count++;
            alive += thread.isTerminated() ? 0 : 1;
            checkThread(process, thread);
            if (!thread.isTerminated()) {
                scheduling.thread(process, thread);
            }
        }
        int kernelThreads = 0;
        for (long links : list(at + KprocessLayout.THREAD_LIST_HEAD, "KPROCESS.ThreadListHead")) {
            kernelThreads++;
            if (!threads.contains(links - KthreadLayout.THREAD_LIST_ENTRY)) {
                findings.add("thread on one list only at=" + Hex.address(links - KthreadLayout.THREAD_LIST_ENTRY));
            }
        }
        findings.expectEqual("threads on both lists", at, count, kernelThreads);
        findings.expectEqual("ActiveThreads", at, alive, process.activeThreads());
        if (process.objectTable() != 0) {
            HandleTable table = new HandleTable(memory, process.objectTable());
            findings.expectEqual("paged pool charged", at, PoolQuota.of(table), new PoolQuota(process).usage(true));
            findings.expectEqual("handle table QuotaProcess", table.address(), at, table.quotaProcess());
            findings.expectEqual(
                    "handle table UniqueProcessId",
                    table.address(),
                    process.uniqueProcessId(),
                    table.uniqueProcessId());
        }
        if (process.session() != 0) {
            long wanted = at + EprocessLayout.SESSION_PROCESS_LINKS;
            boolean listed = false;
            for (long links : list(process.session() + MmSessionSpaceLayout.PROCESS_LIST, "session ProcessList")) {
                listed |= links == wanted;
            }
            if (!listed) {
                findings.add("process not on its session's list at=" + Hex.address(at));
            }
        }
        return count;
    }

    /** User space ends where some Windows ends it; a 64-bit process is protected unless nobody is. */
    private void checkLayout(Eprocess process) {
        boolean isKnownSize = false;
        for (UserSpace space : UserSpace.values()) {
            isKnownSize |= process.userEnd() == space.end();
        }
        if (!isKnownSize) {
            findings.add("HighestUserAddress at=" + Hex.address(process.address()) + " value="
                    + Hex.address(process.userEnd()));
        }
        ExecuteOptions options = new ExecuteOptions(process);
        NxPolicy policy = SharedUserData.kernel(memory).nxPolicy();
        if (!process.is32Bit() && options.isEnabled() != (policy != NxPolicy.ALWAYS_OFF)) {
            findings.add("execution protection is not the boot option's at=" + Hex.address(process.address())
                    + " flags=" + Hex.plain(options.flags()) + " nx=" + policy.bootOption());
        }
    }

    private void checkThread(Eprocess process, Ethread thread) {
        long at = thread.address();
        findings.expectEqual(
                "thread's process", at, process.address(), thread.process().address());
        findings.expectEqual("thread's Cid.UniqueProcess", at, process.uniqueProcessId(), thread.uniqueProcessId());
        findings.expectEqual("PspCidTable entry of thread", at, at, bodyOfId.getOrDefault(thread.uniqueThreadId(), 0L));
        if (Long.compareUnsigned(thread.kernelStack(), thread.kernelStackLimit()) < 0
                || Long.compareUnsigned(thread.kernelStack(), thread.kernelStackBase()) > 0) {
            findings.add("KernelStack outside the stack at=" + Hex.address(at) + " KernelStack="
                    + Hex.address(thread.kernelStack()));
        }
    }

    private void checkProcessors() {
        int count = memory.readInt(kernelBase + KernelSymbols.KE_NUMBER_PROCESSORS);
        if (count < 1 || count > MOST_PROCESSORS) {
            findings.add("KeNumberProcessors unbelievable value=" + count);
            return;
        }
        for (int i = 0; i < count; i++) {
            Kprcb prcb = Kprcb.of(memory, kernelBase, i);
            findings.expectEqual("KPRCB.Number", prcb.address(), i, prcb.number());
            long current = prcb.currentThread().address();
            if (current != prcb.idleThread().address() && !threads.contains(current)) {
                findings.add("KPRCB.CurrentThread is no thread prcb=" + Hex.address(prcb.address()) + " thread="
                        + Hex.address(current));
            }
        }
    }

    private void checkModules() {
        boolean first = true;
        for (long entry : list(kernelBase + KernelSymbols.PS_LOADED_MODULE_LIST, "PsLoadedModuleList")) {
            LoadedModule module = new LoadedModule(memory, entry);
            if (first) {
                findings.expectEqual("first loaded module", entry, kernelBase, module.base());
                first = false;
            }
            if (memory.readShort(module.base()) != 0x5A4D) {
                findings.add(
                        "loaded module without MZ name=" + module.baseName() + " base=" + Hex.address(module.base()));
            }
        }
    }

    private long[] list(long head, String name) {
        return CheckedList.entries(memory, head, name, findings);
    }
}
