package org.vadose.cpu;

import static org.vadose.cpu.Mnemonic.*;
import static org.vadose.cpu.OpcodeNode.*;
import static org.vadose.cpu.OperandForm.*;

import org.jspecify.annotations.Nullable;

/**
 * The one-byte opcode map in long mode. Prefixes, REX (40h..4Fh) and escapes (0Fh) are the decoder's; what long mode or a
 * processor without AVX leaves undefined is null (VEX C4h/C5h and EVEX 62h among it). Source: AMD64 manual volume 3, appendix A.
 */
final class OneByteMap {
    static final @Nullable OpcodeNode[] MAP = build();

    private OneByteMap() {}

    private static @Nullable OpcodeNode[] build() {
        @Nullable OpcodeNode[] map = new OpcodeNode[256];
        Mnemonic[] arithmetic = {ADD, OR, ADC, SBB, AND, SUB, XOR, CMP};
        for (int i = 0; i < 8; i++) {
            Mnemonic m = arithmetic[i];
            map[i * 8] = form(m, EB, GB);
            map[i * 8 + 1] = form(m, EV, GV);
            map[i * 8 + 2] = form(m, GB, EB);
            map[i * 8 + 3] = form(m, GV, EV);
            map[i * 8 + 4] = form(m, OperandForm.AL, IB);
            map[i * 8 + 5] = form(m, RAX, IZ);
            map[0x50 + i] = stack(PUSH, ZV);
            map[0x58 + i] = stack(POP, ZV);
            map[0x90 + i] = form(XCHG, ZV, RAX);
            map[0xB0 + i] = form(MOV, ZB, IB);
            map[0xB8 + i] = form(MOV, ZV, IV);
            map[0xD8 + i] = X87Map.escape(i);
        }
        for (int i = 0; i < 16; i++) {
            map[0x70 + i] = quad(JCC, JB);
        }
        map[0x63] = form(MOVSXD, GV, ED);
        map[0x68] = stack(PUSH, IZ);
        map[0x69] = form(IMUL, GV, EV, IZ);
        map[0x6A] = stack(PUSH, IBS);
        map[0x6B] = form(IMUL, GV, EV, IBS);
        map[0x6C] = form(INS, YB, DX);
        map[0x6D] = form(INS, YZ, DX);
        map[0x6E] = form(OUTS, DX, XB);
        map[0x6F] = form(OUTS, DX, XZ);
        map[0x80] = group(arithmetic, EB, IB);
        map[0x81] = group(arithmetic, EV, IZ);
        map[0x83] = group(arithmetic, EV, IBS);
        map[0x84] = form(TEST, EB, GB);
        map[0x85] = form(TEST, EV, GV);
        map[0x86] = form(XCHG, EB, GB);
        map[0x87] = form(XCHG, EV, GV);
        map[0x88] = form(MOV, EB, GB);
        map[0x89] = form(MOV, EV, GV);
        map[0x8A] = form(MOV, GB, EB);
        map[0x8B] = form(MOV, GV, EV);
        map[0x8C] = form(MOV, RV_MW, SW);
        map[0x8D] = form(LEA, GV, M0);
        map[0x8E] = form(MOV, SW, EW);
        map[0x8F] = byReg(stack(POP, EV), null, null, null, null, null, null, null);
        // 90h without REX.B writes nothing, not even the upper half of rax; F3h makes it pause.
        OpcodeNode exchange = form(XCHG, ZV, RAX);
        map[0x90] = new Split(
                Selector.REX_B,
                new Split(
                        Selector.PREFIX,
                        form(NOP),
                        byOperandSize(exchange, form(NOP), form(NOP)),
                        form(PAUSE),
                        form(NOP)),
                exchange);
        map[0x98] = byOperandSize(form(CBW), form(CWDE), form(CDQE));
        map[0x99] = byOperandSize(form(CWD), form(CDQ), form(CQO));
        map[0x9B] = form(WAIT);
        map[0x9C] = stack(PUSHF);
        map[0x9D] = stack(POPF);
        map[0x9E] = form(SAHF);
        map[0x9F] = form(LAHF);
        map[0xA0] = form(MOV, OperandForm.AL, OB);
        map[0xA1] = form(MOV, RAX, OV);
        map[0xA2] = form(MOV, OB, OperandForm.AL);
        map[0xA3] = form(MOV, OV, RAX);
        map[0xA4] = form(MOVS, YB, XB);
        map[0xA5] = form(MOVS, YV, XV);
        map[0xA6] = form(CMPS, XB, YB);
        map[0xA7] = form(CMPS, XV, YV);
        map[0xA8] = form(TEST, OperandForm.AL, IB);
        map[0xA9] = form(TEST, RAX, IZ);
        map[0xAA] = form(STOS, YB);
        map[0xAB] = form(STOS, YV);
        map[0xAC] = form(LODS, XB);
        map[0xAD] = form(LODS, XV);
        map[0xAE] = form(SCAS, YB);
        map[0xAF] = form(SCAS, YV);
        // ModRM.reg 6 of the shifts is an alias of shl on every processor.
        Mnemonic[] shifts = {ROL, ROR, RCL, RCR, SHL, SHR, SHL, SAR};
        map[0xC0] = group(shifts, EB, UB);
        map[0xC1] = group(shifts, EV, UB);
        map[0xD0] = group(shifts, EB, ONE);
        map[0xD1] = group(shifts, EV, ONE);
        map[0xD2] = group(shifts, EB, OperandForm.CL);
        map[0xD3] = group(shifts, EV, OperandForm.CL);
        map[0xC2] = quad(RET, UW);
        map[0xC3] = quad(RET);
        map[0xC6] = byReg(form(MOV, EB, IB), null, null, null, null, null, null, null);
        map[0xC7] = byReg(form(MOV, EV, IZ), null, null, null, null, null, null, null);
        map[0xC8] = stack(ENTER, UW, UB);
        map[0xC9] = stack(LEAVE);
        map[0xCA] = form(RET_FAR, UW);
        map[0xCB] = form(RET_FAR);
        map[0xCC] = form(INT3);
        map[0xCD] = form(INT, UB);
        map[0xCF] = byOperandSize(form(IRET), form(IRETD), form(IRETQ));
        map[0xD7] = form(Mnemonic.XLAT, OperandForm.XLAT);
        map[0xE0] = quad(LOOPNE, JB);
        map[0xE1] = quad(LOOPE, JB);
        map[0xE2] = quad(LOOP, JB);
        map[0xE3] = new Split(Selector.ADDRESS_SIZE, quad(JECXZ, JB), quad(JRCXZ, JB));
        map[0xE4] = form(IN, OperandForm.AL, UB);
        map[0xE5] = form(IN, EAX, UB);
        map[0xE6] = form(OUT, UB, OperandForm.AL);
        map[0xE7] = form(OUT, UB, EAX);
        map[0xE8] = quad(CALL, JZ);
        map[0xE9] = quad(JMP, JZ);
        map[0xEB] = quad(JMP, JB);
        map[0xEC] = form(IN, OperandForm.AL, DX);
        map[0xED] = form(IN, EAX, DX);
        map[0xEE] = form(OUT, DX, OperandForm.AL);
        map[0xEF] = form(OUT, DX, EAX);
        map[0xF1] = form(INT1);
        map[0xF4] = form(HLT);
        map[0xF5] = form(CMC);
        map[0xF6] = unary(EB, form(TEST, EB, IB));
        map[0xF7] = unary(EV, form(TEST, EV, IZ));
        map[0xF8] = form(CLC);
        map[0xF9] = form(STC);
        map[0xFA] = form(CLI);
        map[0xFB] = form(STI);
        map[0xFC] = form(CLD);
        map[0xFD] = form(STD);
        map[0xFE] = byReg(form(INC, EB), form(DEC, EB), null, null, null, null, null, null);
        map[0xFF] = byReg(
                form(INC, EV),
                form(DEC, EV),
                quad(CALL, EQ),
                form(CALL_FAR, MP),
                quad(JMP, EQ),
                form(JMP_FAR, MP),
                stack(PUSH, EV),
                null);
        return map;
    }

    private static OpcodeNode group(Mnemonic[] mnemonics, OperandForm... operands) {
        @Nullable OpcodeNode[] ways = new OpcodeNode[8];
        for (int i = 0; i < 8; i++) {
            ways[i] = form(mnemonics[i], operands);
        }
        return byReg(ways);
    }

    private static OpcodeNode unary(OperandForm operand, OpcodeNode test) {
        return byReg(
                test,
                test,
                form(NOT, operand),
                form(NEG, operand),
                form(MUL, operand),
                form(IMUL, operand),
                form(DIV, operand),
                form(IDIV, operand));
    }
}
