package org.vadose.mm;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link Stress}, as much of it as each build has time for. */
class StressTest {
    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2", "3, 3", "4, 4"})
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void everyInvariantHoldsUnderPressure(long seed, int processors) {
        Stress.Plan plan = Stress.small(seed, processors);
        System.out.println(plan);
        new Stress(plan).run();
    }
}
