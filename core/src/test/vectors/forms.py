#!/usr/bin/env python3
"""Lists the instruction forms to record, one a line: domain, options, undefined flags (hex), assembler text.

Domain of the inputs: i integers, s singles, d doubles, x x87 (80-bit registers, memory of doubles), y x87 with singles or integers
in memory, m mmx (integers in x87 registers with all tags valid), q dividends that often fit, e rdx:rax often equals [rsi],
t 80-bit numbers in memory, w st(0) near the edges of conversions, v arguments of functions, z an MXCSR in memory, b a packed
decimal at [rsi], p flags on the stack.
Options: c rcx is small and signed, n rcx is 0..8, f direction flag may be set, j the text is a branch to 0:, r rbx, r12 and r13
point into memory too, k rax, r9 and [rsp] hold the address of 0:, - none.
rsi, rdi and rsp always point into the recorded memory, see record.c.
"""

CF, PF, AF, ZF, SF, OF = 1, 4, 0x10, 0x40, 0x80, 0x800
ALL = CF | PF | AF | ZF | SF | OF
out = []


def form(text, domain="i", options="-", undefined=0):
    out.append(f"{domain} {options} {undefined:x} {text}")


REGISTERS = {
    1: ["al", "dl", "ah", "bh", "sil", "r9b", "r15b"],
    2: ["ax", "dx", "bx", "r8w", "r13w"],
    4: ["eax", "edx", "ebx", "r8d", "r13d"],
    8: ["rax", "rdx", "rbx", "r8", "r13"],
}
SIZES = {1: "byte ptr", 2: "word ptr", 4: "dword ptr", 8: "qword ptr"}


def legal(a, b):
    """ah..bh cannot meet registers that need REX."""
    return not (("ah" in (a, b) or "bh" in (a, b)) and any(x in ("sil", "r9b", "r15b", "bpl") for x in (a, b)))


def pairs(size):
    names = REGISTERS[size]
    for i, a in enumerate(names):
        b = names[(i + 1) % len(names)]
        if not legal(a, b):
            b = "cl"
        if legal(a, b):
            yield a, b
    yield names[0], names[0]


