package org.vadose.win32.kernel32;

import java.util.List;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** What volumes say about themselves. */
final class VolumeFunctions {
    static final int VOLUME_SERIAL = 0x5661_646F;

    private VolumeFunctions() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("GetVolumeInformation" + letter, call -> getVolumeInformation(call, wide))
                    .function("GetDiskFreeSpaceEx" + letter, VolumeFunctions::getDiskFreeSpace);
        }
    }

    private static long getVolumeInformation(ApiCall call, boolean wide) {
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

    private static long getDiskFreeSpace(ApiCall call) {
        for (int i = 1; i <= 3; i++) {
            if (call.arg(i) != 0) {
                call.memory().writeLong(call.arg(i), i == 2 ? 64L << 30 : 32L << 30);
            }
        }
        return 1;
    }
}
