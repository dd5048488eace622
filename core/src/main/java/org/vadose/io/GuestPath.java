package org.vadose.io;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.vadose.base.NtStatus;

/**
 * An absolute DOS path, taken apart: dots resolved, trailing dots and blanks gone, every part a legal name.
 *
 * @param drive upper-case letter
 * @param parts names from the root down; empty for the root itself
 */
public record GuestPath(char drive, List<String> parts) {
    private static final Set<String> DEVICES = Set.of(
            "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7",
            "COM8", "COM9", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9");
    private static final int LONGEST_NAME = 255;
    private static final int LONGEST_PATH = 32_767;

    /**
     * Resolves text as {@code RtlGetFullPathName} does, for paths that name a drive in the end.
     *
     * @param current the current directory, for what is relative
     * @throws FileException OBJECT_PATH_SYNTAX_BAD, OBJECT_NAME_INVALID, NAME_TOO_LONG
     */
    public static GuestPath parse(String text, GuestPath current) {
        if (text.isEmpty()) {
            throw new FileException(NtStatus.OBJECT_PATH_SYNTAX_BAD);
        }
        if (text.length() > LONGEST_PATH) {
            throw new FileException(NtStatus.NAME_TOO_LONG);
        }
        String path = text.replace('/', '\\');
        if (path.startsWith("\\\\?\\") || path.startsWith("\\\\.\\") || path.startsWith("\\??\\")) {
            path = path.substring(4);
            if (!startsWithDrive(path)) {
                throw new FileException(NtStatus.OBJECT_PATH_NOT_FOUND);
            }
        } else if (path.startsWith("\\\\")) {
            throw new FileException(NtStatus.OBJECT_PATH_NOT_FOUND);
        }
        char drive = current.drive;
        List<String> parts = new ArrayList<>();
        if (startsWithDrive(path)) {
            drive = Character.toUpperCase(path.charAt(0));
            path = path.substring(2);
            if (!path.startsWith("\\") && drive == current.drive) {
                parts.addAll(current.parts);
            }
        } else if (!path.startsWith("\\")) {
            parts.addAll(current.parts);
        }
        for (String raw : path.split("\\\\")) {
            if (raw.isEmpty() || raw.equals(".")) {
                continue;
            }
            if (raw.equals("..")) {
                if (!parts.isEmpty()) {
                    parts.removeLast();
                }
                continue;
            }
            parts.add(legal(raw));
        }
        return new GuestPath(drive, List.copyOf(parts));
    }

    /** The root of a drive. */
    public static GuestPath root(char drive) {
        return new GuestPath(drive, List.of());
    }

    private static boolean startsWithDrive(String path) {
        return path.length() >= 2
                && path.charAt(1) == ':'
                && Character.toUpperCase(path.charAt(0)) >= 'A'
                && Character.toUpperCase(path.charAt(0)) <= 'Z';
    }

    private static String legal(String raw) {
        int end = raw.length();
        while (end > 0 && (raw.charAt(end - 1) == '.' || raw.charAt(end - 1) == ' ')) {
            end--;
        }
        String name = raw.substring(0, end);
        if (!isLegalName(name)) {
            throw new FileException(NtStatus.OBJECT_NAME_INVALID);
        }
        return name;
    }

    /** Whether this can be the name of a file on a volume: no separators, wild cards, streams, devices. */
    static boolean isLegalName(String name) {
        if (name.isEmpty() || name.length() > LONGEST_NAME || name.endsWith(".") || name.endsWith(" ")) {
            return false;
        }
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c < ' ' || "\"*/:<>?\\|".indexOf(c) >= 0) {
                return false;
            }
        }
        return !isDevice(name);
    }

    /** {@code NUL}, {@code com1.txt} and their kin: names that mean a device wherever they stand. */
    public static boolean isDevice(String name) {
        int dot = name.indexOf('.');
        String stem = (dot < 0 ? name : name.substring(0, dot)).stripTrailing();
        return DEVICES.contains(stem.toUpperCase(Locale.ROOT));
    }

    /** The last part; empty for a root. */
    public String name() {
        return parts.isEmpty() ? "" : parts.getLast();
    }

    /** The directory it is in; a root is in itself. */
    public GuestPath parent() {
        return parts.isEmpty() ? this : new GuestPath(drive, parts.subList(0, parts.size() - 1));
    }

    /** {@code C:\dir\name}; a root is {@code C:\}. */
    @Override
    public String toString() {
        return drive + ":\\" + String.join("\\", parts);
    }
}
