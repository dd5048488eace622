package org.vadose.debug;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.DispatcherHeaderLayout;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.HandleTableFreeListLayout;
import org.vadose.layout.HandleTableLayout;
import org.vadose.layout.KuserSharedDataLayout;
import org.vadose.layout.MmSessionSpaceLayout;
import org.vadose.layout.MmsupportFlagsLayout;
import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.layout.Wildcard;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.Kprcb;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !process .process !thread}: processes and threads. */
final class ProcessCommands {
    private static final int STATISTICS = 1;
    private static final int THREADS_WITH_WAITS = 2;
    private static final int THREADS = 4;
    /** {@code ProcessObject} of {@code _KOBJECTS}. */
    private static final int PROCESS_OBJECT = 3;

    private static final int MAXIMUM_THREADS = 1 << 16;
    private static final long SHARED_DATA = 0xFFFF_F780_0000_0000L;
    /** Kernel addresses; what is smaller is a process id. */
    private static final long SYSTEM_RANGE = 0xFFFF_8000_0000_0000L;

    private final Debugger debugger;
    private final Printer out;
    private final TargetMemory kernel;

    private ProcessCommands(Debugger debugger) {
        this.debugger = debugger;
        this.out = debugger.out();
        this.kernel = debugger.target().kernel();
    }

    static void register(CommandTable table) {
        table.add(
                "!process",
                "[address|pid|0|-1 [flags [image]]]",
                "Show processes (flags: 1 statistics, 2 waits, 4 threads)",
                Argument.PROCESS,
                (d, a) -> new ProcessCommands(d).process(a));
        table.add(
                ".process",
                "[/i /p /r] [address|0]",
                "Show or set the process looked at",
                Argument.PROCESS,
                (d, a) -> new ProcessCommands(d).implicit(a));
        table.add(
                "!thread",
                "[address]",
                "Show a thread",
                Argument.EXPRESSION,
                (d, a) -> new ProcessCommands(d).thread(a));
    }

    private void process(String text) {
        Arguments words = new Arguments(text);
        if (!words.hasNext() || "-1".equals(words.peek())) {
            words.next();
            int flags = words.hasNext() ? (int) debugger.evaluate(words.next()) : STATISTICS | THREADS_WITH_WAITS;
            show(debugger.requireProcess(), flags);
            return;
        }
        long which = debugger.evaluate(words.next());
        int flags = words.hasNext() ? (int) debugger.evaluate(words.next()) : STATISTICS | THREADS_WITH_WAITS;
        Wildcard image = words.hasNext() ? new Wildcard(words.next()) : null;
        if (which == 0) {
            showAll(flags, image);
        } else if (Long.compareUnsigned(which, SYSTEM_RANGE) >= 0) {
            show(checked(which), flags);
        } else {
            showByPid(which, flags);
        }
    }

    /** A process object says that it is one. */
    private Eprocess checked(long address) {
        if (kernel.readUnsignedByte(address + DispatcherHeaderLayout.TYPE) != PROCESS_OBJECT) {
            throw new CommandException("TYPE mismatch for process object at " + Hex.plain(address));
        }
        return new Eprocess(kernel, address);
    }

    private void showAll(int flags, @Nullable Wildcard image) {
        if (image == null) {
            out.line("**** NT ACTIVE PROCESS DUMP ****");
        }
        for (Eprocess process : debugger.processes()) {
            try {
                if (image == null || image.matches(process.imageFileName())) {
                    show(process, flags);
                }
            } catch (UnreadableMemoryException e) {
                out.line("Unable to read process at " + Hex.address(process.address()) + ": " + e.reason());
            }
        }
    }

    private void showByPid(long pid, int flags) {
        out.line("Searching for Process with Cid == " + Hex.plain(pid));
        for (Eprocess process : debugger.processes()) {
            if (process.uniqueProcessId() == pid) {
                show(process, flags);
                return;
            }
        }
        throw new CommandException("Unable to find process with Cid == " + Hex.plain(pid));
    }

