package org.vadose.cpu;

import static org.vadose.cpu.Mnemonic.*;
import static org.vadose.cpu.OpcodeNode.*;
import static org.vadose.cpu.OperandForm.*;

import org.jspecify.annotations.Nullable;

/** MMX and SSE instructions of the maps behind 0Fh, 0F38h and 0F3Ah; the columns are the mandatory prefix: none, 66h, F3h, F2h. */
final class VectorMap {
    static final @Nullable OpcodeNode[] MAP_38 = build38();
    static final @Nullable OpcodeNode[] MAP_3A = build3a();

    private VectorMap() {}

    static void fillTwoByte(@Nullable OpcodeNode[] map) {
        moves(map);
        conversions(map);
        floatingPoint(map);
        integer(map);
    }

    private static void moves(@Nullable OpcodeNode[] map) {
        map[0x10] = byPrefix(form(MOVUPS, VX, WX), form(MOVUPD, VX, WX), form(MOVSS, VD, WD), form(MOVSD, VQ, WQ));
        map[0x11] = byPrefix(form(MOVUPS, WX, VX), form(MOVUPD, WX, VX), form(MOVSS, WD, VD), form(MOVSD, WQ, VQ));
        map[0x12] = byPrefix(
                byMod(form(MOVLPS, VQ, MQ), form(MOVHLPS, VQ, UX)),
                form(MOVLPD, VQ, MQ),
                form(MOVSLDUP, VX, WX),
                form(MOVDDUP, VX, WQ));
        map[0x13] = byPrefix(form(MOVLPS, MQ, VQ), form(MOVLPD, MQ, VQ), null, null);
        map[0x14] = packed(UNPCKLPS, UNPCKLPD);
        map[0x15] = packed(UNPCKHPS, UNPCKHPD);
        map[0x16] = byPrefix(
                byMod(form(MOVHPS, VX, MQ), form(MOVLHPS, VX, UQ)), form(MOVHPD, VX, MQ), form(MOVSHDUP, VX, WX), null);
        map[0x17] = byPrefix(form(MOVHPS, MQ, VX), form(MOVHPD, MQ, VX), null, null);
        map[0x28] = packed(MOVAPS, MOVAPD);
        map[0x29] = byPrefix(form(MOVAPS, WX, VX), form(MOVAPD, WX, VX), null, null);
        map[0x2B] = byPrefix(form(MOVNTPS, MX, VX), form(MOVNTPD, MX, VX), null, null);
        map[0x50] = byPrefix(form(MOVMSKPS, GD, UX), form(MOVMSKPD, GD, UX), null, null);
        map[0x6E] = byOperandWidth(form(MOVD, PQ, EY), form(MOVQ, PQ, EY), form(MOVD, VX, EY), form(MOVQ, VX, EY));
        map[0x6F] = byPrefix(form(MOVQ, PQ, QQ), form(MOVDQA, VX, WX), form(MOVDQU, VX, WX), null);
        Split store = byOperandWidth(form(MOVD, EY, PQ), form(MOVQ, EY, PQ), form(MOVD, EY, VX), form(MOVQ, EY, VX));
        map[0x7E] = byPrefix(store.ways()[0], store.ways()[1], form(MOVQ, VX, WQ), null);
        map[0x7F] = byPrefix(form(MOVQ, QQ, PQ), form(MOVDQA, WX, VX), form(MOVDQU, WX, VX), null);
        map[0xD6] = byPrefix(null, form(MOVQ, WQ, VQ), form(MOVQ2DQ, VX, NQ), form(MOVDQ2Q, PQ, UQ));
        map[0xD7] = byPrefix(form(PMOVMSKB, GD, NQ), form(PMOVMSKB, GD, UX), null, null);
        map[0xE7] = byPrefix(form(MOVNTQ, MQ, PQ), form(MOVNTDQ, MX, VX), null, null);
        map[0xF0] = byPrefix(null, null, null, form(LDDQU, VX, MX));
        map[0xF7] = byPrefix(form(MASKMOVQ, PQ, NQ), form(MASKMOVDQU, VX, UX), null, null);
    }

