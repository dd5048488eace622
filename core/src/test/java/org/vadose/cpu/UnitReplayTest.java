package org.vadose.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vadose.cpu.RecordedVectors.*;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.vadose.memory.PhysicalMemory;

/** The vector and x87 units against the recorded vectors, with no interpreter between. */
class UnitReplayTest {
    private static final int GENERAL_PROTECTION = 13;
    private static final int ARITHMETIC_FLAGS = 0x8D5;

    private final VectorUnit vectors = new VectorUnit();
    private final X87 fpu = new X87();
    private final long[] general = new long[17];
    private final PhysicalMemory memory = new PhysicalMemory(32 << 20);
    private final Decoder decoder = new Decoder();
    private final Instruction instruction = new Instruction();

    @Test
    void unitsDoWhatTheProcessorDid() throws IOException {
        Map<String, Integer> failures = new TreeMap<>();
        Map<String, String> examples = new LinkedHashMap<>();
        int replayed = 0;
        for (Form form : RecordedVectors.load()) {
            if (form.domain() == SEQUENCE) {
                continue;
            }
            decoder.decode(form.code(), 0, form.code().length, 0x2000_0000L, instruction);
            assertEquals(form.code().length, instruction.length(), instruction.toString());
            if (!isUnits(instruction.mnemonic())) {
                continue;
            }
            for (Run run : form.runs()) {
                replayed++;
                String difference = replay(form, run);
                if (!difference.isEmpty()) {
                    failures.merge(instruction.toString(), 1, Integer::sum);
                    examples.putIfAbsent(instruction.toString(), "#" + form.number() + " " + instruction + difference);
                }
            }
        }
        assertTrue(replayed > 20_000, "replayed=" + replayed);
        List<String> report = new ArrayList<>();
        failures.forEach((name, count) -> report.add(count + " x " + examples.get(name)));
        assertEquals("", String.join("\n", report));
    }

    private static boolean isUnits(Mnemonic op) {
        boolean x87 = op.ordinal() >= Mnemonic.FADD.ordinal();
        return x87 || VectorUnit.knows(op) || VectorUnit.raises(op) || op == Mnemonic.PTEST;
    }

    private String replay(Form form, Run run) {
        if (run.fault() == GENERAL_PROTECTION) {
            // Alignment is the interpreter's to check.
            return "";
        }
        load(run.before());
        boolean isX87 = instruction.mnemonic().ordinal() >= Mnemonic.FADD.ordinal();
        boolean faulted = isX87 ? runX87() : runVector();
        if (faulted || run.fault() != NO_FAULT) {
            return faulted == (run.fault() != NO_FAULT) ? "" : " fault=" + run.fault() + " ours=" + faulted;
        }
        return compare(form, run);
    }

    private void load(long[] s) {
        System.arraycopy(s, 0, general, 0, 17);
        System.arraycopy(s, XMM, vectors.xmm, 0, 32);
        vectors.setMxcsr((int) s[MXCSR]);
        fpu.initialise();
        fpu.setControl((int) s[FCW]);
        fpu.setStatus((int) s[FSW]);
        fpu.setAbridgedTags((int) s[TAGS]);
        int top = (int) s[FSW] >> 11 & 7;
        for (int i = 0; i < 8; i++) {
            int physical = top + i & 7;
            fpu.setRegister(i, (int) s[ST + 2 * physical + 1], s[ST + 2 * physical]);
        }
        for (int i = 0; i < 32; i++) {
            memory.writeLong(at(MEMORY + i * 8), s[MEM + i]);
        }
    }

    /** Guest address to where this test keeps it. */
    private static long at(long address) {
        return address - MEMORY;
    }

    private long address(Operand operand) {
        long address = operand.value();
        if (operand.base() != Registers.NONE) {
            address += general[operand.base()];
        }
        return at(address);
    }

