package org.vadose.nt;

import org.vadose.layout.ExceptionRecordLayout;
import org.vadose.memory.Memory;

/** What happened, for exception handlers ({@code _EXCEPTION_RECORD}). */
public record ExceptionRecord(Memory memory, long address) {
    public static final int NONCONTINUABLE = 0x1;
    public static final int UNWINDING = 0x2;
    public static final int EXIT_UNWIND = 0x4;
    public static final int STACK_INVALID = 0x8;
    public static final int NESTED_CALL = 0x10;
    public static final int TARGET_UNWIND = 0x20;
    public static final int COLLIDED_UNWIND = 0x40;
    /** {@code EXCEPTION_MAXIMUM_PARAMETERS}. */
    public static final int MAXIMUM_PARAMETERS = 15;

    public int code() {
        return memory.readInt(address + ExceptionRecordLayout.EXCEPTION_CODE);
    }

    public void setCode(int code) {
        memory.writeInt(address + ExceptionRecordLayout.EXCEPTION_CODE, code);
    }

    public int flags() {
        return memory.readInt(address + ExceptionRecordLayout.EXCEPTION_FLAGS);
    }

    public void setFlags(int flags) {
        memory.writeInt(address + ExceptionRecordLayout.EXCEPTION_FLAGS, flags);
    }

    public void setNestedRecord(long record) {
        memory.writeLong(address + ExceptionRecordLayout.EXCEPTION_RECORD, record);
    }

    public long exceptionAddress() {
        return memory.readLong(address + ExceptionRecordLayout.EXCEPTION_ADDRESS);
    }

    public void setExceptionAddress(long value) {
        memory.writeLong(address + ExceptionRecordLayout.EXCEPTION_ADDRESS, value);
    }

    /** How many parameters there are, never more than {@link #MAXIMUM_PARAMETERS}. */
    public int parameterCount() {
        int count = memory.readInt(address + ExceptionRecordLayout.NUMBER_PARAMETERS);
        return Math.clamp(count, 0, MAXIMUM_PARAMETERS);
    }

    public long parameter(int index) {
        return memory.readLong(address + ExceptionRecordLayout.EXCEPTION_INFORMATION + 8L * index);
    }

    public void setParameters(long... parameters) {
        memory.writeInt(address + ExceptionRecordLayout.NUMBER_PARAMETERS, parameters.length);
        for (int i = 0; i < parameters.length; i++) {
            memory.writeLong(address + ExceptionRecordLayout.EXCEPTION_INFORMATION + 8L * i, parameters[i]);
        }
    }

    /** Fills every field. */
    public void write(int code, int flags, long exceptionAddress, long... parameters) {
        memory.fill(address, ExceptionRecordLayout.SIZE, (byte) 0);
        setCode(code);
        setFlags(flags);
        setExceptionAddress(exceptionAddress);
        setParameters(parameters);
    }
}
