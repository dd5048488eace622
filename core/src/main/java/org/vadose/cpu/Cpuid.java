package org.vadose.cpu;

import java.nio.charset.StandardCharsets;

/**
 * What cpuid says: exactly what is implemented. No AVX and no XSAVE (OSXSAVE clear), no SSE4.2 (its string compares are missing),
 * no BMI though tzcnt works, no FSGSBASE. A plain 64-bit Intel processor with one core.
 */
final class Cpuid {
    private static final int HIGHEST = 7;
    private static final int HIGHEST_EXTENDED = 0x8000_0008;

    private static final String VENDOR = "GenuineIntel";
    private static final String BRAND = "Vadose interpreted x86-64 processor";

    /** Family 6, model 2Ah, stepping 7. */
    private static final int SIGNATURE = 0x206A7;

    private static final int FPU = 1;
    private static final int TSC = 1 << 4;
    private static final int PAE = 1 << 6;
    private static final int CX8 = 1 << 8;
    private static final int PGE = 1 << 13;
    private static final int CMOV = 1 << 15;
    private static final int PAT = 1 << 16;
    private static final int CLFSH = 1 << 19;
    private static final int MMX = 1 << 23;
    private static final int FXSR = 1 << 24;
    private static final int SSE = 1 << 25;
    private static final int SSE2 = 1 << 26;
    private static final int FEATURES_EDX = FPU | TSC | PAE | CX8 | PGE | CMOV | PAT | CLFSH | MMX | FXSR | SSE | SSE2;

    private static final int SSE3 = 1;
    private static final int SSSE3 = 1 << 9;
    private static final int CX16 = 1 << 13;
    private static final int SSE4_1 = 1 << 19;
    private static final int MOVBE = 1 << 22;
    private static final int POPCNT = 1 << 23;
    private static final int HYPERVISOR = 1 << 31;
    private static final int FEATURES_ECX = SSE3 | SSSE3 | CX16 | SSE4_1 | MOVBE | POPCNT | HYPERVISOR;

    /** Leaf 7: enhanced rep movsb, clflushopt; ecx: user-mode instruction prevention (sgdt and kin raise #GP). */
    private static final int STRUCTURED_EBX = 1 << 9 | 1 << 23;

    private static final int STRUCTURED_ECX = 1 << 2;

    private static final int LAHF = 1;
    private static final int LZCNT = 1 << 5;
    private static final int PREFETCHW = 1 << 8;
    private static final int SYSCALL = 1 << 11;
    private static final int NX = 1 << 20;
    private static final int PAGES_1GB = 1 << 26;
    private static final int RDTSCP = 1 << 27;
    private static final int LONG_MODE = 1 << 29;

    /** 48 bits of virtual, 46 of physical address. */
    private static final int ADDRESS_SIZES = 48 << 8 | 46;

    /** clflush works on 64-byte lines (in units of 8), one logical processor. */
    private static final int LEAF_1_EBX = 8 << 8 | 1 << 16;

    private Cpuid() {}

    /** @param which 0 eax, 1 ebx, 2 ecx, 3 edx */
    static int register(int leaf, int subleaf, int which) {
        int known = leaf;
        if (leaf < 0 ? leaf > HIGHEST_EXTENDED : leaf > HIGHEST) {
            // Above the highest leaf Intel processors answer as for the highest basic one.
            known = HIGHEST;
        }
        return switch (known) {
            case 0 -> which == 0 ? HIGHEST : text(VENDOR, which == 1 ? 0 : which == 2 ? 8 : 4);
            case 1 -> pick(which, SIGNATURE, LEAF_1_EBX, FEATURES_ECX, FEATURES_EDX);
            case 7 -> subleaf == 0 ? pick(which, 0, STRUCTURED_EBX, STRUCTURED_ECX, 0) : 0;
            case 0x8000_0000 -> which == 0 ? HIGHEST_EXTENDED : 0;
            case 0x8000_0001 ->
                pick(which, 0, 0, LAHF | LZCNT | PREFETCHW, SYSCALL | NX | PAGES_1GB | RDTSCP | LONG_MODE);
            case 0x8000_0002, 0x8000_0003, 0x8000_0004 -> text(BRAND, (known - 0x8000_0002) * 16 + which * 4);
            case 0x8000_0008 -> which == 0 ? ADDRESS_SIZES : 0;
            default -> 0;
        };
    }

    private static int pick(int which, int eax, int ebx, int ecx, int edx) {
        return which == 0 ? eax : which == 1 ? ebx : which == 2 ? ecx : edx;
    }

    /** Four characters, the first lowest. */
    private static int text(String from, int at) {
        byte[] bytes = from.getBytes(StandardCharsets.US_ASCII);
        int value = 0;
        for (int n = 0; n < 4; n++) {
            int b = at + n < bytes.length ? bytes[at + n] & 0xFF : 0;
            value |= b << 8 * n;
        }
        return value;
    }
}
