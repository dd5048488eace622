package org.vadose.win32.loader;

import java.util.ArrayList;
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

    /** Names as Windows lists them, where they are not in lower case. */
    private static final Map<String, String> LISTED_NAMES =
            Map.of("kernel32.dll", "KERNEL32.DLL", "kernelbase.dll", "KERNELBASE.dll");

    private final GuestProcess process;
    private final BuiltinDlls builtin;
    private final LoaderFiles files;
    private @Nullable String directory;

    DllSearch(GuestProcess process, BuiltinDlls builtin, LoaderFiles files) {
        this.process = process;
        this.builtin = builtin;
        this.files = files;
    }

    /** See {@link Loader#setDllDirectory}. */
    void setDirectory(@Nullable String newDirectory) {
        directory = newDirectory;
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
        List<String> places = new ArrayList<>();
        if (demands(MitigationPolicy.IMAGE_LOAD, PREFER_SYSTEM)) {
            places.add(SYSTEM_DIRECTORY);
        }
        places.add(home.substring(0, home.lastIndexOf('\\') + 1));
        String added = directory;
        if (added != null && !added.isEmpty()) {
            places.add(added);
        }
        places.add(SYSTEM_DIRECTORY);
        places.addAll(files.searchDirectories());
        for (String place : places) {
            String path = (place.endsWith("\\") ? place : place + "\\") + dllName;
            byte[] file = files.read(path);
            if (file != null) {
                return signed(new Found(path, file, false));
            }
        }
        throw new LoaderException(
                NtStatus.DLL_NOT_FOUND,
                "%s needs %s, which is neither built in nor in %s"
                        .formatted(importer, dllName, String.join(", ", places)));
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
