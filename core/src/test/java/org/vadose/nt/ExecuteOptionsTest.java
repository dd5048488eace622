package org.vadose.nt;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vadose.base.NtStatus;
import org.vadose.layout.EprocessLayout;
import org.vadose.memory.PhysicalMemory;

/** Who is protected by which boot option, and who may change it. */
class ExecuteOptionsTest {
    private final PhysicalMemory memory = new PhysicalMemory(PhysicalMemory.MINIMUM_BYTES);
    private final Eprocess process = new Eprocess(memory, 0x10000);
    private final ExecuteOptions options = new ExecuteOptions(process);

    @ParameterizedTest
    @CsvSource({
        // policy,  64-bit, compatible, status,           set
        "ALWAYS_ON, true, true, PERMANENTLY_ON, INVALID",
        "ALWAYS_ON, false, false, PERMANENTLY_ON, DENIED",
        "ALWAYS_ON, false, true, PERMANENTLY_ON, DENIED",
        "OPT_IN, true, false, PERMANENTLY_ON, INVALID",
        "OPT_IN, false, true, PERMANENTLY_ON, DENIED",
        "OPT_IN, false, false, OFF, SUCCESS",
        "OPT_OUT, true, false, PERMANENTLY_ON, INVALID",
        "OPT_OUT, false, true, PERMANENTLY_ON, DENIED",
        "OPT_OUT, false, false, ON, SUCCESS",
        "ALWAYS_OFF, true, true, OFF, INVALID",
        "ALWAYS_OFF, false, true, OFF, DENIED",
        "ALWAYS_OFF, false, false, OFF, DENIED",
    })
    void whatTheBootOptionGives(
            NxPolicy policy, boolean is64Bit, boolean isCompatible, ExecuteOptions.Status status, String set) {
        memory.writeLong(process.address() + EprocessLayout.WO_W64_PROCESS, is64Bit ? 0 : 0x1000);
        options.initialize(policy, is64Bit, isCompatible);
        assertEquals(status, options.status());
        NtStatus expected = switch (set) {
            case "DENIED" -> NtStatus.ACCESS_DENIED;
            case "INVALID" -> NtStatus.INVALID_PARAMETER;
            default -> NtStatus.SUCCESS;
        };
        assertEquals(expected, options.set(ExecuteOptions.DISABLE | ExecuteOptions.PERMANENT));
        assertEquals(
                expected.isSuccess() ? ExecuteOptions.Status.PERMANENTLY_ON : status,
                options.status(),
                "what is not permanent can be made so");
    }

    @Test
    void onAndOffAtOnceIsRefused() {
        memory.writeLong(process.address() + EprocessLayout.WO_W64_PROCESS, 0x1000);
        options.initialize(NxPolicy.OPT_OUT, false, false);
        assertEquals(NtStatus.INVALID_PARAMETER, options.set(ExecuteOptions.DISABLE | ExecuteOptions.ENABLE));
        assertEquals(NtStatus.INVALID_PARAMETER, options.set(0x80));
        assertEquals(NtStatus.SUCCESS, options.set(ExecuteOptions.ENABLE));
        assertEquals("", options.status().text());
        assertEquals(NtStatus.SUCCESS, options.set(ExecuteOptions.DISABLE));
        assertEquals("DEP", options.status().text());
    }
}
