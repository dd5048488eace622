package org.vadose.ps;

/**
 * A process to be made.
 *
 * @param imageName its short name; at most 14 characters are kept
 * @param deviceImagePath full path of its image, {@code \Device\HarddiskVolume2\…}; empty for a process of the kernel's own
 * @param parentId process id of its creator
 * @param sessionId session it belongs to, or {@link #NO_SESSION}
 * @param account who it runs as
 * @param directoryTableBase physical address of its PML4
 * @param minimal whether it has no user-mode part: no PEB, no ntdll
 * @param basePriority priority of its threads unless they say otherwise
 */
public record ProcessSpec(
        String imageName,
        String deviceImagePath,
        long parentId,
        int sessionId,
        Account account,
        long directoryTableBase,
        boolean minimal,
        int basePriority) {
    public static final int NO_SESSION = -1;
}