    private static void conversions(@Nullable OpcodeNode[] map) {
        map[0x2A] = byPrefix(
                form(CVTPI2PS, VQ, QQ), form(CVTPI2PD, VX, QQ), form(CVTSI2SS, VD, EY), form(CVTSI2SD, VQ, EY));
        map[0x2C] = byPrefix(
                form(CVTTPS2PI, PQ, WQ), form(CVTTPD2PI, PQ, WX), form(CVTTSS2SI, GY, WD), form(CVTTSD2SI, GY, WQ));
        map[0x2D] = byPrefix(
                form(CVTPS2PI, PQ, WQ), form(CVTPD2PI, PQ, WX), form(CVTSS2SI, GY, WD), form(CVTSD2SI, GY, WQ));
        map[0x5A] = byPrefix(
                form(CVTPS2PD, VX, WQ), form(CVTPD2PS, VX, WX), form(CVTSS2SD, VQ, WD), form(CVTSD2SS, VD, WQ));
        map[0x5B] = byPrefix(form(CVTDQ2PS, VX, WX), form(CVTPS2DQ, VX, WX), form(CVTTPS2DQ, VX, WX), null);
        map[0xE6] = byPrefix(null, form(CVTTPD2DQ, VX, WX), form(CVTDQ2PD, VX, WQ), form(CVTPD2DQ, VX, WX));
    }

    private static void floatingPoint(@Nullable OpcodeNode[] map) {
        map[0x2E] = byPrefix(form(UCOMISS, VD, WD), form(UCOMISD, VQ, WQ), null, null);
        map[0x2F] = byPrefix(form(COMISS, VD, WD), form(COMISD, VQ, WQ), null, null);
        map[0x51] = arithmetic(SQRTPS, SQRTPD, SQRTSS, SQRTSD);
        map[0x52] = byPrefix(form(RSQRTPS, VX, WX), null, form(RSQRTSS, VD, WD), null);
        map[0x53] = byPrefix(form(RCPPS, VX, WX), null, form(RCPSS, VD, WD), null);
        map[0x54] = packed(ANDPS, ANDPD);
        map[0x55] = packed(ANDNPS, ANDNPD);
        map[0x56] = packed(ORPS, ORPD);
        map[0x57] = packed(XORPS, XORPD);
        map[0x58] = arithmetic(ADDPS, ADDPD, ADDSS, ADDSD);
        map[0x59] = arithmetic(MULPS, MULPD, MULSS, MULSD);
        map[0x5C] = arithmetic(SUBPS, SUBPD, SUBSS, SUBSD);
        map[0x5D] = arithmetic(MINPS, MINPD, MINSS, MINSD);
        map[0x5E] = arithmetic(DIVPS, DIVPD, DIVSS, DIVSD);
        map[0x5F] = arithmetic(MAXPS, MAXPD, MAXSS, MAXSD);
        map[0x7C] = byPrefix(null, form(HADDPD, VX, WX), null, form(HADDPS, VX, WX));
        map[0x7D] = byPrefix(null, form(HSUBPD, VX, WX), null, form(HSUBPS, VX, WX));
        map[0xC2] = byPrefix(
                form(CMPPS, VX, WX, UB), form(CMPPD, VX, WX, UB), form(CMPSS, VD, WD, UB), form(CMPSD, VQ, WQ, UB));
        map[0xC6] = byPrefix(form(SHUFPS, VX, WX, UB), form(SHUFPD, VX, WX, UB), null, null);
        map[0xD0] = byPrefix(null, form(ADDSUBPD, VX, WX), null, form(ADDSUBPS, VX, WX));
    }

