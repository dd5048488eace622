package org.vadose.win32;

import java.nio.charset.StandardCharsets;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;

/**
 * One call of an {@link ApiFunction} by guest code, in the x64 convention: four arguments in registers, the rest on the stack
 * above the caller's 32 bytes of home space. Arguments are those at the time of the call, whatever guest code ran since.
 *
 * <pre>
 * stackPointer -&gt; return address
 *             +8  home of arguments 0 to 3
 *          +0x28  argument 4, argument 5 ...
 * </pre>
 */
public final class ApiCall {
    /** Longest string taken from a guest: a longer one is cut, so that a missing terminator ends somewhere. */
    private static final int LONGEST_STRING = 1 << 24;

    private final GuestThread thread;
    private final long stackPointer;
    private final long arg0;
    private final long arg1;
    private final long arg2;
    private final long arg3;
    private final long[] doubles = new long[4];

    ApiCall(GuestThread thread) {
        GuestCpu cpu = thread.cpu();
        this.thread = thread;
        stackPointer = cpu.register(GuestCpu.RSP);
        // The stub moved RCX to R10, since SYSCALL takes RCX for the return address.
        arg0 = cpu.register(GuestCpu.R10);
        arg1 = cpu.register(GuestCpu.RDX);
        arg2 = cpu.register(GuestCpu.R8);
        arg3 = cpu.register(GuestCpu.R9);
        for (int i = 0; i < doubles.length; i++) {
            doubles[i] = cpu.xmmLow(i);
        }
    }

    public GuestThread thread() {
        return thread;
    }

    public GuestProcess process() {
        return thread.process();
    }

    /** The process's memory at user privilege: what the guest may not touch faults here too. */
    public Memory memory() {
        return thread.process().memory();
    }

    /** RSP on entry: the address of the return address. */
    public long stackPointer() {
        return stackPointer;
    }

    public long returnAddress() {
        return memory().readLong(stackPointer);
    }

    /** Argument {@code index} from 0, all 64 bits of its slot. */
    public long arg(int index) {
        return switch (index) {
            case 0 -> arg0;
            case 1 -> arg1;
            case 2 -> arg2;
            case 3 -> arg3;
            default -> memory().readLong(stackPointer + 8 + 8L * index);
        };
    }

    public int intArg(int index) {
        return (int) arg(index);
    }

    /** A DWORD argument, zero-extended. */
    public long unsignedIntArg(int index) {
        return arg(index) & 0xFFFF_FFFFL;
    }

    /** A BOOL argument. */
    public boolean boolArg(int index) {
        return intArg(index) != 0;
    }

    public double doubleArg(int index) {
        return Double.longBitsToDouble(index < 4 ? doubles[index] : arg(index));
    }

    public float floatArg(int index) {
        return Float.intBitsToFloat((int) (index < 4 ? doubles[index] : arg(index)));
    }

    /** The variable arguments of this call, the first of them at {@code firstIndex}. */
    public ArgumentList variadic(int firstIndex) {
        return ArgumentList.of(this, firstIndex);
    }

    /** The arguments behind a {@code va_list} that the guest passed. */
    public ArgumentList argumentsAt(long vaList) {
        return ArgumentList.at(this, vaList);
    }

    /** Sets XMM0; what the function then returns for RAX does not matter. */
    public long returnDouble(double value) {
        thread.cpu().setXmmLow(0, Double.doubleToRawLongBits(value));
        return 0;
    }

    public long returnFloat(float value) {
        thread.cpu().setXmmLow(0, Float.floatToRawIntBits(value) & 0xFFFF_FFFFL);
        return 0;
    }

    /** Zero-terminated bytes in the process's code page (Windows-1252 approximated by Latin-1). */
    public String ansi(long address) {
        return memory().readLatin1(address, LONGEST_STRING);
    }

    /** Zero-terminated UTF-16. */
    public String wide(long address) {
        Memory memory = memory();
        StringBuilder text = new StringBuilder();
        for (long at = address; text.length() < LONGEST_STRING; at += 2) {
            char c = (char) memory.readShort(at);
            if (c == 0) {
                break;
            }
            text.append(c);
        }
        return text.toString();
    }

    /** Writes the text and a terminating zero. */
    public void writeAnsi(long address, String text) {
        byte[] bytes = (text + "\0").getBytes(StandardCharsets.ISO_8859_1);
        memory().write(address, bytes);
    }

    /** Writes the text and a terminating zero. */
    public void writeWide(long address, String text) {
        memory().write(address, (text + "\0").getBytes(StandardCharsets.UTF_16LE));
    }

    public int lastError() {
        return thread.lastError();
    }

    public void setLastError(int error) {
        thread.setLastError(error);
    }

    /** Sets the last error; returns 0, which is FALSE and NULL. */
    public long fail(int win32Error) {
        thread.setLastError(win32Error);
        return 0;
    }

    /** Fails with the Win32 error of a status. */
    public long fail(NtStatus status) {
        return fail(status.win32Error());
    }

    /** TRUE, or FALSE with the last error when the status is a failure. */
    public long succeeded(NtStatus status) {
        return status.isSuccess() ? 1 : fail(status);
    }

    /**
     * Calls guest code on this thread and returns its RAX. When the guest leaves the call by unwinding (longjmp, an exception
     * handled further out), this does not return: a Java exception passes, which functions let through.
     *
     * @param function address of the code
     */
    public long callGuest(long function, long... arguments) {
        return thread.callGuest(function, arguments);
    }
}
