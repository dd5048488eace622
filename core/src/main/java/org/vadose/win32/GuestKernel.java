package org.vadose.win32;

import org.vadose.io.IoSystem;
import org.vadose.mm.MemoryManager;
import org.vadose.ob.ObjectManager;
import org.vadose.ps.ProcessManager;

/**
 * The parts of a booted machine that processes use.
 *
 * @param systemVolume device object of the drives' volume
 * @param consoleDevice device object of the console
 */
public record GuestKernel(
        MemoryManager memoryManager,
        ObjectManager objectManager,
        ProcessManager processManager,
        IoSystem ioSystem,
        long systemVolume,
        long consoleDevice) {}
