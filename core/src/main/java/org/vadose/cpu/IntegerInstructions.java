package org.vadose.cpu;

/** Executes general-purpose instructions from their decoded form: those rare enough not to have a micro-operation, in any shape. */
final class IntegerInstructions {
    private static final long LOW_32 = 0xFFFF_FFFFL;

    private final CpuState state;
    private final long[] r;
    private final Flags flags;

    IntegerInstructions(CpuState state) {
        this.state = state;
        this.r = state.r;
        this.flags = state.flags;
    }

    void execute(Instruction i) {
        Operand first = i.operands[0];
        Operand second = i.operands[1];
        switch (i.mnemonic) {
            case ADD, OR, ADC, SBB, AND, SUB, XOR -> binary(i, first, second);
            case CMP -> compare(i, first, second);
            case TEST -> flags.logic(state.read(i, first) & state.read(i, second), shift(first.size));
            case INC, DEC, NEG, NOT -> unary(i, first);
            case ROL, ROR, RCL, RCR, SHL, SHR, SAR -> shift(i, first, second);
            case SHLD, SHRD -> doubleShift(i, first, second);
            case MUL, IMUL, DIV, IDIV -> multiplyOrDivide(i, first);
            case BT, BTS, BTR, BTC -> bitTest(i, first, second);
            case BSF, BSR, TZCNT, LZCNT, POPCNT -> bitCount(i, first, second);
            case BSWAP -> swapBytes(first);
            case CRC32 -> state.writeRegister(first, crc(state.read(i, first), state.read(i, second), second.size));
            case CBW -> state.setPart(Registers.RAX, 2, (byte) r[Registers.RAX]);
            case CWDE -> state.setPart(Registers.RAX, 4, (short) r[Registers.RAX]);
            case CDQE -> r[Registers.RAX] = (int) r[Registers.RAX];
            case CWD -> state.setPart(Registers.RDX, 2, (short) r[Registers.RAX] >> 15);
            case CDQ -> state.setPart(Registers.RDX, 4, (int) r[Registers.RAX] >> 31);
            case CQO -> r[Registers.RDX] = r[Registers.RAX] >> 63;
            case MOV, MOVNTI, MOVZX -> move(i, first, second);
            case MOVSX, MOVSXD -> state.writeRegister(first, signed(state.read(i, second), second.size));
            case MOVBE -> state.write(i, first, reverse(state.read(i, second), second.size));
            case LEA -> state.writeRegister(first, state.address(i, second));
            case XCHG -> exchange(i, first, second);
            case XADD -> exchangeAdd(i, first, second);
            case CMPXCHG -> compareExchange(i, first, second);
            case CMPXCHG8B, CMPXCHG16B -> compareExchangeWide(i, first);
            case XLAT -> {
                long offset = r[Registers.RBX] + (r[Registers.RAX] & 0xFF);
                long cut = i.addressSize == 4 ? offset & LOW_32 : offset;
                state.setPart(Registers.RAX, 1, state.load(cut + state.segmentBase(first.segment), 1));
            }
            case CMOVCC -> {
                // Memory is read, and 32-bit destinations are cleared above, whether or not the condition holds.
                long value = state.read(i, second);
                state.writeRegister(first, flags.holds(i.condition.ordinal()) ? value : state.readRegister(first));
            }
            case SETCC -> state.write(i, first, flags.holds(i.condition.ordinal()) ? 1 : 0);
            case LAHF -> r[Registers.RAX] = r[Registers.RAX] & ~0xFF00L | (long) (flags.bits() & 0xFF | 2) << 8;
            case SAHF -> flags.setBits(Flags.ARITHMETIC & 0xFF, (int) (r[Registers.RAX] >>> 8));
            case CLC -> flags.setCarry(false);
            case STC -> flags.setCarry(true);
            case CMC -> flags.setCarry(!flags.carry());
            default -> throw ProcessorException.INVALID_OPCODE;
        }
    }

    private static int shift(int size) {
        return 64 - 8 * size;
    }