    private boolean runX87() {
        if (fpu.isPending() && X87.waits(instruction.mnemonic())) {
            return true;
        }
        Operand operand = instruction.memoryOperand();
        general[RFLAGS] = fpu.execute(instruction, memory, operand.isMemory() ? address(operand) : 0, general[RFLAGS]);
        if (instruction.mnemonic() == Mnemonic.FNSTSW && instruction.operand(0).isRegister()) {
            general[0] = general[0] & ~0xFFFFL | fpu.status();
        }
        return false;
    }

    private boolean runVector() {
        Mnemonic op = instruction.mnemonic();
        Operand target = instruction.operand(0);
        Operand source = instruction.operand(instruction.operandCount() > 1 ? 1 : 0);
        long[] value = read(source);
        int immediate = instruction.operandCount() > 2 && instruction.operand(2).isImmediate()
                ? (int) instruction.operand(2).value()
                : 0;
        boolean raises = VectorUnit.raises(op);
        if (usesMmx(target) || usesMmx(source)) {
            fpu.enterMmx();
        }
        switch (op) {
            case COMISS, COMISD, UCOMISS, UCOMISD -> {
                int flags = vectors.compareFlags(op, read(target)[0], value[0]);
                if (!vectors.hasUnmasked()) {
                    general[RFLAGS] = general[RFLAGS] & ~ARITHMETIC_FLAGS | flags;
                }
            }
            case PTEST ->
                general[RFLAGS] =
                        general[RFLAGS] & ~ARITHMETIC_FLAGS | vectors.testFlags(target.register(), value[0], value[1]);
            case CVTSS2SI, CVTSD2SI, CVTTSS2SI, CVTTSD2SI -> {
                long integer = vectors.toInteger(op, value[0], target.size() == 8);
                if (!vectors.hasUnmasked()) {
                    general[target.register()] = integer;
                }
            }
            case CVTPS2PI, CVTPD2PI, CVTTPS2PI, CVTTPD2PI -> {
                long integer = vectors.toMmx(op, value[0], value[1]);
                if (!vectors.hasUnmasked()) {
                    fpu.setMmx(target.register(), integer);
                }
            }
            default -> {
                if (target.isGeneral()) {
                    general[target.register()] = value[0];
                } else if (target.isMemory()) {
                    store(target, op, value);
                } else if (target.registerClass() == RegisterClass.MMX) {
                    fpu.setMmx(
                            target.register(), vectors.applyMmx(op, fpu.mmx(target.register()), value[0], immediate));
                } else if (isClearingLoad(op) && source.isMemory()) {
                    vectors.xmm[target.register() * 2] = value[0];
                    vectors.xmm[target.register() * 2 + 1] = 0;
                } else {
                    vectors.apply(op, target.register(), value[0], value[1], immediate);
                }
            }
        }
        return raises && vectors.hasUnmasked();
    }

    private static boolean usesMmx(Operand operand) {
        return operand.isRegister() && operand.registerClass() == RegisterClass.MMX;
    }

    private static boolean isClearingLoad(Mnemonic op) {
        return op == Mnemonic.MOVSS || op == Mnemonic.MOVSD;
    }

    private void store(Operand target, Mnemonic op, long[] value) {
        long address = address(target);
        switch (target.size()) {
            case 4 -> memory.writeInt(address, (int) value[0]);
            case 8 -> memory.writeLong(address, op == Mnemonic.MOVHPS || op == Mnemonic.MOVHPD ? value[1] : value[0]);
            default -> {
                memory.writeLong(address, value[0]);
                memory.writeLong(address + 8, value[1]);
            }
        }
    }

