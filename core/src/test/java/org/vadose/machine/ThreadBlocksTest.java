package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.TebLayout;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.AslrPolicy;
import org.vadose.nt.Eprocess;
import org.vadose.nt.UserSpace;
import org.vadose.nt.WaitReason;
import org.vadose.ps.Account;
import org.vadose.ps.ProcessManager;
import org.vadose.ps.UserProcess;
import org.vadose.ps.UserProcessSpec;
import org.vadose.ps.UserThread;

/** Where the TEBs of many threads go: behind the PEB while there is room in its region, then to regions of their own. */
class ThreadBlocksTest {
    private static final String PATH = "C:\\Windows\\System32\\smss.exe";
    private static final int THREADS = 300;
    private static final long TEB_BYTES = Pages.up(TebLayout.SIZE);

    private static UserProcess create(Machine machine) {
        SystemImages.Image program = machine.images().program(PATH);
        return machine.processManager()
                .createUserProcess(new UserProcessSpec(
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
    }

    /** The policies differ in whether the PEB's region begins at a multiple of its size. */
    @ParameterizedTest
    @EnumSource(AslrPolicy.class)
    void threeHundredThreadsHaveTheirOwn(AslrPolicy policy) {
        for (int seed = 1; seed <= 3; seed++) {
            try (Machine machine = Machine.boot(MachineConfig.standard()
                    .withBare(true)
                    .withRamBytes(128L << 20)
                    .withSeed(seed)
                    .withRules(new AddressSpaceRules(UserSpace.TB_128, policy)))) {
                machine.memoryManager().kernelLock().lock();
                try {
                    makeAndEnd(machine);
                } finally {
                    machine.memoryManager().kernelLock().unlock();
                }
            }
        }
    }

    private static void makeAndEnd(Machine machine) {
        ProcessManager processes = machine.processManager();
        UserProcess made = create(machine);
        Eprocess process = made.process();
        VirtualMemoryServices services = machine.memoryManager().virtualMemory();
        VirtualMemoryServices.BasicInformation peb = new VirtualMemoryServices.BasicInformation();
        assertEquals(NtStatus.SUCCESS, services.query(process, process.peb(), peb));
        Set<Long> tebs = new HashSet<>();
        int behindPeb = 0;
        for (int i = 0; i < THREADS; i++) {
            UserThread thread =
                    processes.createUserThread(process, made.ntdllBase(), 0, 0x10000, 0x1000, WaitReason.EXECUTIVE, 0);
            assertTrue(tebs.add(thread.teb()));
            VirtualMemoryServices.BasicInformation block = new VirtualMemoryServices.BasicInformation();
            assertEquals(NtStatus.SUCCESS, services.query(process, thread.teb(), block));
            assertEquals(VirtualMemoryServices.MEM_COMMIT, block.state);
            assertTrue(block.regionSizeBytes >= TEB_BYTES);
            behindPeb += block.allocationBase == peb.allocationBase ? 1 : 0;
        }
        // The PEB is in the first quarter of 512 pages; a TEB has two.
        assertTrue(behindPeb >= 190 && behindPeb < 256, "behindPeb=" + behindPeb);
        Checks.check("many threads", machine);
        processes.exitProcess(process, 0);
        Checks.check("ended", machine);
    }
}
