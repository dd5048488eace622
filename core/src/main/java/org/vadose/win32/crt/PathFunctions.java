package org.vadose.win32.crt;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.io.FileException;
import org.vadose.io.FileNode;
import org.vadose.io.GuestPath;
import org.vadose.io.NameMask;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** Paths taken apart and put together, searches through directories, temporary names. */
final class PathFunctions {
    private static final long UNIX_EPOCH = 116_444_736_000_000_000L;
    private static final long TICKS_PER_SECOND = 10_000_000;
    private static final int NAME_CHARS = 260;
    private static final int WITHOUT_ARCHIVE_AND_NORMAL = ~0x80;

    private PathFunctions() {}

    /** What a search found, not yet handed out. */
    private record Search(List<Found> found, int[] next) {}

    private record Found(String name, FileNode node) {}

    static void addTo(ApiModule msvcrt) {
        for (boolean wide : new boolean[] {false, true}) {
            String w = wide ? "w" : "";
            msvcrt.function("_" + w + "splitpath", call -> split(call, wide))
                    .function("_" + w + "splitpath_s", call -> splitSafely(call, wide))
                    .function("_" + w + "makepath", call -> make(call, wide, Long.MAX_VALUE, 1))
                    .function("_" + w + "makepath_s", call -> make(call, wide, call.arg(1), 2))
                    .function("_" + w + "searchenv", call -> searchEnvironment(call, wide))
                    .function("_" + w + "mktemp", call -> makeTemporary(call, wide))
                    .function("_" + w + "getdcwd", call -> driveDirectory(call, wide));
            for (String form : new String[] {"", "64i32", "32"}) {
                msvcrt.function("_" + w + "findfirst" + form, call -> findFirst(call, wide, false))
                        .function("_" + w + "findnext" + form, call -> findNext(call, wide, false));
            }
            for (String form : new String[] {"64", "i64"}) {
                msvcrt.function("_" + w + "findfirst" + form, call -> findFirst(call, wide, true))
                        .function("_" + w + "findnext" + form, call -> findNext(call, wide, true));
            }
        }
        msvcrt.function("_findclose", PathFunctions::findClose)
                .function("_getdrive", call -> call.process().currentDirectory().drive() - 'A' + 1)
                .function("_chdrive", PathFunctions::changeDrive)
                .function("_getdrives", PathFunctions::drives);
    }

    private static String text(ApiCall call, int argument, boolean wide) {
        return textAt(call, call.arg(argument), wide);
    }

    private static String textAt(ApiCall call, long at, boolean wide) {
        return at == 0 ? "" : wide ? GuestText.wide(call.memory(), at) : GuestText.ansi(call.memory(), at);
    }

    private static void put(ApiCall call, long target, String text, boolean wide) {
        if (target == 0) {
            return;
        }
        if (wide) {
            GuestText.writeWide(call.memory(), target, text);
        } else {
            GuestText.writeAnsi(call.memory(), target, text);
        }
    }

    // --- parts of paths ---

    /** Drive with its colon, directory with its last separator, name, extension with its dot. */
    private static String[] parts(String path) {
        int start = path.length() >= 2 && path.charAt(1) == ':' ? 2 : 0;
        int name = Math.max(path.lastIndexOf('\\'), path.lastIndexOf('/')) + 1;
        name = Math.max(name, start);
        int dot = path.lastIndexOf('.');
        dot = dot < name ? path.length() : dot;
        return new String[] {
            path.substring(0, start), path.substring(start, name), path.substring(name, dot), path.substring(dot)
        };
    }

    private static long split(ApiCall call, boolean wide) {
        String[] parts = parts(text(call, 0, wide));
        for (int i = 0; i < parts.length; i++) {
            put(call, call.arg(i + 1), parts[i], wide);
        }
        return 0;
    }

    private static long splitSafely(ApiCall call, boolean wide) {
        String[] parts = parts(text(call, 0, wide));
        for (int i = 0; i < parts.length; i++) {
            if (call.arg(1 + 2 * i) != 0 && parts[i].length() >= call.arg(2 + 2 * i)) {
                CrtState.invalid(call, CrtState.ERANGE);
                return CrtState.ERANGE;
            }
        }
        for (int i = 0; i < parts.length; i++) {
            put(call, call.arg(1 + 2 * i), parts[i], wide);
        }
        return 0;
    }

    private static long make(ApiCall call, boolean wide, long room, int first) {
        StringBuilder path = new StringBuilder();
        String drive = text(call, first, wide);
        if (!drive.isEmpty()) {
            path.append(drive.charAt(0)).append(':');
        }
        String directory = text(call, first + 1, wide);
        path.append(directory);
        if (!directory.isEmpty() && !directory.endsWith("\\") && !directory.endsWith("/")) {
            path.append('\\');
        }
        path.append(text(call, first + 2, wide));
        String extension = text(call, first + 3, wide);
        if (!extension.isEmpty()) {
            path.append(extension.startsWith(".") ? "" : ".").append(extension);
        }
        if (room >= 0 && path.length() >= room) {
            CrtState.invalid(call, CrtState.ERANGE);
            return CrtState.ERANGE;
        }
        put(call, call.arg(0), path.toString(), wide);
        return 0;
    }

    private static long searchEnvironment(ApiCall call, boolean wide) {
        String name = text(call, 0, wide);
        OsFiles files = new OsFiles(call);
        List<String> places = new ArrayList<>(List.of("."));
        String listed = EnvironmentFunctions.value(call, text(call, 1, wide));
        if (listed != null) {
            places.addAll(List.of(listed.split(";", -1)));
        }
        for (String place : places) {
            String path = place.equals(".") ? name : place + "\\" + name;
            if (!place.isEmpty() && files.find(path) != null) {
                put(call, call.arg(2), fullPath(call, path), wide);
                return 0;
            }
        }
        put(call, call.arg(2), "", wide);
        CrtState.setErrno(call, CrtState.ENOENT);
        return 0;
    }

