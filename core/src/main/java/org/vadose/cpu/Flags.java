package org.vadose.cpu;

/**
 * The six arithmetic flags, kept as what they follow from and only worked out when something asks:
 *
 * <pre>
 * ZF   result == 0
 * SF   sign of (result ^ aux)
 * PF   even number of ones in the low byte of result, turned round by bit 8 of aux
 * AF   bit 4 of (result ^ aux)
 * CF   bit 63 of carry
 * OF   bit 63 of carry against bit 62
 * </pre>
 *
 * {@code result} is sign-extended from the operand size; {@code carry} is the vector of carries out of every bit, shifted so that
 * the operand's highest bit is bit 63. {@code aux} is nothing but bit 4 of the operands' sum without carries after arithmetic;
 * its bits 8 and 63 exist for combinations no result has (popf, comisd).
 */
final class Flags {
    static final int CF = 1;
    static final int PF = 4;
    static final int AF = 0x10;
    static final int ZF = 0x40;
    static final int SF = 0x80;
    static final int OF = 0x800;
    static final int ARITHMETIC = CF | PF | AF | ZF | SF | OF;

    private static final long TOP = Long.MIN_VALUE;
    private static final long BELOW_TOP = 1L << 62;
    private static final long LOW_32 = 0xFFFF_FFFFL;

    long result = 1;
    long carry;
    long aux;

    boolean zero() {
        return result == 0;
    }

    boolean sign() {
        return (result ^ aux) < 0;
    }

    boolean carry() {
        return carry < 0;
    }

    boolean overflow() {
        return (carry ^ (carry << 1)) < 0;
    }

    boolean parity() {
        return ((Integer.bitCount((int) result & 0xFF) ^ (int) (aux >>> 8)) & 1) == 0;
    }

    boolean adjust() {
        return ((result ^ aux) & AF) != 0;
    }

    boolean less() {
        return (result ^ aux ^ carry ^ (carry << 1)) < 0;
    }

    /** The condition in encoding order: o no b ae e ne be a s ns p np l ge le g. */
    boolean holds(int condition) {
        boolean plain = switch (condition >> 1) {
            case 0 -> overflow();
            case 1 -> carry();
            case 2 -> zero();
            case 3 -> carry() || zero();
            case 4 -> sign();
            case 5 -> parity();
            case 6 -> less();
            default -> less() || zero();
        };
        return plain == ((condition & 1) == 0);
    }

    /** The six flags where RFLAGS has them. */
    int bits() {
        return (carry() ? CF : 0)
                | (parity() ? PF : 0)
                | (adjust() ? AF : 0)
                | (zero() ? ZF : 0)
                | (sign() ? SF : 0)
                | (overflow() ? OF : 0);
    }

    void setBits(int bits) {
        boolean zero = (bits & ZF) != 0;
        result = zero ? 0 : 1;
        // The parity of 0 is even, of 1 odd.
        boolean turned = ((bits & PF) != 0) != zero;
        aux = bits & AF | (turned ? 0x100 : 0) | ((bits & SF) != 0 ? TOP : 0);
        setCarryAndOverflow((bits & CF) != 0, (bits & OF) != 0);
    }

    void setBits(int mask, int bits) {
        setBits(bits() & ~mask | bits & mask);
    }

    void setCarryAndOverflow(boolean carries, boolean overflows) {
        carry = (carries ? TOP : 0) | (carries != overflows ? BELOW_TOP : 0);
    }

    void setCarry(boolean carries) {
        setCarryAndOverflow(carries, overflow());
    }

    /** ZF, SF and PF of a sign-extended result; AF clear. */
    void setResult(long value) {
        result = value;
        aux = value & AF;
    }

    // Arithmetic on whole registers. The 32-bit forms take operands with anything above and give zero-extended results.

    long add64(long a, long b) {
        long sum = a + b;
        result = sum;
        carry = a & b | (a | b) & ~sum;
        aux = (a ^ b) & AF;
        return sum;
    }

    long add32(long a, long b) {
        int x = (int) a;
        int y = (int) b;
        int sum = x + y;
        result = sum;
        carry = (long) (x & y | (x | y) & ~sum) << 32;
        aux = (x ^ y) & AF;
        return sum & LOW_32;
    }

    long subtract64(long a, long b) {
        long difference = a - b;
        result = difference;
        carry = ~a & b | (~a | b) & difference;
        aux = (a ^ b) & AF;
        return difference;
    }

    long subtract32(long a, long b) {
        int x = (int) a;
        int y = (int) b;
        int difference = x - y;
        result = difference;
        carry = (long) (~x & y | (~x | y) & difference) << 32;
        aux = (x ^ y) & AF;
        return difference & LOW_32;
    }

    long logic64(long value) {
        result = value;
        carry = 0;
        aux = value & AF;
        return value;
    }

    long logic32(long value) {
        int v = (int) value;
        result = v;
        carry = 0;
        aux = v & AF;
        return v & LOW_32;
    }

