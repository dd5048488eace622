package org.vadose.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DecoderTest {
    private static final long AT = 0xFFFF_F802_5C00_0010L;
    private final Decoder decoder = new Decoder();

    private Instruction decode(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex);
        Instruction instruction = new Instruction();
        decoder.decode(bytes, 0, bytes.length, AT, instruction);
        return instruction;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    488bc4                 | mov rax,rsp
                    48895808               | mov qword ptr [rax+8],rbx
                    4883ec28               | sub rsp,28h
                    4883c880               | or rax,0FFFFFFFFFFFFFF80h
                    b804000000             | mov eax,4
                    48b88877665544332211   | mov rax,1122334455667788h
                    65488b042588010000     | mov rax,qword ptr gs:[188h]
                    f604250803fe7f01       | test byte ptr [00000000`7ffe0308],1
                    88e0                   | mov al,ah
                    4088e0                 | mov al,spl
                    0f1f440000             | nop dword ptr [rax+rax]
                    f390                   | pause
                    6690                   | xchg ax,ax
                    4190                   | xchg r8d,eax
                    f30f1efa               | endbr64
                    0f05                   | syscall
                    cd2c                   | int 2Ch
                    cc                     | int 3
                    f348ab                 | rep stos qword ptr [rdi]
                    f3a4                   | rep movs byte ptr [rdi],byte ptr [rsi]
                    f2ae                   | repne scas byte ptr [rdi]
                    f0480fb111             | lock cmpxchg qword ptr [rcx],rdx
                    480fc709               | cmpxchg16b oword ptr [rcx]
                    0f94c0                 | sete al
                    480f44c1               | cmove rax,rcx
                    0f2918                 | movaps xmmword ptr [rax],xmm3
                    f20f104108             | movsd xmm0,mmword ptr [rcx+8]
                    f30f5ac1               | cvtss2sd xmm0,xmm1
                    f2480f2ac8             | cvtsi2sd xmm1,rax
                    660fc2c101             | cmpltpd xmm0,xmm1
                    db6d10                 | fld tbyte ptr [rbp+10h]
                    d8c1                   | fadd st,st(1)
                    dee9                   | fsubp st(1),st
                    67488d0448             | lea rax,[eax+ecx*2]
                    488d0500010000         | lea rax,[fffff802`5c000117]
                    7503                   | jne fffff802`5c000015
                    e8e8070000             | call fffff802`5c0007fd
                    c20800                 | ret 8
                    9c                     | pushfq
                    """)
    void printsAsTheDebuggerDoes(String hex, String expected) {
        Instruction instruction = decode(hex);
        assertEquals(expected, instruction.toString());
        assertEquals(hex.length() / 2, instruction.length());
    }

    @Test
    void lineHasAddressBytesAndSymbols() {
        InstructionFormatter formatter =
                new InstructionFormatter(a -> a == 0xFFFFF802_5C0007FDL ? "nt!KeBugCheckEx" : null);
        assertEquals("fffff802`5c000010 488bc4          mov     rax,rsp", formatter.line(decode("488bc4")));
        assertEquals(
                "fffff802`5c000010 e8e8070000      call    nt!KeBugCheckEx (fffff802`5c0007fd)",
                formatter.line(decode("e8e8070000")));
        assertEquals("fffff802`5c000010 0f05            syscall", formatter.line(decode("0f05")));
        assertEquals("fffff802`5c000010 06              ???", formatter.line(decode("06")));
    }

    @Test
    void refusesWhatAProcessorRefuses() {
        assertEquals(Instruction.Defect.UNDEFINED, decode("06").defect());
        assertEquals(Instruction.Defect.UNDEFINED, decode("f0488bc4").defect());
        assertEquals(
                Instruction.Defect.UNDEFINED,
                decode("f0480118".replace("01", "39")).defect());
        assertEquals(Instruction.Defect.UNDEFINED, decode("8dc0").defect());
        assertEquals(Instruction.Defect.UNDEFINED, decode("c5f877").defect());
        assertEquals(Instruction.Defect.TRUNCATED, decode("488b").defect());
        assertEquals(
                Instruction.Defect.TOO_LONG, decode("66".repeat(14) + "8bc0").defect());
        assertTrue(decode("66".repeat(13) + "8bc0").isValid());
    }

    @Test
    void readsNoByteBeyondTheInstruction() {
        byte[] code = HexFormat.of().parseHex("65488b042588010000");
        Instruction instruction = new Instruction();
        assertTrue(decoder.decode(a -> code[(int) (a - AT)] & 0xFF, AT, instruction));
        assertEquals(code.length, instruction.length());
        assertEquals(AT + 9, instruction.nextAddress());
    }

    @Test
    void operandsSayWhatTheyAre() {
        Instruction store = decode("6644898c8a00010000");
        Operand memory = store.operand(0);
        assertEquals(Mnemonic.MOV, store.mnemonic());
        assertEquals(2, store.operandSize());
        assertTrue(memory.isMemory());
        assertEquals(Registers.RDX, memory.base());
        assertEquals(Registers.RCX, memory.index());
        assertEquals(4, memory.scale());
        assertEquals(0x100, memory.value());
        assertEquals(Registers.R9, store.operand(1).register());
        assertFalse(store.hasLock());
        assertEquals(Condition.NE, decode("7503").condition());
    }

    /** Whatever the bytes, the decoder ends in 1..15 bytes, says the same twice, and needs exactly the bytes it claims. */
    @Test
    void randomBytesNeverConfuseTheDecoder() {
        long seed = 20_190_41;
        Random random = new Random(seed);
        byte[] bytes = new byte[16];
        Instruction first = new Instruction();
        Instruction again = new Instruction();
        InstructionFormatter formatter = new InstructionFormatter(InstructionFormatter.NO_SYMBOLS);
        for (int i = 0; i < 300_000; i++) {
            random.nextBytes(bytes);
            if ((i & 1) != 0) {
                bytes[random.nextInt(3)] = 0x0F;
            }
            boolean valid = decoder.decode(bytes, 0, 16, AT, first);
            String at = "seed=" + seed + " i=" + i + " bytes=" + HexFormat.of().formatHex(bytes);
            assertTrue(first.length() >= 1 && first.length() <= 15, at);
            if (!valid) {
                assertFalse(first.defect() == Instruction.Defect.TRUNCATED, at);
                continue;
            }
            String text = formatter.line(first);
            byte[] exact = first.bytes();
            assertTrue(decoder.decode(exact, 0, exact.length, AT, again), at);
            assertEquals(text, formatter.line(again), at);
            assertFalse(decoder.decode(exact, 0, exact.length - 1, AT, again), at);
            assertEquals(Instruction.Defect.TRUNCATED, again.defect(), at);
        }
    }
}