    static long signed(long value, int size) {
        int sh = shift(size);
        return value << sh >> sh;
    }

    private long arithmetic(Mnemonic op, long a, long b, int sh) {
        return switch (op) {
            case ADD -> flags.add(a, b, 0, sh);
            case ADC -> flags.add(a, b, flags.carryIn(), sh);
            case SUB, CMP -> flags.subtract(a, b, 0, sh);
            case SBB -> flags.subtract(a, b, flags.carryIn(), sh);
            case AND -> flags.logic(a & b, sh);
            case OR -> flags.logic(a | b, sh);
            case XOR -> flags.logic(a ^ b, sh);
            case INC -> flags.increment(a, sh);
            case DEC -> flags.decrement(a, sh);
            case NEG -> flags.subtract(0, a, 0, sh);
            case NOT -> ~a;
            default -> throw new IllegalArgumentException("not arithmetic, mnemonic=" + op);
        };
    }

    private void binary(Instruction i, Operand target, Operand source) {
        int sh = shift(target.size);
        long b = state.read(i, source);
        if (target.kind != Operand.Kind.MEMORY) {
            state.writeRegister(target, arithmetic(i.mnemonic, state.readRegister(target), b, sh));
            return;
        }
        modify(i, target, b, sh);
    }

    private void unary(Instruction i, Operand target) {
        int sh = shift(target.size);
        if (target.kind != Operand.Kind.MEMORY) {
            state.writeRegister(target, arithmetic(i.mnemonic, state.readRegister(target), 0, sh));
            return;
        }
        modify(i, target, 0, sh);
    }

    /** Read, compute, write back; flags change only once nothing can fault any more. */
    private void modify(Instruction i, Operand target, long b, int sh) {
        long address = state.address(i, target);
        int size = target.size;
        long a = state.loadToWrite(address, size);
        if (!i.lock) {
            state.store(address, size, arithmetic(i.mnemonic, a, b, sh));
            return;
        }
        int before = flags.bits();
        while (!state.compareAndSet(address, size, a, arithmetic(i.mnemonic, a, b, sh))) {
            flags.setBits(before);
            a = state.load(address, size);
        }
    }

    private void compare(Instruction i, Operand first, Operand second) {
        long a = state.read(i, first);
        flags.subtract(a, state.read(i, second), 0, shift(first.size));
    }

    private void move(Instruction i, Operand target, Operand source) {
        if (target.registerClass == RegisterClass.SEGMENT && target.kind == Operand.Kind.REGISTER) {
            state.loadSelector(target.register, (int) state.read(i, source) & 0xFFFF);
            return;
        }
        if (isSystem(target) || isSystem(source)) {
            throw ProcessorException.PRIVILEGED;
        }
        state.write(i, target, state.read(i, source));
    }

    private static boolean isSystem(Operand operand) {
        return operand.kind == Operand.Kind.REGISTER
                && (operand.registerClass == RegisterClass.CONTROL || operand.registerClass == RegisterClass.DEBUG);
    }

    private void shift(Instruction i, Operand target, Operand by) {
        int size = target.size;
        int count = (int) state.read(i, by) & (size == 8 ? 63 : 31);
        if (target.kind != Operand.Kind.MEMORY) {
            state.writeRegister(target, shifted(i.mnemonic, state.readRegister(target), count, shift(size)));
            return;
        }
        long address = state.address(i, target);
        long a = state.loadToWrite(address, size);
        state.store(address, size, shifted(i.mnemonic, a, count, shift(size)));
    }

    /** {@code count} is masked to five or six bits already. */
    long shifted(Mnemonic op, long a, int count, int sh) {
        return switch (op) {
            case SHL -> flags.shiftLeft(a, count, sh);
            case SHR -> flags.shiftRight(a, count, sh);
            case SAR -> flags.shiftArithmetic(a, count, sh);
            default -> rotated(op, a, count, sh);
        };
    }

