package org.vadose.mm;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.pe.PeFormatException;
import org.vadose.pe.PeImage;
import org.vadose.pe.PeSection;

/**
 * What of an image can be called.
 *
 * @param ranges address in the image and bytes of each executable section, in turn
 * @param targets addresses in the image of the functions that indirect calls may go to; null for all code
 */
record ImageCode(long[] ranges, long @Nullable [] targets) {
    static ImageCode of(PeImage image) {
        List<Long> ranges = new ArrayList<>();
        for (PeSection section : image.sections()) {
            if (section.isExecutable()) {
                ranges.add(section.rva());
                ranges.add(section.sizeBytes());
            }
        }
        long[] targets = null;
        try {
            targets = image.isGuarded() ? image.guardTargets() : null;
        } catch (PeFormatException broken) {
            // An image that cannot say what may be called is treated as one that does not.
            targets = null;
        }
        return new ImageCode(ranges.stream().mapToLong(Long::longValue).toArray(), targets);
    }
}
