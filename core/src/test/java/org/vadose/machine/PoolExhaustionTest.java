package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.ResourcesException;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.Memory;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Eprocess;
import org.vadose.nt.HandleTable;
import org.vadose.nt.WaitReason;
import org.vadose.ob.KnownType;
import org.vadose.ps.Account;
import org.vadose.ps.ProcessManager;
import org.vadose.ps.ThreadSpec;
import org.vadose.ps.UserProcess;
import org.vadose.ps.UserProcessSpec;

/**
 * Whichever allocation fails while a process, a thread or an object is made: the answer is a status, or another way was found, and in the
 * end nothing is left of it.
 */
class PoolExhaustionTest {
    private static final String PATH = "C:\\Windows\\System32\\smss.exe";

    private final Machine machine =
            Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64L << 20));
    private final ProcessManager processes = machine.processManager();

    @AfterEach
    void close() {
        machine.close();
    }

    @Test
    void eventIsMadeOrNot() {
        everyAllocationFailsOnce(() -> {
            long event = processes.createEvent(DispatcherHeader.NOTIFICATION_EVENT, "Global name");
            machine.objectManager().dereference(event);
        });
    }

    @Test
    void threadIsMadeOrNot() {
        everyAllocationFailsOnce(() -> {
            long event = processes.createEvent(DispatcherHeader.NOTIFICATION_EVENT, "");
            try {
                processes.exitThread(
                        processes.createThread(
                                processes.system(),
                                ThreadSpec.system(machine.kernelBase(), 8, WaitReason.EXECUTIVE, event)),
                        0);
            } finally {
                machine.objectManager().dereference(event);
            }
        });
    }

    @Test
    void processIsMadeOrNot() {
        SystemImages.Image program = machine.images().program(PATH);
        everyAllocationFailsOnce(() -> {
            UserProcess made = processes.createUserProcess(new UserProcessSpec(
                    PATH,
                    "\\Device\\HarddiskVolume2\\Windows\\System32\\smss.exe",
                    "smss.exe",
                    "C:\\Windows\\System32\\",
                    StandardEnvironment.of(Account.SYSTEM, 1),
                    4,
                    0,
                    Account.SYSTEM,
                    8,
                    program.image(),
                    program.controlArea(),
                    program.file(),
                    machine.images().ntdll().controlArea()));
            Eprocess process = made.process();
            try {
                processes.createUserThread(process, made.ntdllBase(), 0, 0x10000, 0x1000, WaitReason.EXECUTIVE, 0);
            } finally {
                processes.exitProcess(process, 0);
            }
        });
    }

    private void everyAllocationFailsOnce(Runnable work) {
        machine.memoryManager().kernelLock().lock();
        try {
            work.run();
            String before = state();
            for (int which = 0; ; which++) {
                int[] left = {which};
                machine.pool().refuse(() -> left[0]-- == 0);
                try {
                    work.run();
                } catch (ResourcesException exhausted) {
                    assertTrue(!exhausted.status().isSuccess(), () -> "status=" + exhausted.status());
                } finally {
                    machine.pool().refuse(null);
                }
                assertEquals(before, state(), "allocation " + which);
                Checks.check("allocation " + which, machine);
                if (left[0] >= 0) {
                    assertTrue(which > 0);
                    return;
                }
            }
        } finally {
            machine.memoryManager().kernelLock().unlock();
        }
    }

    /** What must be the same again: ids, objects of each kind, processes. */
    private String state() {
        Memory memory = machine.memoryManager().kernelMemory();
        StringBuilder text = new StringBuilder();
        for (KnownType type : new KnownType[] {
            KnownType.EVENT, KnownType.THREAD, KnownType.PROCESS, KnownType.TOKEN, KnownType.SECTION, KnownType.FILE
        }) {
            long body = machine.objectManager().typeBody(type);
            text.append(type)
                    .append('=')
                    .append(memory.readInt(body + org.vadose.layout.ObjectTypeLayout.TOTAL_NUMBER_OF_OBJECTS))
                    .append(' ');
        }
        HandleTable cids = new HandleTable(memory, memory.readLong(machine.kernelBase() + KernelSymbols.PSP_CID_TABLE));
        return text + "ids=" + cids.handleCount() + " processes="
                + processes.processes().size();
    }
}
