package org.vadose.win32.kernel32;

import org.vadose.layout.PebLayout;
import org.vadose.layout.RtlCriticalSectionLayout;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestThread;

/**
 * Locks that live in the program's own memory: critical sections, slim reader-writer locks, condition variables, one-time
 * initialisation, address waits. One thread runs at a time, so plain reads and writes of their words are atomic.
 */
final class LockFunctions {
    private static final int ERROR_TIMEOUT = 1460;
    /** LockCount of a free section; each owner or waiter takes 1 away, as before Windows Vista. */
    private static final int FREE = -1;

    private static final long SRW_OWNED = 1;
    private static final long SRW_SHARED_UNIT = 16;
    private static final int CONDITION_SHARED = 1;
    private static final long INIT_ONCE_RUNNING = 1;
    private static final long INIT_ONCE_DONE = 2;
    private static final int INIT_ONCE_CHECK_ONLY = 1;
    private static final int INIT_ONCE_FAILED = 4;
    private static final int ERROR_GEN_FAILURE = 31;

    private static final int MOST_SPINS = 0xFF_FFFF;

    private LockFunctions() {}

    /** To ntdll, under its names. */
    static void addToNtdll(ApiModule ntdll) {
        ntdll.function("RtlInitializeCriticalSection", call -> initialize(call, 0))
                .function("RtlInitializeCriticalSectionAndSpinCount", call -> initialize(call, call.intArg(1)))
                .function("RtlInitializeCriticalSectionEx", call -> initialize(call, call.intArg(1)))
                .function("RtlEnterCriticalSection", LockFunctions::enter)
                .function("RtlTryEnterCriticalSection", LockFunctions::tryEnter)
                .function("RtlLeaveCriticalSection", LockFunctions::leave)
                .function("RtlDeleteCriticalSection", LockFunctions::delete)
                .function("RtlIsCriticalSectionLocked", call -> isFree(call.memory(), call.arg(0)) ? 0 : 1)
                .function("RtlSetCriticalSectionSpinCount", LockFunctions::setSpinCount)
                .function("RtlInitializeSRWLock", LockFunctions::zero)
                .function("RtlAcquireSRWLockExclusive", call -> acquireExclusive(call, call.arg(0)))
                .function("RtlAcquireSRWLockShared", call -> acquireShared(call, call.arg(0)))
                .function("RtlTryAcquireSRWLockExclusive", call -> tryExclusive(call.memory(), call.arg(0)) ? 1 : 0)
                .function("RtlTryAcquireSRWLockShared", call -> tryShared(call.memory(), call.arg(0)) ? 1 : 0)
                .function("RtlReleaseSRWLockExclusive", LockFunctions::releaseExclusive)
                .function("RtlReleaseSRWLockShared", LockFunctions::releaseShared)
                .function("RtlInitializeConditionVariable", LockFunctions::zero)
                .function("RtlWakeConditionVariable", call -> wake(call, 1))
                .function("RtlWakeAllConditionVariable", call -> wake(call, Integer.MAX_VALUE))
                .function("RtlRunOnceInitialize", LockFunctions::zero);
    }