    private long rotated(Mnemonic op, long a, int count, int sh) {
        int bits = 64 - sh;
        long value = a << sh >>> sh;
        if (count == 0) {
            return value;
        }
        if (op == Mnemonic.RCL || op == Mnemonic.RCR) {
            return rotatedThroughCarry(op, value, bits < 32 ? count % (bits + 1) : count, bits);
        }
        int by = count % bits;
        int left = op == Mnemonic.ROL ? by : (bits - by) % bits;
        long result = left == 0 ? value : (value << left | value >>> bits - left) << sh >>> sh;
        boolean top = (result >>> bits - 1 & 1) != 0;
        if (op == Mnemonic.ROL) {
            boolean out = (result & 1) != 0;
            flags.setCarryAndOverflow(out, top != out);
        } else {
            boolean belowTop = (result >>> bits - 2 & 1) != 0;
            flags.setCarryAndOverflow(top, top != belowTop);
        }
        return result;
    }

    private long rotatedThroughCarry(Mnemonic op, long value, int count, int bits) {
        long result = value;
        boolean carry = flags.carry();
        int top = bits - 1;
        long mask = bits == 64 ? -1L : (1L << bits) - 1;
        if (count == 0) {
            return result;
        }
        boolean left = op == Mnemonic.RCL;
        // Overflow is defined for a count of one: rcl takes it from the result, rcr from the operand.
        boolean overflow = !left && (result >>> top & 1) != 0 != carry;
        for (int n = 0; n < count; n++) {
            boolean out;
            if (left) {
                out = (result >>> top & 1) != 0;
                result = (result << 1 | (carry ? 1 : 0)) & mask;
            } else {
                out = (result & 1) != 0;
                result = result >>> 1 | (carry ? 1L << top : 0);
            }
            carry = out;
        }
        if (left) {
            overflow = (result >>> top & 1) != 0 != carry;
        }
        flags.setCarryAndOverflow(carry, overflow);
        return result;
    }

    private void doubleShift(Instruction i, Operand target, Operand source) {
        int size = target.size;
        int count = (int) state.read(i, i.operands[2]) & (size == 8 ? 63 : 31);
        long fill = state.readRegister(source);
        boolean inMemory = target.kind == Operand.Kind.MEMORY;
        long address = inMemory ? state.address(i, target) : 0;
        long a = inMemory ? state.loadToWrite(address, size) : state.readRegister(target);
        long result = count == 0 ? a : doubleShifted(i.mnemonic == Mnemonic.SHLD, a, fill, count, size * 8);
        if (inMemory) {
            state.store(address, size, result);
        } else {
            state.writeRegister(target, result);
        }
    }

    private long doubleShifted(boolean left, long a, long fill, int count, int bits) {
        int sh = 64 - bits;
        long result;
        boolean out;
        if (count > bits) {
            // Undefined; what processors give is the operands taken round again.
            count -= bits;
            long other = fill;
            fill = a;
            a = other;
        }
        if (left) {
            result = (a << count | (count == bits ? fill : fill >>> bits - count)) << sh >>> sh;
            if (count == bits) {
                result = fill;
            }
            out = (a >>> bits - count & 1) != 0;
        } else {
            result = count == bits ? fill : (a >>> count | fill << bits - count) << sh >>> sh;
            out = (a >>> count - 1 & 1) != 0;
        }
        boolean changed = ((a ^ result) >>> bits - 1 & 1) != 0;
        flags.setResult(result << sh >> sh);
        flags.setCarryAndOverflow(out, changed);
        return result;
    }

    private void multiplyOrDivide(Instruction i, Operand first) {
        if (i.operandCount > 1) {
            Operand a = i.operands[1];
            Operand b = i.operandCount == 3 ? i.operands[2] : first;
            int size = first.size;
            long x = signed(state.read(i, a), size);
            long y = signed(state.read(i, b), size);
            long product = x * y;
            boolean overflows = size == 8 ? Math.multiplyHigh(x, y) != product >> 63 : signed(product, size) != product;
            state.writeRegister(first, product);
            flags.setResult(signed(product, size));
            flags.setCarryAndOverflow(overflows, overflows);
            return;
        }
        wide(i.mnemonic, state.read(i, first), first.size);
    }

