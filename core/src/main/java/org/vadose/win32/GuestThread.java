package org.vadose.win32;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.ke.Waits;
import org.vadose.layout.NtTibLayout;
import org.vadose.layout.TebLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Ethread;
import org.vadose.nt.ThreadState;
import org.vadose.nt.WaitReason;

/**
 * A guest thread: one processor state, one TEB, one Java thread that runs it. Its run loop executes guest code and serves what
 * makes the processor stop; a function in Java that calls guest code runs a nested loop on the same Java stack.
 *
 * <p>A nested call's frame in guest memory, lowest address first; {@code floor} is RSP where the Java function was called:
 *
 * <pre>
 * rsp          return address: the SYSCALL instruction in ntdll!KiUserCallbackDispatcher
 * rsp+8        {@value #ARGUMENT_SLOTS} argument slots, the first four being the callee's home space
 * then         machine frame: RIP, CS, EFLAGS, RSP (at the Java function's entry), SS, by which a walk of the stack goes on to
 *              the caller, whatever the function has put on the stack in between
 * </pre>
 */
public final class GuestThread {
    /** Slots for arguments in the frame of a nested call. */
    public static final int ARGUMENT_SLOTS = 12;

    /** No deadline. */
    public static final long NEVER = Scheduler.NEVER;

    /** No instruction's address: not canonical. */
    private static final long NOWHERE = 1L << 63;

    /** Of the clock that charges threads, in 100 ns units. */
    private static final long CLOCK_TICK = 156_250;
    /** What a call of the kernel counts for: half a microsecond, about what an entry and a short service take. */
    private static final long CYCLES_A_CALL = 500;

    private static final int MACHINE_FRAME_SIZE = 40;
    private static final int USER_CODE_SELECTOR = 0x33;
    private static final int USER_STACK_SELECTOR = 0x2B;
    /** Instructions between two looks at the other threads. */
    private static final long TIME_SLICE = 1_000_000;
    /** Deeper nesting than any sane program's; the guest's stack is usually used up before. */
    private static final int DEEPEST_NESTING = 2_000;

    private final GuestProcess process;
    private GuestProcessor processor;
    /** The processor that its Java thread drives. */
    private GuestProcessor driven;

    private final GuestCpu cpu;
    private final Ethread ethread;
    private final long teb;
    private final long threadId;
    private final Map<Class<?>, Object> parts = new HashMap<>();
    private final List<Long> floors = new ArrayList<>();
    private GuestCpu.@Nullable Exit unhandledExit;
    private long entryStackPointer;
    private int waitStatus;
    private int readyLevel;
    private long readySince;
    private @Nullable Condition turn;
    /** Instructions of this time slice, its own and those its calls count for. */
    private long usedOfSlice;
    /** Instructions that it has not been charged for. */
    private long executed;
    /** The same of the kernel's, as far as its time is counted. */
    private long executedInKernel;
    /** Clock ticks since boot when it was last charged. */
    private long lastTick;

    private final Deque<long[]> queuedCalls = new ArrayDeque<>();
    private volatile boolean ended;
    /** Address of the breakpoint that it has told of and is to go past. */
    private long passes = NOWHERE;

    private @Nullable BooleanSupplier stopWhen;
    private @Nullable Runnable stopAction;

    /** A thread of the first processor. */
    public GuestThread(GuestProcess process, GuestCpu cpu, Ethread ethread) {
        this(process, process.system().processors().getFirst(), cpu, ethread);
    }

    /**
     * @param cpu its registers, of that processor
     * @param ethread the thread, its TEB and stack limits filled in
     */
    public GuestThread(GuestProcess process, GuestProcessor processor, GuestCpu cpu, Ethread ethread) {
        this.process = process;
        this.processor = processor;
        this.driven = processor;
        this.cpu = cpu;
        this.ethread = ethread;
        this.teb = ethread.teb();
        this.threadId = ethread.uniqueThreadId();
    }

    public Ethread ethread() {
        return ethread;
    }

    public GuestProcess process() {
        return process;
    }

    /** The processor it runs on. */
    public GuestProcessor processor() {
        return processor;
    }

    /** It is to run on another processor; while it does not run. */
    void setProcessor(GuestProcessor other) {
        processor = other;
        if (process.hasKernel()) {
            ethread.setNextProcessor(other.number());
        }
    }

