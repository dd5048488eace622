package org.vadose.win32;

import java.util.List;
import org.vadose.layout.KsemaphoreLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.DispatcherHeader;
import org.vadose.ob.KnownType;

/**
 * Something threads wait for.
 *
 * @param body the object that a waiting thread holds a reference to
 * @param address its {@code _DISPATCHER_HEADER}; a file's is that of its event
 */
public record WaitObject(Memory kernel, long body, long address) {
    /** Object types whose bodies begin with a dispatcher header. */
    static final List<KnownType> TYPES = List.of(
            KnownType.EVENT,
            KnownType.MUTANT,
            KnownType.SEMAPHORE,
            KnownType.THREAD,
            KnownType.PROCESS,
            KnownType.TIMER);

    /** One of {@link DispatcherHeader}'s. */
    public int type() {
        return header().type();
    }

    public int signalState() {
        return header().signalState();
    }

    private DispatcherHeader header() {
        return new DispatcherHeader(kernel, address);
    }

    /** Most a semaphore counts to. */
    public int limit() {
        return kernel.readInt(address + KsemaphoreLayout.LIMIT);
    }
}