    private static void integer(@Nullable OpcodeNode[] map) {
        Mnemonic[] from60 = {
            PUNPCKLBW, PUNPCKLWD, PUNPCKLDQ, PACKSSWB, PCMPGTB, PCMPGTW, PCMPGTD, PACKUSWB, PUNPCKHBW, PUNPCKHWD,
            PUNPCKHDQ, PACKSSDW
        };
        for (int i = 0; i < from60.length; i++) {
            map[0x60 + i] = both(from60[i]);
        }
        for (int i = 0; i < 3; i++) {
            // The mmx forms of the low unpacks read 32 bits of memory.
            map[0x60 + i] = byPrefix(form(from60[i], PQ, QD), form(from60[i], VX, WX), null, null);
        }
        map[0x6C] = only66(PUNPCKLQDQ);
        map[0x6D] = only66(PUNPCKHQDQ);
        map[0x70] = byPrefix(
                form(PSHUFW, PQ, QQ, UB),
                form(PSHUFD, VX, WX, UB),
                form(PSHUFHW, VX, WX, UB),
                form(PSHUFLW, VX, WX, UB));
        map[0x71] = byReg(null, null, shift(PSRLW), null, shift(PSRAW), null, shift(PSLLW), null);
        map[0x72] = byReg(null, null, shift(PSRLD), null, shift(PSRAD), null, shift(PSLLD), null);
        map[0x73] = byReg(
                null,
                null,
                shift(PSRLQ),
                byPrefix(null, form(PSRLDQ, UX, UB), null, null),
                null,
                null,
                shift(PSLLQ),
                byPrefix(null, form(PSLLDQ, UX, UB), null, null));
        map[0x74] = both(PCMPEQB);
        map[0x75] = both(PCMPEQW);
        map[0x76] = both(PCMPEQD);
        map[0x77] = byPrefix(form(EMMS), null, null, null);
        map[0xC4] = byPrefix(form(PINSRW, PQ, RD_MW, UB), form(PINSRW, VX, RD_MW, UB), null, null);
        map[0xC5] = byPrefix(form(PEXTRW, GD, NQ, UB), form(PEXTRW, GD, UX, UB), null, null);
        @Nullable Mnemonic[] fromD0 = {
            null, PSRLW, PSRLD, PSRLQ, PADDQ, PMULLW, null, null, PSUBUSB, PSUBUSW, PMINUB, PAND, PADDUSB, PADDUSW,
            PMAXUB, PANDN, PAVGB, PSRAW, PSRAD, PAVGW, PMULHUW, PMULHW, null, null, PSUBSB, PSUBSW, PMINSW, POR, PADDSB,
            PADDSW, PMAXSW, PXOR, null, PSLLW, PSLLD, PSLLQ, PMULUDQ, PMADDWD, PSADBW, null, PSUBB, PSUBW, PSUBD, PSUBQ,
            PADDB, PADDW, PADDD
        };
        for (int i = 0; i < fromD0.length; i++) {
            Mnemonic mnemonic = fromD0[i];
            if (mnemonic != null) {
                map[0xD0 + i] = both(mnemonic);
            }
        }
    }

    private static @Nullable OpcodeNode[] build38() {
        @Nullable OpcodeNode[] map = new OpcodeNode[256];
        Mnemonic[] from00 = {
            PSHUFB, PHADDW, PHADDD, PHADDSW, PMADDUBSW, PHSUBW, PHSUBD, PHSUBSW, PSIGNB, PSIGNW, PSIGND, PMULHRSW
        };
        for (int i = 0; i < from00.length; i++) {
            map[i] = both(from00[i]);
        }
        map[0x10] = byPrefix(null, form(PBLENDVB, VX, WX, XMM0), null, null);
        map[0x14] = byPrefix(null, form(BLENDVPS, VX, WX, XMM0), null, null);
        map[0x15] = byPrefix(null, form(BLENDVPD, VX, WX, XMM0), null, null);
        map[0x17] = only66(PTEST);
        map[0x1C] = both(PABSB);
        map[0x1D] = both(PABSW);
        map[0x1E] = both(PABSD);
        Mnemonic[] signed = {PMOVSXBW, PMOVSXBD, PMOVSXBQ, PMOVSXWD, PMOVSXWQ, PMOVSXDQ};
        Mnemonic[] unsigned = {PMOVZXBW, PMOVZXBD, PMOVZXBQ, PMOVZXWD, PMOVZXWQ, PMOVZXDQ};
        OperandForm[] source = {WQ, WD, WW, WQ, WD, WQ};
        for (int i = 0; i < 6; i++) {
            map[0x20 + i] = byPrefix(null, form(signed[i], VX, source[i]), null, null);
            map[0x30 + i] = byPrefix(null, form(unsigned[i], VX, source[i]), null, null);
        }
        map[0x28] = only66(PMULDQ);
        map[0x29] = only66(PCMPEQQ);
        map[0x2A] = byPrefix(null, form(MOVNTDQA, VX, MX), null, null);
        map[0x2B] = only66(PACKUSDW);
        Mnemonic[] from37 = {PCMPGTQ, PMINSB, PMINSD, PMINUW, PMINUD, PMAXSB, PMAXSD, PMAXUW, PMAXUD, PMULLD, PHMINPOSUW
        };
        for (int i = 0; i < from37.length; i++) {
            map[0x37 + i] = only66(from37[i]);
        }
        OpcodeNode load = form(MOVBE, GV, MV);
        OpcodeNode store = form(MOVBE, MV, GV);
        map[0xF0] = byPrefix(load, load, null, form(CRC32, GY, EB));
        map[0xF1] = byPrefix(store, store, null, form(CRC32, GY, EV));
        return map;
    }

