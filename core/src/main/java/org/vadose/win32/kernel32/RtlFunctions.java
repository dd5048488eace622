package org.vadose.win32.kernel32;

import java.nio.charset.StandardCharsets;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.nt.UnicodeString;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestThread;

/** ntdll's small helpers: memory, counted strings, lists, status codes, clocks. */
final class RtlFunctions {
    private static final int PIECE = 1 << 16;
    private static final long INFINITE_PAST = Long.MIN_VALUE;

    private RtlFunctions() {}

    static void addTo(ApiModule ntdll) {
        ntdll.function("RtlCopyMemory", RtlFunctions::moveMemory)
                .function("RtlMoveMemory", RtlFunctions::moveMemory)
                .function("RtlZeroMemory", call -> fill(call, call.arg(0), call.arg(1), 0))
                .function("RtlFillMemory", call -> fill(call, call.arg(0), call.arg(1), call.intArg(2)))
                .function("RtlCompareMemory", RtlFunctions::compareMemory)
                .function("RtlInitUnicodeString", RtlFunctions::initUnicodeString)
                .function("RtlInitAnsiString", RtlFunctions::initAnsiString)
                .function("RtlInitString", RtlFunctions::initAnsiString)
                .function("RtlAnsiStringToUnicodeString", RtlFunctions::ansiToUnicode)
                .function("RtlUnicodeStringToAnsiString", RtlFunctions::unicodeToAnsi)
                .function("RtlFreeUnicodeString", RtlFunctions::freeString)
                .function("RtlFreeAnsiString", RtlFunctions::freeString)
                .function("RtlEqualUnicodeString", RtlFunctions::equalUnicode)
                .function(
                        "RtlNtStatusToDosError",
                        call -> NtStatus.of(call.intArg(0)).win32Error())
                .function(
                        "RtlNtStatusToDosErrorNoTeb",
                        call -> NtStatus.of(call.intArg(0)).win32Error())
                .function("RtlGetVersion", RtlFunctions::getVersion)
                .function("RtlGetNtVersionNumbers", RtlFunctions::versionNumbers)
                .function("RtlInitializeSListHead", RtlFunctions::initializeList)
                .function("RtlInterlockedPushEntrySList", RtlFunctions::pushList)
                .function("RtlInterlockedPopEntrySList", RtlFunctions::popList)
                .function("RtlInterlockedFlushSList", RtlFunctions::flushList)
                .function("RtlQueryDepthSList", call -> call.memory().readUnsignedShort(call.arg(0)))
                .function("RtlFirstEntrySList", call -> call.memory().readLong(call.arg(0) + 8) & -16)
                .function("DbgPrint", RtlFunctions::debugPrint)
                .service("NtQuerySystemTime", 0x5A, RtlFunctions::querySystemTime)
                .service("NtQueryPerformanceCounter", 0x31, RtlFunctions::queryPerformanceCounter)
                .service("NtDelayExecution", 0x34, RtlFunctions::delay)
                .service("NtYieldExecution", 0x46, RtlFunctions::yieldExecution);
    }

    static void addToKernel32(ApiModule kernel32) {
        kernel32.forward("RtlMoveMemory", "NTDLL.RtlMoveMemory")
                .forward("RtlCopyMemory", "NTDLL.RtlCopyMemory")
                .forward("RtlZeroMemory", "NTDLL.RtlZeroMemory")
                .forward("RtlFillMemory", "NTDLL.RtlFillMemory")
                .forward("RtlCompareMemory", "NTDLL.RtlCompareMemory")
                .forward("InitializeSListHead", "NTDLL.RtlInitializeSListHead")
                .forward("InterlockedPushEntrySList", "NTDLL.RtlInterlockedPushEntrySList")
                .forward("InterlockedPopEntrySList", "NTDLL.RtlInterlockedPopEntrySList")
                .forward("InterlockedFlushSList", "NTDLL.RtlInterlockedFlushSList")
                .forward("QueryDepthSList", "NTDLL.RtlQueryDepthSList");
    }

    // --- memory ---

    private static long moveMemory(ApiCall call) {
        Memory memory = call.memory();
        long to = call.arg(0);
        long from = call.arg(1);
        long length = call.arg(2);
        boolean backward = Long.compareUnsigned(from, to) < 0 && Long.compareUnsigned(to - from, length) < 0;
        for (long done = 0; Long.compareUnsigned(done, length) < 0; ) {
            int piece = Long.compareUnsigned(length - done, PIECE) < 0 ? (int) (length - done) : PIECE;
            long at = backward ? length - done - piece : done;
            memory.write(to + at, memory.read(from + at, piece));
            done += piece;
        }
        return to;
    }

    private static long fill(ApiCall call, long address, long length, int value) {
        call.memory().fill(address, length, (byte) value);
        return 0;
    }

    private static long compareMemory(ApiCall call) {
        long length = call.arg(2);
        for (long i = 0; Long.compareUnsigned(i, length) < 0; i++) {
            if (call.memory().readByte(call.arg(0) + i) != call.memory().readByte(call.arg(1) + i)) {
                return i;
            }
        }
        return length;
    }

    // --- counted strings ---

    private static long initUnicodeString(ApiCall call) {
        int length = call.arg(1) == 0 ? 0 : Math.min(2 * call.wide(call.arg(1)).length(), 0xFFFC);
        new UnicodeString(call.memory(), call.arg(0)).set(length, call.arg(1) == 0 ? 0 : length + 2, call.arg(1));
        return 0;
    }

