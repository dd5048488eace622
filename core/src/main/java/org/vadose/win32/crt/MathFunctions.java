package org.vadose.win32.crt;

import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code math.h}. A domain error gives EDOM and the indefinite NaN, a pole or an overflow ERANGE. */
final class MathFunctions {
    private static final double INDEFINITE = Double.longBitsToDouble(0xFFF8_0000_0000_0000L);

    // _fpclass answers.
    private static final int SIGNALLING = 0x1;
    private static final int QUIET = 0x2;
    private static final int NEGATIVE_INFINITY = 0x4;
    private static final int NEGATIVE_NORMAL = 0x8;
    private static final int NEGATIVE_DENORMAL = 0x10;
    private static final int NEGATIVE_ZERO = 0x20;
    private static final int POSITIVE_ZERO = 0x40;
    private static final int POSITIVE_DENORMAL = 0x80;
    private static final int POSITIVE_NORMAL = 0x100;
    private static final int POSITIVE_INFINITY = 0x200;

    private MathFunctions() {}

    static void addTo(ApiModule msvcrt) {
        one(msvcrt, "sin", Math::sin);
        one(msvcrt, "cos", Math::cos);
        one(msvcrt, "tan", Math::tan);
        one(msvcrt, "asin", Math::asin);
        one(msvcrt, "acos", Math::acos);
        one(msvcrt, "atan", Math::atan);
        one(msvcrt, "sinh", Math::sinh);
        one(msvcrt, "cosh", Math::cosh);
        one(msvcrt, "tanh", Math::tanh);
        one(msvcrt, "exp", Math::exp);
        one(msvcrt, "log", Math::log);
        one(msvcrt, "log10", Math::log10);
        one(msvcrt, "sqrt", Math::sqrt);
        one(msvcrt, "ceil", Math::ceil);
        one(msvcrt, "floor", Math::floor);
        two(msvcrt, "atan2", Math::atan2);
        two(msvcrt, "pow", MathFunctions::power);
        two(msvcrt, "fmod", (a, b) -> a % b);
        two(msvcrt, "_hypot", Math::hypot);
        two(msvcrt, "hypot", Math::hypot);
        one(msvcrt, "_j0", x -> Bessel.first(0, x));
        one(msvcrt, "_j1", x -> Bessel.first(1, x));
        one(msvcrt, "_y0", x -> Bessel.second(0, x));
        one(msvcrt, "_y1", x -> Bessel.second(1, x));
        msvcrt.function("_jn", call -> call.returnDouble(Bessel.first(call.intArg(0), call.doubleArg(1))))
                .function("_yn", call -> call.returnDouble(Bessel.second(call.intArg(0), call.doubleArg(1))))
                .function("_isnanf", call -> Float.isNaN(call.floatArg(0)) ? 1 : 0)
                .function("_finitef", call -> Float.isFinite(call.floatArg(0)) ? 1 : 0)
                .function("_copysignf", call -> call.returnFloat(Math.copySign(call.floatArg(0), call.floatArg(1))))
                .function("_chgsignf", call -> call.returnFloat(-call.floatArg(0)))
                .function("_logbf", call -> call.returnFloat(Math.getExponent(call.floatArg(0))))
                .function("_scalbf", call -> call.returnFloat(Math.scalb(call.floatArg(0), call.intArg(1))))
                .function("_nextafterf", call -> call.returnFloat(Math.nextAfter(call.floatArg(0), call.floatArg(1))))
                .function("_fpclassf", call -> classOf(call.floatArg(0)))
                .function("_cabs", MathFunctions::complexSize);
        msvcrt.function("fabs", call -> call.returnDouble(Math.abs(call.doubleArg(0))))
                .function("fabsf", call -> call.returnFloat(Math.abs(call.floatArg(0))))
                .function("_copysign", call -> call.returnDouble(Math.copySign(call.doubleArg(0), call.doubleArg(1))))
                .function("_chgsign", call -> call.returnDouble(-call.doubleArg(0)))
                .function("_nextafter", call -> call.returnDouble(Math.nextAfter(call.doubleArg(0), call.doubleArg(1))))
                .function("_scalb", call -> call.returnDouble(Math.scalb(call.doubleArg(0), call.intArg(1))))
                .function("ldexp", MathFunctions::scale)
                .function("frexp", MathFunctions::split)
                .function("modf", MathFunctions::parts)
                .function("modff", MathFunctions::floatParts)
                .function("_logb", call -> call.returnDouble(Math.getExponent(call.doubleArg(0))))
                .function("_isnan", call -> Double.isNaN(call.doubleArg(0)) ? 1 : 0)
                .function("_finite", call -> Double.isFinite(call.doubleArg(0)) ? 1 : 0)
                .function("_fpclass", call -> classOf(call.doubleArg(0)))
                .function("_controlfp", call -> FloatControl.change(call, FloatControl.WITHOUT_DENORMAL))
                .function("_control87", call -> FloatControl.change(call, -1))
                .function("_clearfp", FloatControl::clear)
                .function("_statusfp", FloatControl::status)
                .function("_fpreset", FloatControl::reset)
                .data(
                        "_HUGE",
                        Double.BYTES,
                        (process, at) ->
                                process.memory().writeLong(at, Double.doubleToRawLongBits(Double.POSITIVE_INFINITY)));
    }

