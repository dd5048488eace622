package org.vadose.win32.crt;

import org.vadose.win32.ApiModule;
import org.vadose.win32.exception.ExceptionFunctions;

/** Puts {@code msvcrt.dll} together. */
public final class CrtModule {
    private CrtModule() {}

    public static ApiModule create() {
        ApiModule msvcrt = new ApiModule("msvcrt.dll");
        StartupFunctions.addTo(msvcrt);
        StartupFunctions.addPrivateData(msvcrt);
        StreamFunctions.addTo(msvcrt);
        PrintFunctions.addTo(msvcrt);
        RuntimeErrors.addTo(msvcrt);
        SignalFunctions.addTo(msvcrt);
        EnvironmentFunctions.addTo(msvcrt);
        MemoryFunctions.addTo(msvcrt);
        StackFunctions.addTo(msvcrt);
        Characters.addTo(msvcrt);
        StringFunctions.addTo(msvcrt);
        WideFunctions.addTo(msvcrt);
        ConversionFunctions.addTo(msvcrt);
        SortFunctions.addTo(msvcrt);
        MathFunctions.addTo(msvcrt);
        TimeFunctions.addTo(msvcrt);
        FileFunctions.addTo(msvcrt);
        ScanFunctions.addTo(msvcrt);
        ProcessFunctions.addTo(msvcrt);
        ThreadFunctions.addTo(msvcrt);
        ErrorFunctions.addTo(msvcrt);
        PathFunctions.addTo(msvcrt);
        SafeFunctions.addTo(msvcrt);
        ExceptionFunctions.addToRuntime(msvcrt);
        OtherNames.addTo(msvcrt);
        return msvcrt;
    }
}