    static void addTo(ApiModule kernel32) {
        kernel32.function("InitializeCriticalSection", call -> initialize(call, 0) + 1)
                .function("InitializeCriticalSectionAndSpinCount", call -> initialize(call, call.intArg(1)) + 1)
                .function("InitializeCriticalSectionEx", call -> initialize(call, call.intArg(1)) + 1)
                .forward("EnterCriticalSection", "NTDLL.RtlEnterCriticalSection")
                .forward("TryEnterCriticalSection", "NTDLL.RtlTryEnterCriticalSection")
                .forward("LeaveCriticalSection", "NTDLL.RtlLeaveCriticalSection")
                .forward("DeleteCriticalSection", "NTDLL.RtlDeleteCriticalSection")
                .forward("SetCriticalSectionSpinCount", "NTDLL.RtlSetCriticalSectionSpinCount")
                .forward("InitializeSRWLock", "NTDLL.RtlInitializeSRWLock")
                .forward("AcquireSRWLockExclusive", "NTDLL.RtlAcquireSRWLockExclusive")
                .forward("AcquireSRWLockShared", "NTDLL.RtlAcquireSRWLockShared")
                .forward("TryAcquireSRWLockExclusive", "NTDLL.RtlTryAcquireSRWLockExclusive")
                .forward("TryAcquireSRWLockShared", "NTDLL.RtlTryAcquireSRWLockShared")
                .forward("ReleaseSRWLockExclusive", "NTDLL.RtlReleaseSRWLockExclusive")
                .forward("ReleaseSRWLockShared", "NTDLL.RtlReleaseSRWLockShared")
                .forward("InitializeConditionVariable", "NTDLL.RtlInitializeConditionVariable")
                .forward("WakeConditionVariable", "NTDLL.RtlWakeConditionVariable")
                .forward("WakeAllConditionVariable", "NTDLL.RtlWakeAllConditionVariable")
                .forward("InitOnceInitialize", "NTDLL.RtlRunOnceInitialize")
                .function("SleepConditionVariableCS", LockFunctions::sleepCriticalSection)
                .function("SleepConditionVariableSRW", LockFunctions::sleepSlimLock)
                .function("InitOnceExecuteOnce", LockFunctions::executeOnce)
                .function("InitOnceBeginInitialize", LockFunctions::beginInitialize)
                .function("InitOnceComplete", LockFunctions::completeInitialize);
    }

    // --- critical sections ---

    /** On one processor nobody waits by spinning, so that the count is 0. */
    private static int spinCount(ApiCall call, int wanted) {
        return call.memory().readInt(call.process().peb() + PebLayout.NUMBER_OF_PROCESSORS) > 1
                ? wanted & MOST_SPINS
                : 0;
    }

    /** The count before. */
    private static long setSpinCount(ApiCall call) {
        long at = call.arg(0) + RtlCriticalSectionLayout.SPIN_COUNT;
        long before = call.memory().readLong(at);
        call.memory().writeLong(at, spinCount(call, call.intArg(1)));
        return before & MOST_SPINS;
    }

    /** A status. */
    private static long initialize(ApiCall call, int spins) {
        Memory memory = call.memory();
        long section = call.arg(0);
        memory.fill(section, RtlCriticalSectionLayout.SIZE, (byte) 0);
        // Windows marks a section without debug information so.
        memory.writeLong(section + RtlCriticalSectionLayout.DEBUG_INFO, -1);
        memory.writeInt(section + RtlCriticalSectionLayout.LOCK_COUNT, FREE);
        memory.writeLong(section + RtlCriticalSectionLayout.SPIN_COUNT, spinCount(call, spins));
        return 0;
    }

    private static boolean isFree(Memory memory, long section) {
        return memory.readInt(section + RtlCriticalSectionLayout.LOCK_COUNT) == FREE;
    }

    private static boolean tryTake(Memory memory, long section, GuestThread thread) {
        long owner = memory.readLong(section + RtlCriticalSectionLayout.OWNING_THREAD);
        if (!isFree(memory, section) && owner != thread.threadId()) {
            return false;
        }
        int recursion = memory.readInt(section + RtlCriticalSectionLayout.RECURSION_COUNT);
        memory.writeInt(section + RtlCriticalSectionLayout.LOCK_COUNT, FREE - 1 - recursion);
        memory.writeInt(section + RtlCriticalSectionLayout.RECURSION_COUNT, recursion + 1);
        memory.writeLong(section + RtlCriticalSectionLayout.OWNING_THREAD, thread.threadId());
        return true;
    }

    private static void enter(ApiCall call, long section) {
        Memory memory = call.memory();
        GuestThread thread = call.thread();
        if (!tryTake(memory, section, thread)) {
            thread.awaitAddress(section, () -> tryTake(memory, section, thread), GuestThread.NEVER);
        }
    }

