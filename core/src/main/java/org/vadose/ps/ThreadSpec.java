package org.vadose.ps;

import org.vadose.nt.WaitReason;

/**
 * A thread to be made.
 *
 * @param startAddress where the kernel sends it: a system routine, or {@code ntdll!RtlUserThreadStart}
 * @param win32StartAddress what its creator asked to run
 * @param teb 0 for a system thread
 * @param priority base priority, 1 to 31
 * @param waitReason why it waits from the start on
 * @param waitObject address of the {@code _DISPATCHER_HEADER} it waits for; 0 to be ready instead
 */
public record ThreadSpec(
        long startAddress, long win32StartAddress, long teb, int priority, WaitReason waitReason, long waitObject) {
    /** A thread of the kernel's own, waiting. */
    public static ThreadSpec system(long startAddress, int priority, WaitReason reason, long waitObject) {
        return new ThreadSpec(startAddress, startAddress, 0, priority, reason, waitObject);
    }

    public boolean isSystem() {
        return teb == 0;
    }
}
