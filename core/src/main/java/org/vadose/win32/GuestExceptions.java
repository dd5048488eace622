package org.vadose.win32;

import org.vadose.memory.MemoryFault;
import org.vadose.rtl.HeapException;

/** Dispatches a process's exceptions: to the debugger, to handlers, to the end of the process. */
public interface GuestExceptions {
    /** The processor stopped with a fault. */
    void serve(GuestThread thread);

    /** An access by a built-in function on the guest's behalf; the processor stands at the function's stub. */
    void raise(GuestThread thread, MemoryFault fault);

    /**
     * A heap call found damage, or no memory where the heap was to raise an exception for that. Damage ends the process whatever
     * its handlers say: {@code HeapEnableTerminationOnCorruption} is set for every 64-bit process and cannot be taken back.
     */
    void raise(GuestThread thread, HeapException problem);

    /**
     * Raises an exception at the processor's present state.
     *
     * @param flags {@code EXCEPTION_RECORD.ExceptionFlags}
     */
    void raise(GuestThread thread, int code, int flags, long address, long... parameters);
}