    private static long enter(ApiCall call) {
        enter(call, call.arg(0));
        return 0;
    }

    private static long tryEnter(ApiCall call) {
        return tryTake(call.memory(), call.arg(0), call.thread()) ? 1 : 0;
    }

    private static long leave(ApiCall call) {
        leave(call, call.arg(0));
        return 0;
    }

    private static void woken(ApiCall call, long word) {
        call.process().addressWaits().wake(word);
    }

    private static void leave(ApiCall call, long section) {
        Memory memory = call.memory();
        int recursion = memory.readInt(section + RtlCriticalSectionLayout.RECURSION_COUNT) - 1;
        memory.writeInt(section + RtlCriticalSectionLayout.RECURSION_COUNT, Math.max(recursion, 0));
        if (recursion <= 0) {
            memory.writeLong(section + RtlCriticalSectionLayout.OWNING_THREAD, 0);
            memory.writeInt(section + RtlCriticalSectionLayout.LOCK_COUNT, FREE);
            woken(call, section);
        } else {
            memory.writeInt(section + RtlCriticalSectionLayout.LOCK_COUNT, FREE - recursion);
        }
    }

    private static long delete(ApiCall call) {
        call.memory().fill(call.arg(0), RtlCriticalSectionLayout.SIZE, (byte) 0);
        return 0;
    }

    private static long zero(ApiCall call) {
        call.memory().writeLong(call.arg(0), 0);
        return 0;
    }

    // --- slim reader-writer locks: bit 0 owned, from bit 4 the number of readers ---

    private static boolean tryExclusive(Memory memory, long lock) {
        if (memory.readLong(lock) != 0) {
            return false;
        }
        memory.writeLong(lock, SRW_OWNED);
        return true;
    }

    private static boolean tryShared(Memory memory, long lock) {
        long value = memory.readLong(lock);
        if (value == SRW_OWNED) {
            return false;
        }
        memory.writeLong(lock, (value | SRW_OWNED) + SRW_SHARED_UNIT);
        return true;
    }

    private static long acquireExclusive(ApiCall call, long lock) {
        Memory memory = call.memory();
        if (!tryExclusive(memory, lock)) {
            call.thread().awaitAddress(lock, () -> tryExclusive(memory, lock), GuestThread.NEVER);
        }
        return 0;
    }

    private static long acquireShared(ApiCall call, long lock) {
        Memory memory = call.memory();
        if (!tryShared(memory, lock)) {
            call.thread().awaitAddress(lock, () -> tryShared(memory, lock), GuestThread.NEVER);
        }
        return 0;
    }

    private static long releaseExclusive(ApiCall call) {
        releaseExclusive(call, call.arg(0));
        return 0;
    }

    private static void releaseExclusive(ApiCall call, long lock) {
        call.memory().writeLong(lock, 0);
        woken(call, lock);
    }

    private static long releaseShared(ApiCall call) {
        releaseShared(call, call.arg(0));
        return 0;
    }

    private static void releaseShared(ApiCall call, long lock) {
        long value = call.memory().readLong(lock) - SRW_SHARED_UNIT;
        call.memory().writeLong(lock, value < SRW_SHARED_UNIT ? 0 : value);
        woken(call, lock);
    }

    // --- condition variables: the low half counts sleepers, the high half wakes not yet used ---

    private static long wake(ApiCall call, int most) {
        Memory memory = call.memory();
        int sleepers = memory.readInt(call.arg(0));
        int wakes = memory.readInt(call.arg(0) + 4);
        memory.writeInt(call.arg(0) + 4, (int) Math.min(sleepers, (long) wakes + most));
        woken(call, call.arg(0));
        return 0;
    }

    private static boolean takeWake(Memory memory, long variable) {
        int wakes = memory.readInt(variable + 4);
        if (wakes == 0) {
            return false;
        }
        memory.writeInt(variable + 4, wakes - 1);
        memory.writeInt(variable, memory.readInt(variable) - 1);
        return true;
    }

