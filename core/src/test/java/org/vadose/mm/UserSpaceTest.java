package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Mitigations;
import org.vadose.nt.UserSpace;
import org.vadose.pe.PeBuilder;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;

/** Address spaces of every size that Windows has given to processes. */
class UserSpaceTest {
    private static final int COMMIT = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
    private static final int READ_WRITE = 4;

    private final SmallMachine machine = new SmallMachine(32L << 20, 5);
    private final VirtualMemoryServices services = machine.manager().virtualMemory();

    @AfterEach
    void close() {
        machine.close();
    }

    @Test
    void theRuleOfTheSizes() {
        assertEquals(UserSpace.GB_2, UserSpace.of32Bit(false, false, true));
        assertEquals(UserSpace.GB_2, UserSpace.of32Bit(true, false, false));
        assertEquals(UserSpace.GB_3, UserSpace.of32Bit(true, false, true));
        assertEquals(UserSpace.GB_2, UserSpace.of32Bit(false, true, false));
        assertEquals(UserSpace.GB_4, UserSpace.of32Bit(true, true, false));
        assertEquals(UserSpace.TB_8, UserSpace.of64Bit(UserSpace.TB_8, true));
        assertEquals(UserSpace.TB_128, UserSpace.of64Bit(UserSpace.TB_128, true));
        assertEquals(UserSpace.GB_2, UserSpace.of64Bit(UserSpace.TB_128, false));
        assertThrows(IllegalArgumentException.class, () -> UserSpace.of64Bit(UserSpace.GB_4, true));
        assertEquals(0x7FFE_FFFFL, UserSpace.GB_2.highest());
        assertEquals(0xBFFE_FFFFL, UserSpace.GB_3.highest());
        assertEquals(0xFFFE_FFFFL, UserSpace.GB_4.highest());
        assertEquals(0x7FF_FFFE_FFFFL, UserSpace.TB_8.highest());
        assertEquals(0x7FFF_FFFE_FFFFL, UserSpace.TB_128.highest());
        assertEquals(UserSpace.TB_8, UserSpace.ofEdition("8 tb"));
        assertThrows(IllegalArgumentException.class, () -> UserSpace.ofEdition("3GB"));
    }

    @ParameterizedTest
    @EnumSource(UserSpace.class)
    void nothingLiesAboveTheEnd(UserSpace space) {
        Eprocess process = process(space);
        assertEquals(NtStatus.INVALID_PARAMETER_2, allocate(process, space.end(), Pages.SIZE, 0));
        assertEquals(NtStatus.INVALID_PARAMETER_2, allocate(process, -Pages.GRANULARITY, Pages.SIZE, 0));
        assertEquals(
                NtStatus.INVALID_PARAMETER_4,
                allocate(process, space.end() - Pages.GRANULARITY, Pages.GRANULARITY + 1, 0));
        assertEquals(NtStatus.SUCCESS, allocate(process, space.end() - Pages.GRANULARITY, Pages.GRANULARITY, 0));
        VirtualMemoryServices.BasicInformation information = new VirtualMemoryServices.BasicInformation();
        assertEquals(NtStatus.SUCCESS, services.query(process, space.highest(), information));
        assertEquals(space.end(), information.baseAddress + information.regionSizeBytes);
        assertEquals(NtStatus.INVALID_PARAMETER, services.query(process, space.end(), information));
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = space.end();
        assertEquals(NtStatus.INVALID_PARAMETER_2, services.free(process, region, VirtualMemoryServices.MEM_RELEASE));
        machine.check("at the end of " + space);
        machine.end(process);
    }

