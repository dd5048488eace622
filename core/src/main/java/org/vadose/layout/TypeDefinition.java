package org.vadose.layout;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A named type of a {@link TypeTable}. */
public sealed interface TypeDefinition {
    String name();

    long sizeBytes();

    /**
     * A structure, union or class.
     *
     * @param fields by offset; at one offset whole fields come before bit fields, and those by position
     */
    record Composite(String name, long sizeBytes, Kind kind, List<Field> fields) implements TypeDefinition {
        public @Nullable Field find(String fieldName) {
            for (Field field : fields) {
                if (field.name().equals(fieldName)) {
                    return field;
                }
            }
            for (Field field : fields) {
                if (field.name().equalsIgnoreCase(fieldName)) {
                    return field;
                }
            }
            return null;
        }
    }

    /** What a composite was declared with. */
    enum Kind {
        STRUCT,
        UNION,
        CLASS
    }

    /** @param offset bytes from the start of the composite */
    record Field(String name, long offset, TypeRef type) {}

    /** @param constants by value */
    record Enumeration(String name, long sizeBytes, List<Constant> constants) implements TypeDefinition {
        public @Nullable String nameOf(long value) {
            for (Constant constant : constants) {
                if (constant.value() == value) {
                    return constant.name();
                }
            }
            return null;
        }
    }

    /** One name of an enumeration. */
    record Constant(String name, long value) {}
}
