package org.vadose.machine;

import java.nio.file.Path;
import org.vadose.dump.ImageWriter;

/** Boots a machine and writes its image, for a look with other tools: {@code WriteImage FILE [bare]}. */
final class WriteImage {
    private WriteImage() {}

    public static void main(String[] args) throws Exception {
        boolean bare = args.length > 1 && args[1].equals("bare");
        long start = System.nanoTime();
        try (Machine machine = Machine.boot(MachineConfig.standard().withBare(bare))) {
            long end = System.nanoTime();
            for (Machine.Timing timing : machine.timings()) {
                System.out.println(timing.phase() + " " + timing.nanos() / 1000 + " us");
            }
            System.out.println("boot " + (end - start) / 1_000_000 + " ms");
            ImageWriter.write(machine.target(), Path.of(args[0]));
        }
    }
}