    private void implicit(String text) {
        String address = text.replaceAll("/\\w+\\s*", "").strip();
        if (address.isEmpty()) {
            out.line("Implicit process is now "
                    + Hex.ticked(debugger.requireProcess().address()));
            return;
        }
        long which = debugger.evaluate(address);
        if (which == 0) {
            debugger.stopped();
            out.line("Implicit process is now "
                    + Hex.ticked(debugger.requireProcess().address()));
            return;
        }
        Eprocess process = checked(which);
        if (process.directoryTableBase() == 0) {
            throw new CommandException("Process " + Hex.address(which) + " has no address space");
        }
        debugger.setProcess(process);
        out.line("Implicit process is now " + Hex.ticked(which));
    }

    // --- one process ---

    private void show(Eprocess process, int flags) {
        out.line("PROCESS " + Hex.plain(process.address()));
        out.format(
                "    SessionId: %s  Cid: %04x    Peb: %s  ParentCid: %04x",
                session(process),
                process.uniqueProcessId(),
                Hex.digits(process.peb(), 8),
                process.inheritedFromUniqueProcessId());
        out.format(
                "    DirBase: %s  ObjectTable: %s  HandleCount: %s",
                Hex.digits(process.directoryTableBase(), 8),
                Hex.digits(process.objectTable(), 8),
                handleCount(process));
        out.line("    Image: " + process.imageFileName());
        if ((flags & STATISTICS) != 0) {
            statistics(process);
        }
        if ((flags & (THREADS | THREADS_WITH_WAITS)) != 0) {
            out.line();
            threads(process, (flags & THREADS_WITH_WAITS) != 0);
        }
        out.line();
    }

    private String session(Eprocess process) {
        long session = process.session();
        try {
            return session == 0
                    ? "none"
                    : String.valueOf(kernel.readUnsignedInt(session + MmSessionSpaceLayout.SESSION_ID));
        } catch (UnreadableMemoryException e) {
            return "none";
        }
    }

    private String handleCount(Eprocess process) {
        long table = process.objectTable();
        if (table == 0) {
            return "  0.";
        }
        try {
            int count = kernel.readInt(table + HandleTableLayout.FREE_LISTS + HandleTableFreeListLayout.HANDLE_COUNT);
            return String.format(Locale.ROOT, "%3d.", count);
        } catch (UnreadableMemoryException e) {
            return "<Data Not Accessible>";
        }
    }

    private void statistics(Eprocess process) {
        long at = process.address();
        out.format(
                "    VadRoot %s Vads %d Clone %s Private %d. Modified %d. Locked %d.",
                Hex.address(process.vadRoot()),
                process.vadCount(),
                Hex.plain(kernel.readLong(at + EprocessLayout.CLONE_ROOT)),
                process.privatePages(),
                kernel.readUnsignedInt(at + EprocessLayout.MODIFIED_PAGE_COUNT),
                kernel.readLong(at + EprocessLayout.NUMBER_OF_LOCKED_PAGES));
        out.line("    DeviceMap " + Hex.address(process.deviceMap()));
        row("Token", Hex.address(process.token()));
        row("ElapsedTime", Times.elapsed(Math.max(0, now() - process.createTime())));
        row("UserTime", Times.elapsed(process.userTime() * Times.TICK));
        row("KernelTime", Times.elapsed(process.kernelTime() * Times.TICK));
        row("QuotaPoolUsage[PagedPool]", kernel.readLong(at + EprocessLayout.PROCESS_QUOTA_USAGE + 8));
        row("QuotaPoolUsage[NonPagedPool]", kernel.readLong(at + EprocessLayout.PROCESS_QUOTA_USAGE));
        long now = process.workingSetSize();
        long minimum = process.minimumWorkingSetSize();
        long maximum = process.maximumWorkingSetSize();
        out.line("    Working Set Sizes (now,min,max)  (" + now + ", " + minimum + ", " + maximum + ") (" + now * 4
                + "KB, " + minimum * 4 + "KB, " + maximum * 4 + "KB)");
        row("PeakWorkingSetSize", process.peakWorkingSetSize());
        row("VirtualSize", megabytes(process.virtualSize()));
        row("PeakVirtualSize", megabytes(process.peakVirtualSize()));
        row("PageFaultCount", process.pageFaultCount());
        row("MemoryPriority", memoryPriority(process));
        row("BasePriority", process.basePriority());
        row("CommitCharge", process.commitCharge());
    }

