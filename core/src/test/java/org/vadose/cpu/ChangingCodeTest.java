package org.vadose.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.X64PageTables;

/** Code that is written to, or gets other frames, while it runs or between two runs. */
class ChangingCodeTest {
    private static final long CODE = GuestMachine.CODE;
    private static final long SECOND = CODE + Pages.SIZE;
    private static final long ELSEWHERE = 0x50_0000;
    private static final long USER_WRITE = X64PageTables.PRESENT | X64PageTables.USER | X64PageTables.WRITE;

    private final GuestMachine machine = GuestMachine.withPages();

    @AfterEach
    void close() {
        machine.close();
    }

    private long run(long at) {
        machine.cpu.setRip(at);
        assertEquals(CpuExit.SYSCALL, machine.cpu.run(100));
        return machine.cpu.gpr(Registers.RAX);
    }

    @Test
    void writesToTheNextInstruction() {
        // mov byte ptr [rip+1],22h; mov eax,11h; syscall
        machine.code(0xC6, 0x05, 1, 0, 0, 0, 0x22, 0xB8, 0x11, 0, 0, 0, 0x0F, 0x05);
        assertEquals(0x22, run(CODE));
        machine.poke(CODE + 8, 0x11);
        assertEquals(0x22, run(CODE));
    }

    @Test
    void seesWhatWasWrittenBetweenTwoRuns() {
        machine.code(0xB8, 0x11, 0, 0, 0, 0x0F, 0x05);
        assertEquals(0x11, run(CODE));
        machine.mmu.user().writeByte(CODE + 1, (byte) 0x22);
        assertEquals(0x22, run(CODE));
        machine.mmu.kernel().writeByte(CODE + 1, (byte) 0x33);
        assertEquals(0x33, run(CODE));
        machine.ram.writeByte(machine.frameAddress(CODE) + 1, (byte) 0x44);
        assertEquals(0x44, run(CODE));
    }

    /** mov eax,imm32 with two bytes on the second page, and a syscall behind it. */
    private void straddle(int value) {
        machine.poke(SECOND - 3, 0xB8, value, 0, 0, 0, 0x0F, 0x05);
    }

    /** The second page is absent until it is fetched; meanwhile something happens. */
    private void whenTheSecondPageIsFetched(Runnable something) {
        machine.protect(SECOND, 0);
        machine.mmu.setFaultHandler((address, code) -> {
            something.run();
            machine.writable(SECOND);
            return NtStatus.SUCCESS;
        });
    }

    @Test
    void firstPageGetsAnotherFrameWhileTheSecondIsFetched() {
        straddle(0x11);
        whenTheSecondPageIsFetched(() -> {
            machine.mapTo(CODE, ELSEWHERE, USER_WRITE);
            machine.mmu.invalidatePage(CODE);
            straddle(0x22);
        });
        assertEquals(0x22, run(SECOND - 3));
        assertEquals(0x22, run(SECOND - 3));
    }

    @Test
    void firstPageOfKnownCodeGetsAnotherFrameWhileTheSecondIsFetched() {
        straddle(0x11);
        assertEquals(0x11, run(SECOND - 3));
        whenTheSecondPageIsFetched(() -> {
            machine.mapTo(CODE, ELSEWHERE, USER_WRITE);
            machine.mmu.invalidatePage(CODE);
            straddle(0x22);
        });
        assertEquals(0x22, run(SECOND - 3));
    }

    @Test
    void whatIsWrittenDuringTranslationIsSeenTheNextTime() {
        straddle(0x11);
        whenTheSecondPageIsFetched(() -> machine.poke(SECOND - 2, 0x22));
        run(SECOND - 3);
        assertEquals(0x22, run(SECOND - 3));
    }

    @Test
    void knownCodeIsWrittenWhileItsSecondPageIsFetched() {
        straddle(0x11);
        assertEquals(0x11, run(SECOND - 3));
        whenTheSecondPageIsFetched(() -> machine.poke(SECOND - 2, 0x22));
        run(SECOND - 3);
        assertEquals(0x22, run(SECOND - 3));
    }
}