    /** One-operand mul, imul, div, idiv: rdx:rax (ax for bytes) with a source that is already read, zero-extended. */
    void wide(Mnemonic op, long source, int size) {
        switch (op) {
            case MUL, IMUL -> multiply(op == Mnemonic.IMUL, source, size);
            case DIV -> divideUnsigned(source, size);
            default -> divideSigned(source, size);
        }
    }

    private void multiply(boolean isSigned, long source, int size) {
        long low;
        boolean overflows;
        if (size == 8) {
            long a = r[Registers.RAX];
            low = a * source;
            long high = isSigned ? Math.multiplyHigh(a, source) : Math.unsignedMultiplyHigh(a, source);
            overflows = isSigned ? high != low >> 63 : high != 0;
            r[Registers.RAX] = low;
            r[Registers.RDX] = high;
        } else {
            int sh = shift(size);
            long a = r[Registers.RAX];
            long product = isSigned ? (a << sh >> sh) * (source << sh >> sh) : (a << sh >>> sh) * source;
            low = product << sh >> sh;
            overflows = product != (isSigned ? low : low << sh >>> sh);
            if (size == 1) {
                state.setPart(Registers.RAX, 2, product);
            } else {
                state.setPart(Registers.RAX, size, product);
                state.setPart(Registers.RDX, size, product >>> size * 8);
            }
        }
        flags.setResult(low);
        flags.setCarryAndOverflow(overflows, overflows);
    }

    private void divideUnsigned(long divisor, int size) {
        if (divisor == 0) {
            throw ProcessorException.DIVIDE_BY_ZERO;
        }
        if (size == 8) {
            divideWide(r[Registers.RDX], r[Registers.RAX], divisor);
            return;
        }
        long dividend = dividend(size);
        long quotient = Long.divideUnsigned(dividend, divisor);
        if (quotient >>> size * 8 != 0) {
            throw ProcessorException.DIVIDE_OVERFLOW;
        }
        putQuotient(size, quotient, Long.remainderUnsigned(dividend, divisor));
    }

    private void divideWide(long high, long low, long divisor) {
        if (high == 0) {
            putQuotient(8, Long.divideUnsigned(low, divisor), Long.remainderUnsigned(low, divisor));
            return;
        }
        if (Long.compareUnsigned(high, divisor) >= 0) {
            throw ProcessorException.DIVIDE_OVERFLOW;
        }
        long quotient = Division.quotient(high, low, divisor);
        putQuotient(8, quotient, low - quotient * divisor);
    }

    /** Bytes: ax; words and doublewords: dx:ax, edx:eax in one long, zero-extended. */
    private long dividend(int size) {
        if (size == 1) {
            return r[Registers.RAX] & 0xFFFF;
        }
        int sh = shift(size);
        return r[Registers.RAX] << sh >>> sh | (r[Registers.RDX] << sh >>> sh) << size * 8;
    }

    private void putQuotient(int size, long quotient, long remainder) {
        if (size == 1) {
            state.setPart(Registers.RAX, 2, quotient & 0xFF | (remainder & 0xFF) << 8);
        } else {
            state.setPart(Registers.RAX, size, quotient);
            state.setPart(Registers.RDX, size, remainder);
        }
    }

    private void divideSigned(long source, int size) {
        if (source == 0) {
            throw ProcessorException.DIVIDE_BY_ZERO;
        }
        long divisor = signed(source, size);
        if (size == 8) {
            divideSignedWide(r[Registers.RDX], r[Registers.RAX], divisor);
            return;
        }
        long dividend = signed(dividend(size), size * 2);
        // Long.MIN_VALUE / -1 wraps round to itself, which the range check below refuses as well.
        long quotient = dividend / divisor;
        if (signed(quotient, size) != quotient) {
            throw ProcessorException.DIVIDE_OVERFLOW;
        }
        putQuotient(size, quotient, dividend % divisor);
    }

