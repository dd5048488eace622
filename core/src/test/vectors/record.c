/*
 * Runs instructions on the processor of this machine and records what they do. See record.sh for use and README.md for the
 * format. Each form runs on a number of states of its pool; a state is 102 words of 64 bits:
 *
 *   0..15 rax..r15   16 rflags   17 length of the step (rip after - rip before)   18 mxcsr   19..50 xmm0..15, low then high
 *   51 x87 control   52 status   53 valid registers (fxsave tag)   54..69 physical x87 registers, significand then sign/exponent
 *   70..101 the 256 bytes at MEMORY; rsi = MEMORY + 40h, rdi = MEMORY + 80h, rsp = MEMORY + E0h
 *
 * After the forms come SEQUENCES loops over several of them (domain S), where what one instruction leaves meets the next.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define MEMORY 0x10000000UL
#define CONTROL 0x10002000UL /* registers in and out, fxsave areas */
#define CODE 0x20000000UL
#define TARGET 24 /* where branches go, from CODE */
#define SLOTS 102
#define RFLAGS 16
#define STEP 17
#define MXCSR 18
#define XMM 19
#define FCW 51
#define ST 54
#define MEM 70
#define NO_FAULT 255
#define SEQUENCES 400

typedef uint64_t u64;

static u64 *const in_gpr = (u64 *)(CONTROL + 0x000);  /* 16 registers and rflags */
static u64 *const out_gpr = (u64 *)(CONTROL + 0x100); /* the same */
static u64 *const taken = (u64 *)(CONTROL + 0x1f0);
static uint8_t *const in_fx = (uint8_t *)(CONTROL + 0x400);
static uint8_t *const out_fx = (uint8_t *)(CONTROL + 0x600);

/* Numbers in the text are the addresses above. */
__asm__(".intel_syntax noprefix\n"
        ".globl enter\nenter:\n"
        "push rbx; push rbp; push r12; push r13; push r14; push r15\n"
        "mov [0x100021f8], rsp\n"
        "fxrstor64 [0x10002400]\n"
        "push qword ptr [0x10002080]; popfq\n"
        "mov rax,[0x10002000]; mov rcx,[0x10002008]; mov rdx,[0x10002010]; mov rbx,[0x10002018]\n"
        "mov rsp,[0x10002020]; mov rbp,[0x10002028]; mov rsi,[0x10002030]; mov rdi,[0x10002038]\n"
        "mov r8,[0x10002040]; mov r9,[0x10002048]; mov r10,[0x10002050]; mov r11,[0x10002058]\n"
        "mov r12,[0x10002060]; mov r13,[0x10002068]; mov r14,[0x10002070]; mov r15,[0x10002078]\n"
        "jmp qword ptr [0x100021e8]\n"
        ".globl leave_taken\nleave_taken: mov qword ptr [0x100021f0],1\n"
        ".globl leave_through\nleave_through:\n"
        "mov [0x10002100],rax; mov [0x10002108],rcx; mov [0x10002110],rdx; mov [0x10002118],rbx\n"
        "mov [0x10002120],rsp; mov [0x10002128],rbp; mov [0x10002130],rsi; mov [0x10002138],rdi\n"
        "mov [0x10002140],r8; mov [0x10002148],r9; mov [0x10002150],r10; mov [0x10002158],r11\n"
        "mov [0x10002160],r12; mov [0x10002168],r13; mov [0x10002170],r14; mov [0x10002178],r15\n"
        "mov rsp,[0x100021f8]\n"
        "pushfq; pop qword ptr [0x10002180]; cld\n"
        "fxsave64 [0x10002600]\n"
        "fninit\n"
        "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx; ret\n"
        ".att_syntax\n");
extern void enter(void);
extern void leave_taken(void);
extern void leave_through(void);

static sigjmp_buf back;
static volatile int trap;

static void on_signal(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)info;
    trap = ((ucontext_t *)context)->uc_mcontext.gregs[REG_TRAPNO];
    siglongjmp(back, 1);
}

static u64 seed = 0x5644535345454431ULL;