def integer():
    for op in "add or adc sbb and sub xor cmp test".split():
        undefined = AF if op in ("or", "and", "xor", "test") else 0
        for size in (1, 2, 4, 8):
            mem = SIZES[size]
            for a, b in pairs(size):
                form(f"{op} {a},{b}", undefined=undefined)
            a = REGISTERS[size][1]
            form(f"{op} {mem} [rsi+8],{a}", undefined=undefined)
            if op != "test":
                form(f"{op} {a},{mem} [rdi-16]", undefined=undefined)
            for value in (1, -1, 0x7F, -0x80) + ((0x1234, -0x7FFF) if size > 1 else ()):
                form(f"{op} {a},{value}", undefined=undefined)
            form(f"{op} {REGISTERS[size][0]},{0x55 if size == 1 else 0x5555}", undefined=undefined)
            form(f"{op} {mem} [rsi],-3", undefined=undefined)
    for op in "inc dec neg not".split():
        for size in (1, 2, 4, 8):
            for a in REGISTERS[size][:5]:
                form(f"{op} {a}")
            form(f"{op} {SIZES[size]} [rsi+24]")
    for op in ("mul", "imul"):
        for size in (1, 2, 4, 8):
            for a in REGISTERS[size][1:4]:
                form(f"{op} {a}", undefined=SF | ZF | AF | PF)
            form(f"{op} {SIZES[size]} [rdi]", undefined=SF | ZF | AF | PF)
    for op in ("div", "idiv"):
        for size in (1, 2, 4, 8):
            for a in REGISTERS[size][2:4]:
                form(f"{op} {a}", undefined=ALL)
                form(f"{op} {a}", "q", undefined=ALL)
            form(f"{op} {SIZES[size]} [rdi]", "q", undefined=ALL)
    for size in (2, 4, 8):
        for a, b in pairs(size):
            form(f"imul {a},{b}", undefined=SF | ZF | AF | PF)
        a, b = REGISTERS[size][1:3]
        form(f"imul {a},{SIZES[size]} [rsi+8]", undefined=SF | ZF | AF | PF)
        form(f"imul {a},{b},10", undefined=SF | ZF | AF | PF)
        form(f"imul {a},{b},-1234", undefined=SF | ZF | AF | PF)
        form(f"imul {a},{SIZES[size]} [rsi+8],-5", undefined=SF | ZF | AF | PF)
    for op in "rol ror rcl rcr shl shr sar".split():
        rotates = op[0] == "r"
        for size in (1, 2, 4, 8):
            for a in REGISTERS[size][1:4]:
                form(f"{op} {a},1", undefined=0 if rotates else AF)
                form(f"{op} {a},cl", undefined=OF if rotates else OF | AF)
                form(f"{op} {a},{size * 8 - 3}", undefined=OF if rotates else OF | AF)
                form(f"{op} {a},31", undefined=OF if rotates else OF | AF | (CF if size < 4 else 0))
            form(f"{op} {SIZES[size]} [rsi+8],cl", undefined=OF if rotates else OF | AF)
            form(f"{op} {SIZES[size]} [rsi+8],5", undefined=OF if rotates else OF | AF)
    for op in ("shld", "shrd"):
        for size in (4, 8):
            a, b = REGISTERS[size][1:3]
            form(f"{op} {a},{b},cl", undefined=OF | AF)
            form(f"{op} {a},{b},7", undefined=OF | AF)
            form(f"{op} {SIZES[size]} [rsi],{b},cl", undefined=OF | AF)
        form(f"{op} dx,bx,9", undefined=OF | AF)
        form(f"{op} word ptr [rdi],bx,15", undefined=OF | AF)
    for op in "bt bts btr btc".split():
        for size in (2, 4, 8):
            a, b = REGISTERS[size][1:3]
            form(f"{op} {a},{b}", undefined=OF | SF | AF | PF)
            form(f"{op} {a},{size * 8 - 2}", undefined=OF | SF | AF | PF)
            form(f"{op} {SIZES[size]} [rsi],{size * 8 - 1}", undefined=OF | SF | AF | PF)
            count = {2: "cx", 4: "ecx", 8: "rcx"}[size]
            form(f"{op} {SIZES[size]} [rsi],{count}", options="c", undefined=OF | SF | AF | PF)
    for op in "bsf bsr tzcnt lzcnt popcnt".split():
        undefined = {"b": CF | OF | SF | AF | PF, "t": OF | SF | AF | PF, "l": OF | SF | AF | PF, "p": 0}[op[0]]
        for size in (2, 4, 8):
            a, b = REGISTERS[size][1:3]
            form(f"{op} {a},{b}", undefined=undefined)
            form(f"{op} {a},{SIZES[size]} [rdi]", undefined=undefined)
    for a in ("eax", "edx", "r9d", "rax", "rdx", "r13"):
        form(f"bswap {a}")
    for op in "cbw cwde cdqe cwd cdq cqo lahf sahf clc stc cmc cld std nop xlatb".split():
        if op != "xlatb":
            form(op)
    for a, b in (("ax", "byte"), ("eax", "byte"), ("r9", "byte"), ("edx", "word"), ("rbx", "word")):
        for op in ("movzx", "movsx"):
            form(f"{op} {a},{'dl' if b == 'byte' else 'dx'}")
            form(f"{op} {a},{b} ptr [rsi+3]")
    form("movzx edx,ah")
    form("movsx ecx,bh")
    form("movsxd rdx,ebx")
    form("movsxd r9,dword ptr [rsi+4]")
    for size in (1, 2, 4, 8):
        for a, b in pairs(size):
            form(f"mov {a},{b}")
            form(f"xchg {a},{b}")
            form(f"xadd {a},{b}")
            form(f"cmpxchg {a},{b}")
        a, b = REGISTERS[size][1:3]
        mem = SIZES[size]
        form(f"mov {mem} [rsi+5],{a}")
        form(f"mov {b},{mem} [rdi-9]")
        form(f"mov {mem} [rsi+5],{0x11 if size == 1 else 0x1122}")
        form(f"mov {a},{0x55 if size == 1 else 0x3344}")
        form(f"xchg {mem} [rsi+8],{a}")
        form(f"lock xadd {mem} [rsi+8],{a}")
        form(f"lock cmpxchg {mem} [rsi+8],{b}")
        form(f"lock add {mem} [rsi+8],{b}")
    form("movabs rdx,0x1122334455667788")
    form("mov eax,0x88776655")
    form("mov rbx,-5")
    form("cmpxchg8b qword ptr [rsi]")
    form("cmpxchg8b qword ptr [rsi]", "e")
    form("cmpxchg16b xmmword ptr [rsi]")
    form("cmpxchg16b xmmword ptr [rsi]", "e")
    form("movnti qword ptr [rsi],rax")
    form("movnti dword ptr [rsi],edx")
    for condition in "o no b ae e ne be a s ns p np l ge le g".split():
        form(f"set{condition} dl")
        form(f"set{condition} byte ptr [rsi+1]")
        form(f"cmov{condition} rax,rdx")
        form(f"cmov{condition} r9d,ebx")
        form(f"cmov{condition} dx,word ptr [rsi]")
        form(f"j{condition} 0f", options="j")
    for text in (
        "lea rax,[rbx+rdx*4+0x12345]",
        "lea eax,[rbx+rdx*8-3]",
        "lea r9w,[rbx+1]",
        "lea rdx,[ebx+eax*2]",
        "lea r13,[rsp+8]",
        "lea rbx,[r13+r12]",
        "lea rcx,[rdx*8+0x100]",
    ):
        form(text)
    for text in ("jrcxz 0f", "jecxz 0f", "loop 0f", "loope 0f", "loopne 0f", "jmp 0f", "call 0f"):
        form(text, options="j")
        if "cx" in text or "loop" in text:
            form(text, options="jn")
    for text in ("push rax", "push r9", "push -5", "push 0x12345678", "push ax", "push qword ptr [rsi+8]", "push rsp",
                 "pop rax", "pop r13", "pop dx", "pop qword ptr [rsi+8]", "leave", "enter 16,0", "pop rsp"):
        if text not in ("leave", "pop rsp"):
            form(text)
    for op in "movs cmps stos lods scas".split():
        for suffix in "bwdq":
            form(op + suffix, options="f")
            form(f"rep{'e' if op in ('cmps', 'scas') else ''} {op}{suffix}", options="n")
            if op in ("movs", "stos"):
                form(f"rep {op}{suffix}", options="nf")
        if op in ("cmps", "scas"):
            form(f"repne {op}b", options="n")
            form(f"repne {op}d", options="n")


