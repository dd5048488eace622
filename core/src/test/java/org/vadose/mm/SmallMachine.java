package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.check.Findings;
import org.vadose.check.MemoryCheck;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.SepTokenPrivilegesLayout;
import org.vadose.layout.TokenLayout;
import org.vadose.memory.Mmu;
import org.vadose.memory.Mmus;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Mitigations;
import org.vadose.nt.PoolType;
import org.vadose.pe.KernelImage;
import org.vadose.target.Target;

/** Memory management with nothing above it: a pool of whole pages and processes that nobody lists. */
final class SmallMachine {
    private final PhysicalMemory ram;
    private final Mmu mmu;
    private final MemoryManager manager;
    private final List<Eprocess> processes = new ArrayList<>();

    SmallMachine(long ramBytes, long seed) {
        this(ramBytes, 1, seed);
    }

    /** One processor, which is of the first of these nodes. */
    SmallMachine(long ramBytes, int nodes, long seed) {
        this(ramBytes, AddressSpaceRules.STANDARD, nodes, seed);
    }

    SmallMachine(long ramBytes, AddressSpaceRules rules, int nodes, long seed) {
        ram = new PhysicalMemory(ramBytes);
        mmu = new Mmu(ram, new X64PageTables());
        manager = MemoryManager.boot(new Mmus(mmu), rules, nodes, seed, KernelImage.build());
        manager.setPool(new PagePool(manager));
    }

    /** Gives every block pages of its own, with the number of pages and the kind of pool in a page before them. */
    private record PagePool(MemoryManager manager) implements Pool {
        @Override
        public long allocate(PoolType type, long sizeBytes, int tag) {
            long pages = Pages.count(sizeBytes) + 1;
            long block = manager.allocatePoolPages(type.isPaged(), pages);
            manager.kernelMemory().writeLong(block, pages << 1 | (type.isPaged() ? 1 : 0));
            return block + Pages.SIZE;
        }

        @Override
        public void free(long address) {
            long head = manager.kernelMemory().readLong(address - Pages.SIZE);
            manager.freePoolPages((head & 1) != 0, address - Pages.SIZE, head >>> 1);
        }
    }

    PhysicalMemory ram() {
        return ram;
    }

    MemoryManager manager() {
        return manager;
    }

    /** Adds a page file of fixed size. */
    void addPageFile(long pages, BackingStore store) {
        assertEquals(NtStatus.SUCCESS, manager.pageFiles().create("\\??\\C:\\pagefile.sys", pages, pages, 0, store));
    }

    /** Where the loaded address space maps an address. */
    long physicalAddress(long virtualAddress) {
        long entry = manager.kernelMemory().readLong(manager.selfMap().pte(virtualAddress));
        return entry & X64PageTables.FRAME_MASK;
    }

    /** Empties a process's working set and writes everything that is modified. */
    void pageOut(Eprocess process) {
        manager.balance().trim(process, Long.MAX_VALUE, Trimmer.Choice.ANY);
        manager.writeModifiedPages();
    }

    /** Gives every standby page to somebody else for a moment. */
    void repurposeAll() {
        PfnDatabase pfns = manager.pfns();
        long[] taken = new long[(int) pfns.availablePages()];
        for (int i = 0; i < taken.length; i++) {
            taken[i] = pfns.allocate(0, 0);
        }
        for (long frame : taken) {
            pfns.free(frame);
        }
    }

    void close() {
        manager.close();
        ram.close();
    }

    Eprocess newProcess(long id) {
        long address = manager.allocatePoolPages(false, Pages.count(EprocessLayout.SIZE));
        manager.kernelMemory().writeLong(address + KprocessLayout.DIRECTORY_TABLE_BASE, manager.createAddressSpace());
        manager.kernelMemory().writeLong(address + EprocessLayout.UNIQUE_PROCESS_ID, id);
        Eprocess process = new Eprocess(manager.kernelMemory(), address);
        process.setUserEnd(manager.rules().userSpace().end());
        new Mitigations(process).setLayout(true, true, false);
        processes.add(process);
        return process;
    }

    /** Gives a process a token that holds these privileges, enabled, and nothing else. */
    void giveToken(Eprocess process, long privileges) {
        long token = manager.allocatePoolPages(false, Pages.count(TokenLayout.SIZE));
        long at = token + TokenLayout.PRIVILEGES;
        manager.kernelMemory().writeLong(at + SepTokenPrivilegesLayout.PRESENT, privileges);
        manager.kernelMemory().writeLong(at + SepTokenPrivilegesLayout.ENABLED, privileges);
        manager.kernelMemory().writeLong(process.address() + EprocessLayout.TOKEN, token);
    }

    void end(Eprocess process) {
        manager.deleteAddressSpace(process);
        processes.remove(process);
    }

    /** Every invariant holds. */
    void check(String when) {
        Findings findings = findings();
        assertTrue(findings.isEmpty(), () -> when + ": " + findings);
    }

    /** Something was spoilt: the check says so in these words. */
    void assertFound(String part) {
        Findings findings = findings();
        assertTrue(findings.toString().contains(part), findings::toString);
    }

    private Findings findings() {
        Target target = new Target(
                "test", ram, ram.sizeBytes(), mmu.format(), manager.systemRoot(), manager.kernelBase(), List.of());
        Findings findings = new Findings();
        new MemoryCheck(target, findings)
                .run(processes.stream().mapToLong(Eprocess::address).toArray());
        return findings;
    }
}
