package org.vadose.win32.loader;

import java.util.HashMap;
import java.util.Map;
import org.vadose.memory.Memory;
import org.vadose.pe.StubDllBuilder;
import org.vadose.win32.ApiTable;

/** Stubs for what built-in DLLs lack: a program may import such a function, and hears of it when it calls it. */
final class MissingImports {
    private static final long REGION_BYTES = 0x10000;
    private static final int STRIDE = 16;

    private final Memory memory;
    private final ImageMapper mapper;
    private final ApiTable table;
    private final Map<Integer, Long> stubs = new HashMap<>();
    private long region;
    private long next;

    MissingImports(Memory memory, ImageMapper mapper, ApiTable table) {
        this.memory = memory;
        this.mapper = mapper;
        this.table = table;
    }

    /** Address of the stub that reports a call of this name. */
    long stub(String dllName, String name) {
        return stubs.computeIfAbsent(table.missingImport(dllName, name), this::write);
    }

    private long write(int number) {
        if (next + STRIDE > region + REGION_BYTES || region == 0) {
            region = mapper.allocate(REGION_BYTES, ImageMapper.PAGE_READWRITE);
            next = region;
        } else {
            mapper.protect(region, REGION_BYTES, ImageMapper.PAGE_READWRITE);
        }
        long address = next;
        memory.write(address, StubDllBuilder.stubBytes(number));
        next += STRIDE;
        mapper.protect(region, REGION_BYTES, ImageMapper.PAGE_EXECUTE_READ);
        return address;
    }
}