def addressing():
    for text in (
        "mov rax,qword ptr [rsi+rcx]",
        "mov eax,dword ptr [rsi+rcx*8]",
        "mov dl,byte ptr [esi+ecx*4]",
        "mov word ptr [rdi+rcx*2-0x10],dx",
        "add qword ptr [rcx*8+0x10000040],rdx",
        "mov qword ptr [rsp+rcx*4-0x20],rdx",
        "xor byte ptr [rbp+rcx],dl",
        "imul rdx,qword ptr [rbp+rcx*8-0x20],77",
    ):
        form(text, options="n")
    for text in (
        "mov rax,qword ptr [rip-0xfffffc7]",
        "mov dword ptr [rip-0xfffffca],0x12345678",
        "add byte ptr [rip-0xfffffc7],-3",
        "movabs rax,[0x10000040]",
        "movabs [0x10000048],al",
        "mov rdx,qword ptr [0x10000050]",
        "mov r8,qword ptr [rsp]",
        "mov qword ptr [rsp+8],r15",
        "mov r9,qword ptr [rbp]",
        "sub dword ptr [rbp-0x40],r10d",
    ):
        form(text)
    for text in (
        "mov rax,qword ptr [r12]",
        "mov rax,qword ptr [r13]",
        "add qword ptr [r12+8],r9",
        "mov byte ptr [r13-1],r10b",
        "movups xmm9,xmmword ptr [r12+1]",
        "lea r9,[r12+r13*2+5]",
        "mov eax,dword ptr [r13d+4]",
        "xlatb",
        "add dl,byte ptr [rbx+3]",
    ):
        form(text, options="r")
    for op in "or adc sbb and sub xor".split():
        form(f"lock {op} dword ptr [rsi],edx", undefined=0 if op in ("adc", "sbb", "sub") else AF)
        form(f"lock {op} byte ptr [rsi],0x5a", undefined=0 if op in ("adc", "sbb", "sub") else AF)
    for op in "inc dec not neg".split():
        form(f"lock {op} word ptr [rsi]")
        form(f"lock {op} qword ptr [rsi]")
    for op in "bts btr btc".split():
        form(f"lock {op} dword ptr [rsi],ecx", options="c", undefined=OF | SF | AF | PF)
        form(f"lock {op} qword ptr [rsi],63", undefined=OF | SF | AF | PF)
    for size, name in SIZES.items():
        register = {1: "bl", 2: "bx", 4: "ebx", 8: "rbx"}[size]
        form(f"cmpxchg {name} [rsi],{register}", "e")
        form(f"lock cmpxchg {name} [rsi],{register}", "e")
    for text in ("xchg rax,r8", "xchg eax,edx", "xchg ax,bx", "mov eax,eax", ".byte 0x87,0xc0", ".byte 0x90", ".byte 0x66,0x90",
                 ".byte 0x48,0x90", ".byte 0x41,0x90", "mov r12,-1", "mov r12d,0x80000000", "add r12,8", "sub rsp,0x28",
                 "add rsp,0x18", "and rsp,-16", "mov rbp,rsp", "leave", "pop rsp", "enter 8,1", "enter 16,2"):
        form(text, undefined=AF if text.startswith("and") else 0)
    for text in ("movs byte ptr es:[edi],byte ptr [esi]", "stos dword ptr es:[edi],eax", "lods rax,qword ptr [esi]"):
        form(text, options="f")
    form("rep movs dword ptr es:[edi],dword ptr [esi]", options="n")
    for text in ("ret", "ret 8", "jmp rax", "jmp r9", "jmp qword ptr [rsp]", "call rax", "call qword ptr [rsp]", "push r9"):
        form(text, options="k")
    form("pushfq", "p")
    form("popfq", "p")
    form("pushf", "p")
    for text in ("mfence", "lfence", "sfence", "pause", "endbr64", "nop dword ptr [rax+rax]", "prefetcht0 byte ptr [rsi]",
                 "prefetchnta byte ptr [rax]", "clflush byte ptr [rsi]"):
        form(text)
    for op in "ax ecx rdx".split():
        memory = {"ax": "word ptr", "ecx": "dword ptr", "rdx": "qword ptr"}[op]
        form(f"movbe {op},{memory} [rsi]")
        form(f"movbe {memory} [rsi],{op}")
    for source in ("bl", "bx", "ebx"):
        form(f"crc32 eax,{source}")
    form("crc32 rax,rbx")


    for register in ("r10", "r11", "r12", "r14", "r15", "rbp", "rcx"):
        low = register + "b" if register[1].isdigit() else {"rbp": "bpl", "rcx": "cl"}[register]
        word = register + "w" if register[1].isdigit() else register[1:]
        dword = register + "d" if register[1].isdigit() else "e" + register[1:]
        form(f"add {low},al")
        form(f"sub {word},{word}")
        form(f"adc {dword},0x7fffffff")
        form(f"sbb {register},qword ptr [rsi]")
        form(f"mov {register},qword ptr [rsi+8]")
        form(f"mov qword ptr [rsi+8],{register}")
        form(f"movzx {dword},{low}")
        form(f"imul {register},{register},-3", undefined=SF | ZF | AF | PF)
        form(f"shl {register},4", undefined=OF | AF)
        form(f"test {low},0x81", undefined=AF)
        form(f"push {register}")
        form(f"pop {register}")
        form(f"inc {dword}")
        form(f"neg {register}")
        form(f"cmova {register},rax")
        form(f"bt {register},5", undefined=OF | SF | AF | PF)
    for text in ("push 0x1234", "pushw 0x1234", "pushw -3", "pop word ptr [rsi]", "movsxd eax,ebx", "movsx ax,bl", "movzx cx,bl",
                 "cmp byte ptr [rsi],0x80", "test dword ptr [rsi],0x10000", "not byte ptr [rsi]", "xchg byte ptr [rsi],ah",
                 "xadd word ptr [rsi],dx", "mov word ptr [rsi],-2", "shl byte ptr [rsi],1", "rcl qword ptr [rsi],1",
                 "rcr dword ptr [rsi],1", "sar word ptr [rsi],15", "mul byte ptr [rsi]", "imul dword ptr [rsi]"):
        undefined = {"t": AF, "s": OF | AF, "m": SF | ZF | AF | PF, "i": SF | ZF | AF | PF}.get(text[0], 0)
        form(text, undefined=undefined)


