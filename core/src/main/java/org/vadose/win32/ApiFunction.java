package org.vadose.win32;

/**
 * The Java side of one export of a built-in DLL. Runs on the Java thread of the calling guest thread, which holds the baton.
 *
 * <p>A {@link org.vadose.memory.MemoryFault} that leaves the function is raised in the guest as the hardware exception it stands
 * for (a system service returns it as a status instead).
 */
@FunctionalInterface
public interface ApiFunction {
    /**
     * @return the value for RAX; a narrower result may leave anything above its width. A floating result goes through
     *     {@link ApiCall#returnDouble}.
     */
    long call(ApiCall call);
}
