package org.vadose.win32.kernel32;

import org.vadose.win32.ApiModule;
import org.vadose.win32.exception.ExceptionFunctions;
import org.vadose.win32.loader.Loader;

/** The system DLLs' exports, put together from the classes that hold them. */
public final class SystemDlls {
    private SystemDlls() {}

    /** Adds to {@code ntdll.dll} all but its heap. */
    public static void addToNtdll(ApiModule ntdll) {
        Loader.addExports(ntdll);
        AffinityFunctions.addToNtdll(ntdll);
        ErrorModes.addToNtdll(ntdll);
        ExceptionFunctions.addToNtdll(ntdll);
        FileLockFunctions.addToNtdll(ntdll);
        FileServices.addTo(ntdll);
        LockFunctions.addToNtdll(ntdll);
        MemoryConditionFunctions.addToNtdll(ntdll);
        MemoryFunctions.addToNtdll(ntdll);
        ModuleFunctions.addToNtdll(ntdll);
        ProcessFunctions.addToNtdll(ntdll);
        ProcessInformation.addToNtdll(ntdll);
        RtlFunctions.addTo(ntdll);
        CompressionFunctions.addTo(ntdll);
        SystemQueries.addTo(ntdll);
        SystemSettings.addTo(ntdll);
        SectionFunctions.addToNtdll(ntdll);
        SpecialMemoryFunctions.addToNtdll(ntdll);
        ThreadInformation.addToNtdll(ntdll);
        TokenFunctions.addToNtdll(ntdll);
        WorkingSetFunctions.addToNtdll(ntdll);
    }

    /** Adds to {@code advapi32.dll}: access tokens. */
    public static void addToAdvapi32(ApiModule advapi32) {
        TokenFunctions.addTo(advapi32);
    }

    /** Adds to {@code kernel32.dll} or {@code kernelbase.dll} all but its heap. */
    public static void addToKernel32(ApiModule kernel32) {
        AffinityFunctions.addTo(kernel32);
        AttributeLists.addTo(kernel32);
        ConsoleFunctions.addTo(kernel32);
        EnvironmentFunctions.addTo(kernel32);
        ErrorModes.addTo(kernel32);
        ExceptionFunctions.addToKernel32(kernel32);
        FileCacheFunctions.addTo(kernel32);
        FileFunctions.addTo(kernel32);
        FileLockFunctions.addTo(kernel32);
        FileMappingFunctions.addTo(kernel32);
        FindFunctions.addTo(kernel32);
        HandleFunctions.addTo(kernel32);
        LocaleFunctions.addTo(kernel32);
        LockFunctions.addTo(kernel32);
        MemoryConditionFunctions.addTo(kernel32);
        MemoryFunctions.addTo(kernel32);
        MessageFunctions.addTo(kernel32);
        ModuleFunctions.addTo(kernel32);
        NumaFunctions.addTo(kernel32);
        PerformanceFunctions.addTo(kernel32);
        PolicyFunctions.addTo(kernel32);
        PriorityFunctions.addTo(kernel32);
        ProcessCreation.addTo(kernel32);
        ProcessFunctions.addTo(kernel32);
        ProcessModules.addTo(kernel32);
        ProcessSettings.addTo(kernel32);
        RegionFunctions.addTo(kernel32);
        RtlFunctions.addToKernel32(kernel32);
        SpecialMemoryFunctions.addTo(kernel32);
        StorageFunctions.addTo(kernel32);
        SynchronizationObjects.addTo(kernel32);
        SystemInformation.addTo(kernel32);
        TextFunctions.addTo(kernel32);
        ThreadDescriptions.addTo(kernel32);
        TimeFunctions.addTo(kernel32);
        VolumeFunctions.addTo(kernel32);
        WaitFunctions.addTo(kernel32);
        WorkingSetFunctions.addTo(kernel32);
        MemoryPriorityFunctions.addTo(kernel32);
    }

    /** {@code psapi.dll}: other names of functions of kernel32. */
    public static ApiModule psapi() {
        ApiModule psapi = new ApiModule("psapi.dll");
        ApiModule kernel32 = new ApiModule("kernel32.dll");
        addToKernel32(kernel32);
        for (ApiModule.Export export : kernel32.exports()) {
            if (export.name().startsWith("K32")) {
                psapi.forward(export.name().substring(3), "KERNEL32." + export.name());
            }
        }
        return psapi;
    }
}
