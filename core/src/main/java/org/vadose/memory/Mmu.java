package org.vadose.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;

/**
 * One processor's memory-management unit: the root register (CR3), the page-table format, and a software TLB for each
 * privilege. There is no other way from a virtual address to RAM, neither for guest instructions ({@link #user()}) nor for the
 * kernel's Java code ({@link #kernel()}).
 *
 * <p>An Mmu belongs to the thread that drives its processor. Whoever makes a valid entry invalid or less permissive must
 * invalidate it here, as on the hardware; turning an invalid entry valid needs nothing.
 */
public final class Mmu {
    private final int number;
    private final int context;
    private final PhysicalMemory ram;
    private final PageTableFormat format;
    private final VirtualMemory kernel;
    private final VirtualMemory user;
    private PageFaultHandler faultHandler = (virtualAddress, errorCode) -> NtStatus.ACCESS_VIOLATION;
    private final List<Runnable> invalidationListeners = new ArrayList<>(1);
    private volatile long root;
    private volatile boolean executesGuest;
    private volatile boolean mustInvalidate;
    private final AtomicInteger holders = new AtomicInteger();
    private List<Mmu> others = List.of();
    private volatile Runnable interrupt = () -> {};

    public Mmu(PhysicalMemory ram, PageTableFormat format) {
        this(ram, format, 0, 0);
    }

    /**
     * @param number of the processor it belongs to
     * @param context among all of a machine's, also those that are no processor's
     */
    Mmu(PhysicalMemory ram, PageTableFormat format, int number, int context) {
        this.number = number;
        this.context = context;
        this.ram = ram;
        this.format = format;
        this.kernel = new VirtualMemory(this, 0);
        this.user = new VirtualMemory(this, PageFaultCode.USER);
    }

    /** Those of the machine's other processors. */
    void setOthers(List<Mmu> mmus) {
        others = List.copyOf(mmus);
        kernel.setAlone(mmus.isEmpty());
        user.setAlone(mmus.isEmpty());
    }

    /** Number of the processor it belongs to. */
    public int number() {
        return number;
    }

    /** Its number among all of a machine's, also those that are no processor's. */
    public int context() {
        return context;
    }

    public PhysicalMemory ram() {
        return ram;
    }

    public PageTableFormat format() {
        return format;
    }

    /** Memory as supervisor code sees it. */
    public VirtualMemory kernel() {
        return kernel;
    }

    /** Memory as user-mode code sees it. */
    public VirtualMemory user() {
        return user;
    }

    public PageFaultHandler faultHandler() {
        return faultHandler;
    }

    public void setFaultHandler(PageFaultHandler handler) {
        faultHandler = handler;
    }

    /** Physical address of the top table: CR3. */
    public long root() {
        return root;
    }

    /** Loads CR3 and, as that does, forgets every cached translation. */
    public void loadRoot(long physicalAddress) {
        root = physicalAddress;
        invalidateAll();
    }

    /** INVLPG. */
    public void invalidatePage(long virtualAddress) {
        kernel.invalidatePage(virtualAddress);
        user.invalidatePage(virtualAddress);
        tellInvalidated();
    }

    /** {@link #invalidatePage}s adjacent pages; many more than a thousand take less with {@link #invalidateAll}. */
    public void invalidatePages(long firstPage, int count) {
        kernel.invalidatePages(firstPage, count);
        user.invalidatePages(firstPage, count);
        tellInvalidated();
    }

    public void invalidateAll() {
        kernel.invalidateAll();
        user.invalidateAll();
        tellInvalidated();
    }

    /**
     * Has someone who keeps translations of its own told whenever a cached translation may have become wrong, on the thread that
     * invalidates.
     */
    public void addInvalidationListener(Runnable listener) {
        invalidationListeners.add(listener);
    }

    private void tellInvalidated() {
        for (Runnable listener : invalidationListeners) {
            listener.run();
        }
    }

    // --- several processors ---

    /** @param newInterrupt makes guest code that runs on this processor stop soon */
    public void setInterrupt(Runnable newInterrupt) {
        interrupt = newInterrupt;
    }

    /** From now on this processor executes guest instructions, until {@link #leaveGuest}. */
    public void enterGuest() {
        while (true) {
            // First said, then looked: whoever holds this processor or asks for an invalidation does it the other way
            // round.
            executesGuest = true;
            if (holders.get() == 0) {
                break;
            }
            executesGuest = false;
            while (holders.get() != 0) {
                Thread.onSpinWait();
            }
        }
        catchUp();
    }

    /** This processor has stopped executing guest instructions. */
    public void leaveGuest() {
        executesGuest = false;
    }

    /**
     * Keeps this processor from executing guest instructions until {@link #letGo}; asked by another processor's thread, which holds
     * the lock that keeps others from asking.
     */
    void hold() {
        holders.incrementAndGet();
        halt();
    }

    void letGo() {
        holders.decrementAndGet();
    }

    /** Hands a refusal of the page tables to the fault handler; meanwhile no guest instruction executes. */
    NtStatus fault(long virtualAddress, int errorCode) {
        if (!executesGuest) {
            return faultHandler.handle(virtualAddress, errorCode);
        }
        leaveGuest();
        try {
            catchUp();
            return faultHandler.handle(virtualAddress, errorCode);
        } finally {
            enterGuest();
        }
    }

    /** Waits until this processor executes no guest instructions; asked by another processor's thread. */
    public void halt() {
        while (executesGuest) {
            interrupt.run();
            Thread.onSpinWait();
        }
    }

    /** Makes the other processors look again before they write where this one has just found code. */
    private void othersForget() {
        if (others.isEmpty()) {
            return;
        }
        // Two that ask each other at once must not wait for each other.
        boolean wasGuest = executesGuest;
        leaveGuest();
        for (Mmu other : others) {
            other.invalidateSoon(true);
        }
        if (wasGuest) {
            enterGuest();
        }
    }

    /** Forgets what other processors asked this one to forget; its own thread calls it before it uses memory again. */
    public void catchUp() {
        if (mustInvalidate) {
            mustInvalidate = false;
            invalidateAll();
        }
    }

    /**
     * Asked by another processor's thread.
     *
     * @param wait until no guest instruction can use an old translation any more
     */
    void invalidateSoon(boolean wait) {
        mustInvalidate = true;
        while (wait && executesGuest && mustInvalidate) {
            interrupt.run();
            Thread.onSpinWait();
        }
    }

    /**
     * Physical address behind a virtual one for an instruction fetch at user privilege; faults as a fetch does. The frame is
     * marked as code, so that a later write to it is told to {@link PhysicalMemory.CodeListener}s.
     *
     * <p>As with any access that may fault, what other translations gave before may be wrong afterwards.
     */
    public long translateFetch(long virtualAddress) {
        long physicalAddress = user.translate(virtualAddress, PageFaultCode.USER | PageFaultCode.FETCH);
        long frame = physicalAddress >>> Pages.SHIFT;
        if (ram.isKnownCode(frame)) {
            return physicalAddress;
        }
        ram.markCode(frame);
        kernel.forbidFastWrites(frame);
        user.forbidFastWrites(frame);
        othersForget();
        ram.setCodeKnown(frame);
        // While the others were told, one of them may have given the page another frame.
        return user.translate(virtualAddress, PageFaultCode.USER | PageFaultCode.FETCH);
    }
}