    private static boolean sleep(ApiCall call, long variable, int milliseconds) {
        Memory memory = call.memory();
        memory.writeInt(variable, memory.readInt(variable) + 1);
        boolean woken = call.thread()
                .awaitAddress(variable, () -> takeWake(memory, variable), TimeFunctions.deadline(call, milliseconds));
        if (!woken) {
            memory.writeInt(variable, memory.readInt(variable) - 1);
        }
        return woken;
    }

    private static long sleepCriticalSection(ApiCall call) {
        leave(call, call.arg(1));
        boolean woken = sleep(call, call.arg(0), call.intArg(2));
        enter(call, call.arg(1));
        return woken ? 1 : call.fail(ERROR_TIMEOUT);
    }

    private static long sleepSlimLock(ApiCall call) {
        boolean shared = (call.intArg(3) & CONDITION_SHARED) != 0;
        if (shared) {
            releaseShared(call, call.arg(1));
        } else {
            releaseExclusive(call, call.arg(1));
        }
        boolean woken = sleep(call, call.arg(0), call.intArg(2));
        if (shared) {
            acquireShared(call, call.arg(1));
        } else {
            acquireExclusive(call, call.arg(1));
        }
        return woken ? 1 : call.fail(ERROR_TIMEOUT);
    }

    // --- one-time initialisation: the low two bits are the state, the rest is the context ---

    /** Waits until nobody initialises; true if it is done. */
    private static boolean isDone(ApiCall call, long once) {
        Memory memory = call.memory();
        if ((memory.readLong(once) & 3) == INIT_ONCE_RUNNING) {
            call.thread().awaitAddress(once, () -> (memory.readLong(once) & 3) != INIT_ONCE_RUNNING, GuestThread.NEVER);
        }
        return (memory.readLong(once) & 3) == INIT_ONCE_DONE;
    }

    private static void writeContext(ApiCall call, long once, long target) {
        if (target != 0) {
            call.memory().writeLong(target, call.memory().readLong(once) & ~3L);
        }
    }

    private static long executeOnce(ApiCall call) {
        long once = call.arg(0);
        if (!isDone(call, once)) {
            call.memory().writeLong(once, INIT_ONCE_RUNNING);
            long context = call.process().heap().allocate(8);
            boolean succeeded = (int) call.callGuest(call.arg(1), once, call.arg(2), context) != 0;
            long value = call.memory().readLong(context);
            call.process().heap().free(context);
            call.memory().writeLong(once, succeeded ? value | INIT_ONCE_DONE : 0);
            woken(call, once);
            if (!succeeded) {
                return 0;
            }
        }
        writeContext(call, once, call.arg(3));
        return 1;
    }

    private static long beginInitialize(ApiCall call) {
        long once = call.arg(0);
        if ((call.intArg(1) & INIT_ONCE_CHECK_ONLY) != 0) {
            boolean done = (call.memory().readLong(once) & 3) == INIT_ONCE_DONE;
            call.memory().writeInt(call.arg(2), 0);
            if (!done) {
                return call.fail(ERROR_GEN_FAILURE);
            }
            writeContext(call, once, call.arg(3));
            return 1;
        }
        boolean done = isDone(call, once);
        call.memory().writeInt(call.arg(2), done ? 0 : 1);
        if (done) {
            writeContext(call, once, call.arg(3));
        } else {
            call.memory().writeLong(once, INIT_ONCE_RUNNING);
        }
        return 1;
    }

    private static long completeInitialize(ApiCall call) {
        boolean failed = (call.intArg(1) & INIT_ONCE_FAILED) != 0;
        call.memory().writeLong(call.arg(0), failed ? 0 : call.arg(2) | INIT_ONCE_DONE);
        woken(call, call.arg(0));
        return 1;
    }
}
