package org.vadose.win32.kernel32;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.io.FileException;
import org.vadose.io.FileNode;
import org.vadose.io.GuestPath;
import org.vadose.io.NameMask;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** Directories: searching them, the current one, full and temporary paths, drives. */
final class FindFunctions {
    private static final int ERROR_FILE_NOT_FOUND = 2;
    private static final int ERROR_PATH_NOT_FOUND = 3;
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_NO_MORE_FILES = 18;
    private static final int ERROR_DIRECTORY = 267;
    private static final int DRIVE_NO_ROOT = 1;
    private static final int DRIVE_FIXED = 3;
    private static final int FIND_DATA_NAME = 44;
    private static final int FIND_NAME_CHARS = 260;

    private FindFunctions() {}

    /** What {@code FindFirstFile} found, not yet handed out. */
    private record Search(List<Found> found, int[] next) {}

    private record Found(String name, FileNode node) {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("FindFirstFile" + letter, call -> findFirst(call, wide, call.arg(1)))
                    .function("FindFirstFileEx" + letter, call -> findFirst(call, wide, call.arg(2)))
                    .function("FindNextFile" + letter, call -> findNext(call, wide))
                    .function("GetCurrentDirectory" + letter, call -> getCurrentDirectory(call, wide))
                    .function("SetCurrentDirectory" + letter, call -> setCurrentDirectory(call, wide))
                    .function("GetFullPathName" + letter, call -> getFullPathName(call, wide))
                    .function("GetLongPathName" + letter, call -> samePath(call, wide))
                    .function("GetShortPathName" + letter, call -> samePath(call, wide))
                    .function("GetTempPath" + letter, call -> getTempPath(call, wide))
                    .function("GetTempFileName" + letter, call -> getTempFileName(call, wide))
                    .function("GetDriveType" + letter, call -> getDriveType(call, wide))
                    .function("GetSystemDirectory" + letter, call -> fixed(call, wide, "C:\\Windows\\system32"))
                    .function("GetWindowsDirectory" + letter, call -> fixed(call, wide, "C:\\Windows"));
        }
        kernel32.function("FindClose", FindFunctions::findClose)
                .function("GetLogicalDrives", FindFunctions::getLogicalDrives);
    }

    private static long fixed(ApiCall call, boolean wide, String path) {
        return FileTexts.fill(call, call.arg(0), call.unsignedIntArg(1), path, wide);
    }

    // --- searching ---

    private static long findFirst(ApiCall call, boolean wide, long data) {
        String pattern = FileTexts.readOrEmpty(call, call.arg(0), wide).replace('/', '\\');
        int slash = pattern.lastIndexOf('\\');
        String folder = slash < 0 ? "." : pattern.substring(0, slash + 1);
        String mask = pattern.substring(slash + 1);
        try {
            GuestPath path = FileFunctions.path(call, folder);
            FileNode directory = call.process().files().find(path);
            if (directory == null || !directory.isDirectory()) {
                call.setLastError(ERROR_PATH_NOT_FOUND);
                return FileFunctions.INVALID_HANDLE;
            }
            List<Found> found = matches(call, path, directory, mask);
            if (found.isEmpty()) {
                call.setLastError(ERROR_FILE_NOT_FOUND);
                return FileFunctions.INVALID_HANDLE;
            }
            write(call, data, found.getFirst(), wide);
            return call.process().keep(new Search(found, new int[] {1}));
        } catch (FileException e) {
            call.fail(e.status());
            return FileFunctions.INVALID_HANDLE;
        }
    }

    private static List<Found> matches(ApiCall call, GuestPath path, FileNode directory, String mask) {
        List<Found> found = new ArrayList<>();
        if (!path.parts().isEmpty()) {
            addIfMatches(found, ".", directory, mask);
            addIfMatches(found, "..", directory, mask);
        }
        for (FileNode node : call.process().files().list(directory)) {
            addIfMatches(found, node.name(), node, mask);
        }
        return found;
    }

    private static void addIfMatches(List<Found> found, String name, FileNode node, String mask) {
        if (NameMask.matches(mask, name)) {
            found.add(new Found(name, node));
        }
    }

    /** WIN32_FIND_DATA: attributes, times and size, two reserved words, name, short name. */
    private static void write(ApiCall call, long data, Found found, boolean wide) {
        Memory memory = call.memory();
        int nameBytes = FIND_NAME_CHARS * (wide ? 2 : 1);
        memory.fill(data, FIND_DATA_NAME + nameBytes + 14L * (wide ? 2 : 1), (byte) 0);
        FileFunctions.writeAttributeData(memory, data, found.node);
        FileTexts.write(call, data + FIND_DATA_NAME, found.name, wide);
    }

    private static @Nullable Search search(ApiCall call) {
        return call.process().kept(call.arg(0)) instanceof Search search ? search : null;
    }

    private static long findNext(ApiCall call, boolean wide) {
        Search search = search(call);
        if (search == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if (search.next[0] == search.found.size()) {
            return call.fail(ERROR_NO_MORE_FILES);
        }
        write(call, call.arg(1), search.found.get(search.next[0]++), wide);
        return 1;
    }

    private static long findClose(ApiCall call) {
        if (search(call) == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        call.process().drop(call.arg(0));
        return 1;
    }

    // --- paths ---

    private static long getCurrentDirectory(ApiCall call, boolean wide) {
        return FileTexts.fill(
                call,
                call.arg(1),
                call.unsignedIntArg(0),
                call.process().currentDirectory().toString(),
                wide);
    }

    private static long setCurrentDirectory(ApiCall call, boolean wide) {
        try {
            GuestPath path = FileFunctions.path(call, FileTexts.readOrEmpty(call, call.arg(0), wide));
            FileNode node = call.process().files().find(path);
            if (node == null) {
                return call.fail(NtStatus.OBJECT_NAME_NOT_FOUND);
            }
            if (!node.isDirectory()) {
                return call.fail(ERROR_DIRECTORY);
            }
            call.process().setCurrentDirectory(path);
            return 1;
        } catch (FileException e) {
            return call.fail(e.status());
        }
    }

    private static long getFullPathName(ApiCall call, boolean wide) {
        try {
            String source = FileTexts.readOrEmpty(call, call.arg(0), wide);
            String full = FileFunctions.path(call, source).toString();
            if ((source.endsWith("\\") || source.endsWith("/")) && !full.endsWith("\\")) {
                full += "\\";
            }
            long length = FileTexts.fill(call, call.arg(2), call.unsignedIntArg(1), full, wide);
            if (call.arg(3) != 0) {
                int name = full.lastIndexOf('\\') + 1;
                boolean hasName = name < full.length() && length < call.unsignedIntArg(1);
                long at = call.arg(2) + (wide ? 2L : 1L) * name;
                call.memory().writeLong(call.arg(3), hasName ? at : 0);
            }
            return length;
        } catch (FileException e) {
            return call.fail(e.status());
        }
    }

    private static long samePath(ApiCall call, boolean wide) {
        String text = FileTexts.readOrEmpty(call, call.arg(0), wide);
        try {
            if (call.process().files().find(FileFunctions.path(call, text)) == null) {
                return call.fail(ERROR_FILE_NOT_FOUND);
            }
        } catch (FileException e) {
            return call.fail(e.status());
        }
        return FileTexts.fill(call, call.arg(1), call.unsignedIntArg(2), text, wide);
    }

    private static String tempPath(ApiCall call) {
        String temp = EnvironmentFunctions.variable(call, "TMP");
        return (temp == null ? "C:\\Windows\\Temp" : temp) + "\\";
    }

    private static long getTempPath(ApiCall call, boolean wide) {
        return FileTexts.fill(call, call.arg(1), call.unsignedIntArg(0), tempPath(call), wide);
    }

    private static long getTempFileName(ApiCall call, boolean wide) {
        String folder = FileTexts.readOrEmpty(call, call.arg(0), wide);
        String prefix = FileTexts.readOrEmpty(call, call.arg(1), wide);
        int unique = call.intArg(2) & 0xFFFF;
        try {
            for (int i = unique == 0 ? 1 : unique; i < 0x10000; i++) {
                String name = prefix.substring(0, Math.min(3, prefix.length())) + "%X.tmp".formatted(i);
                String full = folder.endsWith("\\") ? folder + name : folder + "\\" + name;
                GuestPath path = FileFunctions.path(call, full);
                if (unique != 0 || call.process().files().find(path) == null) {
                    if (unique == 0) {
                        call.process()
                                .files()
                                .open(path, 0x4000_0000, 7, org.vadose.io.GuestFileSystem.Disposition.CREATE, 0, 0)
                                .file()
                                .close();
                    }
                    FileTexts.write(call, call.arg(3), full, wide);
                    return i;
                }
            }
            return call.fail(NtStatus.OBJECT_NAME_COLLISION);
        } catch (FileException e) {
            return call.fail(e.status());
        }
    }

    private static long getDriveType(ApiCall call, boolean wide) {
        String root = FileTexts.read(call, call.arg(0), wide);
        char letter = root == null || root.isEmpty()
                ? call.process().currentDirectory().drive()
                : Character.toUpperCase(root.charAt(0));
        return call.process().files().driveLetters().contains(letter) ? DRIVE_FIXED : DRIVE_NO_ROOT;
    }

    private static long getLogicalDrives(ApiCall call) {
        int mask = 0;
        for (char letter : call.process().files().driveLetters()) {
            mask |= 1 << letter - 'A';
        }
        return mask;
    }
}
