package org.vadose.mm;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link Stress}, as much of it as each build has time for. */
class StressTest {
    @ParameterizedTest
    @CsvSource({"1, 1, false", "2, 2, false", "3, 3, false", "4, 4, false", "5, 1, true", "6, 3, true"})
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void everyInvariantHoldsUnderPressure(long seed, int processors, boolean inBackground) {
        Stress.Plan plan = Stress.small(seed, processors, inBackground);
        System.out.println(plan);
        new Stress(plan).run();
    }
}