def faults():
    for text in ("hlt", "cli", "sti", "in al,dx", "out 0x80,eax", "rdmsr", "wrmsr", "mov rax,cr0", "mov cr3,rax", "swapgs",
                 "clts", "invd", "wbinvd", "lgdt [rsi]", "ud2", "int3", "invlpg [rsi]", "ltr ax", "lldt ax", "lmsw ax"):
        form(text)
    for text in ("movaps xmm1,xmmword ptr [rsi+8]", "movdqa xmmword ptr [rsi+4],xmm1", "addps xmm1,xmmword ptr [rsi+4]",
                 "paddb xmm1,xmmword ptr [rsi+1]", "cmpxchg16b xmmword ptr [rsi+8]", "movntdq xmmword ptr [rsi+8],xmm2",
                 "pshufd xmm1,xmmword ptr [rsi+8],3", "fxsave [rsi+8]"):
        form(text, "s")


def vectors():
    memory = {"ss": "dword ptr", "sd": "qword ptr"}
    for op in "add sub mul div min max sqrt".split():
        for suffix in ("ps", "pd", "ss", "sd"):
            domain = "s" if suffix[1] == "s" else "d"
            for _ in range(3):
                form(f"{op}{suffix} xmm1,xmm2", domain)
            form(f"{op}{suffix} xmm9,xmm12", domain)
            form(f"{op}{suffix} xmm3,{memory.get(suffix, 'xmmword ptr')} [rsi]", domain)
    for suffix in ("ps", "pd", "ss", "sd"):
        domain = "s" if suffix[1] == "s" else "d"
        for predicate in range(8):
            form(f"cmp{suffix} xmm1,xmm2,{predicate}", domain)
    for op in ("comis", "ucomis"):
        form(f"{op}s xmm1,xmm2", "s")
        form(f"{op}s xmm1,dword ptr [rsi]", "s")
        form(f"{op}d xmm1,xmm2", "d")
        form(f"{op}d xmm9,xmm10", "d")
        form(f"{op}d xmm1,qword ptr [rsi]", "d")
    for register in ("eax", "rdx", "r9d", "r13"):
        for op in ("cvtss2si", "cvttss2si"):
            form(f"{op} {register},xmm3", "s")
            form(f"{op} {register},dword ptr [rsi]", "s")
        for op in ("cvtsd2si", "cvttsd2si"):
            form(f"{op} {register},xmm3", "d")
            form(f"{op} {register},qword ptr [rsi]", "d")
        for op in ("cvtsi2ss", "cvtsi2sd"):
            form(f"{op} xmm1,{register}", "i")
    form("cvtsi2sd xmm1,dword ptr [rsi]")
    form("cvtsi2sd xmm1,qword ptr [rsi]")
    form("cvtsi2ss xmm1,qword ptr [rsi]")
    for op, domain in (
        ("cvtps2pd", "s"), ("cvtpd2ps", "d"), ("cvtss2sd", "s"), ("cvtsd2ss", "d"), ("cvtdq2ps", "i"), ("cvtps2dq", "s"),
        ("cvttps2dq", "s"), ("cvtdq2pd", "i"), ("cvtpd2dq", "d"), ("cvttpd2dq", "d"),
    ):
        for _ in range(2):
            form(f"{op} xmm1,xmm2", domain)
        form(f"{op} xmm1,[rsi]", domain)
    for op, domain in (("cvtps2pi", "s"), ("cvttps2pi", "s"), ("cvtpd2pi", "d"), ("cvttpd2pi", "d")):
        form(f"{op} mm1,xmm2", domain)
    form("cvtpi2ps xmm1,mm2", "m")
    form("cvtpi2pd xmm1,mm2", "m")
    form("movq2dq xmm1,mm3", "m")
    form("movdq2q mm1,xmm3", "m")
    for op in "andps andpd andnps andnpd orps orpd xorps xorpd unpcklps unpcklpd unpckhps unpckhpd movaps movapd movups movupd".split():
        form(f"{op} xmm1,xmm2")
        form(f"{op} xmm10,xmmword ptr [rsi]")
    for op in "movaps movups movdqa movdqu movapd movntps movntdq movntpd".split():
        form(f"{op} xmmword ptr [rsi],xmm5")
    form("movdqu xmm3,xmmword ptr [rsi+3]")
    form("movups xmmword ptr [rsi+5],xmm3")
    for op in ("movss", "movsd"):
        memory_of = "dword ptr" if op == "movss" else "qword ptr"
        form(f"{op} xmm1,xmm2")
        form(f"{op} xmm1,{memory_of} [rsi]")
        form(f"{op} {memory_of} [rsi+4],xmm9")
    for op in "movlps movlpd movhps movhpd".split():
        form(f"{op} xmm1,qword ptr [rsi]")
        form(f"{op} qword ptr [rsi],xmm1")
    for op in "movhlps movlhps movsldup movshdup movddup movmskps movmskpd pmovmskb".split():
        form(f"{op} {'edx' if 'msk' in op else 'xmm1'},xmm2")
    form("pmovmskb eax,mm3", "m")
    for text in ("movd xmm1,edx", "movq xmm1,rdx", "movd edx,xmm1", "movq rdx,xmm1", "movq xmm1,xmm2", "movq xmm1,qword ptr [rsi]",
                 "movq qword ptr [rsi],xmm1", "movd dword ptr [rsi],xmm2", "movd xmm9,dword ptr [rsi]"):
        form(text)
    for text in ("movd mm1,edx", "movq mm1,rdx", "movd edx,mm1", "movq rdx,mm1", "movq mm1,mm2", "movq mm1,qword ptr [rsi]",
                 "movq qword ptr [rsi],mm1", "movntq qword ptr [rsi],mm1", "emms"):
        form(text, "m")
    for immediate in (0, 0x1B, 0x4E, 0xB1, 0xE4, 0xFF, 0x39):
        for op in "shufps shufpd pshufd pshuflw pshufhw".split():
            form(f"{op} xmm1,xmm2,{immediate}")
        form(f"pshufw mm1,mm2,{immediate}", "m")
    both = """punpcklbw punpcklwd punpckldq punpckhbw punpckhwd punpckhdq packsswb packuswb packssdw pcmpgtb pcmpgtw pcmpgtd
        pcmpeqb pcmpeqw pcmpeqd psrlw psrld psrlq psraw psrad psllw pslld psllq paddb paddw paddd paddq paddsb paddsw paddusb
        paddusw psubb psubw psubd psubq psubsb psubsw psubusb psubusw pmullw pmulhw pmulhuw pmuludq pmaddwd psadbw pand pandn
        por pxor pavgb pavgw pminub pminsw pmaxub pmaxsw pshufb phaddw phaddd phaddsw pmaddubsw phsubw phsubd phsubsw psignb
        psignw psignd pmulhrsw pabsb pabsw pabsd""".split()
    for op in both:
        form(f"{op} xmm1,xmm2")
        form(f"{op} xmm11,xmmword ptr [rsi]")
        form(f"{op} mm1,mm2", "m")
    for op in ("psrlw", "psrld", "psrlq", "psraw", "psrad", "psllw", "pslld", "psllq", "psrldq", "pslldq"):
        for count in (0, 3, 15, 17, 40, 200):
            form(f"{op} xmm9,{count}")
            if "dq" not in op:
                form(f"{op} mm2,{count}", "m")
    for op in "punpcklqdq punpckhqdq".split():
        form(f"{op} xmm1,xmm2")
    for i in (0, 3, 5, 7):
        form(f"pinsrw xmm1,edx,{i}")
        form(f"pinsrw xmm1,word ptr [rsi],{i}")
        form(f"pextrw edx,xmm1,{i}")
        form(f"pinsrw mm1,edx,{i}", "m")
        form(f"pextrw edx,mm1,{i}", "m")
    form("maskmovdqu xmm1,xmm2")
    form("maskmovq mm1,mm2", "m")
    for op in "haddps hsubps addsubps".split():
        form(f"{op} xmm1,xmm2", "s")
    for op in "haddpd hsubpd addsubpd".split():
        form(f"{op} xmm1,xmm2", "d")
    form("lddqu xmm1,xmmword ptr [rsi+1]")
    for i in (0, 4, 9, 15, 16, 20, 31, 33):
        form(f"palignr xmm1,xmm2,{i}")
        form(f"palignr mm1,mm2,{i}", "m")
    form("ldmxcsr dword ptr [rsi]", "z")
    form("ldmxcsr dword ptr [rsi]", "i")
    form("stmxcsr dword ptr [rsi]", "d")


