package org.vadose.win32;

import org.vadose.base.NtStatus;
import org.vadose.layout.MmSessionSpaceLayout;
import org.vadose.layout.UnicodeStringLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.UnicodeString;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;
import org.vadose.ob.ObjectNamespace;

/**
 * Names of events, sections and their kin. What Win32 calls {@code name} is in the session's {@code BaseNamedObjects}, whose links
 * say what {@code Global\} and {@code Local\} mean; system services name objects by path from the root or from a directory.
 */
public final class NamedObjects {
    private static final int ROOT_DIRECTORY = 8;
    private static final int OBJECT_NAME = 16;
    private static final int ATTRIBUTES = 24;
    private static final int OBJ_CASE_INSENSITIVE = 0x40;

    private NamedObjects() {}

    /**
     * Where an object of a name is, or is to be.
     *
     * @param status why there is no such place
     * @param directory the directory's body; 0 for an object without a name
     * @param name its last part
     * @param anyCase whether a name that differs in case alone is the same: never for Win32's names
     */
    public record Place(NtStatus status, long directory, String name, boolean anyCase) {
        private static final Place NOWHERE = new Place(NtStatus.SUCCESS, 0, "", false);

        private static Place failed(NtStatus status) {
            return new Place(status, 0, "", false);
        }

        /** The object there, 0 for none. */
        public long find(ObjectManager objects) {
            if (directory == 0) {
                return 0;
            }
            return anyCase
                    ? objects.namespace().find(directory, name)
                    : objects.namespace().findExact(directory, name);
        }
    }

    /** @param name as programs give it to Win32 functions; empty for none */
    public static Place ofWin32(GuestProcess process, String name) {
        return name.isEmpty()
                ? Place.NOWHERE
                : at(process.kernel().objectManager(), directoryOf(process) + "\\" + name, false);
    }

    /** {@code \BaseNamedObjects}, or that of the process's session. */
    private static String directoryOf(GuestProcess process) {
        ObjectManager objects = process.kernel().objectManager();
        Eprocess eprocess = process.eprocess();
        int session = eprocess.session() == 0
                ? 0
                : objects.memory().readInt(eprocess.session() + MmSessionSpaceLayout.SESSION_ID);
        String path = "\\Sessions\\" + session + "\\BaseNamedObjects";
        return session != 0 && objects.namespace().lookup(path).status().isSuccess() ? path : "\\BaseNamedObjects";
    }

    /**
     * Where {@code OBJECT_ATTRIBUTES} say.
     *
     * @param attributes address in the process, 0 for none
     */
    public static Place ofAttributes(GuestProcess process, long attributes) {
        if (attributes == 0) {
            return Place.NOWHERE;
        }
        Memory memory = process.memory();
        long string = memory.readLong(attributes + OBJECT_NAME);
        if (string == 0 || memory.readUnsignedShort(string + UnicodeStringLayout.LENGTH) == 0) {
            return Place.NOWHERE;
        }
        String name = new UnicodeString(memory, string).text();
        long root = memory.readLong(attributes + ROOT_DIRECTORY);
        ObjectManager objects = process.kernel().objectManager();
        boolean anyCase = (flags(process, attributes) & OBJ_CASE_INSENSITIVE) != 0;
        if (root == 0) {
            return at(objects, name, anyCase);
        }
        long directory = process.objects().body(root, KnownType.DIRECTORY);
        if (directory == 0) {
            return Place.failed(
                    process.objects().body(root) == 0 ? NtStatus.INVALID_HANDLE : NtStatus.OBJECT_TYPE_MISMATCH);
        }
        String path = objects.namespace().path(directory);
        return at(objects, (path.equals("\\") ? "" : path) + "\\" + name, anyCase);
    }

    /** {@code OBJ_} flags of {@code OBJECT_ATTRIBUTES}; 0 for none. */
    public static int flags(GuestProcess process, long attributes) {
        return attributes == 0 ? 0 : process.memory().readInt(attributes + ATTRIBUTES);
    }

    private static Place at(ObjectManager objects, String path, boolean anyCase) {
        int slash = path.lastIndexOf('\\');
        if (slash < 0 || !path.startsWith("\\")) {
            return Place.failed(NtStatus.OBJECT_PATH_SYNTAX_BAD);
        }
        if (slash == path.length() - 1) {
            return Place.failed(NtStatus.OBJECT_NAME_INVALID);
        }
        ObjectNamespace.Lookup parent = objects.namespace().lookup(slash == 0 ? "\\" : path.substring(0, slash));
        if (!parent.status().isSuccess()
                || !parent.rest().isEmpty()
                || !objects.isType(parent.body(), KnownType.DIRECTORY)) {
            return Place.failed(NtStatus.OBJECT_PATH_NOT_FOUND);
        }
        return new Place(NtStatus.SUCCESS, parent.body(), path.substring(slash + 1), anyCase);
    }
}