    private static @Nullable OpcodeNode[] build3a() {
        @Nullable OpcodeNode[] map = new OpcodeNode[256];
        map[0x08] = immediate66(ROUNDPS);
        map[0x09] = immediate66(ROUNDPD);
        map[0x0A] = byPrefix(null, form(ROUNDSS, VD, WD, UB), null, null);
        map[0x0B] = byPrefix(null, form(ROUNDSD, VQ, WQ, UB), null, null);
        map[0x0C] = immediate66(BLENDPS);
        map[0x0D] = immediate66(BLENDPD);
        map[0x0E] = immediate66(PBLENDW);
        map[0x0F] = byPrefix(form(PALIGNR, PQ, QQ, UB), form(PALIGNR, VX, WX, UB), null, null);
        map[0x14] = byPrefix(null, form(PEXTRB, RD_MB, VX, UB), null, null);
        map[0x15] = byPrefix(null, form(PEXTRW, RD_MW, VX, UB), null, null);
        map[0x16] = byPrefix(null, wide(form(PEXTRD, EY, VX, UB), form(PEXTRQ, EY, VX, UB)), null, null);
        map[0x17] = byPrefix(null, form(EXTRACTPS, OperandForm.ED, VX, UB), null, null);
        map[0x20] = byPrefix(null, form(PINSRB, VX, RD_MB, UB), null, null);
        map[0x21] = byPrefix(null, form(INSERTPS, VX, WD, UB), null, null);
        map[0x22] = byPrefix(null, wide(form(PINSRD, VX, EY, UB), form(PINSRQ, VX, EY, UB)), null, null);
        map[0x40] = immediate66(DPPS);
        map[0x41] = immediate66(DPPD);
        map[0x42] = immediate66(MPSADBW);
        map[0x60] = immediate66(PCMPESTRM);
        map[0x61] = immediate66(PCMPESTRI);
        map[0x62] = immediate66(PCMPISTRM);
        map[0x63] = immediate66(PCMPISTRI);
        return map;
    }

    private static OpcodeNode packed(Mnemonic single, Mnemonic dbl) {
        return byPrefix(form(single, VX, WX), form(dbl, VX, WX), null, null);
    }

    private static OpcodeNode arithmetic(Mnemonic ps, Mnemonic pd, Mnemonic ss, Mnemonic sd) {
        return byPrefix(form(ps, VX, WX), form(pd, VX, WX), form(ss, VD, WD), form(sd, VQ, WQ));
    }

    private static OpcodeNode both(Mnemonic mnemonic) {
        return byPrefix(form(mnemonic, PQ, QQ), form(mnemonic, VX, WX), null, null);
    }

    private static OpcodeNode only66(Mnemonic mnemonic) {
        return byPrefix(null, form(mnemonic, VX, WX), null, null);
    }

    private static OpcodeNode immediate66(Mnemonic mnemonic) {
        return byPrefix(null, form(mnemonic, VX, WX, UB), null, null);
    }

    /** A vector shift by an immediate. */
    private static OpcodeNode shift(Mnemonic mnemonic) {
        return byPrefix(form(mnemonic, NQ, UB), form(mnemonic, UX, UB), null, null);
    }

    /** One form without REX.W, another with it. */
    private static OpcodeNode wide(OpcodeNode narrow, OpcodeNode wide) {
        return byOperandSize(narrow, narrow, wide);
    }

    private static Split byOperandWidth(OpcodeNode none, OpcodeNode noneWide, OpcodeNode p66, OpcodeNode p66Wide) {
        return byPrefix(wide(none, noneWide), wide(p66, p66Wide), null, null);
    }
}