    private long[] read(Operand operand) {
        if (operand.isImmediate()) {
            return new long[] {operand.value(), 0};
        }
        if (operand.isMemory()) {
            long address = address(operand);
            return switch (operand.size()) {
                case 2 -> new long[] {memory.readUnsignedShort(address), 0};
                case 4 -> new long[] {isSigned() ? memory.readInt(address) : memory.readUnsignedInt(address), 0};
                case 8 -> new long[] {memory.readLong(address), 0};
                default -> new long[] {memory.readLong(address), memory.readLong(address + 8)};
            };
        }
        int n = operand.register();
        return switch (operand.registerClass()) {
            case XMM -> new long[] {vectors.xmm[n * 2], vectors.xmm[n * 2 + 1]};
            case MMX -> new long[] {fpu.mmx(n), 0};
            default -> new long[] {operand.size() == 4 ? (int) general[n] : general[n], 0};
        };
    }

    private boolean isSigned() {
        return instruction.mnemonic() == Mnemonic.CVTSI2SD || instruction.mnemonic() == Mnemonic.CVTSI2SS;
    }

    private String compare(Form form, Run run) {
        long[] now = run.before().clone();
        System.arraycopy(general, 0, now, 0, 17);
        System.arraycopy(vectors.xmm, 0, now, XMM, 32);
        now[MXCSR] = vectors.mxcsr();
        now[FCW] = fpu.control();
        now[FSW] = fpu.status();
        now[TAGS] = fpu.abridgedTags();
        int top = fpu.status() >> 11 & 7;
        for (int i = 0; i < 8; i++) {
            int physical = top + i & 7;
            now[ST + 2 * physical] = fpu.significand(i);
            now[ST + 2 * physical + 1] = fpu.signExponent(i);
        }
        for (int i = 0; i < 32; i++) {
            now[MEM + i] = memory.readLong(at(MEMORY + i * 8));
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < SLOTS; i++) {
            if (i == STEP) {
                continue;
            }
            long expected = run.after()[i];
            if (now[i] != expected && !isCloseEnough(form, i, now, run.after())) {
                text.append("\n      slot ").append(i).append(" before ").append(Long.toHexString(run.before()[i]));
                text.append(" expected ").append(Long.toHexString(expected));
                text.append(" ours ").append(Long.toHexString(now[i]));
            }
        }
        if (!text.isEmpty()) {
            text.append("\n      fcw ").append(Long.toHexString(run.before()[FCW]));
            text.append(" fsw ").append(Long.toHexString(run.before()[FSW]));
            text.append(" tags ").append(Long.toHexString(run.before()[TAGS]));
            text.append(" mxcsr ").append(Long.toHexString(run.before()[MXCSR]));
            int oldTop = (int) run.before()[FSW] >> 11 & 7;
            if (form.domain() != 'd' && form.domain() != 's' && form.domain() != 'i') {
                for (int i = 0; i < 2; i++) {
                    text.append(" st").append(i).append(' ');
                    text.append(Long.toHexString(run.before()[ST + 2 * (oldTop + i & 7) + 1]))
                            .append(':');
                    text.append(Long.toHexString(run.before()[ST + 2 * (oldTop + i & 7)]));
                }
                text.append(" mem ").append(Long.toHexString(run.before()[MEM + 8]));
            } else {
                for (Operand operand : new Operand[] {instruction.operand(0), instruction.operand(1)}) {
                    if (operand.isRegister() && operand.registerClass() == RegisterClass.XMM) {
                        text.append(' ').append(Long.toHexString(run.before()[XMM + 2 * operand.register()]));
                        text.append(':').append(Long.toHexString(run.before()[XMM + 2 * operand.register() + 1]));
                    }
                }
            }
        }
        return text.toString();
    }

    /** Transcendental results may differ in the last place, and then in C1, which is the direction of rounding. */
    static boolean isCloseEnough(Form form, int slot, long[] now, long[] expected) {
        if (form.domain() != 'v') {
            return false;
        }
        if (slot == FSW) {
            return ((now[slot] ^ expected[slot]) & ~X87.C1) == 0;
        }
        boolean isSignificand = slot >= ST && slot < MEM && (slot - ST) % 2 == 0;
        return isSignificand && Math.abs(now[slot] - expected[slot]) <= 1;
    }
}
