package org.vadose.ps;

import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.layout.MmSessionSpaceLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.SystemRegion;
import org.vadose.nt.ListEntry;

/** Makes the {@code _MM_SESSION_SPACE} of each session; processes point at it and hang on its list. */
final class SessionSpaces {
    private final Memory memory;
    private final MemoryManager memoryManager;
    private final SystemClock clock;

    SessionSpaces(MemoryManager memoryManager, SystemClock clock) {
        this.memory = memoryManager.kernelMemory();
        this.memoryManager = memoryManager;
        this.clock = clock;
    }

    /** @return address of the new session's space */
    long create(int sessionId) {
        long space = memoryManager
                .systemSpace()
                .allocate(SystemRegion.SESSION, Pages.count(MmSessionSpaceLayout.SIZE), false);
        if (space == 0) {
            throw new ResourcesException("out of RAM for session space sessionId=" + sessionId);
        }
        memory.writeInt(space + MmSessionSpaceLayout.SESSION_ID, sessionId);
        memory.writeLong(space + MmSessionSpaceLayout.CREATE_TIME, clock.now());
        memory.writeLong(space + MmSessionSpaceLayout.NON_PAGABLE_PAGES, Pages.count(MmSessionSpaceLayout.SIZE));
        memory.writeLong(space + MmSessionSpaceLayout.COMMITTED_PAGES, Pages.count(MmSessionSpaceLayout.SIZE));
        memory.writeInt(space + MmSessionSpaceLayout.LOCALE_ID, 0x409);
        new ListEntry(memory, space + MmSessionSpaceLayout.PROCESS_LIST).initialize();
        new ListEntry(memory, space + MmSessionSpaceLayout.WS_LIST_ENTRY).initialize();
        return space;
    }

    /** Puts a process on a session's list. */
    void join(long space, long sessionProcessLinks) {
        new ListEntry(memory, space + MmSessionSpaceLayout.PROCESS_LIST).insertTail(sessionProcessLinks);
        memory.getAndAddInt(space + MmSessionSpaceLayout.REFERENCE_COUNT, 1);
        memory.getAndAddInt(space + MmSessionSpaceLayout.PROCESS_REFERENCE_TO_SESSION, 1);
    }

    /** Takes a process off again. */
    void leave(long space, long sessionProcessLinks) {
        new ListEntry(memory, sessionProcessLinks).remove();
        memory.getAndAddInt(space + MmSessionSpaceLayout.REFERENCE_COUNT, -1);
        memory.getAndAddInt(space + MmSessionSpaceLayout.PROCESS_REFERENCE_TO_SESSION, -1);
    }
}
