package org.vadose.win32;

import org.vadose.memory.Memory;

/**
 * The arguments behind a {@code va_list}: eight bytes each, one after another. The caller of a variadic function has put
 * floating arguments in the integer slots too, so this serves {@code printf} and {@code vprintf} alike.
 */
public final class ArgumentList {
    private final ApiCall call;
    private final Memory memory;
    private long address;
    private int index;

    /** The arguments of the call from {@code firstIndex} on. */
    static ArgumentList of(ApiCall call, int firstIndex) {
        return new ArgumentList(call, 0, firstIndex);
    }

    /** The arguments at a guest's {@code va_list}. */
    static ArgumentList at(ApiCall call, long address) {
        return new ArgumentList(call, address, -1);
    }

    private ArgumentList(ApiCall call, long address, int index) {
        this.call = call;
        this.memory = call.memory();
        this.address = address;
        this.index = index;
    }

    public long next() {
        if (index >= 0) {
            return call.arg(index++);
        }
        long value = memory.readLong(address);
        address += 8;
        return value;
    }

    public int nextInt() {
        return (int) next();
    }

    public double nextDouble() {
        return Double.longBitsToDouble(next());
    }
}