    private void row(String name, Object value) {
        out.line("    " + TypePrinter.pad(name, 33) + " " + value);
    }

    private static String megabytes(long bytes) {
        return (bytes >>> 20) + " Mb";
    }

    private String memoryPriority(Eprocess process) {
        long flags = process.vm() + MmsupportInstanceLayout.FLAGS + MmsupportFlagsLayout.MEMORY_PRIORITY;
        return switch (kernel.readUnsignedByte(flags)) {
            case 0 -> "BACKGROUND";
            case 1 -> "UNKNOWN";
            default -> "FOREGROUND";
        };
    }

    private long now() {
        try {
            return kernel.readLong(SHARED_DATA + KuserSharedDataLayout.SYSTEM_TIME);
        } catch (UnreadableMemoryException e) {
            return 0;
        }
    }

    // --- threads ---

    private void threads(Eprocess process, boolean waits) {
        List<Long> links = Lists.readable(process.threadListHead(), MAXIMUM_THREADS);
        if (links.isEmpty()) {
            out.line("No active threads");
        }
        for (long link : links) {
            try {
                thread(Ethread.ofThreadListEntry(kernel, link), process, waits);
            } catch (UnreadableMemoryException e) {
                out.line("        THREAD at list entry " + Hex.address(link) + " cannot be read: " + e.reason());
            }
        }
    }

    private void thread(String text) {
        Ethread thread;
        if (text.isEmpty() || text.startsWith("-1")) {
            thread = debugger.runningThread();
            if (thread == null) {
                throw new CommandException("There is no current thread.");
            }
        } else {
            thread = new Ethread(kernel, debugger.evaluate(new Arguments(text).next()));
        }
        thread(thread, thread.process(), true);
    }

    private void thread(Ethread thread, Eprocess owner, boolean details) {
        out.line("        THREAD " + Hex.plain(thread.address())
                + String.format(Locale.ROOT, "  Cid %04x.%04x", thread.uniqueProcessId(), thread.uniqueThreadId())
                + "  Teb: " + Hex.address(thread.teb()) + " Win32Thread: " + Hex.address(thread.win32Thread()) + " "
                + state(thread));
        if (details) {
            if (state(thread).startsWith("WAIT")) {
                ThreadWaits.print(out, kernel, thread);
            }
            ThreadWaits.printDetails(debugger, thread, owner);
            out.line();
        }
    }

    /** The processor whose control block names the thread; 0 if none does. */
    private int processorOf(Ethread thread) {
        List<Long> blocks = debugger.target().processorBlocks();
        for (int number = 0; number < blocks.size(); number++) {
            if (new Kprcb(kernel, blocks.get(number)).currentThread().address() == thread.address()) {
                return number;
            }
        }
        return 0;
    }

    private String state(Ethread thread) {
        return switch (thread.state()) {
            case WAITING ->
                "WAIT: (" + thread.waitReason().text() + ") " + (thread.isUserModeWait() ? "UserMode" : "KernelMode")
                        + " " + (ThreadWaits.isAlertable(thread) ? "Alertable" : "Non-Alertable");
            case RUNNING -> "RUNNING on processor " + Hex.plain(processorOf(thread));
            default -> thread.state().name();
        };
    }

    /** The four lines that say which process is meant. */
    static void showBrief(Debugger debugger, Eprocess process) {
        new ProcessCommands(debugger).show(process, 0);
    }

    /** Names of processes, for completion. */
    static List<String> images(Debugger debugger) {
        return debugger.processes().stream()
                .map(Eprocess::imageFileName)
                .distinct()
                .toList();
    }
}