    /** {@code struct _complex} comes by address. */
    private static long complexSize(ApiCall call) {
        double real = Double.longBitsToDouble(call.memory().readLong(call.arg(0)));
        double imaginary = Double.longBitsToDouble(call.memory().readLong(call.arg(0) + 8));
        return call.returnDouble(Math.hypot(real, imaginary));
    }

    private static void one(ApiModule msvcrt, String name, DoubleUnaryOperator function) {
        msvcrt.function(
                name,
                call -> call.returnDouble(
                        checked(call, name, function.applyAsDouble(call.doubleArg(0)), call.doubleArg(0), 0)));
        msvcrt.function(
                name + "f",
                call -> call.returnFloat((float)
                        checked(call, name + "f", function.applyAsDouble(call.floatArg(0)), call.floatArg(0), 0)));
    }

    private static void two(ApiModule msvcrt, String name, DoubleBinaryOperator function) {
        msvcrt.function(
                name,
                call -> call.returnDouble(checked(
                        call,
                        name,
                        function.applyAsDouble(call.doubleArg(0), call.doubleArg(1)),
                        call.doubleArg(0),
                        call.doubleArg(1))));
        msvcrt.function(
                name + "f",
                call -> call.returnFloat((float) checked(
                        call,
                        name + "f",
                        function.applyAsDouble(call.floatArg(0), call.floatArg(1)),
                        call.floatArg(0),
                        call.floatArg(1))));
    }

    private static double checked(ApiCall call, String name, double result, double a, double b) {
        if (Double.isNaN(result)) {
            if (Double.isNaN(a) || Double.isNaN(b)) {
                return Double.isNaN(a) ? a : b;
            }
            return RuntimeErrors.mathProblem(call, RuntimeErrors.MathProblem.DOMAIN, name, a, b, INDEFINITE);
        }
        if (Double.isInfinite(result) && Double.isFinite(a) && Double.isFinite(b)) {
            // An infinite result of zero is a pole.
            return RuntimeErrors.mathProblem(
                    call,
                    a == 0 ? RuntimeErrors.MathProblem.SINGULARITY : RuntimeErrors.MathProblem.OVERFLOW,
                    name,
                    a,
                    b,
                    result);
        }
        return result;
    }

    /** C has 1 where Java has NaN. */
    private static double power(double base, double exponent) {
        if (base == 1 || base == -1 && Double.isInfinite(exponent)) {
            return 1;
        }
        return Math.pow(base, exponent);
    }

    private static long scale(ApiCall call) {
        double value = call.doubleArg(0);
        return call.returnDouble(checked(call, "ldexp", Math.scalb(value, call.intArg(1)), value, 0));
    }

    private static long split(ApiCall call) {
        double value = call.doubleArg(0);
        int exponent = 0;
        if (value != 0 && Double.isFinite(value)) {
            double scaled = Math.abs(value) < Double.MIN_NORMAL ? value * 0x1p54 : value;
            exponent = Math.getExponent(scaled) + 1;
            value = Math.scalb(scaled, -exponent);
            exponent -= scaled == call.doubleArg(0) ? 0 : 54;
        }
        call.memory().writeInt(call.arg(1), exponent);
        return call.returnDouble(value);
    }

    private static double whole(double value) {
        return value < 0 ? Math.ceil(value) : Math.floor(value);
    }

    private static long parts(ApiCall call) {
        double value = call.doubleArg(0);
        double whole = whole(value);
        call.memory().writeLong(call.arg(1), Double.doubleToRawLongBits(whole));
        return call.returnDouble(
                Double.isInfinite(value) ? Math.copySign(0, value) : Math.copySign(value - whole, value));
    }

    private static long floatParts(ApiCall call) {
        float value = call.floatArg(0);
        float whole = (float) whole(value);
        call.memory().writeInt(call.arg(1), Float.floatToRawIntBits(whole));
        return call.returnFloat(
                Float.isInfinite(value) ? Math.copySign(0f, value) : Math.copySign(value - whole, value));
    }

    private static int classOf(double value) {
        boolean negative = FloatText.isNegative(value);
        if (Double.isNaN(value)) {
            return (Double.doubleToRawLongBits(value) & 1L << 51) != 0 ? QUIET : SIGNALLING;
        }
        if (Double.isInfinite(value)) {
            return negative ? NEGATIVE_INFINITY : POSITIVE_INFINITY;
        }
        if (value == 0) {
            return negative ? NEGATIVE_ZERO : POSITIVE_ZERO;
        }
        if (Math.abs(value) < Double.MIN_NORMAL) {
            return negative ? NEGATIVE_DENORMAL : POSITIVE_DENORMAL;
        }
        return negative ? NEGATIVE_NORMAL : POSITIVE_NORMAL;
    }
}