    /** On its Java thread, before it uses its processor: makes the Java thread drive that one. */
    void board() {
        if (driven != processor) {
            driven = processor;
            processor.receive(this);
        }
    }

    /** 0 to 31; one that was ended takes its leave soon. */
    int priority() {
        return process.hasKernel() && !ended ? ethread.priority() : ReadyQueue.RAISED;
    }

    /** It stands in a ready queue. */
    void setReady(int level, long now) {
        readyLevel = level;
        readySince = now;
    }

    /** Its priority when it was put into the ready queue. */
    int readyLevel() {
        return readyLevel;
    }

    /** When it was put into the ready queue, in the clock's ticks. */
    long readySince() {
        return readySince;
    }

    /** Raises its priority until it has used its turn. */
    void raise(int priority) {
        if (process.hasKernel() && !ended && ethread.priority() < priority) {
            ethread.setPriority(priority);
        }
    }

    /** Its turn is over: what it was raised by is lost. */
    private void lower() {
        if (process.hasKernel() && !ended) {
            ethread.setPriority(ethread.basePriority());
        }
    }

    public GuestCpu cpu() {
        return cpu;
    }

    public long teb() {
        return teb;
    }

    public long threadId() {
        return threadId;
    }

    /** What another package keeps per thread: the object of this class, made at the first call. For the thread itself. */
    public <T> T part(Class<T> type, Supplier<T> maker) {
        return type.cast(parts.computeIfAbsent(type, t -> maker.get()));
    }

    public int lastError() {
        return process.memory().readInt(teb + TebLayout.LAST_ERROR_VALUE);
    }

    public void setLastError(int error) {
        process.memory().writeInt(teb + TebLayout.LAST_ERROR_VALUE, error);
    }

    /** What its last wait came to. */
    int waitStatus() {
        return waitStatus;
    }

    void setWaitStatus(int status) {
        waitStatus = status;
    }

    /** Where its Java thread waits for its turn. */
    Condition turn() {
        return Objects.requireNonNull(turn, "thread was not started");
    }

    void setTurn(Condition condition) {
        turn = condition;
    }

    /**
     * Address of the machine frame of the nested call whose function returns to {@link GuestProcess#callbackReturn} and leaves
     * this RSP.
     */
    public static long machineFrameOf(long stackPointerAfterReturn) {
        return stackPointerAfterReturn + 8L * ARGUMENT_SLOTS;
    }

    /** RSP where the built-in code that runs now was entered: at a function's stub, or at an exception's frame. */
    public long entryStackPointer() {
        return entryStackPointer;
    }

    public void setEntryStackPointer(long rsp) {
        entryStackPointer = rsp;
    }

    /**
     * Runs the guest from the processor's present state until the thread or the process ends. The outermost loop, on the
     * thread's own Java thread with the baton held.
     *
     * @throws ProcessEnded always
     */
    void runFromHere() {
        run(-1L);
        throw new IllegalStateException("outermost guest frame returned, tid=" + threadId);
    }

    /** See {@link ApiCall#callGuest}. At most {@value #ARGUMENT_SLOTS} arguments. */
    public long callGuest(long function, long... arguments) {
        if (floors.size() >= DEEPEST_NESTING) {
            process.end(NtStatus.STACK_OVERFLOW.code(), "calls between guest and built-in code nest too deep");
            throw new ProcessEnded();
        }
        Memory memory = process.memory();
        long floor = cpu.register(GuestCpu.RSP);
        long rip = cpu.rip();
        long frame = (floor - MACHINE_FRAME_SIZE & -16) - 8;
        long slots = frame - 8L * ARGUMENT_SLOTS;
        memory.writeLong(frame, rip);
        memory.writeLong(frame + 8, USER_CODE_SELECTOR);
        memory.writeLong(frame + 16, 0x202);
        memory.writeLong(frame + 24, entryStackPointer);
        memory.writeLong(frame + 32, USER_STACK_SELECTOR);
        for (int i = 4; i < arguments.length; i++) {
            memory.writeLong(slots + 8L * i, arguments[i]);
        }
        memory.writeLong(slots - 8, process.callbackReturn());
        int[] argumentRegisters = {GuestCpu.RCX, GuestCpu.RDX, GuestCpu.R8, GuestCpu.R9};
        for (int i = 0; i < Math.min(4, arguments.length); i++) {
            cpu.setRegister(argumentRegisters[i], arguments[i]);
        }
        cpu.setRegister(GuestCpu.RSP, slots - 8);
        cpu.setRip(function);
        floors.add(floor);
        long entry = entryStackPointer;
        try {
            run(floor);
        } finally {
            floors.removeLast();
            entryStackPointer = entry;
        }
        cpu.setRegister(GuestCpu.RSP, floor);
        cpu.setRip(rip);
        return cpu.register(GuestCpu.RAX);
    }

