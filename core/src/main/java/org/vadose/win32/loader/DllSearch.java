package org.vadose.win32.loader;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.nt.Eprocess;
import org.vadose.nt.MitigationPolicy;
import org.vadose.win32.GuestProcess;

/** Where DLLs are looked for. */
final class DllSearch {
    static final String SYSTEM_DIRECTORY = "C:\\Windows\\System32\\";

    /** {@code PreferSystem32Images}; {@code MicrosoftSignedOnly} and {@code StoreSignedOnly}. */
    private static final int PREFER_SYSTEM = 4;

    private static final int SIGNED_ONLY = 3;

    // LOAD_LIBRARY_SEARCH_* and LOAD_WITH_ALTERED_SEARCH_PATH
    static final int ALTERED = 0x8;
    static final int OWN_DIRECTORY = 0x100;
    static final int PROGRAM_DIRECTORY = 0x200;
    static final int ADDED_DIRECTORIES = 0x400;
    static final int SYSTEM32 = 0x800;
    static final int DEFAULT_DIRECTORIES = 0x1000;
    private static final int ANY_PLACE = 0x1F00;

    /** Names as Windows lists them, where they are not in lower case. */
    private static final Map<String, String> LISTED_NAMES =
            Map.of("kernel32.dll", "KERNEL32.DLL", "kernelbase.dll", "KERNELBASE.dll");

    private final GuestProcess process;
    private final BuiltinDlls builtin;
    private final LoaderFiles files;
    private @Nullable String directory;
    private int defaultPlaces;
    private final Map<Long, String> added = new LinkedHashMap<>();

    // Of the load that goes on, with all that the DLL needs.
    private int places;
    private String ownDirectory = "";

    DllSearch(GuestProcess process, BuiltinDlls builtin, LoaderFiles files) {
        this.process = process;
        this.builtin = builtin;
        this.files = files;
    }

    /** See {@link Loader#setDllDirectory}. */
    void setDirectory(@Nullable String newDirectory) {
        directory = newDirectory;
    }

    String directory() {
        String set = directory;
        return set == null ? "" : set;
    }

    /** See {@link Loader#setDefaultPlaces}. */
    void setDefaultPlaces(int newPlaces) {
        defaultPlaces = newPlaces;
    }

    /** See {@link Loader#addDirectory}. */
    void addDirectory(long cookie, String newDirectory) {
        added.put(cookie, newDirectory);
    }

    /** See {@link Loader#removeDirectory}. */
    boolean removeDirectory(long cookie) {
        return added.remove(cookie) != null;
    }

    /** A load begins. */
    void begin(int newPlaces, String dllName) {
        places = newPlaces;
        int end = Math.max(dllName.lastIndexOf('\\'), dllName.lastIndexOf('/'));
        ownDirectory = end < 0 ? "" : files.fullPath(dllName.substring(0, end + 1));
    }

    /** It is over; what is loaded next, at the start of a program, say, is looked for in the usual places. */
    void end() {
        places = 0;
        ownDirectory = "";
    }

    /** Where to look, in order. */
    private List<String> directories(String home) {
        String programDirectory = home.substring(0, home.lastIndexOf('\\') + 1);
        List<String> list = new ArrayList<>();
        if (demands(MitigationPolicy.IMAGE_LOAD, PREFER_SYSTEM)) {
            list.add(SYSTEM_DIRECTORY);
        }
        int wanted = (places & ANY_PLACE) != 0 ? places & ANY_PLACE : (places & ALTERED) == 0 ? defaultPlaces : 0;
        if (wanted != 0) {
            if ((wanted & OWN_DIRECTORY) != 0) {
                list.add(ownDirectory);
            }
            if ((wanted & (PROGRAM_DIRECTORY | DEFAULT_DIRECTORIES)) != 0) {
                list.add(programDirectory);
            }
            if ((wanted & (ADDED_DIRECTORIES | DEFAULT_DIRECTORIES)) != 0) {
                list.addAll(added.values());
                if (!directory().isEmpty()) {
                    list.add(directory());
                }
            }
            if ((wanted & (SYSTEM32 | DEFAULT_DIRECTORIES)) != 0) {
                list.add(SYSTEM_DIRECTORY);
            }
            return list;
        }
        list.add((places & ALTERED) != 0 && !ownDirectory.isEmpty() ? ownDirectory : programDirectory);
        if (!directory().isEmpty()) {
            list.add(directory());
        }
        list.add(SYSTEM_DIRECTORY);
        List<String> usual = new ArrayList<>(files.searchDirectories());
        if (directory != null) {
            // The current directory is no place any more, even if the one set is empty.
            usual.remove(files.fullPath("."));
        }
        list.addAll(usual);
        return list;
    }

    /** A DLL's file. */
    record Found(String path, byte[] file, boolean isBuiltin) {}

    /**
     * Built-in DLLs come first, as Windows' known DLLs do; then the program's directory, then the search path.
     *
     * @param home path of the program
     * @throws LoaderException when there is none
     */
    Found locate(String dllName, LoadedImage importer, String home) {
        String name = dllName.toLowerCase(Locale.ROOT);
        if (name.indexOf('\\') >= 0 || name.indexOf('/') >= 0 || name.indexOf(':') >= 0) {
            return locatePath(files.fullPath(dllName), importer);
        }
        byte[] own = builtin.file(name);
        if (own != null) {
            return new Found(SYSTEM_DIRECTORY + LISTED_NAMES.getOrDefault(name, name), own, true);
        }
        List<String> directories = directories(home);
        for (String place : directories) {
            String path = (place.endsWith("\\") ? place : place + "\\") + dllName;
            byte[] file = files.read(path);
            if (file != null) {
                return signed(new Found(path, file, false));
            }
        }
        throw new LoaderException(
                NtStatus.DLL_NOT_FOUND,
                "%s needs %s, which is neither built in nor in %s"
                        .formatted(importer, dllName, String.join(", ", directories)));
    }

    private Found locatePath(String path, LoadedImage importer) {
        String name = path.substring(path.lastIndexOf('\\') + 1);
        if (path.equalsIgnoreCase(SYSTEM_DIRECTORY + name)) {
            byte[] own = builtin.file(name);
            if (own != null) {
                String listed = name.toLowerCase(Locale.ROOT);
                return new Found(SYSTEM_DIRECTORY + LISTED_NAMES.getOrDefault(listed, listed), own, true);
            }
        }
        byte[] file = files.read(path);
        if (file == null) {
            throw new LoaderException(
                    NtStatus.DLL_NOT_FOUND, "%s needs %s, which is not there".formatted(importer, path));
        }
        return signed(new Found(path, file, false));
    }

    private boolean demands(MitigationPolicy policy, int flag) {
        Eprocess eprocess = process.eprocessIfAny();
        return eprocess != null && policy.has(eprocess, flag);
    }

    /** Nobody has signed what is not built in. */
    private Found signed(Found found) {
        if (demands(MitigationPolicy.SIGNATURE, SIGNED_ONLY)) {
            throw new LoaderException(
                    NtStatus.INVALID_IMAGE_HASH, found.path() + " is not signed as the process demands");
        }
        return found;
    }
}
