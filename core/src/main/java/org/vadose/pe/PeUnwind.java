package org.vadose.pe;

import org.jspecify.annotations.Nullable;
import org.vadose.layout.ImageRuntimeFunctionEntryLayout;

/** The exception directory: runtime functions sorted by their first address. */
final class PeUnwind {
    static final long RUNTIME_FUNCTION_SIZE = ImageRuntimeFunctionEntryLayout.SIZE;

    private PeUnwind() {}

    static PeImage.RuntimeFunction read(PeImage image, long at) {
        return new PeImage.RuntimeFunction(
                image.u32(at + ImageRuntimeFunctionEntryLayout.BEGIN_ADDRESS, "runtime function"),
                image.u32(at + ImageRuntimeFunctionEntryLayout.END_ADDRESS, "runtime function"),
                image.u32(at + ImageRuntimeFunctionEntryLayout.UNWIND_INFO_ADDRESS, "runtime function"));
    }

    static PeImage.@Nullable RuntimeFunction find(PeImage image, long rva) {
        int low = 0;
        int high = image.runtimeFunctionCount() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            PeImage.RuntimeFunction function = image.runtimeFunction(middle);
            if (rva < function.begin()) {
                high = middle - 1;
            } else if (rva >= function.end()) {
                low = middle + 1;
            } else {
                return function;
            }
        }
        return null;
    }
}
