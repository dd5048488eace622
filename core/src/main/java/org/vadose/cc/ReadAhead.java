package org.vadose.cc;

import java.util.ArrayDeque;
import java.util.Queue;
import org.vadose.base.Pages;
import org.vadose.nt.PrivateCacheMap;

/**
 * Sees whether reads through a file object follow each other, and reads what comes next before it is asked for.
 *
 * <pre>
 *   third read in a row, or the first from the start of the file with FILE_FLAG_SEQUENTIAL_SCAN
 *        --> as much again as was read, 64 KB at least, 256 KB at most, rounded to pages
 *   the reader has come half through what was read ahead --> the next piece
 * </pre>
 */
final class ReadAhead {
    private static final long LEAST_BYTES = 64 << 10;
    private static final long MOST_BYTES = 256 << 10;
    /** Reads in a row that make a sequence. */
    private static final int SEQUENCE = 2;

    /** More are not kept: whoever reads so fast reads them himself. */
    private static final int MOST_REQUESTS = 64;

    private final CacheManager manager;
    private final Queue<Request> requests = new ArrayDeque<>();

    private record Request(CachedStream stream, long firstPage, int pages) {}

    ReadAhead(CacheManager manager) {
        this.manager = manager;
    }

    /** A read of at least a byte is done. */
    void noteRead(CachedStream stream, PrivateCacheMap reader, long position, int length, boolean isSequentialFile) {
        long end = position + length;
        boolean follows = position == reader.lastEnd();
        reader.note(position, end, follows);
        if (!reader.readsAhead() || !follows) {
            return;
        }
        if (reader.sequentialReads() < SEQUENCE && !isSequentialFile) {
            return;
        }
        long ahead =
                reader.readAheadEnd() > end && reader.readAheadEnd() - end <= MOST_BYTES ? reader.readAheadEnd() : end;
        long window = Math.clamp((isSequentialFile ? 4L : 2L) * length, LEAST_BYTES, MOST_BYTES);
        if (ahead - end > window / 2) {
            return;
        }
        long from = Pages.up(ahead);
        long to = Math.min(
                Pages.up(from + window),
                Math.min(Pages.up(stream.size()), stream.map().sectionSize()));
        if (from >= to) {
            return;
        }
        reader.setReadAhead(from, to);
        if (requests.size() < MOST_REQUESTS) {
            requests.add(new Request(stream, from >>> Pages.SHIFT, (int) (to - from >>> Pages.SHIFT)));
        }
        manager.requestReadAhead();
    }

    /** Reads one piece; answers whether more are asked for. */
    boolean step() {
        Request next = requests.poll();
        if (next != null && manager.isCached(next.stream())) {
            long sectionPages = next.stream().map().sectionSize() >>> Pages.SHIFT;
            int count = (int) Math.clamp(sectionPages - next.firstPage(), 0, next.pages());
            manager.cache().readAhead(next.stream().controlArea(), next.firstPage(), count);
        }
        return !requests.isEmpty();
    }
}
