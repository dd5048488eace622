package org.vadose.cpu;

import static org.vadose.cpu.Mnemonic.*;
import static org.vadose.cpu.OpcodeNode.*;
import static org.vadose.cpu.OperandForm.*;

import org.jspecify.annotations.Nullable;

/**
 * The x87 escapes D8h..DFh. Register forms include the aliases that every processor executes though the manuals leave them out
 * (DCD0 fcom, DDC8 fxch, DFD0 fstp and so on).
 */
final class X87Map {
    private static final Mnemonic[] ARITHMETIC = {FADD, FMUL, FCOM, FCOMP, FSUB, FSUBR, FDIV, FDIVR};
    private static final Mnemonic[] INTEGER = {FIADD, FIMUL, FICOM, FICOMP, FISUB, FISUBR, FIDIV, FIDIVR};

    private X87Map() {}

    /** The map of opcode D8h + {@code i}. */
    static OpcodeNode escape(int i) {
        @Nullable OpcodeNode[] ways = new OpcodeNode[8];
        @Nullable OpcodeNode[] registers = registers(i);
        for (int reg = 0; reg < 8; reg++) {
            ways[reg] = byMod(memory(i, reg), registers[reg]);
        }
        return byReg(ways);
    }

    private static @Nullable OpcodeNode memory(int i, int reg) {
        return switch (i) {
            case 0 -> form(ARITHMETIC[reg], MD);
            case 1 ->
                switch (reg) {
                    case 0 -> form(FLD, MD);
                    case 2 -> form(FST, MD);
                    case 3 -> form(FSTP, MD);
                    case 4 -> form(FLDENV, M0);
                    case 5 -> form(FLDCW, MW);
                    case 6 -> form(FNSTENV, M0);
                    case 7 -> form(FNSTCW, MW);
                    default -> null;
                };
            case 2 -> form(INTEGER[reg], MD);
            case 3 ->
                switch (reg) {
                    case 0 -> form(FILD, MD);
                    case 1 -> form(FISTTP, MD);
                    case 2 -> form(FIST, MD);
                    case 3 -> form(FISTP, MD);
                    case 5 -> form(FLD, MT);
                    case 7 -> form(FSTP, MT);
                    default -> null;
                };
            case 4 -> form(ARITHMETIC[reg], MQ);
            case 5 ->
                switch (reg) {
                    case 0 -> form(FLD, MQ);
                    case 1 -> form(FISTTP, MQ);
                    case 2 -> form(FST, MQ);
                    case 3 -> form(FSTP, MQ);
                    case 4 -> form(FRSTOR, M0);
                    case 6 -> form(FNSAVE, M0);
                    case 7 -> form(FNSTSW, MW);
                    default -> null;
                };
            case 6 -> form(INTEGER[reg], MW);
            default ->
                switch (reg) {
                    case 0 -> form(FILD, MW);
                    case 1 -> form(FISTTP, MW);
                    case 2 -> form(FIST, MW);
                    case 3 -> form(FISTP, MW);
                    case 4 -> form(FBLD, MT);
                    case 5 -> form(FILD, MQ);
                    case 6 -> form(FBSTP, MT);
                    default -> form(FISTP, MQ);
                };
        };
    }

    private static @Nullable OpcodeNode[] registers(int i) {
        return switch (i) {
            case 0 -> toTop(ARITHMETIC);
            case 1 ->
                ways(
                        form(FLD, ST_I),
                        form(FXCH, ST_I),
                        byRm(form(FNOP), null, null, null, null, null, null, null),
                        form(FSTP, ST_I),
                        plain(FCHS, FABS, null, null, FTST, FXAM, null, null),
                        plain(FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ, null),
                        plain(F2XM1, FYL2X, FPTAN, FPATAN, FXTRACT, FPREM1, FDECSTP, FINCSTP),
                        plain(FPREM, FYL2XP1, FSQRT, FSINCOS, FRNDINT, FSCALE, FSIN, FCOS));
            case 2 ->
                ways(
                        form(FCMOVB, ST0, ST_I),
                        form(FCMOVE, ST0, ST_I),
                        form(FCMOVBE, ST0, ST_I),
                        form(FCMOVU, ST0, ST_I),
                        null,
                        plain(null, FUCOMPP, null, null, null, null, null, null),
                        null,
                        null);
            case 3 ->
                ways(
                        form(FCMOVNB, ST0, ST_I),
                        form(FCMOVNE, ST0, ST_I),
                        form(FCMOVNBE, ST0, ST_I),
                        form(FCMOVNU, ST0, ST_I),
                        // E0, E1, E4 were feni, fdisi, fsetpm of older coprocessors: they do nothing now.
                        plain(FNOP, FNOP, FNCLEX, FNINIT, FNOP, null, null, null),
                        form(FUCOMI, ST0, ST_I),
                        form(FCOMI, ST0, ST_I),
                        null);
            case 4 ->
                ways(
                        form(FADD, ST_I, ST0),
                        form(FMUL, ST_I, ST0),
                        form(FCOM, ST_I),
                        form(FCOMP, ST_I),
                        form(FSUBR, ST_I, ST0),
                        form(FSUB, ST_I, ST0),
                        form(FDIVR, ST_I, ST0),
                        form(FDIV, ST_I, ST0));
            case 5 ->
                ways(
                        form(FFREE, ST_I),
                        form(FXCH, ST_I),
                        form(FST, ST_I),
                        form(FSTP, ST_I),
                        form(FUCOM, ST_I),
                        form(FUCOMP, ST_I),
                        null,
                        null);
            case 6 ->
                ways(
                        form(FADDP, ST_I, ST0),
                        form(FMULP, ST_I, ST0),
                        form(FCOMP, ST_I),
                        plain(null, FCOMPP, null, null, null, null, null, null),
                        form(FSUBRP, ST_I, ST0),
                        form(FSUBP, ST_I, ST0),
                        form(FDIVRP, ST_I, ST0),
                        form(FDIVP, ST_I, ST0));
            default ->
                ways(
                        form(FFREEP, ST_I),
                        form(FXCH, ST_I),
                        form(FSTP, ST_I),
                        form(FSTP, ST_I),
                        byRm(form(FNSTSW, AX), null, null, null, null, null, null, null),
                        form(FUCOMIP, ST0, ST_I),
                        form(FCOMIP, ST0, ST_I),
                        null);
        };
    }

    /** D8 forms: st = st op st(i); the compares name st(i) alone. */
    private static @Nullable OpcodeNode[] toTop(Mnemonic[] mnemonics) {
        @Nullable OpcodeNode[] ways = new OpcodeNode[8];
        for (int i = 0; i < 8; i++) {
            ways[i] = i == 2 || i == 3 ? form(mnemonics[i], ST_I) : form(mnemonics[i], ST0, ST_I);
        }
        return ways;
    }

    private static OpcodeNode plain(@Nullable Mnemonic... mnemonics) {
        @Nullable OpcodeNode[] ways = new OpcodeNode[8];
        for (int i = 0; i < 8; i++) {
            Mnemonic mnemonic = mnemonics[i];
            ways[i] = mnemonic == null ? null : form(mnemonic);
        }
        return byRm(ways);
    }

    private static @Nullable OpcodeNode[] ways(@Nullable OpcodeNode... ways) {
        return ways;
    }
}
