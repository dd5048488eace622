package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.rtl.Lznt1;
import org.vadose.rtl.Xpress;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** ntdll's {@code RtlCompressBuffer} and kin, for LZNT1 and Xpress. Xpress with Huffman codes is answered as unsupported. */
final class CompressionFunctions {
    private static final int LZNT1 = 2;
    private static final int XPRESS = 3;
    private static final int MAXIMUM_ENGINE = 0x100;
    private static final int ENGINE_MASK = 0xFF00;
    private static final int FORMAT_MASK = 0xFF;

    private static final int THOROUGH = 64;
    private static final int QUICK = 2;
    private static final int LARGEST = 1 << 28;
    /** Enough for what programs hand over; nothing is kept in a program's work space here. */
    private static final int WORK_SPACE_BYTES = 0x10000;

    private static final int FRAGMENT_BYTES = 0x1000;

    private CompressionFunctions() {}

    static void addTo(ApiModule ntdll) {
        ntdll.function("RtlCompressBuffer", CompressionFunctions::compress)
                .function("RtlDecompressBuffer", call -> decompress(call).code())
                .function("RtlDecompressBufferEx", call -> decompress(call).code())
                .function("RtlGetCompressionWorkSpaceSize", CompressionFunctions::workSpaceSize);
    }

    private static NtStatus supports(int format) {
        if ((format & FORMAT_MASK) < LZNT1) {
            return NtStatus.INVALID_PARAMETER;
        }
        return (format & FORMAT_MASK) > XPRESS ? NtStatus.UNSUPPORTED_COMPRESSION : NtStatus.SUCCESS;
    }

    private static long workSpaceSize(ApiCall call) {
        int format = call.intArg(0) & 0xFFFF;
        NtStatus status = supports(format);
        if (status.isSuccess() && (format & ENGINE_MASK) > MAXIMUM_ENGINE) {
            status = NtStatus.NOT_SUPPORTED;
        }
        if (status.isSuccess()) {
            call.memory().writeInt(call.arg(1), WORK_SPACE_BYTES);
            call.memory().writeInt(call.arg(2), FRAGMENT_BYTES);
        }
        return status.code();
    }

    private static long compress(ApiCall call) {
        int format = call.intArg(0) & 0xFFFF;
        NtStatus status = supports(format);
        if (!status.isSuccess()) {
            return status.code();
        }
        if ((format & ENGINE_MASK) > MAXIMUM_ENGINE) {
            return NtStatus.NOT_SUPPORTED.code();
        }
        long length = call.unsignedIntArg(2);
        if (length > LARGEST) {
            return NtStatus.INVALID_PARAMETER.code();
        }
        byte[] plain = call.memory().read(call.arg(1), (int) length);
        byte[] packed = new byte[Xpress.mostCompressed((int) length)];
        int candidates = (format & ENGINE_MASK) != 0 ? THOROUGH : QUICK;
        int size = (format & FORMAT_MASK) == XPRESS
                ? new Xpress(candidates).compress(plain, 0, plain.length, packed, 0, packed.length)
                : new Lznt1(candidates).compress(plain, 0, plain.length, packed, 0, packed.length);
        if (size < 0 || size > call.unsignedIntArg(4)) {
            return NtStatus.BUFFER_TOO_SMALL.code();
        }
        call.memory().write(call.arg(3), packed, 0, size);
        call.memory().writeInt(call.arg(6), size);
        return NtStatus.SUCCESS.code();
    }

    private static NtStatus decompress(ApiCall call) {
        int format = call.intArg(0) & 0xFFFF;
        NtStatus status = supports(format);
        if (!status.isSuccess()) {
            return status;
        }
        long room = call.unsignedIntArg(2);
        long length = call.unsignedIntArg(4);
        if (room > LARGEST || length > LARGEST) {
            return NtStatus.INVALID_PARAMETER;
        }
        byte[] packed = call.memory().read(call.arg(3), (int) length);
        byte[] plain = new byte[(int) room];
        int size = (format & FORMAT_MASK) == XPRESS
                ? Xpress.decompress(packed, 0, packed.length, plain, 0, plain.length)
                : Lznt1.decompress(packed, 0, packed.length, plain, 0, plain.length);
        if (size < 0) {
            return NtStatus.BAD_COMPRESSION_BUFFER;
        }
        call.memory().write(call.arg(1), plain, 0, size);
        call.memory().writeInt(call.arg(5), size);
        return NtStatus.SUCCESS;
    }
}
