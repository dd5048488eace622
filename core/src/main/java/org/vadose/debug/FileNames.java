package org.vadose.debug;

import org.vadose.layout.ControlAreaLayout;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.SubsectionLayout;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.UnicodeString;
import org.vadose.target.TargetMemory;

/** Names of files, from file objects and what leads to them. */
final class FileNames {
    private FileNames() {}

    /** The control area of a view's subsection; 0 if there is none. */
    static long controlArea(TargetMemory kernel, long subsection) {
        return subsection == 0 ? 0 : kernel.readLong(subsection + SubsectionLayout.CONTROL_AREA);
    }

    /** The file object of a control area; 0 for a page-file section. */
    static long fileObject(TargetMemory kernel, long controlArea) {
        return kernel.readLong(controlArea + ControlAreaLayout.FILE_POINTER) & ~0xFL;
    }

    static String name(TargetMemory kernel, long fileObject) {
        return new UnicodeString(kernel, fileObject + FileObjectLayout.FILE_NAME).text();
    }

    /** The name and, in braces, the device it is on: {@code \Windows\notepad.exe {HarddiskVolume4}}. */
    static String nameAndDevice(TargetMemory kernel, long fileObject) {
        String name = name(kernel, fileObject);
        long device = kernel.readLong(fileObject + FileObjectLayout.DEVICE_OBJECT);
        String on = device == 0 ? "" : ObjectHeader.ofBody(kernel, device).name();
        return on.isEmpty() ? name : name + " {" + on + "}";
    }
}