    private static long initAnsiString(ApiCall call) {
        int length = call.arg(1) == 0 ? 0 : Math.min(call.ansi(call.arg(1)).length(), 0xFFFE);
        new UnicodeString(call.memory(), call.arg(0)).set(length, call.arg(1) == 0 ? 0 : length + 1, call.arg(1));
        return 0;
    }

    private static long ansiToUnicode(ApiCall call) {
        UnicodeString source = new UnicodeString(call.memory(), call.arg(1));
        String text = call.memory().readLatin1(source.buffer(), source.lengthBytes());
        return convert(call, text.getBytes(StandardCharsets.UTF_16LE), 2);
    }

    private static long unicodeToAnsi(ApiCall call) {
        return convert(call, CodePages.encode(new UnicodeString(call.memory(), call.arg(1)).text()), 1);
    }

    private static long convert(ApiCall call, byte[] bytes, int terminatorBytes) {
        UnicodeString target = new UnicodeString(call.memory(), call.arg(0));
        int needed = bytes.length + terminatorBytes;
        if (call.boolArg(2)) {
            target.set(bytes.length, needed, call.process().heap().allocate(needed));
        } else if (target.maximumLengthBytes() < needed) {
            return NtStatus.BUFFER_OVERFLOW.code();
        } else {
            target.set(bytes.length, target.maximumLengthBytes(), target.buffer());
        }
        call.memory().write(target.buffer(), bytes);
        call.memory().fill(target.buffer() + bytes.length, terminatorBytes, (byte) 0);
        return 0;
    }

    private static long freeString(ApiCall call) {
        UnicodeString string = new UnicodeString(call.memory(), call.arg(0));
        if (string.buffer() != 0) {
            call.process().heap().free(string.buffer());
        }
        string.set(0, 0, 0);
        return 0;
    }

    private static long equalUnicode(ApiCall call) {
        String left = new UnicodeString(call.memory(), call.arg(0)).text();
        String right = new UnicodeString(call.memory(), call.arg(1)).text();
        return (call.boolArg(2) ? left.equalsIgnoreCase(right) : left.equals(right)) ? 1 : 0;
    }

    // --- lists: an SLIST_HEADER is depth and sequence, then the first entry's address ---

    private static long initializeList(ApiCall call) {
        call.memory().writeLong(call.arg(0), 0);
        call.memory().writeLong(call.arg(0) + 8, 0);
        return 0;
    }

    private static long first(Memory memory, long head) {
        return memory.readLong(head + 8) & -16;
    }

    private static void setFirst(Memory memory, long head, long entry, int depth) {
        long sequence = memory.readLong(head) >>> 16;
        memory.writeLong(head, sequence + 1 << 16 | depth & 0xFFFF);
        memory.writeLong(head + 8, entry);
    }

    private static long pushList(ApiCall call) {
        Memory memory = call.memory();
        long head = call.arg(0);
        long old = first(memory, head);
        memory.writeLong(call.arg(1), old);
        setFirst(memory, head, call.arg(1), memory.readUnsignedShort(head) + 1);
        return old;
    }

    private static long popList(ApiCall call) {
        Memory memory = call.memory();
        long head = call.arg(0);
        long old = first(memory, head);
        if (old != 0) {
            setFirst(memory, head, memory.readLong(old), memory.readUnsignedShort(head) - 1);
        }
        return old;
    }

    private static long flushList(ApiCall call) {
        Memory memory = call.memory();
        long old = first(memory, call.arg(0));
        setFirst(memory, call.arg(0), 0, 0);
        return old;
    }

    // --- facts and time ---

    /** RTL_OSVERSIONINFOW: size, major, minor, build, platform. */
    private static long getVersion(ApiCall call) {
        call.memory().writeInt(call.arg(0) + 4, 10);
        call.memory().writeInt(call.arg(0) + 8, 0);
        call.memory().writeInt(call.arg(0) + 12, 19_041);
        call.memory().writeInt(call.arg(0) + 16, 2);
        return 0;
    }

    private static long versionNumbers(ApiCall call) {
        int[] values = {10, 0, 0xF000_0000 | 19_041};
        for (int i = 0; i < values.length; i++) {
            if (call.arg(i) != 0) {
                call.memory().writeInt(call.arg(i), values[i]);
            }
        }
        return 0;
    }

    private static long debugPrint(ApiCall call) {
        call.process().events().debugOutput(call.thread(), call.ansi(call.arg(0)));
        return 0;
    }

    private static long querySystemTime(ApiCall call) {
        call.memory().writeLong(call.arg(0), call.process().clock().systemTime());
        return 0;
    }

    private static long queryPerformanceCounter(ApiCall call) {
        call.memory().writeLong(call.arg(0), call.process().clock().now());
        if (call.arg(1) != 0) {
            call.memory().writeLong(call.arg(1), 10_000_000);
        }
        return 0;
    }

    /** Negative intervals count from now, positive ones are points in time. */
    private static long delay(ApiCall call) {
        long interval = call.memory().readLong(call.arg(1));
        var clock = call.process().clock();
        long deadline = interval == INFINITE_PAST
                ? GuestThread.NEVER
                : interval <= 0 ? clock.now() - interval : interval - clock.systemTime() + clock.now();
        if (interval == 0) {
            call.thread().yield();
        } else {
            call.thread().sleepUntil(deadline);
        }
        return 0;
    }

    private static long yieldExecution(ApiCall call) {
        call.thread().yield();
        return 0;
    }
}
