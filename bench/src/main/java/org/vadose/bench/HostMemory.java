package org.vadose.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The host's memory manager, asked through the C library: what ours is compared with. */
final class HostMemory {
    static final int PROT_READ = 1;
    static final int PROT_READ_WRITE = 1 | 2;
    private static final int MAP_PRIVATE_ANONYMOUS =
            2 | (System.getProperty("os.name").startsWith("Mac") ? 0x1000 : 0x20);

    private static final MethodHandle MMAP =
            find("mmap", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP = find("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle MPROTECT =
            find("mprotect", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private HostMemory() {}

    private static MethodHandle find(String function, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(function), descriptor);
    }

    /** Fresh memory, none of whose pages exist yet. */
    static MemorySegment map(long sizeBytes) {
        try {
            MemorySegment mapped = (MemorySegment)
                    MMAP.invokeExact(MemorySegment.NULL, sizeBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
            if (mapped.address() == -1) {
                throw new IllegalStateException("mmap failed sizeBytes=" + sizeBytes);
            }
            return mapped.reinterpret(sizeBytes);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static void unmap(MemorySegment memory) {
        try {
            int result = (int) MUNMAP.invokeExact(memory, memory.byteSize());
            if (result != 0) {
                throw new IllegalStateException("munmap failed address=" + memory.address());
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** @param protection {@link #PROT_READ} or {@link #PROT_READ_WRITE} */
    static void protect(MemorySegment memory, int protection) {
        try {
            int result = (int) MPROTECT.invokeExact(memory, memory.byteSize(), protection);
            if (result != 0) {
                throw new IllegalStateException("mprotect failed address=" + memory.address());
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static RuntimeException unexpected(Throwable e) {
        return e instanceof RuntimeException known ? known : new IllegalStateException(e);
    }
}
