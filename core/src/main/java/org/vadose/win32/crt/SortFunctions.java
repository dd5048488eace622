package org.vadose.win32.crt;

import java.util.ArrayList;
import java.util.List;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code qsort} and {@code bsearch}, whose comparisons are guest code, and the other odds of {@code stdlib.h}. */
final class SortFunctions {
    /** Longer elements than any array in memory has two of. */
    private static final long LONGEST_ELEMENT = 1 << 30;

    /** Arrays up to this length are sorted by choosing the largest, as in the library. */
    private static final int SHORT_SORT = 8;

    private static final int MULTIPLIER = 214013;
    private static final int INCREMENT = 2531011;

    private SortFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("qsort", SortFunctions::sort)
                .function("bsearch", SortFunctions::search)
                .function("_lfind", call -> linear(call))
                .function("rand", SortFunctions::random)
                .function("srand", SortFunctions::seed)
                .function("rand_s", SortFunctions::strongRandom)
                .function("abs", call -> Math.abs(call.intArg(0)))
                .function("labs", call -> Math.abs(call.intArg(0)))
                .function("_abs64", call -> Math.abs(call.arg(0)))
                .function("div", call -> pair(call.intArg(0) / call.intArg(1), call.intArg(0) % call.intArg(1)))
                .function("ldiv", call -> pair(call.intArg(0) / call.intArg(1), call.intArg(0) % call.intArg(1)))
                .function("_rotl", call -> Integer.rotateLeft(call.intArg(0), call.intArg(1)))
                .function("_rotr", call -> Integer.rotateRight(call.intArg(0), call.intArg(1)))
                .function("_rotl64", call -> Long.rotateLeft(call.arg(0), call.intArg(1)))
                .function("_rotr64", call -> Long.rotateRight(call.arg(0), call.intArg(1)))
                .function("_lrotl", call -> Integer.rotateLeft(call.intArg(0), call.intArg(1)))
                .function("_lrotr", call -> Integer.rotateRight(call.intArg(0), call.intArg(1)));
    }

    private static long pair(int low, int high) {
        return low & 0xFFFF_FFFFL | (long) high << 32;
    }

    /** The elements' order as the guest's comparison sees it; elements move in memory while it runs. */
    private static final class Array {
        private final ApiCall call;
        private final Memory memory;
        private final int width;
        private final long comparison;

        Array(ApiCall call, int width, long comparison) {
            this.call = call;
            this.memory = call.memory();
            this.width = width;
            this.comparison = comparison;
        }

        int compare(long a, long b) {
            return (int) call.callGuest(comparison, a, b);
        }

        void swap(long a, long b) {
            if (a != b) {
                byte[] kept = memory.read(a, width);
                memory.write(a, memory.read(b, width));
                memory.write(b, kept);
            }
        }

        void sort(long first, long last) {
            List<long[]> waiting = new ArrayList<>();
            waiting.add(new long[] {first, last});
            while (!waiting.isEmpty()) {
                long[] range = waiting.removeLast();
                long low = range[0];
                long high = range[1];
                long count = (high - low) / width + 1;
                if (count <= SHORT_SORT) {
                    selectionSort(low, high);
                } else {
                    partition(low, high, count, waiting);
                }
            }
        }

        private void selectionSort(long low, long high) {
            for (long end = high; end > low; end -= width) {
                long largest = low;
                for (long at = low + width; at <= end; at += width) {
                    if (compare(at, largest) > 0) {
                        largest = at;
                    }
                }
                swap(largest, end);
            }
        }

        private void partition(long low, long high, long count, List<long[]> waiting) {
            long middle = low + count / 2 * width;
            if (compare(low, middle) > 0) {
                swap(low, middle);
            }
            if (compare(low, high) > 0) {
                swap(low, high);
            }
            if (compare(middle, high) > 0) {
                swap(middle, high);
            }
            swap(middle, high - width);
            long pivot = high - width;
            long left = low;
            long right = pivot;
            while (true) {
                do {
                    left += width;
                } while (left < pivot && compare(left, pivot) < 0);
                do {
                    right -= width;
                } while (right > low && compare(right, pivot) > 0);
                if (left >= right) {
                    break;
                }
                swap(left, right);
            }
            swap(left, pivot);
            // The longer part waits, so that few wait at a time.
            long[] below = {low, left - width};
            long[] above = {left + width, high};
            boolean belowIsLonger = left - low > high - left;
            addIfWorth(waiting, belowIsLonger ? below : above);
            addIfWorth(waiting, belowIsLonger ? above : below);
        }

        private static void addIfWorth(List<long[]> waiting, long[] range) {
            if (range[0] < range[1]) {
                waiting.add(range);
            }
        }
    }

    private static long sort(ApiCall call) {
        long count = call.arg(1);
        long width = call.arg(2);
        if (count == 0) {
            return 0;
        }
        if (count < 0 || width <= 0 || width > LONGEST_ELEMENT || count > Long.MAX_VALUE / width || call.arg(0) == 0) {
            CrtState.setErrno(call, CrtState.EINVAL);
            return 0;
        }
        if (count >= 2) {
            new Array(call, (int) width, call.arg(3)).sort(call.arg(0), call.arg(0) + (count - 1) * width);
        }
        return 0;
    }

    private static long search(ApiCall call) {
        long width = call.arg(3);
        long comparison = call.arg(4);
        long low = 0;
        long high = call.arg(2) - 1;
        while (low <= high) {
            long middle = low + high >>> 1;
            long at = call.arg(1) + middle * width;
            int order = (int) call.callGuest(comparison, call.arg(0), at);
            if (order == 0) {
                return at;
            }
            if (order < 0) {
                high = middle - 1;
            } else {
                low = middle + 1;
            }
        }
        return 0;
    }

    private static long linear(ApiCall call) {
        int count = call.memory().readInt(call.arg(2));
        for (int i = 0; i < count; i++) {
            long at = call.arg(1) + (long) i * call.intArg(3);
            if ((int) call.callGuest(call.arg(4), call.arg(0), at) == 0) {
                return at;
            }
        }
        return 0;
    }

    private static long random(ApiCall call) {
        long at = CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_SEED;
        int next = call.memory().readInt(at) * MULTIPLIER + INCREMENT;
        call.memory().writeInt(at, next);
        return next >> 16 & 0x7FFF;
    }

    private static long seed(ApiCall call) {
        call.memory().writeInt(CrtState.of(call).threadBlock(call.thread()) + CrtState.THREAD_SEED, call.intArg(0));
        return 0;
    }

    private static long strongRandom(ApiCall call) {
        long high = random(call);
        call.memory().writeInt(call.arg(0), (int) (high << 17 ^ random(call) << 8 ^ random(call)));
        return 0;
    }
}