def sse4():
    for op in """ptest pmuldq pcmpeqq packusdw pcmpgtq pminsb pminsd pminuw pminud pmaxsb pmaxsd pmaxuw pmaxud pmulld phminposuw
        pmovsxbw pmovsxbd pmovsxbq pmovsxwd pmovsxwq pmovsxdq pmovzxbw pmovzxbd pmovzxbq pmovzxwd pmovzxwq pmovzxdq""".split():
        form(f"{op} xmm1,xmm2")
    for op in "pblendvb blendvps blendvpd".split():
        form(f"{op} xmm1,xmm2,xmm0")
    for i in (0, 5, 0x33, 0x9A, 0xFF):
        for op in "blendps blendpd pblendw mpsadbw insertps".split():
            form(f"{op} xmm1,xmm2,{i & 15 if op in ('blendps', 'blendpd') else i & 7 if op == 'mpsadbw' else i}")
        form(f"dpps xmm1,xmm2,{i}", "s")
        form(f"dppd xmm1,xmm2,{i}", "d")
    for i in range(16):
        form(f"roundps xmm1,xmm2,{i}", "s")
        form(f"roundpd xmm1,xmm2,{i}", "d")
    for i in (0, 1, 4, 11):
        form(f"roundss xmm1,xmm2,{i}", "s")
        form(f"roundsd xmm1,xmm2,{i}", "d")
        form(f"pextrb edx,xmm1,{i}")
        form(f"pextrd edx,xmm1,{i & 3}")
        form(f"pextrq rdx,xmm1,{i & 1}")
        form(f"extractps edx,xmm1,{i & 3}")
        form(f"pinsrb xmm1,edx,{i}")
        form(f"pinsrd xmm1,edx,{i & 3}")
        form(f"pinsrq xmm1,rdx,{i & 1}")


