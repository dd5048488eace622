package org.vadose.layout;

/** What a field or an array element is, as the table writes it. */
public sealed interface TypeRef {
    /** A type the language has. */
    record Base(BaseType type) implements TypeRef {}

    record Pointer(TypeRef target) implements TypeRef {}

    record Array(long count, TypeRef element) implements TypeRef {}

    /** @param position of the lowest bit in the storage unit */
    record BitField(TypeRef storage, int position, int length) implements TypeRef {}

    record Function() implements TypeRef {}

    /** A structure, union, class or enumeration: {@link TypeTable#find} has it. */
    record Named(String name) implements TypeRef {}

    /** Reads the table's notation: {@code *T}, {@code [n]T}, {@code T:position:length}, {@code fn}, or a name. */
    static TypeRef parse(String text) {
        if (text.startsWith("*")) {
            return new Pointer(parse(text.substring(1)));
        }
        if (text.startsWith("[")) {
            int close = text.indexOf(']');
            return new Array(Long.parseLong(text.substring(1, close)), parse(text.substring(close + 1)));
        }
        int lastColon = text.lastIndexOf(':');
        int firstColon = lastColon <= 0 ? -1 : text.lastIndexOf(':', lastColon - 1);
        if (firstColon > 0 && text.charAt(firstColon - 1) != ':') {
            return new BitField(
                    parse(text.substring(0, firstColon)),
                    Integer.parseInt(text.substring(firstColon + 1, lastColon)),
                    Integer.parseInt(text.substring(lastColon + 1)));
        }
        if (text.equals("fn")) {
            return new Function();
        }
        BaseType base = BaseType.find(text);
        return base == null ? new Named(text) : new Base(base);
    }
}
