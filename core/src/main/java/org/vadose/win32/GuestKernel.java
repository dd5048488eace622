package org.vadose.win32;

import java.util.function.Consumer;
import org.vadose.cc.CacheManager;
import org.vadose.io.IoSystem;
import org.vadose.mm.MemoryManager;
import org.vadose.nt.Ethread;
import org.vadose.ob.ObjectManager;
import org.vadose.ps.ProcessManager;

/**
 * The parts of a booted machine that processes use.
 *
 * @param systemVolume device object of the drives' volume
 * @param consoleDevice device object of the console
 * @param switcher makes a thread the one the processor runs
 */
public record GuestKernel(
        MemoryManager memoryManager,
        ObjectManager objectManager,
        ProcessManager processManager,
        IoSystem ioSystem,
        CacheManager cacheManager,
        long systemVolume,
        long consoleDevice,
        Consumer<Ethread> switcher) {}
