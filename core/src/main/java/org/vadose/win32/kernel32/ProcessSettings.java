package org.vadose.win32.kernel32;

import java.nio.charset.Charset;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * What a process sets for itself and Windows keeps outside the kernel: in kernelbase's own variables, or in the subsystem's process
 * (the order of shutting down).
 */
final class ProcessSettings {
    private static final int ERROR_ACCESS_DENIED = 5;
    private static final int ERROR_INVALID_PARAMETER = 87;

    private static final int SAFE_SEARCH = 0x1;
    private static final int UNSAFE_SEARCH = 0x1_0000;
    private static final int PERMANENT = 0x8000;

    private static final int DEFAULT_SHUTDOWN_LEVEL = 0x280;
    private static final int HIGHEST_SHUTDOWN_LEVEL = 0x4FF;
    private static final int SHUTDOWN_NO_RETRY = 1;

    // EXECUTION_STATE
    private static final int CONTINUOUS = 0x8000_0000;
    private static final int AWAY_MODE = 0x40;
    private static final int EXECUTION_STATES = CONTINUOUS | AWAY_MODE | 0x3;

    private boolean searchesSafely;
    private boolean searchIsPermanent;
    private int shutdownLevel = DEFAULT_SHUTDOWN_LEVEL;
    private int shutdownFlags;
    private boolean usesOem;

    /** What a thread asks the system to stay awake for. */
    private static final class ThreadState {
        private int execution = CONTINUOUS;
    }

    private ProcessSettings() {}

    static ProcessSettings of(ApiCall call) {
        return call.process().part(ProcessSettings.class, process -> new ProcessSettings());
    }

    static void addTo(ApiModule kernel32) {
        kernel32.function("SetSearchPathMode", call -> of(call).setSearchMode(call))
                .function("SetProcessShutdownParameters", call -> of(call).setShutdown(call))
                .function("GetProcessShutdownParameters", call -> of(call).getShutdown(call))
                .function("AreFileApisANSI", call -> of(call).usesOem ? 0 : 1)
                .function("SetFileApisToANSI", call -> of(call).setOem(false))
                .function("SetFileApisToOEM", call -> of(call).setOem(true))
                .function("SetThreadExecutionState", ProcessSettings::setExecutionState);
    }

    /** Whether {@code SearchPath} looks into the current directory after the system's. */
    boolean searchesSafely() {
        return searchesSafely;
    }

    /** Of names of files in functions that take 8-bit texts. */
    Charset fileCharset() {
        return usesOem ? CodePages.oem() : CodePages.ansi();
    }

    private long setOem(boolean oem) {
        usesOem = oem;
        return 0;
    }

    private long setSearchMode(ApiCall call) {
        int mode = call.intArg(0);
        if (mode != SAFE_SEARCH && mode != UNSAFE_SEARCH && mode != (SAFE_SEARCH | PERMANENT)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (searchIsPermanent && (mode & PERMANENT) == 0) {
            return call.fail(ERROR_ACCESS_DENIED);
        }
        searchesSafely = (mode & SAFE_SEARCH) != 0;
        searchIsPermanent = (mode & PERMANENT) != 0;
        return 1;
    }

    private long setShutdown(ApiCall call) {
        if (call.unsignedIntArg(0) > HIGHEST_SHUTDOWN_LEVEL || (call.intArg(1) & ~SHUTDOWN_NO_RETRY) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        shutdownLevel = call.intArg(0);
        shutdownFlags = call.intArg(1);
        return 1;
    }

    private long getShutdown(ApiCall call) {
        Memory memory = call.memory();
        memory.writeInt(call.arg(0), shutdownLevel);
        memory.writeInt(call.arg(1), shutdownFlags);
        return 1;
    }

    /** The state before, 0 for one that is not valid. The machine never sleeps, so that nothing more depends on it. */
    private static long setExecutionState(ApiCall call) {
        int wanted = call.intArg(0);
        if ((wanted & ~EXECUTION_STATES) != 0 || (wanted & (AWAY_MODE | CONTINUOUS)) == AWAY_MODE) {
            return 0;
        }
        ThreadState state = call.thread().part(ThreadState.class, ThreadState::new);
        int before = state.execution;
        if ((wanted & CONTINUOUS) != 0) {
            state.execution = wanted;
        }
        return before & 0xFFFF_FFFFL;
    }
}
