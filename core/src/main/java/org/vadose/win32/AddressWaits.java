package org.vadose.win32;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.WaitReason;

/**
 * Threads of a process that wait for a word of its memory: a critical section, a slim lock, a condition variable. To the kernel
 * they wait to be alerted by their id, as those of Windows' own locks do; who waits for which word is known to the process alone.
 *
 * <p>Under the kernel's lock, like everything that is done in place of the DLLs' code.
 */
public final class AddressWaits {
    private static final class Waiter {
        final BooleanSupplier condition;
        boolean isSatisfied;

        @Nullable MemoryFault fault;

        Waiter(BooleanSupplier condition) {
            this.condition = condition;
        }
    }

    private final Map<Long, Map<GuestThread, Waiter>> byAddress = new HashMap<>();

    boolean await(GuestThread thread, long address, BooleanSupplier condition, long deadline) {
        Waiter waiter = new Waiter(condition);
        byAddress.computeIfAbsent(address, a -> new LinkedHashMap<>()).put(thread, waiter);
        try {
            thread.process().scheduler().await(thread, WaitReason.WR_ALERT_BY_THREAD_ID, deadline);
        } finally {
            leave(thread, address);
        }
        if (waiter.fault != null) {
            throw waiter.fault;
        }
        return waiter.isSatisfied;
    }

    private void leave(GuestThread thread, long address) {
        Map<GuestThread, Waiter> waiters = byAddress.get(address);
        if (waiters != null) {
            waiters.remove(thread);
            if (waiters.isEmpty()) {
                byAddress.remove(address);
            }
        }
    }

    /** The word has changed: those who wait for it go on, in order of arrival, as long as their conditions hold. */
    public void wake(long address) {
        Map<GuestThread, Waiter> waiters = byAddress.get(address);
        while (waiters != null && !waiters.isEmpty()) {
            Map.Entry<GuestThread, Waiter> first = waiters.entrySet().iterator().next();
            Waiter waiter = first.getValue();
            GuestThread thread = first.getKey();
            try {
                waiter.isSatisfied = !thread.mustGo() && waiter.condition.getAsBoolean();
                if (!waiter.isSatisfied && !thread.mustGo()) {
                    return;
                }
            } catch (MemoryFault unreadable) {
                waiter.fault = unreadable;
            }
            leave(thread, address);
            thread.process()
                    .kernel()
                    .processManager()
                    .waits()
                    .end(thread.ethread().address(), NtStatus.ALERTED.code());
        }
    }
}
