package org.vadose.memory;

import org.vadose.base.NtStatus;

/** The kernel's #PF entry. Called on the accessing thread; may itself access memory and fault again. */
@FunctionalInterface
public interface PageFaultHandler {
    /**
     * Makes the access possible, or says why not.
     *
     * @param virtualAddress the faulting byte
     * @param errorCode {@link PageFaultCode} bits
     * @return {@link NtStatus#SUCCESS} to retry the access, else the status to raise
     */
    NtStatus handle(long virtualAddress, int errorCode);
}
