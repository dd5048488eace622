package org.vadose.win32.kernel32;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.NtStatus;
import org.vadose.io.FileException;
import org.vadose.io.FileNode;
import org.vadose.io.GuestPath;
import org.vadose.io.OpenFile;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.HandleTable;
import org.vadose.ob.ObjectNamespace;
import org.vadose.pe.PeImage;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.loader.Loader;

/** What a program asks about the machine, itself and its files, and small arithmetic. */
final class SystemInformation {
    private static final int ERROR_FILE_NOT_FOUND = 2;
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_OLD_WIN_VERSION = 1150;
    static final String COMPUTER = "VADOSE";
    /** PROCESS_NAME_NATIVE. */
    private static final int NATIVE_NAME = 1;

    private static final int LOWEST_TONE = 0x25;
    private static final int HIGHEST_TONE = 0x7FFF;
    private static final long TICKS_PER_MILLISECOND = 10_000;
    private static final int FATAL_APP_EXIT = 0x4000_0015;

    private SystemInformation() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("GetComputerName" + letter, call -> computerName(call, call.arg(0), call.arg(1), wide))
                    .function("GetComputerNameEx" + letter, call -> computerName(call, call.arg(1), call.arg(2), wide))
                    .function(
                            "GetSystemWindowsDirectory" + letter,
                            call -> Texts.fill(call, call.arg(0), call.unsignedIntArg(1), "C:\\Windows", wide))
                    .function("GetSystemWow64Directory" + letter, call -> call.fail(120))
                    .function("GetLogicalDriveStrings" + letter, call -> driveStrings(call, wide))
                    .function("GetDiskFreeSpace" + letter, SystemInformation::diskFreeSpace)
                    .function("SearchPath" + letter, call -> searchPath(call, wide))
                    .function("GetFinalPathNameByHandle" + letter, call -> finalPath(call, wide))
                    .function("QueryFullProcessImageName" + letter, call -> imageName(call, wide))
                    .function(
                            "GetDllDirectory" + letter,
                            call -> FileTexts.fill(
                                    call,
                                    call.arg(1),
                                    call.unsignedIntArg(0),
                                    Loader.of(call.process()).dllDirectory(),
                                    wide))
                    .function("VerifyVersionInfo" + letter, SystemInformation::verifyVersion)
                    .function(
                            "FatalAppExit" + letter,
                            call -> fatalExit(call, Texts.readOrEmpty(call, call.arg(1), wide)));
        }
        kernel32.function("MulDiv", SystemInformation::mulDiv)
                .function("Beep", SystemInformation::beep)
                .function("FatalExit", call -> fatalExit(call, "FatalExit"))
                .function("VerSetConditionMask", SystemInformation::conditionMask)
                .function("GetProductInfo", SystemInformation::productInfo)
                .function("FlushProcessWriteBuffers", call -> 0)
                .function("GetProcessHandleCount", SystemInformation::handleCount)
                .function("ProcessIdToSessionId", SystemInformation::sessionOf)
                .function("WTSGetActiveConsoleSessionId", call -> 1)
                .function("GetProcessVersion", SystemInformation::processVersion)
                .function("IsProcessInJob", call -> ofProcess(call, call.arg(2), 0))
                .function("IsProcessCritical", call -> ofProcess(call, call.arg(1), 0));
    }

    private static long write(ApiCall call, long at, int value) {
        call.memory().writeInt(at, value);
        return 1;
    }

    // --- the machine ---

    private static long computerName(ApiCall call, long target, long sizeAt, boolean wide) {
        long room = call.memory().readUnsignedInt(sizeAt);
        if (target == 0 || room <= COMPUTER.length()) {
            call.memory().writeInt(sizeAt, COMPUTER.length() + 1);
            return call.fail(target == 0 ? 234 : 111);
        }
        Texts.write(call, target, COMPUTER, wide);
        call.memory().writeInt(sizeAt, COMPUTER.length());
        return 1;
    }

    /** Takes as long as the sound does. */
    private static long beep(ApiCall call) {
        if (call.unsignedIntArg(0) < LOWEST_TONE || call.unsignedIntArg(0) > HIGHEST_TONE) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        call.process().console().beep();
        call.thread().sleepUntil(call.process().clock().now() + call.unsignedIntArg(1) * TICKS_PER_MILLISECOND);
        return 1;
    }

    private static long handleCount(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_LIMITED_INFORMATION);
        int count = process == null ? 0 : new HandleTable(process.memory(), process.objectTable()).handleCount();
        return ofProcess(call, call.arg(1), count);
    }

    /** Something that is so of every process here, if the handle is one's. */
    private static long ofProcess(ApiCall call, long at, int value) {
        return ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_LIMITED_INFORMATION) == null
                ? call.fail(ProcessHandles.refusal(call, call.arg(0)))
                : write(call, at, value);
    }

    /** The version of the subsystem that a process's program is for; only those that run programs have any. */
    private static long processVersion(ApiCall call) {
        long wanted = call.unsignedIntArg(0);
        for (GuestProcess process : call.process().system().processes()) {
            if (process.processId() == (wanted == 0 ? call.process().processId() : wanted)) {
                PeImage image = Loader.of(process).program().image();
                return (long) image.majorSubsystemVersion() << 16 | image.minorSubsystemVersion();
            }
        }
        return call.fail(ERROR_INVALID_PARAMETER);
    }

    private static long sessionOf(ApiCall call) {
        for (Eprocess process : call.process().kernel().processManager().processes()) {
            if (process.uniqueProcessId() == call.unsignedIntArg(0)) {
                return write(call, call.arg(1), process.sessionId());
            }
        }
        return call.fail(ERROR_INVALID_PARAMETER);
    }

    private static long productInfo(ApiCall call) {
        // PRODUCT_PROFESSIONAL.
        return write(call, call.arg(4), 0x30);
    }

    private static long mulDiv(ApiCall call) {
        long product = (long) call.intArg(0) * call.intArg(1);
        long divisor = call.intArg(2);
        if (divisor == 0) {
            return -1;
        }
        long half = Math.abs(divisor) / 2;
        long rounded = (Math.abs(product) + half) / Math.abs(divisor);
        long result = (product < 0) == (divisor < 0) ? rounded : -rounded;
        return result == (int) result ? result : -1;
    }

    private static long conditionMask(ApiCall call) {
        long mask = call.arg(0);
        int type = call.intArg(1);
        long condition = call.arg(2) & 7;
        for (int bit = 0; bit < 8; bit++) {
            if ((type & 1 << bit) != 0) {
                mask |= condition << 3 * bit;
            }
        }
        return mask;
    }

    /** OSVERSIONINFOEX against 10.0.19041; only major, minor and build are compared, one condition for all. */
    private static long verifyVersion(ApiCall call) {
        Memory memory = call.memory();
        long info = call.arg(0);
        int type = call.intArg(1);
        long mask = call.arg(2);
        int[] bits = {1, 0, 2};
        int[] offsets = {4, 8, 12};
        int[] ours = {10, 0, 19_041};
        for (int i = 0; i < bits.length; i++) {
            if ((type & 1 << bits[i]) == 0) {
                continue;
            }
            int order = Integer.compareUnsigned(ours[i], memory.readInt(info + offsets[i]));
            boolean holds = switch ((int) (mask >>> 3 * bits[i] & 7)) {
                case 1 -> order == 0;
                case 2 -> order > 0;
                case 3 -> order >= 0;
                case 4 -> order < 0;
                case 5 -> order <= 0;
                default -> false;
            };
            if (!holds) {
                return call.fail(ERROR_OLD_WIN_VERSION);
            }
            if (order != 0) {
                break;
            }
        }
        return 1;
    }

    // --- drives and files ---

    private static long driveStrings(ApiCall call, boolean wide) {
        StringBuilder text = new StringBuilder();
        for (char letter : call.process().files().driveLetters()) {
            text.append(letter).append(":\\\0");
        }
        if (text.length() >= call.unsignedIntArg(0)) {
            return text.length() + 1L;
        }
        Texts.write(call, call.arg(1), text.toString(), wide);
        return text.length();
    }

    private static long diskFreeSpace(ApiCall call) {
        int[] values = {8, 512, 8 << 20, 16 << 20};
        for (int i = 0; i < values.length; i++) {
            if (call.arg(1 + i) != 0) {
                call.memory().writeInt(call.arg(1 + i), values[i]);
            }
        }
        return 1;
    }

    /** Path list, name, extension, room, target, where the name begins. */
    private static long searchPath(ApiCall call, boolean wide) {
        String list = FileTexts.read(call, call.arg(0), wide);
        String name = FileTexts.readOrEmpty(call, call.arg(1), wide);
        String extension = FileTexts.readOrEmpty(call, call.arg(2), wide);
        if (name.isEmpty()) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        String last = name.substring(Math.max(name.lastIndexOf('\\'), name.lastIndexOf('/')) + 1);
        if (last.indexOf('.') < 0) {
            name += extension;
        }
        boolean hasPlace = name.startsWith("\\") || name.startsWith("/") || name.indexOf(':') == 1;
        for (String place : hasPlace ? List.of("") : list != null ? List.of(list.split(";")) : searchPlaces(call)) {
            try {
                GuestPath full = FileFunctions.path(call, place.isEmpty() ? name : place + "\\" + name);
                FileNode node = call.process().files().find(full);
                if (node != null) {
                    String text = full.toString();
                    long length = FileTexts.fill(call, call.arg(4), call.unsignedIntArg(3), text, wide);
                    if (call.arg(5) != 0 && length == FileTexts.length(call, text, wide)) {
                        long start = text.lastIndexOf('\\') + 1L;
                        call.memory().writeLong(call.arg(5), call.arg(4) + start * (wide ? 2 : 1));
                    }
                    return length;
                }
            } catch (FileException noPath) {
                // The next place may be one.
            }
        }
        return call.fail(ERROR_FILE_NOT_FOUND);
    }

    /** Without a list: the program's, the current, the system's and the path's directories; safely, the current one late. */
    private static List<String> searchPlaces(ApiCall call) {
        boolean isSafe = ProcessSettings.of(call).searchesSafely();
        String home = Loader.of(call.process()).program().path();
        List<String> places = new ArrayList<>(
                List.of(home.substring(0, home.lastIndexOf('\\')), "C:\\Windows\\System32", "C:\\Windows"));
        places.add(isSafe ? places.size() : 1, ".");
        String path = EnvironmentFunctions.variable(call, "PATH");
        if (path != null) {
            places.addAll(List.of(path.split(";")));
        }
        return places;
    }

    private static long finalPath(ApiCall call, boolean wide) {
        OpenFile file = FileFunctions.file(call);
        if (!(file instanceof OpenFile.OnDisk disk)) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        return Texts.fill(call, call.arg(1), call.unsignedIntArg(2), "\\\\?\\" + disk.path(), wide);
    }

    // --- processes, modules, threads ---

    /** Process, whether the path is wanted on its device, text, its room in characters. */
    private static long imageName(ApiCall call, boolean wide) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_LIMITED_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        if ((call.intArg(1) & ~NATIVE_NAME) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        String path = call.intArg(1) == NATIVE_NAME ? process.fullImageName() : dosPath(call, process.fullImageName());
        if (path.isEmpty()) {
            return call.fail(NtStatus.UNSUCCESSFUL);
        }
        long room = call.memory().readUnsignedInt(call.arg(3));
        if (path.length() >= room) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        Texts.write(call, call.arg(2), path, wide);
        call.memory().writeInt(call.arg(3), path.length());
        return 1;
    }

    /** The path by the letter of its drive. */
    private static String dosPath(ApiCall call, String devicePath) {
        ObjectNamespace names = call.process().kernel().objectManager().namespace();
        for (char letter : call.process().files().driveLetters()) {
            ObjectNamespace.Lookup drive = names.lookup("\\??\\" + letter + ":");
            String device = drive.status().isSuccess() ? names.path(drive.body()) : "";
            if (!device.isEmpty() && devicePath.startsWith(device + "\\")) {
                return letter + ":" + devicePath.substring(device.length());
            }
        }
        return devicePath;
    }

    private static long fatalExit(ApiCall call, String text) {
        call.process().end(FATAL_APP_EXIT, text);
        throw new org.vadose.win32.ProcessEnded();
    }
}