    @ParameterizedTest
    @EnumSource(UserSpace.class)
    void searchesEndThere(UserSpace space) {
        Eprocess process = process(space);
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.sizeBytes = 3 * Pages.GRANULARITY;
        assertEquals(
                NtStatus.SUCCESS,
                services.allocate(process, region, 0, COMMIT | VirtualMemoryServices.MEM_TOP_DOWN, READ_WRITE));
        long end = region.base + region.sizeBytes;
        assertTrue(end <= space.end() && end > space.end() - 256 * Pages.GRANULARITY);
        assertEquals(NtStatus.SUCCESS, allocate(process, space.end() - Pages.GRANULARITY, Pages.GRANULARITY, COMMIT));
        machine.manager().attached(process, () -> {
            machine.manager().mmu().user().writeByte(space.highest(), (byte) 1);
            assertThrows(MemoryFault.class, () -> machine.manager().mmu().user().readByte(space.end()));
            return null;
        });
        // All of a small space can be reserved, and then there is no more.
        if (space.end() < 1L << 32) {
            long taken = 0;
            for (long size = 1L << 30; size >= Pages.GRANULARITY; size >>= 1) {
                while (allocate(process, 0, size, 0).isSuccess()) {
                    taken += size;
                }
            }
            assertEquals(space.end() - VirtualMemoryServices.LOWEST_USER - 4 * Pages.GRANULARITY, taken);
            assertEquals(NtStatus.NO_MEMORY, allocate(process, 0, Pages.SIZE, 0));
        }
        machine.check("searches in " + space);
        machine.end(process);
    }

    /** From the top down every place can be had, those above where the search begins last. */
    @Test
    void theSearchDownwardsGoesRound() {
        Eprocess process = process(UserSpace.GB_2);
        long taken = 0;
        long last = Long.MAX_VALUE;
        boolean wentRound = false;
        for (long size = 1L << 26; size >= Pages.GRANULARITY; size >>= 1) {
            VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
            int type = VirtualMemoryServices.MEM_RESERVE | VirtualMemoryServices.MEM_TOP_DOWN;
            for (region.sizeBytes = size;
                    services.allocate(process, region, 0, type, READ_WRITE).isSuccess();
                    region.base = 0) {
                taken += size;
                wentRound |= region.base > last;
                last = region.base;
            }
        }
        assertEquals(UserSpace.GB_2.end() - VirtualMemoryServices.LOWEST_USER, taken);
        assertTrue(wentRound);
        machine.check("full");
        machine.end(process);
    }

    @ParameterizedTest
    @CsvSource({"true,true,131072", "false,true,256", "false,false,1"})
    void theTopIsDrawnForEachProcess(boolean highEntropy, boolean randomized, int places) {
        int draws = 60;
        Set<Long> tops = new HashSet<>();
        for (int i = 0; i < draws; i++) {
            Eprocess process = machine.newProcess(0x100 + 4 * i);
            new Mitigations(process).setLayout(highEntropy, randomized, false);
            VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
            region.sizeBytes = Pages.GRANULARITY;
            int type = VirtualMemoryServices.MEM_RESERVE | VirtualMemoryServices.MEM_TOP_DOWN;
            assertEquals(NtStatus.SUCCESS, services.allocate(process, region, 0, type, READ_WRITE));
            long below = process.userEnd() - region.base - region.sizeBytes;
            assertTrue(below >= 0 && below < places * Pages.GRANULARITY, () -> "below=" + below);
            tops.add(below);
            // The next one lies right below, as long as there is room.
            long first = region.base;
            region.base = 0;
            assertEquals(NtStatus.SUCCESS, services.allocate(process, region, 0, type, READ_WRITE));
            assertEquals(first - Pages.GRANULARITY, region.base);
            machine.end(process);
        }
        int distinct = tops.size();
        assertTrue(places == 1 ? distinct == 1 : distinct > draws * 3 / 4, () -> "distinct=" + distinct);
    }

    @Test
    void addressesThatAreNotCanonicalAreNobodys() {
        Eprocess process = process(UserSpace.TB_128);
        for (long address : new long[] {0x8000_0000_0000L, 0x1234_5678_9ABC_DEF0L, 0xFFFF_7FFF_FFFF_FFFFL}) {
            assertTrue(!Pages.isCanonical(address));
            assertEquals(NtStatus.INVALID_PARAMETER_2, allocate(process, address, Pages.SIZE, 0));
        }
        machine.end(process);
    }

