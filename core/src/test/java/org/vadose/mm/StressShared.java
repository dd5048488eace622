package org.vadose.mm;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Section;

/** A section that every process has mapped and every thread writes to, each to words of its own on the same pages. */
final class StressShared {
    static final int PAGES = 24;

    private final List<Eprocess> processes;
    private final List<Long> bases = new ArrayList<>();
    private final long[][] written;

    StressShared(Stress stress, List<Eprocess> processes, int threads) {
        this.processes = processes;
        written = new long[threads][PAGES];
        MemoryManager manager = stress.manager();
        long body = manager.pool().allocate(PoolType.PAGED_POOL, Section.SIZE, 0);
        manager.kernelMemory().fill(body, Section.SIZE, (byte) 0);
        expect(manager.sectionObjects()
                .create(
                        body,
                        processes.getFirst(),
                        PAGES * Pages.SIZE,
                        PageProtection.PAGE_READWRITE,
                        SectionServices.SEC_COMMIT,
                        null,
                        "shared"));
        for (Eprocess process : processes) {
            ViewServices.View view = new ViewServices.View();
            expect(manager.views().map(body, process, view, 0, 0, 1, 0, PageProtection.PAGE_READWRITE));
            bases.add(view.base);
        }
    }

    private static void expect(NtStatus status) {
        if (!status.isSuccess()) {
            throw new IllegalStateException("status=" + status);
        }
    }

    /** Where a thread's word of a page is in its process. */
    long address(int thread, Eprocess process, int page) {
        return bases.get(processes.indexOf(process)) + page * Pages.SIZE + 8L * thread;
    }

    long written(int thread, int page) {
        return written[thread][page];
    }

    void setWritten(int thread, int page, long value) {
        written[thread][page] = value;
    }
}
