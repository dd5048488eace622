package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.vadose.win32.ApiModule;
import org.vadose.win32.loader.BuiltinDlls;

/**
 * The functions for memory that programs call: each is exported by the DLL it belongs to, and each has rows in a table of
 * {@code examples/tests/errors_*.c}, at least one of them for a failure unless it has none.
 */
class ApiTablesTest {
    private static final Path PROGRAMS = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests");

    private static final String KERNEL32 = """
            VirtualAlloc VirtualAllocEx VirtualAllocExNuma VirtualAlloc2 VirtualAllocFromApp VirtualAlloc2FromApp
            VirtualFree VirtualFreeEx VirtualProtect VirtualProtectEx VirtualProtectFromApp VirtualQuery VirtualQueryEx
            QueryVirtualMemoryInformation VirtualLock VirtualUnlock GetWriteWatch ResetWriteWatch
            OfferVirtualMemory ReclaimVirtualMemory DiscardVirtualMemory PrefetchVirtualMemory
            CreateFileMappingA CreateFileMappingW CreateFileMapping2 CreateFileMappingFromApp CreateFileMappingNumaA
            OpenFileMappingA OpenFileMappingW OpenFileMappingFromApp MapViewOfFile MapViewOfFileEx MapViewOfFile3
            MapViewOfFile3FromApp MapViewOfFileFromApp MapViewOfFileExNuma MapViewOfFileNuma2
            UnmapViewOfFile UnmapViewOfFileEx UnmapViewOfFile2 FlushViewOfFile
            GetProcessWorkingSetSize SetProcessWorkingSetSize GetProcessWorkingSetSizeEx SetProcessWorkingSetSizeEx
            GetSystemFileCacheSize SetSystemFileCacheSize
            CreateMemoryResourceNotification QueryMemoryResourceNotification
            AllocateUserPhysicalPages AllocateUserPhysicalPagesNuma AllocateUserPhysicalPages2
            MapUserPhysicalPages MapUserPhysicalPagesScatter FreeUserPhysicalPages SetProcessValidCallTargets
            GetMemoryErrorHandlingCapabilities RegisterBadMemoryNotification UnregisterBadMemoryNotification
            OpenDedicatedMemoryPartition QueryPartitionInformation ReadProcessMemory WriteProcessMemory
            GlobalMemoryStatusEx GetProcessMitigationPolicy SetProcessMitigationPolicy
            SetProcessDEPPolicy GetProcessDEPPolicy SetThreadStackGuarantee
            CreateProcessA CreateProcessW CreateThread CreateEventA CreateMutexA DuplicateHandle
            """;

    /** They cannot fail. */
    private static final String WITHOUT_FAILURE =
            "GetLargePageMinimum GetSystemInfo GetNativeSystemInfo GetSystemDEPPolicy CreateEventW";

    private static final String PSAPI = """
            GetPerformanceInfo GetProcessMemoryInfo QueryWorkingSet QueryWorkingSetEx GetMappedFileNameA GetMappedFileNameW
            EnumProcesses EnumProcessModules GetModuleInformation GetModuleBaseNameA GetProcessImageFileNameA
            """;
    private static final String ADVAPI32 =
            "OpenProcessToken LookupPrivilegeValueA LookupPrivilegeValueW AdjustTokenPrivileges";
    private static final String NTDLL = """
            NtQueryVirtualMemory NtCreateFile NtOpenFile NtReadFile NtWriteFile NtFlushBuffersFile NtQueryInformationFile
            NtSetInformationFile NtQueryInformationProcess NtSetInformationProcess NtQuerySystemInformation
            NtSetSystemInformation NtClose
            """;

    private final BuiltinDlls dlls = ProgramRunner.builtinDlls();
    private final List<String> missing = new ArrayList<>();

    @Test
    void everyFunctionIsExportedAndHasItsRows() throws IOException {
        String rows = rows();
        check("kernel32.dll", KERNEL32, rows, true);
        check("kernel32.dll", WITHOUT_FAILURE, rows, false);
        check("psapi.dll", PSAPI, rows, true);
        check("advapi32.dll", ADVAPI32, rows, true);
        check("ntdll.dll", NTDLL, rows, true);
        assertEquals(List.of(), missing);
    }

    @Test
    void everyTableIsRun() throws IOException {
        for (Path table : tables()) {
            String name = table.getFileName().toString().replace(".c", "");
            assertTrue(Files.exists(PROGRAMS.resolve(name + ".exe")), name);
            assertTrue(Files.readString(PROGRAMS.resolve("expected/" + name + ".txt"))
                    .contains("\n0 differ from the documentation\n"));
        }
    }

    private static List<Path> tables() throws IOException {
        try (Stream<Path> files = Files.list(PROGRAMS)) {
            return files.filter(f -> f.getFileName().toString().matches("errors_\\w+\\.c"))
                    .sorted()
                    .toList();
        }
    }

    private static String rows() throws IOException {
        StringBuilder rows = new StringBuilder();
        for (Path table : tables()) {
            Files.readString(table)
                    .lines()
                    .filter(line -> line.matches("\\s*(ROW|FAILS|RETURNS)\\(.*"))
                    .forEach(line -> rows.append(line).append('\n'));
        }
        return rows.toString();
    }

    private void check(String dll, String functions, String rows, boolean fails) {
        ApiModule module = dlls.table().module(dll);
        for (String function : functions.strip().split("\\s+")) {
            if (module == null || module.export(function) == null) {
                missing.add(dll + " does not export " + function);
            }
            String call = ".*[^\\w]" + function + "\\(.*\n";
            if (!Pattern.compile(call).matcher(rows).find()) {
                missing.add("no row for " + function);
            } else if (fails
                    && !Pattern.compile("(?m)^\\s*(FAILS\\(|(ROW|RETURNS)\\((?!0,))" + call)
                            .matcher(rows)
                            .find()) {
                missing.add("no row for a failure of " + function);
            }
        }
    }
}
