package org.vadose.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.vadose.machine.MachineConfig;
import org.vadose.machine.MemorySaving;
import org.vadose.machine.PageFileSetup;
import org.vadose.mm.MemoryBackingStore;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.PfnDatabase;

/**
 * Page faults on pages that were taken out of a working set, a page an operation, and memory that does not fit in RAM.
 *
 * <p>The peer of the faults is the host's first write to a page; that of {@code sequential} is a program that writes as many bytes
 * to a file and reads them again, from and into memory as large as the machine's RAM. Both move the same: of each page that is not
 * in RAM, the way in and, if it was written to, the way out, two pages an operation ({@code _KPRCB} counts them).
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 20, time = 200, timeUnit = TimeUnit.MILLISECONDS)
public class PagingBenchmark {
    private static final int PAGES = 2048;
    private static final int PAGE_BYTES = 4096;
    private static final int LARGE_PAGES = 65536;
    private static final int BLOCK_BYTES = 1 << 18;
    private static final int SMALL_RAM = 128 << 20;

    /** A process with pages that are nowhere but on lists, or in a page file that is memory. */
    @State(Scope.Thread)
    public static class Trimmed {
        final GuestMemory guest = new GuestMemory(MachineConfig.standard()
                .withRamBytes(128 << 20)
                .withSaving(MemorySaving.NONE)
                .withPageFiles(List.of()));
        final MemoryManager manager = guest.machine().memoryManager();
        final int[] order = new Random(1).ints(0, PAGES).distinct().limit(PAGES).toArray();
        long base;

        @Setup
        public void allocate() {
            manager.pageFiles().create("memory", 4 * PAGES, 4 * PAGES, 0, new MemoryBackingStore());
            base = guest.allocate((long) PAGES * PAGE_BYTES);
            for (int page = 0; page < PAGES; page++) {
                guest.memory().writeLong(base + (long) page * PAGE_BYTES, page);
            }
        }

        @Setup(Level.Invocation)
        public void trim() {
            manager.workingSets().empty(guest.process());
            manager.writeModifiedPages();
        }

        @TearDown
        public void close() {
            guest.machine().close();
        }
    }

    /** The same, after somebody else had all RAM. */
    public static class PagedOut extends Trimmed {
        @Setup(Level.Invocation)
        public void repurpose() {
            PfnDatabase pfns = manager.pfns();
            long[] taken = new long[(int) pfns.availablePages()];
            for (int i = 0; i < taken.length; i++) {
                taken[i] = pfns.allocate(0, 0);
            }
            for (long frame : taken) {
                pfns.free(frame);
            }
        }
    }

    /** A machine of 128 MB with a page file in a file of the host. */
    @State(Scope.Thread)
    public static class Small {
        final GuestMemory guest = new GuestMemory(MachineConfig.standard()
                .withRamBytes(SMALL_RAM)
                .withSaving(MemorySaving.NONE)
                .withPageFiles(List.of(new PageFileSetup("C:\\pagefile.sys", 512 << 20, 512 << 20))));
        long base;

        @Setup
        public void allocate() {
            base = guest.allocate((long) LARGE_PAGES * PAGE_BYTES);
        }

        @TearDown
        public void close() {
            guest.machine().close();
        }
    }

    /** A file of as many bytes, and memory as large as the machine's RAM, of which what goes to and fro is a part. */
    @State(Scope.Thread)
    public static class PlainFile {
        final ByteBuffer[] blocks = new ByteBuffer[SMALL_RAM / BLOCK_BYTES];
        Path path = Path.of("");

        @Setup
        public void create() throws IOException {
            for (int i = 0; i < blocks.length; i++) {
                blocks[i] = ByteBuffer.allocateDirect(BLOCK_BYTES);
            }
            path = Files.createTempFile("vadose", ".bench");
        }

        ByteBuffer block(long at) {
            return blocks[(int) (at / BLOCK_BYTES) % blocks.length].clear();
        }

        @TearDown
        public void delete() throws IOException {
            Files.delete(path);
        }
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long softFault(Trimmed state) {
        return touch(state);
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long hardFault(PagedOut state) {
        return touch(state);
    }

    private static long touch(Trimmed state) {
        long sum = 0;
        for (int page : state.order) {
            sum += state.guest.memory().readLong(state.base + (long) page * PAGE_BYTES);
        }
        return sum;
    }

    @Benchmark
    @OperationsPerInvocation(4096)
    public void host(DemandZeroBenchmark.Host state) {
        for (int page = 0; page < 4096; page++) {
            state.memory.set(ValueLayout.JAVA_LONG, (long) page * PAGE_BYTES, page);
        }
    }

    @Benchmark
    @OperationsPerInvocation(LARGE_PAGES)
    public long sequential(Small state) {
        long sum = 0;
        for (int page = 0; page < LARGE_PAGES; page++) {
            state.guest.memory().writeLong(state.base + (long) page * PAGE_BYTES, page);
        }
        for (int page = 0; page < LARGE_PAGES; page++) {
            sum += state.guest.memory().readLong(state.base + (long) page * PAGE_BYTES);
        }
        return sum;
    }

    @Benchmark
    @OperationsPerInvocation(LARGE_PAGES)
    public void file(PlainFile state) {
        try (FileChannel channel = FileChannel.open(state.path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            long bytes = (long) LARGE_PAGES * PAGE_BYTES;
            for (long at = 0; at < bytes; at += BLOCK_BYTES) {
                channel.write(state.block(at), at);
            }
            // The first pages written are the last that are in RAM here, too.
            for (long at = 0; at < bytes; at += BLOCK_BYTES) {
                channel.read(state.block(at), at);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
