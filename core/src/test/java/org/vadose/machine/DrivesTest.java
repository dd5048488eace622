package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.Test;
import org.vadose.ob.ObjectNamespace;

/** Each drive is a volume of its own, so files of equal paths on two drives have different names. */
class DrivesTest {
    @Test
    void aDriveIsAVolume() {
        try (Machine machine =
                Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64 << 20))) {
            machine.memoryManager().kernelLock().lock();
            try {
                machine.addDrive('D');
                machine.addDrive('D');
                machine.addDrive('Z');
                ObjectNamespace names = machine.objectManager().namespace();
                ObjectNamespace.Lookup found = names.lookup("\\??\\d:\\notes.txt");
                assertEquals("\\Device\\HarddiskVolume4", names.path(found.body()));
                assertEquals("\\notes.txt", found.rest());
                assertEquals(
                        "\\Device\\HarddiskVolume5",
                        names.path(names.lookup("\\??\\Z:").body()));
                long system = machine.systemVolume();
                assertEquals(found.body(), machine.ioSystem().volumeOf("D:\\notes.txt", system));
                assertNotEquals(system, found.body());
                assertEquals(system, machine.ioSystem().volumeOf("C:\\notes.txt", system));
                assertEquals(system, machine.ioSystem().volumeOf("E:\\notes.txt", system));
            } finally {
                machine.memoryManager().kernelLock().unlock();
            }
            Checks.check("with drives", machine);
        }
    }
}