static u64 next(void) {
    u64 z = (seed += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

static unsigned below(unsigned n) { return next() % n; }

static u64 integer(void) {
    static const u64 corners[] = {0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
                                  0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffffffe,
                                  0x0123456789abcdef, 0x8080808080808080, 0x7f7f7f7f80808080};
    switch (below(5)) {
    case 0: return corners[below(sizeof corners / sizeof *corners)];
    case 1: return next() >> below(64);
    case 2: return (u64)((int64_t)next() >> below(64));
    default: return next();
    }
}

static u64 binary64(void) {
    static const u64 corners[] = {0, 1, 0x000fffffffffffff, 0x0010000000000000, 0x3ff0000000000000, 0x3ff0000000000001,
                                  0x3fefffffffffffff, 0x4000000000000000, 0x3fe0000000000000, 0x7fefffffffffffff,
                                  0x7ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001, 0x7ffc123456789abc,
                                  0x400921fb54442d18, 0x41dfffffffc00000, 0x41e0000000000000, 0x43e0000000000000,
                                  0x43dfffffffffffff, 0x4330000000000001, 0x3ff8000000000000, 0x4004000000000000,
                                  0x36a0000000000000, 0x380fffffe0000000, 0x47efffffe0000000, 0x47effffff0000000};
    u64 sign = next() & 1ULL << 63;
    switch (below(8)) {
    case 0: case 1: return sign | corners[below(sizeof corners / sizeof *corners)];
    case 2: return sign | (next() & 0x000fffffffffffff);                                            /* denormal */
    case 3: return sign | (u64)(1023 + below(70) - 5) << 52 | (next() & 0x000fffffffffffff);        /* fits integers */
    case 4: return sign | (u64)(1023 + below(12)) << 52 | (next() & 0x000ff00000000000);            /* few bits */
    case 5: return next();
    default: return sign | (u64)(1023 + below(40) - 20) << 52 | (next() & 0x000fffffffffffff);
    }
}

static uint32_t binary32(void) {
    static const uint32_t corners[] = {0, 1, 0x007fffff, 0x00800000, 0x3f800000, 0x3f800001, 0x3f7fffff, 0x40000000, 0x3f000000,
                                       0x7f7fffff, 0x7f800000, 0x7fc00000, 0x7f800001, 0x7fc12345, 0x40490fdb, 0x4effffff,
                                       0x4f000000, 0x5f000000, 0x4b000001, 0x3fc00000, 0x40200000};
    uint32_t sign = (uint32_t)next() & 1U << 31;
    switch (below(8)) {
    case 0: case 1: return sign | corners[below(sizeof corners / sizeof *corners)];
    case 2: return sign | ((uint32_t)next() & 0x7fffff);
    case 3: return sign | (127 + below(70) - 5) << 23 | ((uint32_t)next() & 0x7fffff);
    case 4: return sign | (127 + below(12)) << 23 | ((uint32_t)next() & 0x7f0000);
    case 5: return (uint32_t)next();
    default: return sign | (127 + below(30) - 15) << 23 | ((uint32_t)next() & 0x7fffff);
    }
}

static u64 singles(void) { return binary32() | (u64)binary32() << 32; }

/* An 80-bit register; kind 'w' keeps to what conversions care about, 'v' to arguments of functions. */
static void extended(char kind, u64 *out) {
    static const u64 significands[] = {0x8000000000000000, 0xffffffffffffffff, 0x8000000000000001, 0xc000000000000000,
                                       0xfffffffffffff800, 0xfffffffffffffc00, 0xffffff8000000000, 0xffffff0000000000};
    u64 significand = below(3) ? next() | 1ULL << 63 : significands[below(8)];
    if (below(4) == 0) significand &= 0xffff000000000000;
    u64 sign = (next() & 1) << 15;
    unsigned exponent;
    if (kind == 'w') {
        static const unsigned exponents[] = {16383 + 62, 16383 + 63, 16383 + 30, 16383 + 31, 16383 + 14, 16383 + 15, 16383 - 1,
                                             16383, 16383 - 126, 16383 - 127, 16383 - 1022, 16383 - 1023, 16383 + 127, 16383 + 1023,
                                             16383 - 150, 16383 - 1075, 16383 - 149, 16383 + 59, 16383 + 5};
        exponent = below(3) ? exponents[below(19)] : 16383 + below(70) - 4;
    } else if (kind == 'v') {
        exponent = 16383 - below(12);
        if (below(8) == 0) exponent = 16383 + below(50) - 80;
    } else {
        switch (below(8)) {
        case 0: exponent = 0; significand = below(2) ? 0 : below(2) ? next() >> 1 : next() | 1ULL << 63; break;
        case 1: exponent = 0x7fff; significand = below(2) ? 1ULL << 63 : next() | 1ULL << 63; break;
        case 2: exponent = below(0x7fff); if (below(4) == 0) significand >>= 1; break;
        case 3: exponent = below(2) ? 1 + below(60) : 0x7ffe - below(60); break;
        case 4: exponent = 16383 + below(80); break;
        default: exponent = 16383 + below(40) - 20;
        }
    }
    out[0] = significand;
    out[1] = sign | exponent;
}

static void make_state(u64 *s, char domain, const char *options) {
    for (int i = 0; i < 16; i++) s[i] = integer();
    s[4] = MEMORY + 0xE0;
    s[6] = MEMORY + 0x40;
    s[7] = MEMORY + 0x80;
    s[5] = MEMORY + 0xA0;
    if (strchr(options, 'c')) s[1] = (u64)((int64_t)below(401) - 200);
    if (strchr(options, 'n')) s[1] = below(9);
    if (strchr(options, 'r')) {
        s[3] = MEMORY;
        s[12] = MEMORY + 0x48;
        s[13] = MEMORY + 0x50;
    }
    s[RFLAGS] = 0x202 | (next() & 0x8d5) | (strchr(options, 'f') && below(2) ? 0x400 : 0);
    s[STEP] = 0;
    s[MXCSR] = 0x1f80 | below(4) << 13 | (below(2) ? next() & 0x3f : 0);
    if (below(8) == 0) s[MXCSR] |= 0x40;
    if (below(8) == 0) s[MXCSR] |= 0x8000;
    if (below(12) == 0) s[MXCSR] &= ~(0x80ULL << below(6));
    if (below(3) == 0) s[MXCSR] = 0x1f80;
    for (int i = 0; i < 32; i++) s[XMM + i] = domain == 's' ? singles() : domain == 'd' ? binary64() : integer();
    s[FCW] = 0x37f;
    s[FCW + 1] = 0;
    s[FCW + 2] = 0;
    for (int i = 0; i < 8; i++) s[ST + 2 * i] = s[ST + 2 * i + 1] = 0;
    if (strchr("xytwvb", domain)) {
        static const unsigned precisions[] = {0, 0x200, 0x300, 0x300};
        s[FCW] = 0x7f | below(4) << 10 | precisions[below(4)];
        if (domain == 'v') s[FCW] = 0x37f;
        if (domain != 'v' && below(16) == 0) s[FCW] &= ~(1ULL << below(6));
        unsigned top = below(8);
        s[FCW + 1] = top << 11 | (next() & 0x4700);
        s[FCW + 2] = below(6) || domain == 'v' ? 0xff : next() & 0xff;
        if (below(2) || domain == 'v') s[FCW + 2] &= ~(1U << ((top - 1) & 7)); /* room for a push */
        for (int i = 0; i < 8; i++) extended(domain, &s[ST + 2 * i]);
        if (domain == 'v' && below(4)) s[ST + 2 * top + 1] &= 0x7fff;
    }
    if (domain == 'm') {
        s[FCW + 2] = 0xff;
        for (int i = 0; i < 8; i++) {
            s[ST + 2 * i] = integer();
            s[ST + 2 * i + 1] = 0xffff;
        }
    }
    for (int i = 0; i < 32; i++)
        s[MEM + i] = domain == 's' || domain == 'y' ? singles() : domain == 'd' || domain == 'x' ? binary64() : integer();
    if (domain == 't')
        for (int i = 0; i < 31; i += 2) extended('x', &s[MEM + i]);
    if (domain == 'y' && below(2)) s[MEM + 8] = integer();
    if (domain == 'z') s[MEM + 8] &= 0xffff1fbf;
    if (domain == 'b')
        for (int i = 0; i < 10; i++) {
            uint8_t digits = i < 9 ? below(10) << 4 | below(10) : below(2) << 7;
            memcpy((uint8_t *)&s[MEM + 8] + i, &digits, 1);
        }
    if (domain == 'p') s[MEM + 28] = 0x202 | (next() & 0x8d5);
    if (strchr(options, 'k')) s[0] = s[9] = s[MEM + 28] = CODE + TARGET;
    if (domain == 'q') {
        s[2] = below(2) ? 0 : -1ULL; /* dividends that often fit */
        if (below(2)) s[2] = below(4);
        s[MEM + 16] |= 1ULL << below(64);
        if (below(2)) s[0] &= 0x7fff;
    }
    if (domain == 'e') {
        s[0] = s[MEM + 8];
        s[2] = s[MEM + 9];
        if (below(2)) s[2] = s[MEM + 8] >> 32;
    }
}

static void load_state(const u64 *s) {
    memcpy(in_gpr, s, 17 * 8);
    memset(in_fx, 0, 512);
    *(uint16_t *)(in_fx + 0) = s[FCW];
    *(uint16_t *)(in_fx + 2) = s[FCW + 1];
    in_fx[4] = s[FCW + 2];
    *(uint32_t *)(in_fx + 24) = s[MXCSR];
    unsigned top = s[FCW + 1] >> 11 & 7;
    for (unsigned i = 0; i < 8; i++) {
        unsigned physical = (top + i) & 7;
        memcpy(in_fx + 32 + 16 * i, &s[ST + 2 * physical], 8);
        memcpy(in_fx + 40 + 16 * i, &s[ST + 2 * physical + 1], 2);
    }
    memcpy(in_fx + 160, &s[XMM], 256);
    memcpy((void *)MEMORY, &s[MEM], 256);
}

static void store_state(u64 *s, unsigned length) {
    memcpy(s, out_gpr, 17 * 8);
    s[RFLAGS] &= ~0x100ULL;
    s[STEP] = *taken ? TARGET : length;
    s[FCW] = *(uint16_t *)(out_fx + 0);
    s[FCW + 1] = *(uint16_t *)(out_fx + 2);
    s[FCW + 2] = out_fx[4];
    s[MXCSR] = *(uint32_t *)(out_fx + 24);
    unsigned top = s[FCW + 1] >> 11 & 7;
    for (unsigned i = 0; i < 8; i++) {
        unsigned physical = (top + i) & 7;
        s[ST + 2 * physical] = s[ST + 2 * physical + 1] = 0;
        memcpy(&s[ST + 2 * physical], out_fx + 32 + 16 * i, 8);
        memcpy(&s[ST + 2 * physical + 1], out_fx + 40 + 16 * i, 2);
    }
    memcpy(&s[XMM], out_fx + 160, 256);
    memcpy(&s[MEM], (void *)MEMORY, 256);
}

static void jump_to(uint8_t *at, void (*target)(void)) {
    at[0] = 0xE9;
    int32_t distance = (int32_t)((intptr_t)target - (intptr_t)(at + 5));
    memcpy(at + 1, &distance, 4);
}

/* Whether the instruction can stand in a sequence: it keeps the pointers and the loop counter and faults never. */
static int fits_sequence(const char *line) {
    static const char *const never[] = {"sil", "bpl", "bp", "sp,", "rsp", "esp", "esi", "edi", "rsi,", "rdi,", "rip", "lahf", "cld",
                                        "std", "div", "push", "pop", "enter", "leave", "hlt", "cli", "sti", "in al", "out ", "msr",
                                        "cr0", "cr3", "swapgs", "clts", "invd", "invlpg", "lgdt", "ud2", "int3", "ltr", "lldt",
                                        "lmsw", "ldmxcsr", "maskmov", "xchg rsp", "mov rsi", "cvt"};
    char text[256];
    int at = 0;
    char domain, options[16];
    unsigned undefined;
    sscanf(line, "%c %15s %x %n", &domain, options, &undefined, &at);
    strcpy(text, line + at);
    for (unsigned i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(text, never[i])) return 0;
    return 1;
}

static FILE *out;

static void put(u64 value, int bytes) { fwrite(&value, 1, bytes, out); }

struct pool {
    char key[16];
    unsigned count;
    u64 (*states)[SLOTS];
};

int main(int argc, char **argv) {
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: record forms.txt code.bin lengths.bin out [seed]\n");
        return 2;
    }
    if (argc == 6) seed ^= strtoull(argv[5], 0, 0);
    mmap((void *)MEMORY, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    uint8_t *code = mmap((void *)CODE, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    static char alternate[1 << 16];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, 0);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGTRAP};
    for (int i = 0; i < 5; i++) sigaction(signals[i], &action, 0);

    FILE *forms = fopen(argv[1], "r"), *bytes = fopen(argv[2], "rb"), *lengths = fopen(argv[3], "rb");
    out = fopen(argv[4], "wb");
    static struct pool pools[64];
    static struct { char domain; unsigned length, undefined, pool; uint8_t code[256]; } list[8192];
    unsigned pool_count = 0, count = 0;
    char line[256], domain, options[16];
    unsigned undefined;
    static unsigned parts[8192];
    unsigned part_count = 0;
    while (fgets(line, sizeof line, forms) && sscanf(line, "%c %15s %x", &domain, options, &undefined) == 3) {
        char key[32];
        snprintf(key, sizeof key, "%c%s", domain, options);
        unsigned p = 0;
        while (p < pool_count && strcmp(pools[p].key, key)) p++;
        if (p == pool_count) {
            pools[p].count = domain == 's' || domain == 'd' || domain == 'x' || domain == 'y' ? 96 : domain == 'i' && !options[1] ? 64 : 32;
            pools[p].states = calloc(pools[p].count, sizeof *pools[p].states);
            snprintf(pools[p].key, sizeof pools[p].key, "%.15s", key);
            for (unsigned i = 0; i < pools[p].count; i++) make_state(pools[p].states[i], domain, options);
            pool_count++;
        }
        list[count].domain = domain;
        list[count].undefined = undefined;
        list[count].pool = p;
        list[count].length = fgetc(lengths);
        if (fread(list[count].code, 1, 32, bytes) != 32) return 3;
        if (domain == 'i' && !strcmp(options, "-") && !(undefined & ~0x10U) && fits_sequence(line)) parts[part_count++] = count;
        count++;
    }
    for (unsigned i = 0; i < SEQUENCES; i++) {
        list[count].domain = 'S';
        list[count].undefined = 0x10;
        list[count].pool = list[parts[0]].pool;
        unsigned length = 5;
        memcpy(list[count].code, "\xbd\x03\0\0\0", 5); /* mov ebp,3 */
        for (unsigned n = 4 + below(12); n > 0; n--) {
            unsigned part = parts[below(part_count)];
            if (below(4) == 0) { /* jcc over it */
                list[count].code[length++] = below(8) ? 0x70 + below(16) : 0xEB;
                list[count].code[length++] = list[part].length;
            }
            memcpy(list[count].code + length, list[part].code, list[part].length);
            length += list[part].length;
        }
        memcpy(list[count].code + length, "\xff\xcd\x0f\x85", 4); /* dec ebp; jne 5 */
        int32_t distance = 5 - (int32_t)(length + 8);
        memcpy(list[count].code + length + 4, &distance, 4);
        list[count].length = length + 8;
        count++;
    }
    put(0x31564456, 4); /* VDV1 */
    put(pool_count, 4);
    for (unsigned p = 0; p < pool_count; p++) {
        put(pools[p].count, 4);
        fwrite(pools[p].states, sizeof *pools[p].states, pools[p].count, out);
    }
    put(count, 4);
    for (unsigned f = 0; f < count; f++) {
        struct pool *pool = &pools[list[f].pool];
        volatile unsigned runs = list[f].domain == 'S' ? 8 : pool->count == 96 ? 32 : pool->count == 32 ? 32 : 20;
        put(list[f].domain, 1);
        put(list[f].length, 1);
        fwrite(list[f].code, 1, list[f].length, out);
        put(list[f].undefined, 2);
        put(list[f].pool, 1);
        put(runs, 1);
        memset(code, 0x90, 512);
        memcpy(code, list[f].code, list[f].length);
        jump_to(code + list[f].length, leave_through);
        if (list[f].domain != 'S') jump_to(code + TARGET, leave_taken);
        for (volatile unsigned r = 0; r < runs; r++) {
            unsigned index = (f * 37 + r) % pool->count;
            const u64 *before = pool->states[index];
            u64 after[SLOTS];
            load_state(before);
            *taken = 0;
            *(u64 *)(CONTROL + 0x1e8) = CODE;
            trap = NO_FAULT;
            if (!sigsetjmp(back, 1)) {
                enter();
                store_state(after, list[f].length);
            } else {
                memcpy(after, before, sizeof after);
            }
            unsigned default_mxcsr = 0x1f80;
            __asm__ volatile("fninit; ldmxcsr %0; cld" ::"m"(default_mxcsr));
            put(index, 1);
            put(trap, 1);
            unsigned differences = 0;
            for (unsigned i = 0; i < SLOTS; i++) differences += after[i] != before[i];
            put(differences, 1);
            for (unsigned i = 0; i < SLOTS; i++)
                if (after[i] != before[i]) {
                    put(i, 1);
                    put(after[i], 8);
                }
        }
    }
    fclose(out);
    fprintf(stderr, "%u forms, %u pools\n", count, pool_count);
    return 0;
}