    /**
     * Waits for kernel objects; the other threads run meanwhile.
     *
     * @param how {@link Waits.How#deadline} in the clock's ticks, {@link #NEVER} for none
     * @return index of the object, with {@link Waits#ABANDONED} perhaps, or a status: {@code TIMEOUT}, {@code USER_APC},
     *     {@code INSUFFICIENT_RESOURCES}
     */
    public int await(long[] objects, Waits.How how) {
        return process.scheduler().await(this, objects, how);
    }

    /** Lets time pass. */
    public void sleepUntil(long deadline) {
        process.scheduler().await(this, WaitReason.DELAY_EXECUTION, deadline);
    }

    /**
     * Waits until the condition holds that looks at a word of the process's memory: who changes the word calls
     * {@link AddressWaits#wake}.
     *
     * @param deadline in the clock's ticks, {@link #NEVER} for none
     * @return false when time ran out
     */
    public boolean awaitAddress(long address, BooleanSupplier condition, long deadline) {
        return condition.getAsBoolean() || process.addressWaits().await(this, address, condition, deadline);
    }

    /** Puts a call of a guest function in the thread's queue ({@code QueueUserAPC}). */
    public void queueCall(long function, long argument) {
        queuedCalls.addLast(new long[] {function, argument});
        if (ethread.isAlertable()) {
            process.kernel().processManager().waits().end(ethread.address(), NtStatus.USER_APC.code());
        }
    }

    public boolean hasQueuedCalls() {
        return !queuedCalls.isEmpty();
    }

    /** Makes the calls of the queue, in order. */
    public void runQueuedCalls() {
        for (long[] call = queuedCalls.pollFirst(); call != null; call = queuedCalls.pollFirst()) {
            callGuest(call[0], call[1]);
        }
    }

    /**
     * Changes how often the thread is suspended. It stops at the end of its turn; the calling thread itself in this call.
     *
     * @param delta 1 or -1
     * @return how often it was before, -1 if it cannot be more often
     */
    public int suspend(int delta) {
        return process.kernel().processManager().waits().suspend(ethread.address(), delta);
    }

    /** Writes into the kernel's thread object what the scheduler does with the thread. */
    void showState(ThreadState state) {
        if (process.hasKernel() && !ended) {
            ethread.setState(state);
        }
    }

    /** Nothing of it runs any more. */
    void setEnded() {
        ended = true;
    }

    /** Whether it was ended, by itself or by another: its kernel thread may be no more. */
    boolean hasEnded() {
        return ended;
    }

    /** Whether it, or its process, was ended and it has only to take its leave. */
    boolean mustGo() {
        return ended || process.hasEnded();
    }

    /** It gets its processor. */
    void resumes() {
        lastTick = process.clock().now() / CLOCK_TICK;
        if (process.hasKernel() && !ended) {
            ethread.countSwitch();
        }
    }

    /** It leaves its processor for a while: its registers and what it used are in its kernel structures then. */
    void pauses() {
        chargeTime();
        lower();
        if (process.hasKernel() && !ended) {
            new TrapFrame(ethread).save(cpu);
        }
    }

    /** Charges the thread for what it has executed, and for the clock ticks that came meanwhile, since it was last charged. */
    public void chargeTime() {
        long tick = process.clock().now() / CLOCK_TICK;
        if (process.hasKernel() && !ended) {
            int ticks = (int) (tick - lastTick);
            boolean isKernel = executedInKernel > executed;
            ethread.chargeTime(executed + executedInKernel, isKernel ? 0 : ticks, isKernel ? ticks : 0);
        }
        lastTick = tick;
        executed = 0;
        executedInKernel = 0;
    }

