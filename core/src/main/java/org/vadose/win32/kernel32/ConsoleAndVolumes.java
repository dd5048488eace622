package org.vadose.win32.kernel32;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.io.FileException;
import org.vadose.io.OpenFile;
import org.vadose.layout.RtlUserProcessParametersLayout;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.TypedReads;

/** Standard handles, the console, and what volumes say about themselves. */
final class ConsoleAndVolumes {
    static final int VOLUME_SERIAL = 0x5661_646F;
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int STD_INPUT = -10;
    private static final int STD_OUTPUT = -11;
    private static final int STD_ERROR = -12;
    private static final int INPUT_MODE = 0x1F7;
    private static final int OUTPUT_MODE = 3;
    private static final int LONGEST_LINE = 1 << 16;
    private static final int COLUMNS = 80;
    private static final int ROWS = 25;

    private ConsoleAndVolumes() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("WriteConsole" + letter, call -> writeConsole(call, wide))
                    .function("ReadConsole" + letter, call -> readConsole(call, wide))
                    .function("SetConsoleTitle" + letter, call -> 1)
                    .function("GetConsoleTitle" + letter, call -> 0)
                    .function("GetVolumeInformation" + letter, call -> getVolumeInformation(call, wide))
                    .function("GetDiskFreeSpaceEx" + letter, ConsoleAndVolumes::getDiskFreeSpace);
        }
        kernel32.function("GetStdHandle", ConsoleAndVolumes::getStdHandle)
                .function("SetStdHandle", ConsoleAndVolumes::setStdHandle)
                .function("GetConsoleMode", ConsoleAndVolumes::getConsoleMode)
                .function("SetConsoleMode", call -> isConsole(call) ? 1 : call.fail(ERROR_INVALID_HANDLE))
                .function("GetConsoleCP", call -> CodePages.OEM)
                .function("GetConsoleOutputCP", call -> CodePages.OEM)
                .function("SetConsoleCP", call -> 1)
                .function("SetConsoleOutputCP", call -> 1)
                .function("SetConsoleCtrlHandler", call -> 1)
                .function("SetConsoleTextAttribute", call -> isConsole(call) ? 1 : call.fail(ERROR_INVALID_HANDLE))
                .function("GetConsoleScreenBufferInfo", ConsoleAndVolumes::getScreenBufferInfo)
                .function("GetConsoleWindow", call -> 0)
                .function("AllocConsole", call -> 0)
                .function("FreeConsole", call -> 1)
                .function("SetHandleCount", call -> call.arg(0));
    }

    private static long slot(int which) {
        return switch (which) {
            case STD_INPUT -> RtlUserProcessParametersLayout.STANDARD_INPUT;
            case STD_OUTPUT -> RtlUserProcessParametersLayout.STANDARD_OUTPUT;
            case STD_ERROR -> RtlUserProcessParametersLayout.STANDARD_ERROR;
            default -> -1;
        };
    }

    private static long getStdHandle(ApiCall call) {
        long slot = slot(call.intArg(0));
        if (slot < 0) {
            call.setLastError(ERROR_INVALID_HANDLE);
            return FileFunctions.INVALID_HANDLE;
        }
        return call.memory().readLong(EnvironmentFunctions.parameters(call) + slot);
    }

    private static long setStdHandle(ApiCall call) {
        long slot = slot(call.intArg(0));
        if (slot < 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        call.memory().writeLong(EnvironmentFunctions.parameters(call) + slot, call.arg(1));
        return 1;
    }

    private static OpenFile.@Nullable Stream console(ApiCall call) {
        return FileFunctions.file(call) instanceof OpenFile.Stream stream && stream.isConsole() ? stream : null;
    }

    private static boolean isConsole(ApiCall call) {
        return console(call) != null;
    }

    private static long getConsoleMode(ApiCall call) {
        OpenFile.Stream console = console(call);
        if (console == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        boolean isInput = (console.access() & 1) != 0;
        call.memory().writeInt(call.arg(1), isInput ? INPUT_MODE : OUTPUT_MODE);
        return 1;
    }

    private static long writeConsole(ApiCall call, boolean wide) {
        OpenFile.Stream console = console(call);
        if (console == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        int count = (int) Math.min(call.unsignedIntArg(2), LONGEST_LINE);
        byte[] bytes = wide
                ? call.memory().readUtf16(call.arg(1), 2 * count).getBytes(StandardCharsets.UTF_8)
                : call.memory().read(call.arg(1), count);
        try {
            console.write(0, bytes, 0, bytes.length);
        } catch (FileException e) {
            return call.fail(e.status());
        }
        if (call.arg(3) != 0) {
            call.memory().writeInt(call.arg(3), count);
        }
        return 1;
    }

    private static long readConsole(ApiCall call, boolean wide) {
        OpenFile.Stream console = console(call);
        if (console == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        byte[] bytes = new byte[Math.clamp(call.unsignedIntArg(2), 0, LONGEST_LINE)];
        int count;
        try {
            count = TypedReads.read(call, call.arg(0), console, 0, bytes, 0, bytes.length);
        } catch (FileException e) {
            return call.fail(e.status());
        }
        if (wide) {
            String text = new String(bytes, 0, count, StandardCharsets.UTF_8);
            call.memory().write(call.arg(1), text.getBytes(StandardCharsets.UTF_16LE));
            count = text.length();
        } else {
            call.memory().write(call.arg(1), bytes, 0, count);
        }
        call.memory().writeInt(call.arg(3), count);
        return 1;
    }

    /** CONSOLE_SCREEN_BUFFER_INFO: size, cursor, attributes, window, largest window. */
    private static long getScreenBufferInfo(ApiCall call) {
        if (!isConsole(call)) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        int[] words = {COLUMNS, ROWS, 0, 0, 7, 0, 0, COLUMNS - 1, ROWS - 1, COLUMNS, ROWS};
        for (int i = 0; i < words.length; i++) {
            call.memory().writeShort(call.arg(1) + 2L * i, (short) words[i]);
        }
        return 1;
    }

    private static long getVolumeInformation(ApiCall call, boolean wide) {
        Memory memory = call.memory();
        if (call.arg(1) != 0) {
            Texts.write(call, call.arg(1), "", wide);
        }
        List<Integer> values = List.of(VOLUME_SERIAL, 255, 0x3);
        for (int i = 0; i < values.size(); i++) {
            if (call.arg(3 + i) != 0) {
                memory.writeInt(call.arg(3 + i), values.get(i));
            }
        }
        if (call.arg(6) != 0) {
            Texts.write(call, call.arg(6), "NTFS", wide);
        }
        return 1;
    }

    private static long getDiskFreeSpace(ApiCall call) {
        for (int i = 1; i <= 3; i++) {
            if (call.arg(i) != 0) {
                call.memory().writeLong(call.arg(i), i == 2 ? 64L << 30 : 32L << 30);
            }
        }
        return 1;
    }
}
