package org.vadose.cpu;

import static org.vadose.cpu.Mnemonic.*;
import static org.vadose.cpu.OpcodeNode.*;
import static org.vadose.cpu.OperandForm.*;

import org.jspecify.annotations.Nullable;

/** The map behind 0Fh: system and general instructions here, vector ones in {@link VectorMap}. */
final class TwoByteMap {
    static final @Nullable OpcodeNode[] MAP = build();

    private TwoByteMap() {}

    private static @Nullable OpcodeNode[] build() {
        @Nullable OpcodeNode[] map = new OpcodeNode[256];
        system(map);
        general(map);
        VectorMap.fillTwoByte(map);
        return map;
    }

    private static void system(@Nullable OpcodeNode[] map) {
        map[0x00] = byReg(
                form(SLDT, RV_MW),
                form(STR, RV_MW),
                form(LLDT, EW),
                form(LTR, EW),
                form(VERR, EW),
                form(VERW, EW),
                null,
                null);
        map[0x01] = byReg(
                byMod(quad(SGDT, MT), null),
                byMod(quad(SIDT, MT), byRm(form(MONITOR), form(MWAIT), form(CLAC), form(STAC), null, null, null, null)),
                byMod(quad(LGDT, MT), byRm(form(XGETBV), form(XSETBV), null, null, null, null, null, null)),
                byMod(quad(LIDT, MT), null),
                form(SMSW, RV_MW),
                null,
                form(LMSW, EW),
                byMod(form(INVLPG, M0), byRm(form(SWAPGS), form(RDTSCP), null, null, null, null, null, null)));
        map[0x02] = form(LAR, GV, RV_MW);
        map[0x03] = form(LSL, GV, RV_MW);
        map[0x05] = form(SYSCALL);
        map[0x06] = form(CLTS);
        map[0x07] = form(SYSRET);
        map[0x08] = form(INVD);
        map[0x09] = form(WBINVD);
        map[0x0B] = form(UD2);
        OpcodeNode prefetch = form(PREFETCH, M0);
        OpcodeNode prefetchWrite = form(PREFETCHW, M0);
        map[0x0D] = byReg(prefetch, prefetchWrite, prefetchWrite, prefetch, prefetch, prefetch, prefetch, prefetch);
        OpcodeNode hint = form(NOP, E0);
        map[0x18] = byReg(
                byMod(form(PREFETCHNTA, M0), hint),
                byMod(form(PREFETCHT0, M0), hint),
                byMod(form(PREFETCHT1, M0), hint),
                byMod(form(PREFETCHT2, M0), hint),
                hint,
                hint,
                hint,
                hint);
        for (int i = 0x19; i <= 0x1F; i++) {
            map[i] = hint;
        }
        OpcodeNode endBranch = byReg(
                hint,
                hint,
                hint,
                hint,
                hint,
                hint,
                hint,
                byMod(hint, byRm(hint, hint, form(ENDBR64), form(ENDBR32), hint, hint, hint, hint)));
        map[0x1E] = byPrefix(hint, hint, endBranch, hint);
        map[0x20] = quad(MOV, RQ, CD);
        map[0x21] = quad(MOV, RQ, OperandForm.DD);
        map[0x22] = quad(MOV, CD, RQ);
        map[0x23] = quad(MOV, OperandForm.DD, RQ);
        map[0x30] = form(WRMSR);
        map[0x31] = form(RDTSC);
        map[0x32] = form(RDMSR);
        map[0x33] = form(RDPMC);
        map[0x34] = form(SYSENTER);
        map[0x35] = form(SYSEXIT);
        map[0xA2] = form(CPUID);
        map[0xAA] = form(RSM);
        map[0xAE] = byReg(
                byMod(bare(wide(FXSAVE, FXSAVE64)), byPrefix(null, null, form(RDFSBASE, RY), null)),
                byMod(bare(wide(FXRSTOR, FXRSTOR64)), byPrefix(null, null, form(RDGSBASE, RY), null)),
                byMod(bare(form(LDMXCSR, OperandForm.MD)), byPrefix(null, null, form(WRFSBASE, RY), null)),
                byMod(bare(form(STMXCSR, OperandForm.MD)), byPrefix(null, null, form(WRGSBASE, RY), null)),
                byMod(bare(wide(XSAVE, XSAVE64)), null),
                byMod(bare(wide(XRSTOR, XRSTOR64)), bare(form(LFENCE))),
                byMod(bare(wide(XSAVEOPT, XSAVEOPT64)), bare(form(MFENCE))),
                byMod(byPrefix(form(CLFLUSH, MB), form(CLFLUSHOPT, MB), null, null), bare(form(SFENCE))));
    }