    long increment64(long a) {
        long sum = a + 1;
        result = sum;
        keepCarry(sum == TOP);
        aux = a & AF;
        return sum;
    }

    long increment32(long a) {
        int sum = (int) a + 1;
        result = sum;
        keepCarry(sum == Integer.MIN_VALUE);
        aux = a & AF;
        return sum & LOW_32;
    }

    long decrement64(long a) {
        long difference = a - 1;
        result = difference;
        keepCarry(a == TOP);
        aux = a & AF;
        return difference;
    }

    long decrement32(long a) {
        int difference = (int) a - 1;
        result = difference;
        keepCarry((int) a == Integer.MIN_VALUE);
        aux = a & AF;
        return difference & LOW_32;
    }

    private void keepCarry(boolean overflows) {
        long cf = carry & TOP;
        carry = cf | cf >>> 1 ^ (overflows ? BELOW_TOP : 0);
    }

    // The same at any size: operands are shifted up so that their highest bit is bit 63. sh is 64 minus the size in
    // bits.
    // Results come back with garbage above the operand size removed (zero-extended).

    long add(long a, long b, int carryIn, int sh) {
        long x = a << sh;
        long y = b << sh;
        long sum = x + y + ((long) carryIn << sh);
        carry = x & y | (x | y) & ~sum;
        return arithmetic(a, b, sum, sh);
    }

    long subtract(long a, long b, int borrowIn, int sh) {
        long x = a << sh;
        long y = b << sh;
        long difference = x - y - ((long) borrowIn << sh);
        carry = ~x & y | (~x | y) & difference;
        return arithmetic(a, b, difference, sh);
    }

    private long arithmetic(long a, long b, long shifted, int sh) {
        result = shifted >> sh;
        aux = (a ^ b) & AF;
        return shifted >>> sh;
    }

    long logic(long value, int sh) {
        long shifted = value << sh;
        result = shifted >> sh;
        carry = 0;
        aux = value & AF;
        return shifted >>> sh;
    }

    long increment(long a, int sh) {
        long shifted = (a << sh) + (1L << sh);
        result = shifted >> sh;
        keepCarry(shifted == TOP);
        aux = a & AF;
        return shifted >>> sh;
    }

    long decrement(long a, int sh) {
        long before = a << sh;
        long shifted = before - (1L << sh);
        result = shifted >> sh;
        keepCarry(before == TOP);
        aux = a & AF;
        return shifted >>> sh;
    }

    int carryIn() {
        return (int) (carry >>> 63);
    }

    /** Shift left; {@code count} already masked to 0..31 (0..63 for quadwords). A count of zero changes no flag. */
    long shiftLeft(long a, int count, int sh) {
        if (count == 0) {
            return a << sh >>> sh;
        }
        // Bits beyond the operand fall off the top; the last one out is the carry.
        long x = a << sh;
        boolean out = count <= 64 - sh && (x >>> 64 - count & 1) != 0;
        long shifted = count >= 64 ? 0 : x << count;
        setResult(shifted >> sh);
        setCarryAndOverflow(out, out != shifted < 0);
        return shifted >>> sh;
    }

    long shiftRight(long a, int count, int sh) {
        long x = a << sh >>> sh;
        if (count == 0) {
            return x;
        }
        boolean out = (x >>> count - 1 & 1) != 0;
        long value = x >>> count;
        setResult(value << sh >> sh);
        // Defined for a count of one, where it is the sign that went away.
        setCarryAndOverflow(out, count == 1 && x << sh < 0);
        return value;
    }

    long shiftArithmetic(long a, int count, int sh) {
        long x = a << sh >> sh;
        if (count == 0) {
            return x << sh >>> sh;
        }
        boolean out = (x >> count - 1 & 1) != 0;
        long value = x >> count;
        setResult(value);
        setCarryAndOverflow(out, false);
        return value << sh >>> sh;
    }

    // Shifts of whole registers by 1 to 31 or 63; operands are zero-extended (sign-extended for the arithmetic one).

    long shiftLeft32(long a, int count) {
        long x = a << 32;
        int shifted = (int) a << count;
        setResult(shifted);
        setShiftedOut(x >>> 64 - count, shifted);
        return shifted & LOW_32;
    }

    long shiftLeft64(long a, int count) {
        long shifted = a << count;
        setResult(shifted);
        setShiftedOut(a >>> 64 - count, shifted);
        return shifted;
    }

    /** Overflow after a left shift is the carry against the sign, so that carry against overflow is the sign. */
    private void setShiftedOut(long out, long shifted) {
        carry = out << 63 | shifted >>> 63 << 62;
    }

    long shiftRight64(long a, int count, int sh) {
        long value = a >>> count;
        setResult(value);
        long out = a >>> count - 1 & 1;
        long overflows = count == 1 ? a >>> 63 - sh : 0;
        carry = out << 63 | (out ^ overflows) << 62;
        return value;
    }

    long shiftArithmetic64(long a, int count) {
        long value = a >> count;
        setResult(value);
        long out = a >> count - 1 & 1;
        carry = out << 63 | out << 62;
        return value;
    }
}
