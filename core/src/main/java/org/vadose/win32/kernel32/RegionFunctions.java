package org.vadose.win32.kernel32;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.mm.RegionQueries;
import org.vadose.nt.Eprocess;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** What programs ask about regions, single pages and the files behind views. */
final class RegionFunctions {
    /** {@code MEMORY_INFORMATION_CLASS}. */
    private static final int WORKING_SET = 1;

    private static final int MAPPED_FILE_NAME = 2;
    private static final int REGION = 3;
    private static final int WORKING_SET_EX = 4;
    private static final int SHARED_COMMIT = 5;
    private static final int IMAGE = 6;
    private static final int REGION_EX = 7;

    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_INSUFFICIENT_BUFFER = 122;
    private static final int UNICODE_STRING_SIZE = 16;
    private static final int REGION_SIZE = 24;
    private static final int REGION_EX_SIZE = 48;
    private static final int WIN32_REGION_SIZE = 32;
    private static final int IMAGE_SIZE = 24;

    private RegionFunctions() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            kernel32.function("K32GetMappedFileName" + (wide ? "W" : "A"), call -> getMappedFileName(call, wide));
        }
        kernel32.function("K32QueryWorkingSet", Buffers.ofService(call -> queryWorkingSet(call, WORKING_SET)))
                .function("K32QueryWorkingSetEx", Buffers.ofService(call -> queryWorkingSet(call, WORKING_SET_EX)))
                .function("QueryVirtualMemoryInformation", Buffers.ofService(RegionFunctions::queryInformation));
    }

    private static RegionQueries queries(ApiCall call) {
        return call.process().kernel().memoryManager().regionQueries();
    }

    /** {@code NtQueryVirtualMemory} for all classes but the basic one. */
    static NtStatus query(
            ApiCall call, Eprocess process, long address, int informationClass, long at, long length, long lengthAt) {
        return switch (informationClass) {
            case WORKING_SET -> workingSet(call, process, at, length, lengthAt);
            case MAPPED_FILE_NAME -> mappedFileName(call, process, address, at, length, lengthAt);
            case REGION, REGION_EX -> region(call, process, address, at, length, lengthAt);
            case WORKING_SET_EX -> workingSetEx(call, process, at, length, lengthAt);
            case SHARED_COMMIT -> sharedCommit(call, at, length, lengthAt);
            case IMAGE -> image(call, process, address, at, length, lengthAt);
            default -> NtStatus.INVALID_INFO_CLASS;
        };
    }

    private static void returnLength(ApiCall call, long lengthAt, long length) {
        if (lengthAt != 0) {
            call.memory().writeLong(lengthAt, length);
        }
    }

    private static NtStatus region(ApiCall call, Eprocess process, long address, long at, long length, long lengthAt) {
        if (Long.compareUnsigned(length, REGION_SIZE) < 0) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        RegionQueries.Region region = queries(call).region(process, address);
        if (!region.status().isSuccess()) {
            return region.status();
        }
        int size = (int) Math.min(length & -8L, REGION_EX_SIZE);
        long[] fields = {
            region.base(),
            region.allocationProtect() & 0xFFFF_FFFFL | (long) region.type() << 32,
            region.sizeBytes(),
            region.commitBytes(),
            0,
            0
        };
        for (int i = 0; i < size / 8; i++) {
            call.memory().writeLong(at + 8L * i, fields[i]);
        }
        returnLength(call, lengthAt, size);
        return NtStatus.SUCCESS;
    }

    private static NtStatus image(ApiCall call, Eprocess process, long address, long at, long length, long lengthAt) {
        if (Long.compareUnsigned(length, IMAGE_SIZE) < 0) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        RegionQueries.Image image = queries(call).image(process, address);
        if (image.status().isSuccess()) {
            call.memory().writeLong(at, image.base());
            call.memory().writeLong(at + 8, image.sizeBytes());
            call.memory().writeLong(at + 16, image.flags());
            returnLength(call, lengthAt, IMAGE_SIZE);
        }
        return image.status();
    }

    private static NtStatus sharedCommit(ApiCall call, long at, long length, long lengthAt) {
        if (Long.compareUnsigned(length, 8) < 0) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        call.memory().writeLong(at, call.process().kernel().memoryManager().sharedCommitPages());
        returnLength(call, lengthAt, 8);
        return NtStatus.SUCCESS;
    }

    private static NtStatus workingSetEx(ApiCall call, Eprocess process, long at, long length, long lengthAt) {
        if (Long.compareUnsigned(length, 16) < 0) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        Memory memory = call.memory();
        for (long i = 0; Long.compareUnsigned(i + 16, length) <= 0; i += 16) {
            memory.writeLong(at + i + 8, queries(call).workingSetBlock(process, memory.readLong(at + i)));
        }
        returnLength(call, lengthAt, length);
        return NtStatus.SUCCESS;
    }

    private static NtStatus workingSet(ApiCall call, Eprocess process, long at, long length, long lengthAt) {
        if (Long.compareUnsigned(length, 8) < 0) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        long room = (length - 8 >>> 1) / 4;
        long[] count = {0};
        long[] blocks = new long[(int) Math.min(room, process.workingSetSize())];
        queries(call).workingSet(process, block -> {
            if (count[0] < blocks.length) {
                blocks[(int) count[0]] = block;
            }
            count[0]++;
        });
        call.memory().writeLong(at, count[0]);
        if (count[0] > blocks.length) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        for (int i = 0; i < count[0]; i++) {
            call.memory().writeLong(at + 8 + 8L * i, blocks[i]);
        }
        returnLength(call, lengthAt, 8 + 8 * count[0]);
        return NtStatus.SUCCESS;
    }

    private static NtStatus mappedFileName(
            ApiCall call, Eprocess process, long address, long at, long length, long lengthAt) {
        if (Long.compareUnsigned(length, UNICODE_STRING_SIZE) < 0) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        RegionQueries.File file = queries(call).file(process, address);
        if (!file.status().isSuccess()) {
            return file.status();
        }
        byte[] name =
                (call.process().kernel().ioSystem().path(file.fileObject()) + "\0").getBytes(StandardCharsets.UTF_16LE);
        returnLength(call, lengthAt, UNICODE_STRING_SIZE + name.length);
        if (length < UNICODE_STRING_SIZE + name.length) {
            return NtStatus.BUFFER_OVERFLOW;
        }
        Memory memory = call.memory();
        memory.writeShort(at, (short) (name.length - 2));
        memory.writeShort(at + 2, (short) name.length);
        memory.writeInt(at + 4, 0);
        memory.writeLong(at + 8, at + UNICODE_STRING_SIZE);
        memory.write(at + UNICODE_STRING_SIZE, name);
        return NtStatus.SUCCESS;
    }

    // --- Win32 ---

    private static long getMappedFileName(ApiCall call, boolean wide) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        long size = call.unsignedIntArg(3);
        if (call.arg(2) == 0 && size != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        RegionQueries.File file = queries(call).file(process, call.arg(1));
        if (!file.status().isSuccess()) {
            return call.fail(file.status());
        }
        String name = call.process().kernel().ioSystem().path(file.fileObject());
        int length = Texts.length(name, wide);
        if (length < size) {
            Texts.write(call, call.arg(2), name, wide);
            return length;
        }
        if (size != 0) {
            Texts.write(call, call.arg(2), name.substring(0, (int) Math.min(size - 1, name.length())), wide);
        }
        call.setLastError(ERROR_INSUFFICIENT_BUFFER);
        return size;
    }

    private static long queryWorkingSet(ApiCall call, int informationClass) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_INFORMATION);
        return process == null
                ? call.fail(ProcessHandles.refusal(call, call.arg(0)))
                : call.succeeded(query(call, process, 0, informationClass, call.arg(1), call.unsignedIntArg(2), 0));
    }

    private static long queryInformation(ApiCall call) {
        @Nullable Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        if (call.intArg(2) != 0 || Long.compareUnsigned(call.arg(4), WIN32_REGION_SIZE) < 0) {
            return call.fail(call.intArg(2) != 0 ? NtStatus.INVALID_PARAMETER : NtStatus.INFO_LENGTH_MISMATCH);
        }
        return call.succeeded(query(call, process, call.arg(1), REGION, call.arg(3), WIN32_REGION_SIZE, call.arg(5)));
    }
}
