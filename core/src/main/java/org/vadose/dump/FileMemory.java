package org.vadose.dump;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.target.ReadOnlyMemory;

/**
 * Physical memory that lies in a mapped file, in runs of pages one after the other. Reading a page that is in no run throws
 * {@link IndexOutOfBoundsException}.
 */
final class FileMemory extends ReadOnlyMemory {
    private final MemorySegment file;
    private final long[] starts;
    private final long[] ends;
    private final long[] offsets;

    /**
     * @param runs ascending and disjoint
     * @param dataOffset where the first run's bytes start in the file
     */
    FileMemory(MemorySegment file, List<PhysicalRun> runs, long dataOffset) {
        this.file = file;
        int count = runs.size();
        starts = new long[count];
        ends = new long[count];
        offsets = new long[count];
        long offset = dataOffset;
        for (int i = 0; i < count; i++) {
            PhysicalRun run = runs.get(i);
            starts[i] = run.firstPage() << Pages.SHIFT;
            ends[i] = run.end() << Pages.SHIFT;
            offsets[i] = offset;
            offset += run.pages() << Pages.SHIFT;
        }
    }

    private int runAt(long address) {
        int low = 0;
        int high = starts.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (address < starts[middle]) {
                high = middle - 1;
            } else if (address >= ends[middle]) {
                low = middle + 1;
            } else {
                return middle;
            }
        }
        throw new IndexOutOfBoundsException("physical address is not in the image address=" + Hex.plain(address));
    }

    @Override
    public void read(long address, byte[] target, int offset, int length) {
        for (int done = 0; done < length; ) {
            long at = address + done;
            int run = runAt(at);
            int count = (int) Math.min(length - done, ends[run] - at);
            MemorySegment.copy(
                    file, ValueLayout.JAVA_BYTE, offsets[run] + at - starts[run], target, offset + done, count);
            done += count;
        }
    }
}
