package org.vadose.debug;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.layout.DispatcherHeaderLayout;
import org.vadose.layout.KsemaphoreLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.layout.KwaitBlockLayout;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** The lines under a {@code THREAD} line: what it waits for, and its numbers. */
final class ThreadWaits {
    private static final int MAXIMUM_WAITS = 64;

    private ThreadWaits() {}

    static boolean isAlertable(Ethread thread) {
        return (thread.memory().readInt(thread.address() + KthreadLayout.ALERTABLE) >>> KthreadLayout.ALERTABLE_SHIFT
                        & KthreadLayout.ALERTABLE_MASK)
                != 0;
    }

    /** The dispatcher objects of the thread's wait blocks. */
    static void print(Printer out, TargetMemory kernel, Ethread thread) {
        long block = thread.waitBlockList();
        for (int i = 0; i < Math.min(thread.waitBlockCount(), MAXIMUM_WAITS) && block != 0; i++) {
            try {
                long object = kernel.readLong(block + i * KwaitBlockLayout.SIZE + KwaitBlockLayout.OBJECT);
                if (object != 0) {
                    out.line("            " + Hex.plain(object) + "  " + kind(kernel, object));
                }
            } catch (UnreadableMemoryException e) {
                out.line("            wait block cannot be read: " + e.reason());
                return;
            }
        }
    }

    /** {@code _KOBJECTS}. */
    private static String kind(TargetMemory kernel, long object) {
        return switch (kernel.readUnsignedByte(object + DispatcherHeaderLayout.TYPE) & 0x7F) {
            case 0 -> "NotificationEvent";
            case 1 -> "SynchronizationEvent";
            case 2 -> "Mutant - owning thread";
            case 3 -> "ProcessObject";
            case 4 -> "QueueObject";
            case 5 -> "Semaphore Limit 0x" + Hex.plain(kernel.readUnsignedInt(object + KsemaphoreLayout.LIMIT));
            case 6 -> "Thread";
            case 7 -> "Gate";
            case 8 -> "NotificationTimer";
            case 9 -> "SynchronizationTimer";
            default -> "Unknown";
        };
    }

    static void printDetails(Debugger debugger, Ethread thread, Eprocess owner) {
        Printer out = debugger.out();
        out.line("        Not impersonating");
        row(out, "DeviceMap", Hex.plain(owner.deviceMap()));
        out.line("        Owning Process            " + TypePrinter.pad(Hex.plain(owner.address()), 23)
                + "Image:         " + owner.imageFileName());
        row(out, "Attached Process", TypePrinter.pad("N/A", 23) + "Image:         N/A");
        long waitStart = thread.memory().readUnsignedInt(thread.address() + KthreadLayout.WAIT_TIME);
        row(out, "Wait Start TickCount", String.valueOf(waitStart));
        row(
                out,
                "Context Switch Count",
                TypePrinter.pad(String.valueOf(thread.contextSwitches()), 23) + "IdealProcessor: "
                        + thread.memory().readUnsignedInt(thread.address() + KthreadLayout.IDEAL_PROCESSOR));
        row(out, "UserTime", Times.elapsed(time(thread, KthreadLayout.USER_TIME)));
        row(out, "KernelTime", Times.elapsed(time(thread, KthreadLayout.KERNEL_TIME)));
        address(debugger, "Win32 Start Address", thread.win32StartAddress());
        out.line("        Stack Init " + Hex.plain(thread.initialStack()) + " Current "
                + Hex.plain(thread.kernelStack()));
        out.line("        Base " + Hex.plain(thread.kernelStackBase()) + " Limit "
                + Hex.plain(thread.kernelStackLimit()) + " Call 0000000000000000");
        out.line(String.format(
                Locale.ROOT,
                "        Priority %d BasePriority %d PriorityDecrement %d",
                thread.priority(),
                thread.basePriority(),
                thread.memory().readByte(thread.address() + KthreadLayout.PRIORITY_DECREMENT)));
    }

    private static long time(Ethread thread, long offset) {
        return thread.memory().readUnsignedInt(thread.address() + offset) * Times.TICK;
    }

    private static void row(Printer out, String name, String value) {
        out.line("        " + TypePrinter.pad(name, 25) + " " + value);
    }

    private static void address(Debugger debugger, String name, long address) {
        @Nullable String symbol = debugger.nameOf(address);
        debugger.out()
                .line("        " + name + " " + (symbol == null ? "" : symbol + " ") + "(0x" + Hex.ticked(address)
                        + ")");
    }
}
