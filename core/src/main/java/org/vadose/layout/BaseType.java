package org.vadose.layout;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The types the language has, as the table names them. The debugger's own name for each is {@link #debuggerName()}. */
public enum BaseType {
    CHAR(1, "Char"),
    UCHAR(1, "UChar"),
    SHORT(2, "Int2B"),
    USHORT(2, "Uint2B"),
    INT(4, "Int4B"),
    UINT(4, "Uint4B"),
    LONG(4, "Int4B"),
    ULONG(4, "Uint4B"),
    INT64(8, "Int8B"),
    UINT64(8, "Uint8B"),
    WCHAR(2, "Wchar"),
    FLOAT(4, "Float"),
    DOUBLE(8, "Double"),
    HRESULT(4, "HRESULT"),
    VOID(0, "Void"),
    POINTER(8, "Void");

    private final int sizeBytes;
    private final String debuggerName;
    private final String tableName = name().toLowerCase(Locale.ROOT);

    BaseType(int sizeBytes, String debuggerName) {
        this.sizeBytes = sizeBytes;
        this.debuggerName = debuggerName;
    }

    public int sizeBytes() {
        return sizeBytes;
    }

    /** {@code Uint4B} and its like. */
    public String debuggerName() {
        return debuggerName;
    }

    public boolean isSigned() {
        return switch (this) {
            case CHAR, SHORT, INT, LONG, INT64, HRESULT -> true;
            default -> false;
        };
    }

    static @Nullable BaseType find(String tableName) {
        for (BaseType type : values()) {
            if (type.tableName.equals(tableName)) {
                return type;
            }
        }
        return null;
    }
}
