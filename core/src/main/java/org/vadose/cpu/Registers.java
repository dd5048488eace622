package org.vadose.cpu;

/** Register numbers as instructions encode them, and names. */
public final class Registers {
    public static final int RAX = 0;
    public static final int RCX = 1;
    public static final int RDX = 2;
    public static final int RBX = 3;
    public static final int RSP = 4;
    public static final int RBP = 5;
    public static final int RSI = 6;
    public static final int RDI = 7;
    public static final int R8 = 8;
    public static final int R9 = 9;
    public static final int R10 = 10;
    public static final int R11 = 11;
    public static final int R12 = 12;
    public static final int R13 = 13;
    public static final int R14 = 14;
    public static final int R15 = 15;

    public static final int ES = 0;
    public static final int CS = 1;
    public static final int SS = 2;
    public static final int DS = 3;
    public static final int FS = 4;
    public static final int GS = 5;

    /** No register: an absent base, index or segment override. */
    public static final int NONE = -1;

    private static final String[] QUAD = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"
    };
    private static final String[] DOUBLE = {
        "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d",
        "r15d"
    };
    private static final String[] WORD = {
        "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"
    };
    private static final String[] BYTE = {
        "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"
    };
    private static final String[] HIGH_BYTE = {"ah", "ch", "dh", "bh"};
    private static final String[] SEGMENT = {"es", "cs", "ss", "ds", "fs", "gs"};

    private Registers() {}

    /** {@code eax}, {@code xmm3}, {@code st(1)}; st(0) is {@code st}, as WinDbg prints it. */
    public static String name(RegisterClass kind, int number, int sizeBytes) {
        return switch (kind) {
            case GENERAL ->
                switch (sizeBytes) {
                    case 1 -> BYTE[number];
                    case 2 -> WORD[number];
                    case 4 -> DOUBLE[number];
                    default -> QUAD[number];
                };
            case HIGH_BYTE -> HIGH_BYTE[number];
            case SEGMENT -> SEGMENT[number];
            case XMM -> "xmm" + number;
            case MMX -> "mm" + number;
            case X87 -> number == 0 ? "st" : "st(" + number + ")";
            case CONTROL -> "cr" + number;
            case DEBUG -> "dr" + number;
        };
    }
}