    private static String fullPath(ApiCall call, String path) {
        return GuestPath.parse(path, call.process().currentDirectory()).toString();
    }

    /** The template ends in six X; the letters are tried in turn. */
    private static long makeTemporary(ApiCall call, boolean wide) {
        String template = text(call, 0, wide);
        if (!template.endsWith("XXXXXX")) {
            CrtState.setErrno(call, CrtState.EINVAL);
            return 0;
        }
        OsFiles files = new OsFiles(call);
        for (char letter = 'a'; letter <= 'z'; letter++) {
            String name = template.substring(0, template.length() - 6)
                    + "%c%05d".formatted(letter, call.process().processId() % 100_000);
            if (files.find(name) == null) {
                put(call, call.arg(0), name, wide);
                return call.arg(0);
            }
        }
        CrtState.setErrno(call, CrtState.EEXIST);
        return 0;
    }

    // --- drives ---

    private static long driveDirectory(ApiCall call, boolean wide) {
        char current = call.process().currentDirectory().drive();
        int number = call.intArg(0);
        char letter = number == 0 ? current : (char) ('A' + number - 1);
        if (number < 0 || number > 26 || !call.process().files().driveLetters().contains(letter)) {
            CrtState.setErrno(call, CrtState.EACCES);
            return 0;
        }
        String path = letter == current ? call.process().currentDirectory().toString() : letter + ":\\";
        if (call.arg(1) == 0) {
            CrtState crt = CrtState.of(call);
            return wide ? crt.allocateWide(path) : crt.allocateAnsi(path);
        }
        if (path.length() >= call.intArg(2)) {
            CrtState.setErrno(call, CrtState.ERANGE);
            return 0;
        }
        put(call, call.arg(1), path, wide);
        return call.arg(1);
    }

    private static long changeDrive(ApiCall call) {
        char letter = (char) ('A' + call.intArg(0) - 1);
        if (!call.process().files().driveLetters().contains(letter)) {
            return CrtState.fail(call, CrtState.EACCES);
        }
        if (letter != call.process().currentDirectory().drive()) {
            call.process().setCurrentDirectory(GuestPath.root(letter));
        }
        return 0;
    }

    private static long drives(ApiCall call) {
        int mask = 0;
        for (char letter : call.process().files().driveLetters()) {
            mask |= 1 << letter - 'A';
        }
        return mask;
    }

    // --- searches ---

    private static long findFirst(ApiCall call, boolean wide, boolean longSize) {
        String pattern = text(call, 0, wide).replace('/', '\\');
        int slash = pattern.lastIndexOf('\\');
        String mask = pattern.substring(slash + 1);
        List<Found> found = new ArrayList<>();
        try {
            GuestPath path = GuestPath.parse(
                    slash < 0 ? "." : pattern.substring(0, slash + 1),
                    call.process().currentDirectory());
            FileNode directory = call.process().files().find(path);
            if (directory != null && directory.isDirectory()) {
                if (!path.parts().isEmpty()) {
                    addIfMatches(found, ".", directory, mask);
                    addIfMatches(found, "..", directory, mask);
                }
                for (FileNode node : call.process().files().list(directory)) {
                    addIfMatches(found, node.name(), node, mask);
                }
            }
        } catch (FileException noPath) {
            found.clear();
        }
        if (found.isEmpty()) {
            return CrtState.fail(call, CrtState.ENOENT);
        }
        write(call, found.getFirst(), wide, longSize);
        return call.process().keep(new Search(found, new int[] {1}));
    }

    private static void addIfMatches(List<Found> found, String name, FileNode node, String mask) {
        if (NameMask.matches(mask, name)) {
            found.add(new Found(name, node));
        }
    }

    /** {@code struct _finddata_t}: attributes, three times, size, name. */
    private static void write(ApiCall call, Found found, boolean wide, boolean longSize) {
        Memory memory = call.memory();
        long at = call.arg(1);
        FileNode node = found.node;
        memory.writeInt(at, node.attributes() & WITHOUT_ARCHIVE_AND_NORMAL);
        long[] times = {node.creationTime(), node.lastAccessTime(), node.lastWriteTime()};
        for (int i = 0; i < times.length; i++) {
            memory.writeLong(at + 8 + 8L * i, Math.floorDiv(times[i] - UNIX_EPOCH, TICKS_PER_SECOND));
        }
        long size = node.isDirectory() ? 0 : node.size();
        String name = found.name.substring(0, Math.min(found.name.length(), NAME_CHARS - 1));
        if (longSize) {
            memory.writeLong(at + 32, size);
        } else {
            memory.writeInt(at + 32, (int) size);
        }
        put(call, at + (longSize ? 40 : 36), name, wide);
    }

    private static @Nullable Search search(ApiCall call) {
        return call.process().kept(call.arg(0)) instanceof Search search ? search : null;
    }

    private static long findNext(ApiCall call, boolean wide, boolean longSize) {
        Search search = search(call);
        if (search == null) {
            return CrtState.fail(call, CrtState.EINVAL);
        }
        if (search.next[0] == search.found.size()) {
            return CrtState.fail(call, CrtState.ENOENT);
        }
        write(call, search.found.get(search.next[0]++), wide, longSize);
        return 0;
    }

    private static long findClose(ApiCall call) {
        if (search(call) == null) {
            return CrtState.fail(call, CrtState.EINVAL);
        }
        call.process().drop(call.arg(0));
        return 0;
    }
}