    private void divideSignedWide(long high, long low, long divisor) {
        if (high == low >> 63) {
            if (low == Long.MIN_VALUE && divisor == -1) {
                throw ProcessorException.DIVIDE_OVERFLOW;
            }
            putQuotient(8, low / divisor, low % divisor);
            return;
        }
        boolean negative = high < 0;
        long magnitudeLow = negative ? -low : low;
        long magnitudeHigh = negative ? ~high + (low == 0 ? 1 : 0) : high;
        long magnitudeDivisor = Math.abs(divisor);
        if (Long.compareUnsigned(magnitudeHigh, magnitudeDivisor) >= 0) {
            throw ProcessorException.DIVIDE_OVERFLOW;
        }
        long quotient = Division.quotient(magnitudeHigh, magnitudeLow, magnitudeDivisor);
        long remainder = magnitudeLow - quotient * magnitudeDivisor;
        boolean negativeQuotient = negative != divisor < 0;
        boolean fits = negativeQuotient ? Long.compareUnsigned(quotient, Long.MIN_VALUE) <= 0 : quotient >= 0;
        if (!fits) {
            throw ProcessorException.DIVIDE_OVERFLOW;
        }
        putQuotient(8, negativeQuotient ? -quotient : quotient, negative ? -remainder : remainder);
    }

    private void bitTest(Instruction i, Operand target, Operand by) {
        int size = target.size;
        int bits = size * 8;
        long offset = state.read(i, by);
        int bit = (int) offset & bits - 1;
        if (target.kind != Operand.Kind.MEMORY) {
            long value = state.readRegister(target);
            flags.setCarry((value >>> bit & 1) != 0);
            if (i.mnemonic != Mnemonic.BT) {
                state.writeRegister(target, bitChanged(i.mnemonic, value, bit));
            }
            return;
        }
        long address = state.address(i, target);
        if (by.kind == Operand.Kind.REGISTER) {
            // A register names a bit anywhere around the operand.
            address += (signed(offset, size) >> Integer.numberOfTrailingZeros(bits)) * size;
        }
        if (i.mnemonic == Mnemonic.BT) {
            flags.setCarry((state.load(address, size) >>> bit & 1) != 0);
            return;
        }
        long value = state.loadToWrite(address, size);
        if (i.lock) {
            while (!state.compareAndSet(address, size, value, bitChanged(i.mnemonic, value, bit))) {
                value = state.load(address, size);
            }
        } else {
            state.store(address, size, bitChanged(i.mnemonic, value, bit));
        }
        flags.setCarry((value >>> bit & 1) != 0);
    }

    static long bitChanged(Mnemonic op, long value, int bit) {
        long mask = 1L << bit;
        return switch (op) {
            case BTS -> value | mask;
            case BTR -> value & ~mask;
            default -> value ^ mask;
        };
    }

    private void bitCount(Instruction i, Operand target, Operand source) {
        int bits = target.size * 8;
        long value = state.read(i, source);
        switch (i.mnemonic) {
            case BSF, BSR -> {
                if (value != 0) {
                    boolean forward = i.mnemonic == Mnemonic.BSF;
                    state.writeRegister(
                            target,
                            forward ? Long.numberOfTrailingZeros(value) : 63 - Long.numberOfLeadingZeros(value));
                }
                flags.setBits(Flags.ZF, value == 0 ? Flags.ZF : 0);
            }
            case POPCNT -> {
                state.writeRegister(target, Long.bitCount(value));
                flags.setBits(value == 0 ? Flags.ZF : 0);
            }
            default -> {
                boolean trailing = i.mnemonic == Mnemonic.TZCNT;
                int count = trailing
                        ? Math.min(bits, Long.numberOfTrailingZeros(value))
                        : Long.numberOfLeadingZeros(value) - (64 - bits);
                state.writeRegister(target, count);
                flags.setBits(Flags.ZF | Flags.CF, (count == 0 ? Flags.ZF : 0) | (value == 0 ? Flags.CF : 0));
            }
        }
    }