    /** The kernel did something for it. */
    void chargeCall() {
        executedInKernel += CYCLES_A_CALL;
        usedOfSlice += CYCLES_A_CALL;
        process.clock().executed(CYCLES_A_CALL);
    }

    /** What it executes next is of a new time slice; one that is interrupted goes on with the rest of its own. */
    void beginSlice() {
        usedOfSlice = 0;
    }

    /** Gives up the rest of the time slice. */
    public void yield() {
        beginSlice();
        process.scheduler().yield(this);
    }

    /** The loop; comes back when the guest returns from the nested call whose frame ends at {@code floor}. */
    private void run(long floor) {
        while (true) {
            try {
                GuestCpu.Exit exit = unhandledExit;
                unhandledExit = null;
                if (exit == null) {
                    long before = cpu.executed();
                    exit = stopWhen == null ? runFreely() : runToStop();
                    executed += cpu.executed() - before;
                    usedOfSlice += cpu.executed() - before;
                    process.clock().executed(cpu.executed() - before);
                }
                if (isGone(floor)) {
                    unhandledExit = exit;
                    throw new GuestUnwind();
                }
                if (exit == GuestCpu.Exit.SYSCALL && cpu.rip() == process.callbackReturn() + 2) {
                    if (floor == -1L) {
                        process.end(NtStatus.BAD_STACK.code(), "a guest thread returned where no call was made");
                        throw new ProcessEnded();
                    }
                    return;
                }
                serve(exit);
                if (usedOfSlice >= TIME_SLICE) {
                    usedOfSlice = 0;
                    chargeTime();
                    process.scheduler().yield(this);
                }
            } catch (GuestUnwind unwind) {
                if (isGone(floor)) {
                    throw unwind;
                }
            }
        }
    }

    /** Executes guest instructions beside other processors, at most a time slice. */
    private GuestCpu.Exit runFreely() {
        Scheduler scheduler = process.scheduler();
        scheduler.leaveKernel(this);
        try {
            return cpu.rip() == passes ? pass() : cpu.run(TIME_SLICE - usedOfSlice);
        } finally {
            scheduler.enterKernel(this);
        }
    }

    /** Goes past the breakpoint it stands at. */
    private GuestCpu.Exit pass() {
        passes = NOWHERE;
        return cpu.runOne();
    }

    /**
     * Lets the thread stop for a debugger as soon as the condition holds between two instructions. The action runs on the thread's
     * own Java thread and may ask for the next stop. A new request replaces the one before.
     */
    public void stopWhen(BooleanSupplier condition, Runnable stop) {
        stopWhen = condition;
        stopAction = stop;
    }

    /** Instruction by instruction, at most a time slice. */
    private GuestCpu.Exit runToStop() {
        for (long left = TIME_SLICE - usedOfSlice; left > 0; left--) {
            BooleanSupplier condition = stopWhen;
            if (condition == null) {
                return cpu.run(left);
            }
            if (condition.getAsBoolean()) {
                Runnable action = Objects.requireNonNull(stopAction);
                stopWhen = null;
                passes = cpu.rip();
                action.run();
                process.stopPoint(this);
            } else {
                GuestCpu.Exit exit = cpu.rip() == passes ? pass() : cpu.run(1);
                if (exit != GuestCpu.Exit.BUDGET) {
                    return exit;
                }
            }
        }
        return GuestCpu.Exit.BUDGET;
    }

    /** Whether RSP, being on this thread's stack, has left the frame of the nested call behind. */
    private boolean isGone(long floor) {
        long rsp = cpu.register(GuestCpu.RSP);
        return Long.compareUnsigned(rsp, floor) >= 0
                && Long.compareUnsigned(rsp, process.memory().readLong(teb + TebLayout.NT_TIB + NtTibLayout.STACK_BASE))
                        <= 0;
    }

    private void serve(GuestCpu.Exit exit) {
        switch (exit) {
            case SYSCALL -> {
                chargeCall();
                process.systemCalls().serve(this);
            }
            case FAULT -> {
                if (cpu.fault().isInstructionBreakpoint() && process.events() != GuestEvents.NONE) {
                    passes = cpu.rip();
                    process.events().breakpoint(this);
                } else {
                    process.exceptions().serve(this);
                }
            }
            case BUDGET -> {
                // The slice is used up.
            }
            case STOPPED -> process.stopPoint(this);
        }
    }
}