def x87():
    for op in "fadd fmul fsub fsubr fdiv fdivr".split():
        for _ in range(3):
            form(f"{op} st,st(1)", "x")
        form(f"{op} st(3),st", "x")
        form(f"{op}p st(2),st", "x")
        form(f"{op} dword ptr [rsi]", "y")
        form(f"{op} qword ptr [rsi]", "x")
        form(f"fi{op[1:]} word ptr [rsi]", "y")
        form(f"fi{op[1:]} dword ptr [rsi]", "y")
    for op in "fcom fcomp fucom fucomp".split():
        form(f"{op} st(1)", "x")
    for op in "fcom fcomp".split():
        form(f"{op} dword ptr [rsi]", "y")
        form(f"{op} qword ptr [rsi]", "x")
        form(f"fi{op[1:]} word ptr [rsi]", "y")
        form(f"fi{op[1:]} dword ptr [rsi]", "y")
    for op in "fcomi fcomip fucomi fucomip".split():
        form(f"{op} st,st(1)", "x")
    for op in "fcompp fucompp ftst fxam fchs fabs fsqrt frndint fscale fprem fprem1 fxtract fnop fincstp fdecstp".split():
        for _ in range(3 if op in ("fsqrt", "frndint", "fscale", "fprem", "fprem1") else 1):
            form(op, "x")
    for op in "fld1 fldl2t fldl2e fldpi fldlg2 fldln2 fldz".split():
        form(op, "x")
    for condition in "b e be u nb ne nbe nu".split():
        form(f"fcmov{condition} st,st(2)", "x")
    form("fxch st(1)", "x")
    form("fxch st(4)", "x")
    form("ffree st(2)", "x")
    form("fld st(1)", "x")
    form("fld st(7)", "x")
    for op in ("fst", "fstp"):
        form(f"{op} st(2)", "x")
        form(f"{op} dword ptr [rsi]", "x")
        form(f"{op} dword ptr [rsi]", "w")
        form(f"{op} qword ptr [rsi]", "x")
        form(f"{op} qword ptr [rsi]", "w")
    form("fstp tbyte ptr [rsi]", "x")
    form("fld tbyte ptr [rsi]", "t")
    form("fld dword ptr [rsi]", "y")
    form("fld qword ptr [rsi]", "x")
    for size in ("word", "dword", "qword"):
        form(f"fild {size} ptr [rsi]", "y")
        form(f"fistp {size} ptr [rsi]", "x")
        form(f"fistp {size} ptr [rsi]", "w")
        form(f"fisttp {size} ptr [rsi]", "w")
    form("fist word ptr [rsi]", "w")
    form("fist dword ptr [rsi]", "w")
    form("fbld tbyte ptr [rsi]", "b")
    form("fnstenv [rsi]", "x")
    form("fldenv [rsi]", "x")
    form("fnsave [rsi]", "x")
    form("frstor [rsi]", "t")
    form("fld dword ptr [rsi]", "s")
    form("ffreep st(1)", "x")
    form("wait", "x")
    form("fbstp tbyte ptr [rsi]", "w")
    form("fnstcw word ptr [rsi]", "x")
    form("fldcw word ptr [rsi]", "x")
    form("fnstsw ax", "x")
    form("fnstsw word ptr [rsi]", "x")
    form("fninit", "x")
    form("fnclex", "x")


def transcendental():
    """Compared to within one unit in the last place: processors differ there."""
    for op in "fsin fcos fptan fsincos f2xm1 fyl2x fyl2xp1 fpatan".split():
        for _ in range(3):
            form(op, "v")


integer()
addressing()
faults()
vectors()
sse4()
x87()
transcendental()
print("\n".join(out))
