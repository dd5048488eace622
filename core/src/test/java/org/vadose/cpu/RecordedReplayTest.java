package org.vadose.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.vadose.cpu.RecordedVectors.*;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.vadose.cpu.RecordedVectors.Form;
import org.vadose.cpu.RecordedVectors.Run;

/** Runs every recorded instruction on the processor and compares everything with what the real one did. */
class RecordedReplayTest {
    private static final long CODE = 0x2000_0000L;
    private static final byte[] HALT = {(byte) 0xF4};
    /** What popf and the recorder may leave in rflags; the rest is the machine's. */
    private static final long COMPARED_FLAGS = 0xCD5;

    /** Of MXCSR: AMD's misaligned exception mask. */
    private static final long MISALIGNED_MODE = 1 << 17;

    @Test
    void everyVectorMatches() throws Exception {
        Map<String, Integer> failures = new TreeMap<>();
        Map<String, String> examples = new TreeMap<>();
        Instruction instruction = new Instruction();
        int runs = 0;
        try (GuestMachine machine = new GuestMachine()) {
            machine.map(CODE, 1);
            machine.map(MEMORY & -4096L, 1);
            machine.map((MEMORY & -4096L) - 4096, 1);
            for (Form form : RecordedVectors.load()) {
                machine.write(CODE, form.code());
                boolean isSequence = form.domain() == SEQUENCE;
                if (isSequence) {
                    machine.write(CODE + form.code().length, HALT);
                }
                new Decoder().decode(form.code(), 0, form.code().length, CODE, instruction);
                for (Run run : form.runs()) {
                    runs++;
                    load(machine, run.before());
                    CpuExit exit = isSequence ? runSequence(machine, form) : machine.cpu.run(1);
                    String difference = compare(machine, form, run, exit, instruction);
                    if (!difference.isEmpty()) {
                        String name = isSequence
                                ? "sequence " + HexFormat.of().formatHex(form.code())
                                : instruction.mnemonic() + " " + instruction;
                        failures.merge(name, 1, Integer::sum);
                        examples.putIfAbsent(name, "#" + form.number() + difference);
                    }
                }
            }
        }
        System.out.println("replayed " + runs);
        List<String> report = new ArrayList<>();
        failures.forEach((name, count) -> report.add(count + " x " + name + " " + examples.get(name)));
        assertEquals("", String.join("\n", report));
    }

    /** Runs to the halt behind the sequence, which faults in user mode, and says how that went as a single step would. */
    private static CpuExit runSequence(GuestMachine machine, Form form) {
        CpuExit exit = machine.cpu.run(1_000);
        return exit == CpuExit.FAULT && machine.cpu.rip() == CODE + form.code().length ? CpuExit.BUDGET : exit;
    }

    private static void load(GuestMachine machine, long[] s) {
        X64Cpu cpu = machine.cpu;
        for (int i = 0; i < 16; i++) {
            cpu.setGpr(i, s[i]);
        }
        cpu.setRflags(s[RFLAGS]);
        cpu.setRip(CODE);
        cpu.setMxcsr((int) s[MXCSR]);
        for (int i = 0; i < 16; i++) {
            cpu.setXmm(i, s[XMM + 2 * i], s[XMM + 2 * i + 1]);
        }
        X87 fpu = cpu.x87();
        fpu.setControl((int) s[FCW]);
        fpu.setStatus((int) s[FSW]);
        fpu.setAbridgedTags((int) s[TAGS]);
        fpu.setPointers(0, 0, 0);
        int top = (int) s[FSW] >> 11 & 7;
        for (int i = 0; i < 8; i++) {
            int physical = top + i & 7;
            fpu.setRegister(i, (int) s[ST + 2 * physical + 1], s[ST + 2 * physical]);
        }
        for (int i = 0; i < 32; i++) {
            machine.mmu.user().writeLong(MEMORY + i * 8, s[MEM + i]);
        }
    }

    private static String compare(GuestMachine machine, Form form, Run run, CpuExit exit, Instruction instruction) {
        X64Cpu cpu = machine.cpu;
        if ((run.after()[MXCSR] & MISALIGNED_MODE) != 0) {
            // Recorded on a processor that has this bit; ours refuses it.
            return exit == CpuExit.FAULT ? "" : " took a reserved bit of mxcsr";
        }
        int undefined = form.undefinedFlags();
        if (instruction.mnemonic() == Mnemonic.IMUL || instruction.mnemonic() == Mnemonic.MUL) {
            undefined |= Flags.SF | Flags.ZF | Flags.AF | Flags.PF;
        }
        int vector = exit == CpuExit.FAULT ? cpu.fault().vector() : NO_FAULT;
        if (vector != run.fault()) {
            return " vector expected " + run.fault() + " ours " + vector + (exit == CpuExit.FAULT ? cpu.fault() : "");
        }
        long[] now = new long[SLOTS];
        for (int i = 0; i < 16; i++) {
            now[i] = cpu.gpr(i);
        }
        now[RFLAGS] = cpu.rflags();
        now[STEP] = cpu.rip() - CODE;
        now[MXCSR] = cpu.mxcsr();
        for (int i = 0; i < 16; i++) {
            now[XMM + 2 * i] = cpu.xmmLow(i);
            now[XMM + 2 * i + 1] = cpu.xmmHigh(i);
        }
        X87 fpu = cpu.x87();
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
            now[MEM + i] = machine.mmu.user().readLong(MEMORY + i * 8);
        }
        StringBuilder text = new StringBuilder();
        boolean faulted = vector != NO_FAULT;
        for (int i = 0; i < SLOTS; i++) {
            long expected = run.after()[i];
            long mask = -1;
            if (i == RFLAGS) {
                mask = faulted ? COMPARED_FLAGS : COMPARED_FLAGS & ~undefined;
            } else if (i == STEP) {
                expected = faulted ? 0 : expected;
            } else if (i == MXCSR && faulted) {
                // Status bits are set also by an operation that then raises.
                continue;
            }
            if (((now[i] ^ expected) & mask) != 0 && !UnitReplayTest.isCloseEnough(form, i, now, run.after())) {
                text.append("\n      slot ").append(i).append(" before ").append(Long.toHexString(run.before()[i]));
                text.append(" expected ").append(Long.toHexString(expected));
                text.append(" ours ").append(Long.toHexString(now[i]));
            }
        }
        return text.toString();
    }
}
