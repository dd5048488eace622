package org.vadose.ps;

import java.util.List;
import org.vadose.nt.CreationMitigations;
import org.vadose.pe.PeImage;

/**
 * A user-mode process to be made.
 *
 * @param dosPath path of its program, {@code C:\Windows\System32\svchost.exe}
 * @param devicePath the same below a device, {@code \Device\HarddiskVolume2\Windows\…}
 * @param commandLine as its creator wrote it
 * @param currentDirectory with its trailing backslash
 * @param environment {@code NAME=value}, in the order the block shall have
 * @param parentId process id of its creator
 * @param sessionId session it belongs to, or {@link ProcessSpec#NO_SESSION}
 * @param account who it runs as
 * @param basePriority priority of its threads unless they say otherwise
 * @param image its program
 * @param imageControlArea the program's image section
 * @param imageFile body of the program's file object, referenced by the process from now on; 0 for none
 * @param ntdllControlArea the image section of ntdll
 * @param mitigations what its creator wants of its policies
 */
public record UserProcessSpec(
        String dosPath,
        String devicePath,
        String commandLine,
        String currentDirectory,
        List<String> environment,
        long parentId,
        int sessionId,
        Account account,
        int basePriority,
        PeImage image,
        long imageControlArea,
        long imageFile,
        long ntdllControlArea,
        CreationMitigations mitigations) {
    /** A process with no policies but the machine's. */
    public UserProcessSpec(
            String dosPath,
            String devicePath,
            String commandLine,
            String currentDirectory,
            List<String> environment,
            long parentId,
            int sessionId,
            Account account,
            int basePriority,
            PeImage image,
            long imageControlArea,
            long imageFile,
            long ntdllControlArea) {
        this(
                dosPath,
                devicePath,
                commandLine,
                currentDirectory,
                environment,
                parentId,
                sessionId,
                account,
                basePriority,
                image,
                imageControlArea,
                imageFile,
                ntdllControlArea,
                CreationMitigations.NONE);
    }

    /** The file name without its directory. */
    public String imageName() {
        return dosPath.substring(dosPath.lastIndexOf('\\') + 1);
    }
}
