package org.vadose.win32.loader;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.vadose.pe.StubDllBuilder;

/**
 * The few functions that cannot be plain stubs, because their frames are seen on every guest stack: where threads begin, and where
 * calls from Java into the guest return to. Return addresses are those of the genuine functions
 * ({@code RtlUserThreadStart+0x21}, {@code BaseThreadInitThunk+0x14}).
 */
final class NtdllCode {
    /** Where code called from Java returns to: the offset of SYSCALL in a stub. */
    static final int CALLBACK_RETURN_OFFSET = 8;

    static final String CALLBACK_DISPATCHER = "KiUserCallbackDispatcher";
    static final String EXCEPTION_DISPATCHER = "KiUserExceptionDispatcher";
    static final String THREAD_START = "RtlUserThreadStart";
    static final String THREAD_INIT_POINTER = "Kernel32ThreadInitThunkFunction";
    static final String THREAD_INIT = "BaseThreadInitThunk";
    private static final String EXIT_THREAD = "RtlExitUserThread";
    /** Entry points that ntdll has by name; those nobody implements report a call. */
    private static final List<String> LABELS =
            List.of("LdrInitializeThunk", "KiUserApcDispatcher", "KiRaiseUserExceptionDispatcher", EXIT_THREAD);

    /*
     * sub rsp,48h                     mov ecx,eax      (29h)
     * mov r9,rcx                      call RtlExitUserThread
     * mov rax,[pointer]               int 3
     * test rax,rax
     * je  23h
     * mov r8,rdx
     * mov rdx,rcx
     * xor ecx,ecx
     * nop
     * call rax           (returns to 21h)
     * jmp 29h
     * mov rcx,rdx        (23h)
     * call r9
     */
    private static final byte[] THREAD_START_CODE = HexFormat.of()
            .parseHex("4883EC48" + "4C8BC9" + "488B0500000000" + "4885C0" + "7410" + "4C8BC2" + "488BD1" + "33C9"
                    + "0F1F4000" + "FFD0" + "EB06" + "488BCA" + "41FFD1" + "8BC8" + "E800000000" + "CC");

    private static final int THREAD_START_POINTER_OPERAND = 0x0A;
    private static final int THREAD_START_EXIT_OPERAND = 0x2C;
    /** Version 1, prologue of 4 bytes, one code: allocate 48h bytes. */
    private static final byte[] THREAD_START_UNWIND = HexFormat.of().parseHex("01040100" + "04820000");

    /*
     * sub rsp,28h
     * test ecx,ecx
     * jnz 14h
     * mov rax,rdx
     * mov rcx,r8
     * nop
     * call rax           (returns to 14h)
     * add rsp,28h
     * ret
     */
    private static final byte[] THREAD_INIT_CODE = HexFormat.of()
            .parseHex("4883EC28" + "85C9" + "750C" + "488BC2" + "498BC8" + "0F1F4000" + "FFD0" + "4883C428" + "C3");

    /** Version 1, prologue of 4 bytes, one code: allocate 28h bytes. */
    private static final byte[] THREAD_INIT_UNWIND = HexFormat.of().parseHex("01040100" + "04420000");

    /** Version 1, no prologue, two codes: allocate 60h bytes (the argument slots), then a machine frame. */
    private static final byte[] CALLBACK_UNWIND = HexFormat.of().parseHex("01000200" + "00B2" + "000A");

    /** Version 1, no prologue, three slots: allocate 590h bytes (context and exception record), then a machine frame. */
    private static final byte[] EXCEPTION_UNWIND = HexFormat.of().parseHex("01000300" + "0001B200" + "000A" + "0000");

    /** What a program built for control flow guard calls, with the target in RCX, before an indirect call. */
    static final String GUARD_CHECK = "LdrpValidateUserCallTarget";
    /** The same with the target in RAX, which it then goes to. */
    static final String GUARD_DISPATCH = "LdrpDispatchUserCallTarget";
    /** {@code PS_SYSTEM_DLL_INIT_BLOCK}: what the kernel tells ntdll. */
    static final String INIT_BLOCK = "LdrSystemDllInitBlock";

    static final int INIT_BLOCK_BYTES = 0xF0;
    /** {@code CfgBitMap} and {@code CfgBitMapSize} in it, as since version 2004. */
    static final int INIT_BLOCK_BITMAP = 0xB8;