    private static void general(@Nullable OpcodeNode[] map) {
        for (int i = 0; i < 16; i++) {
            map[0x40 + i] = form(CMOVCC, GV, EV);
            map[0x80 + i] = quad(JCC, JZ);
            map[0x90 + i] = form(SETCC, EB);
        }
        for (int i = 0; i < 8; i++) {
            map[0xC8 + i] = form(BSWAP, ZV);
        }
        map[0xA0] = stack(PUSH, OperandForm.FS);
        map[0xA1] = stack(POP, OperandForm.FS);
        map[0xA3] = form(BT, EV, GV);
        map[0xA4] = form(SHLD, EV, GV, UB);
        map[0xA5] = form(SHLD, EV, GV, OperandForm.CL);
        map[0xA8] = stack(PUSH, OperandForm.GS);
        map[0xA9] = stack(POP, OperandForm.GS);
        map[0xAB] = form(BTS, EV, GV);
        map[0xAC] = form(SHRD, EV, GV, UB);
        map[0xAD] = form(SHRD, EV, GV, OperandForm.CL);
        map[0xAF] = form(IMUL, GV, EV);
        map[0xB0] = form(CMPXCHG, EB, GB);
        map[0xB1] = form(CMPXCHG, EV, GV);
        map[0xB2] = form(LSS, GV, MP);
        map[0xB3] = form(BTR, EV, GV);
        map[0xB4] = form(LFS, GV, MP);
        map[0xB5] = form(LGS, GV, MP);
        map[0xB6] = form(MOVZX, GV, EB);
        map[0xB7] = form(MOVZX, GV, EW);
        map[0xB8] = byPrefix(null, null, form(POPCNT, GV, EV), null);
        map[0xB9] = form(UD1, GV, EV);
        map[0xBA] = byReg(
                null, null, null, null, form(BT, EV, UB), form(BTS, EV, UB), form(BTR, EV, UB), form(BTC, EV, UB));
        map[0xBB] = form(BTC, EV, GV);
        OpcodeNode forward = form(BSF, GV, EV);
        OpcodeNode reverse = form(BSR, GV, EV);
        map[0xBC] = byPrefix(forward, forward, form(TZCNT, GV, EV), forward);
        map[0xBD] = byPrefix(reverse, reverse, form(LZCNT, GV, EV), reverse);
        map[0xBE] = form(MOVSX, GV, EB);
        map[0xBF] = form(MOVSX, GV, EW);
        map[0xC0] = form(XADD, EB, GB);
        map[0xC1] = form(XADD, EV, GV);
        map[0xC3] = byPrefix(form(MOVNTI, MY, GY), null, null, null);
        map[0xC7] = byReg(
                null,
                byMod(wide(CMPXCHG8B, CMPXCHG16B, MY2), null),
                null,
                null,
                null,
                null,
                byMod(null, random(RDRAND)),
                byMod(null, random(RDSEED)));
        map[0xFF] = form(UD0, GV, EV);
    }

    /** Undefined with 66h, F3h or F2h. */
    private static OpcodeNode bare(OpcodeNode node) {
        return byPrefix(node, null, null, null);
    }

    private static OpcodeNode random(Mnemonic mnemonic) {
        OpcodeNode form = form(mnemonic, RV);
        return byPrefix(form, form, null, null);
    }

    /** A form over an area of its own size whose name says whether REX.W was there. */
    private static OpcodeNode wide(Mnemonic narrow, Mnemonic wide) {
        return wide(narrow, wide, M0);
    }

    private static OpcodeNode wide(Mnemonic narrow, Mnemonic wide, OperandForm operand) {
        return byOperandSize(form(narrow, operand), form(narrow, operand), form(wide, operand));
    }
}
