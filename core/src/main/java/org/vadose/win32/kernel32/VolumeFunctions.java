package org.vadose.win32.kernel32;

import java.util.List;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** What volumes say about themselves. */
final class VolumeFunctions {
    static final int VOLUME_SERIAL = 0x5661_646F;

    private static final int ERROR_PATH_NOT_FOUND = 3;

    private VolumeFunctions() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("GetVolumeInformation" + letter, call -> getVolumeInformation(call, wide))
                    .function("GetDiskFreeSpaceEx" + letter, call -> getDiskFreeSpace(call, wide));
        }
    }

    /** Whether there is a drive with the letter that the first argument begins with, or, without one, the current drive. */
    private static boolean isThere(ApiCall call, boolean wide) {
        String root = FileTexts.read(call, call.arg(0), wide);
        return root == null
                || root.length() < 2
                || root.charAt(1) != ':'
                || call.process().files().driveLetters().contains(Character.toUpperCase(root.charAt(0)));
    }

    private static long getVolumeInformation(ApiCall call, boolean wide) {
        if (!isThere(call, wide)) {
            return call.fail(ERROR_PATH_NOT_FOUND);
        }
        Memory memory = call.memory();
        if (call.arg(1) != 0) {
            Texts.write(call, call.arg(1), "", wide);
        }
        List<Integer> values = List.of(VOLUME_SERIAL, 255, 0x3);
        for (int i = 0; i < values.size(); i++) {
            if (call.arg(3 + i) != 0) {
                memory.writeInt(call.arg(3 + i), values.get(i));
            }
        }
        if (call.arg(6) != 0) {
            Texts.write(call, call.arg(6), "NTFS", wide);
        }
        return 1;
    }

    private static long getDiskFreeSpace(ApiCall call, boolean wide) {
        if (!isThere(call, wide)) {
            return call.fail(ERROR_PATH_NOT_FOUND);
        }
        for (int i = 1; i <= 3; i++) {
            if (call.arg(i) != 0) {
                call.memory().writeLong(call.arg(i), i == 2 ? 64L << 30 : 32L << 30);
            }
        }
        return 1;
    }
}