    static final int INIT_BLOCK_BITMAP_BYTES = 0xC0;
    private static final int GUARD_BLOCK_OPERAND = 3;

    /*
     * lea r11,[LdrSystemDllInitBlock]
     * mov r11,[r11+0B8h]
     * mov r10,rcx
     * shr r10,9
     * mov r11,[r11+r10*8]
     * mov r10,rcx
     * shr r10,3
     * test cl,0Fh
     * jne unaligned
     * bt  r11,r10        (a register operand's low six bits count)
     * jae fail
     * ret
     * unaligned: and r10,-2; bt r11,r10; jae fail; or r10,1; bt r11,r10; jae fail; ret
     * fail: mov ecx,0Ah; int 29h
     */
    private static final byte[] GUARD_CHECK_CODE = HexFormat.of()
            .parseHex("4C8D1D00000000" + "4D8B9BB8000000" + "4989CA" + "49C1EA09" + "4F8B1CD3" + "4989CA" + "49C1EA03"
                    + "F6C10F" + "7507" + "4D0FA3D3" + "7316" + "C3" + "4983E2FE" + "4D0FA3D3" + "730B" + "4983CA01"
                    + "4D0FA3D3" + "7301" + "C3" + "B90A000000" + "CD29");

    private static final byte[] GUARD_DISPATCH_CODE = HexFormat.of()
            .parseHex("4C8D1D00000000" + "4D8B9BB8000000" + "4989C2" + "49C1EA09" + "4F8B1CD3" + "4989C2" + "49C1EA03"
                    + "A80F" + "7508" + "4D0FA3D3" + "7318" + "FFE0" + "4983E2FE" + "4D0FA3D3" + "730C" + "4983CA01"
                    + "4D0FA3D3" + "7302" + "FFE0" + "B90A000000" + "CD29");

    /** Bytes of the longer of the two. */
    static final int GUARD_CODE_BYTES = GUARD_DISPATCH_CODE.length;

    /** int 3; ret */
    private static final byte[] BREAKPOINT_CODE = HexFormat.of().parseHex("CCC3");

    private NtdllCode() {}

    /** @param missing gives the number of a stub that reports the call of a name nobody implements */
    static void addTo(StubDllBuilder builder, ToIntFunction<String> missing) {
        for (String label : LABELS) {
            if (!builder.has(label)) {
                builder.stub(label, StubDllBuilder.ANY_ORDINAL, missing.applyAsInt(label));
            }
        }
        builder.hiddenData(THREAD_INIT_POINTER, Long.BYTES);
        builder.code(
                THREAD_START,
                THREAD_START_CODE,
                Map.of(THREAD_START_POINTER_OPERAND, THREAD_INIT_POINTER, THREAD_START_EXIT_OPERAND, EXIT_THREAD),
                THREAD_START_UNWIND);
        builder.data(INIT_BLOCK, StubDllBuilder.ANY_ORDINAL, INIT_BLOCK_BYTES);
        builder.hiddenCode(GUARD_CHECK, GUARD_CHECK_CODE, Map.of(GUARD_BLOCK_OPERAND, INIT_BLOCK));
        builder.hiddenCode(GUARD_DISPATCH, GUARD_DISPATCH_CODE, Map.of(GUARD_BLOCK_OPERAND, INIT_BLOCK));
        builder.code(
                CALLBACK_DISPATCHER,
                StubDllBuilder.stubBytes(missing.applyAsInt(CALLBACK_DISPATCHER)),
                Map.of(),
                CALLBACK_UNWIND);
        builder.code(
                EXCEPTION_DISPATCHER,
                StubDllBuilder.stubBytes(missing.applyAsInt(EXCEPTION_DISPATCHER)),
                Map.of(),
                EXCEPTION_UNWIND);
    }

    /** A function that stops in the debugger: RIP is at the INT 3, and a handler that steps over it comes to the RET. */
    static void addBreakpoint(StubDllBuilder builder, String name) {
        builder.code(name, BREAKPOINT_CODE, Map.of(), new byte[0]);
    }

    static void addBaseThreadInitThunk(StubDllBuilder builder) {
        builder.code(THREAD_INIT, THREAD_INIT_CODE, Map.of(), THREAD_INIT_UNWIND);
    }
}