    @Test
    void regionsBeginWhereTheProcessWasMadeToBegin() {
        Eprocess fixed = machine.newProcess(0x40);
        new Mitigations(fixed).setLayout(false, false, false);
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.sizeBytes = Pages.SIZE;
        assertEquals(NtStatus.SUCCESS, services.allocate(fixed, region, 0, COMMIT, READ_WRITE));
        assertEquals(VirtualMemoryServices.LOWEST_USER, region.base);
        Eprocess classic = machine.newProcess(0x44);
        new Mitigations(classic).setLayout(false, true, false);
        region.base = 0;
        assertEquals(NtStatus.SUCCESS, services.allocate(classic, region, 0, COMMIT, READ_WRITE));
        assertTrue(region.base < VirtualMemoryServices.LOWEST_USER + 256 * Pages.GRANULARITY);
        Eprocess high = machine.newProcess(0x48);
        region.base = 0;
        assertEquals(NtStatus.SUCCESS, services.allocate(high, region, 0, COMMIT, READ_WRITE));
        assertTrue(region.base >= 1L << 40 && region.base < 1L << 41);
        machine.end(fixed);
        machine.end(classic);
        machine.end(high);
    }

    /** What a process that forces relocation makes of images that were not linked to be moved. */
    @Test
    void imagesAreForcedToMove() {
        Eprocess plain = machine.newProcess(0x40);
        Eprocess forcing = machine.newProcess(0x44);
        new Mitigations(forcing).setAslr(Mitigations.FORCE_RELOCATE);
        Eprocess strict = machine.newProcess(0x48);
        new Mitigations(strict).setAslr(Mitigations.FORCE_RELOCATE | Mitigations.NO_STRIPPED);
        long linked = 0x6000_0000L;
        long unwilling = section(linked, 0, false);
        long stripped = section(linked + (1 << 20), 0, true);
        long willing = section(linked, PeFormat.DLL_DYNAMIC_BASE, false);
        assertEquals(linked, map(plain, unwilling).base());
        assertNotEquals(linked, map(forcing, unwilling).base());
        assertEquals(NtStatus.IMAGE_NOT_AT_BASE, map(strict, unwilling).status());
        assertEquals(linked + (1 << 20), map(plain, stripped).base());
        assertEquals(linked + (1 << 20), map(forcing, stripped).base());
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, map(strict, stripped).status());
        // One that has a base of the system's is as good as moved.
        assertEquals(map(plain, willing).base(), map(forcing, willing).base());
        machine.check("moved");
        machine.end(plain);
        machine.end(forcing);
        machine.end(strict);
        for (long area : new long[] {unwilling, stripped, willing}) {
            machine.manager().sections().dereference(area);
        }
        machine.check("gone");
    }

    private long section(long linked, int dllCharacteristics, boolean stripped) {
        PeBuilder builder = new PeBuilder(linked, 1).dll().dllCharacteristics(dllCharacteristics);
        builder.add(".text", PeFormat.SCN_CNT_CODE | PeFormat.SCN_MEM_EXECUTE | PeFormat.SCN_MEM_READ, new byte[16]);
        byte[] file = builder.toFile();
        // Characteristics stand 22 bytes behind the signature.
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int at = bytes.getInt(0x3C) + 22;
        bytes.putShort(at, (short) (bytes.getShort(at) | (stripped ? PeFormat.FILE_RELOCS_STRIPPED : 0)));
        return machine.manager().sections().create(PeImage.ofFile(file), "a.dll", 0);
    }

    private ImageSections.View map(Eprocess process, long area) {
        return machine.manager().sections().map(process, area);
    }

    private Eprocess process(UserSpace space) {
        Eprocess process = machine.newProcess(0x100);
        process.setUserEnd(space.end());
        new Mitigations(process).setLayout(false, true, false);
        return process;
    }

    private NtStatus allocate(Eprocess process, long base, long sizeBytes, int type) {
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = base;
        region.sizeBytes = sizeBytes;
        return services.allocate(process, region, 0, VirtualMemoryServices.MEM_RESERVE | type, READ_WRITE);
    }
}