    private void swapBytes(Operand target) {
        int n = target.register;
        switch (target.size) {
            case 8 -> r[n] = Long.reverseBytes(r[n]);
            case 4 -> r[n] = Integer.reverseBytes((int) r[n]) & LOW_32;
            // Undefined; processors clear the word.
            default -> state.setPart(n, 2, 0);
        }
    }

    private static long reverse(long value, int size) {
        return Long.reverseBytes(value) >>> shift(size);
    }

    private static long crc(long crc, long data, int size) {
        int value = (int) crc;
        for (int n = 0; n < size; n++) {
            value ^= (int) (data >>> 8 * n) & 0xFF;
            for (int bit = 0; bit < 8; bit++) {
                // The Castagnoli polynomial, reflected.
                value = (value & 1) != 0 ? value >>> 1 ^ 0x82F63B78 : value >>> 1;
            }
        }
        return value & LOW_32;
    }

    private void exchange(Instruction i, Operand first, Operand second) {
        if (first.kind != Operand.Kind.MEMORY) {
            long a = state.readRegister(first);
            state.writeRegister(first, state.readRegister(second));
            state.writeRegister(second, a);
            return;
        }
        // Locked with or without the prefix.
        long address = state.address(i, first);
        long value = state.readRegister(second);
        long old = state.loadToWrite(address, first.size);
        while (!state.compareAndSet(address, first.size, old, value)) {
            old = state.load(address, first.size);
        }
        state.writeRegister(second, old);
    }

    private void exchangeAdd(Instruction i, Operand first, Operand second) {
        int size = first.size;
        long b = state.readRegister(second);
        if (first.kind != Operand.Kind.MEMORY) {
            long a = state.readRegister(first);
            long sum = flags.add(a, b, 0, shift(size));
            state.writeRegister(second, a);
            state.writeRegister(first, sum);
            return;
        }
        long address = state.address(i, first);
        long a = state.loadToWrite(address, size);
        if (i.lock) {
            while (!state.compareAndSet(address, size, a, a + b)) {
                a = state.load(address, size);
            }
        } else {
            state.store(address, size, a + b);
        }
        flags.add(a, b, 0, shift(size));
        state.writeRegister(second, a);
    }

    private void compareExchange(Instruction i, Operand first, Operand second) {
        int size = first.size;
        int sh = shift(size);
        long expected = r[Registers.RAX] << sh >>> sh;
        long value = state.readRegister(second);
        boolean inMemory = first.kind == Operand.Kind.MEMORY;
        long old;
        if (inMemory) {
            long address = state.address(i, first);
            old = state.loadToWrite(address, size);
            if (i.lock) {
                while (old == expected && !state.compareAndSet(address, size, expected, value)) {
                    old = state.load(address, size);
                }
            } else {
                state.store(address, size, old == expected ? value : old);
            }
        } else {
            old = state.readRegister(first);
            if (old == expected) {
                state.writeRegister(first, value);
            }
        }
        flags.subtract(expected, old, 0, sh);
        if (old != expected) {
            state.setPart(Registers.RAX, size, old);
        }
    }

    private void compareExchangeWide(Instruction i, Operand target) {
        int half = i.mnemonic == Mnemonic.CMPXCHG16B ? 8 : 4;
        long address = state.address(i, target);
        if (half == 8 && (address & 15) != 0) {
            throw ProcessorException.GENERAL_PROTECTION;
        }
        int sh = shift(half);
        boolean equal;
        long low;
        long high;
        state.memory.prepareWrite(address, 2 * half);
        // Java has no wider exchange than of eight bytes: these exclude each other, not the narrower ones.
        synchronized (state.mmu.ram()) {
            low = state.load(address, half);
            high = state.load(address + half, half);
            equal = low == r[Registers.RAX] << sh >>> sh && high == r[Registers.RDX] << sh >>> sh;
            state.store(address, half, equal ? r[Registers.RBX] : low);
            state.store(address + half, half, equal ? r[Registers.RCX] : high);
        }
        flags.setBits(Flags.ZF, equal ? Flags.ZF : 0);
        if (!equal) {
            state.setPart(Registers.RAX, half, low);
            state.setPart(Registers.RDX, half, high);
        }
    }
}
