package org.vadose.win32.crt;

/**
 * Bessel functions of integer order. Small arguments: the power series. Larger ones: the integral
 * {@code J(n,x) = 1/pi * integral over 0..pi of cos(n t - x sin t)} and its companion for Y by the trapezoidal rule, which converges
 * faster than any power of the step for a periodic integrand (Abramowitz and Stegun 9.1.21, 9.1.22).
 */
final class Bessel {
    private static final int SERIES_LIMIT = 8;
    private static final int SERIES_TERMS = 80;
    private static final double EULER = 0.57721566490153286061;
    /** Beyond this the asymptotic expansion of order zero is exact to double precision. */
    private static final double ASYMPTOTIC = 30;

    private Bessel() {}

    /** J of order {@code n}. */
    static double first(int n, double x) {
        if (Double.isNaN(x) || Double.isInfinite(x)) {
            return Double.isNaN(x) ? x : 0;
        }
        int order = Math.abs(n);
        double sign = (n < 0 ^ x < 0) && (order & 1) != 0 ? -1 : 1;
        double size = Math.abs(x);
        if (order > size + 200) {
            return 0;
        }
        return sign * (size < SERIES_LIMIT ? series(order, size) : integral(order, size));
    }

    private static double series(int n, double x) {
        double term = 1;
        for (int i = 1; i <= n; i++) {
            term *= x / 2 / i;
        }
        double sum = 0;
        for (int k = 0; k < SERIES_TERMS; k++) {
            sum += term;
            term *= -(x * x / 4) / ((k + 1.0) * (k + 1.0 + n));
        }
        return sum;
    }

    private static double integral(int n, double x) {
        if (x > 1e5) {
            return asymptotic(n, x, false);
        }
        int steps = (int) (2 * (x + n) + 100);
        double sum = 0;
        for (int i = 0; i < steps; i++) {
            double t = Math.PI * (i + 0.5) / steps;
            sum += Math.cos(n * t - x * Math.sin(t));
        }
        return sum / steps;
    }

    /** Y of order {@code n}; not a number for negative arguments, minus infinity at zero. */
    static double second(int n, double x) {
        if (Double.isNaN(x) || x < 0) {
            return Double.NaN;
        }
        if (x == 0) {
            return Double.NEGATIVE_INFINITY;
        }
        if (Double.isInfinite(x)) {
            return 0;
        }
        int order = Math.abs(n);
        double below = x > ASYMPTOTIC ? asymptotic(0, x, true) : secondSeries(x);
        if (order == 0) {
            return below;
        }
        // The Wronskian J1 Y0 - J0 Y1 = 2/(pi x) gives Y1, unless J0 is too small to divide by.
        double zero = first(0, x);
        double value = x > ASYMPTOTIC || Math.abs(zero) < 1e-3
                ? x > ASYMPTOTIC ? asymptotic(1, x, true) : secondSlope(x)
                : (first(1, x) * below - 2 / (Math.PI * x)) / zero;
        for (int i = 1; i < order; i++) {
            double above = 2.0 * i / x * value - below;
            below = value;
            value = above;
        }
        return n < 0 && (order & 1) != 0 ? -value : value;
    }

    /** Y0 as Neumann's series of Js of even order (Abramowitz and Stegun 9.1.89). */
    private static double secondSeries(double x) {
        double sum = 0;
        for (int k = 1; k < 60; k++) {
            sum += ((k & 1) == 0 ? 1.0 : -1.0) * first(2 * k, x) / k;
        }
        return 2 / Math.PI * (Math.log(x / 2) + EULER) * first(0, x) - 4 / Math.PI * sum;
    }

    /** Y1 = -Y0'. */
    private static double secondSlope(double x) {
        double h = 1e-4;
        return -(8 * (secondSeries(x + h) - secondSeries(x - h)) - secondSeries(x + 2 * h) + secondSeries(x - 2 * h))
                / (12 * h);
    }

    /** Hankel's expansion (Abramowitz and Stegun 9.2.5 to 9.2.10). */
    private static double asymptotic(int n, double x, boolean second) {
        double mu = 4.0 * n * n;
        double p = 1;
        double q = 0;
        double term = 1;
        for (int k = 1; k < 40; k++) {
            double next = term * (mu - (2.0 * k - 1) * (2.0 * k - 1)) / (k * 8 * x);
            if (Math.abs(next) > Math.abs(term)) {
                break;
            }
            term = next;
            switch (k & 3) {
                case 1 -> q += term;
                case 2 -> p -= term;
                case 3 -> q -= term;
                default -> p += term;
            }
        }
        double angle = x - n * Math.PI / 2 - Math.PI / 4;
        double scale = Math.sqrt(2 / (Math.PI * x));
        return second
                ? scale * (p * Math.sin(angle) + q * Math.cos(angle))
                : scale * (p * Math.cos(angle) - q * Math.sin(angle));
    }
}
