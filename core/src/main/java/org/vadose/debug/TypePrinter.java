package org.vadose.debug;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.layout.BaseType;
import org.vadose.layout.StringLayout;
import org.vadose.layout.TypeDefinition.Composite;
import org.vadose.layout.TypeDefinition.Enumeration;
import org.vadose.layout.TypeDefinition.Field;
import org.vadose.layout.TypeRef;
import org.vadose.layout.TypeTable;
import org.vadose.layout.UnicodeStringLayout;
import org.vadose.layout.Wildcard;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** Prints types and values of types the way {@code dt} does. */
final class TypePrinter {
    private static final int MAXIMUM_TEXT = 512;
    private static final String UNREADABLE = "????";

    private final Printer out;
    private final TypeTable types;
    private final TargetMemory memory;
    private final Options options;

    /**
     * What the switches say.
     *
     * @param depth levels of structures to open
     * @param blocks {@code -b}: open every structure and array, follow no pointer
     * @param compact {@code -c}: fields on one line
     * @param verbose {@code -v}: sizes and element counts
     * @param prefix {@code -y}: names of fields need only start as given
     */
    record Options(int depth, boolean blocks, boolean compact, boolean verbose, boolean prefix) {}

    TypePrinter(Printer out, TypeTable types, TargetMemory memory, Options options) {
        this.out = out;
        this.types = types;
        this.memory = memory;
        this.options = options;
    }

    /**
     * Prints a composite's fields, or those that match.
     *
     * @param address null to print types instead of values
     * @param wanted dotted names; empty for all fields
     */
    void fields(Composite type, @Nullable Long address, List<String> wanted) {
        if (wanted.isEmpty()) {
            all(type, address, 0, options.depth());
            return;
        }
        boolean any = false;
        for (String path : wanted) {
            any |= path(type, address, 0, path, "");
        }
        if (!any) {
            throw new CommandException("Cannot find specified field members.");
        }
    }

    private void all(Composite type, @Nullable Long address, int level, int depth) {
        StringBuilder line = new StringBuilder();
        for (Field field : type.fields()) {
            if (options.compact()) {
                line.append(line.isEmpty() ? "" : " ").append(compact(field, address));
            } else {
                field(field, address, field.offset(), field.name(), level, depth);
            }
        }
        if (options.compact()) {
            out.line("   " + line);
        }
    }

    private String compact(Field field, @Nullable Long address) {
        String shown = address == null ? typeText(field.type()) : value(field.type(), address + field.offset());
        return "+0x" + Hex.digits(field.offset(), 3) + " " + field.name() + " : " + shown;
    }

    /** Prints the fields a dotted name selects; a name that ends in a dot opens what it names. */
    private boolean path(Composite type, @Nullable Long address, long base, String path, String outer) {
        int dot = path.indexOf('.');
        String name = dot < 0 ? path : path.substring(0, dot);
        String rest = dot < 0 ? null : path.substring(dot + 1);
        boolean any = false;
        for (Field field : type.fields()) {
            if (!matches(field.name(), name)) {
                continue;
            }
            String full = outer + field.name();
            long offset = base + field.offset();
            if (rest == null) {
                field(field, address, offset, full, 0, options.depth());
                any = true;
                continue;
            }
            Composite inner = compositeOf(field.type());
            if (inner == null) {
                continue;
            }
            if (field.type() instanceof TypeRef.Pointer) {
                any |= throughPointer(field, inner, address, offset, full, rest);
            } else if (rest.isEmpty()) {
                field(field, address, offset, full, 0, 1);
                any = true;
            } else {
                any |= path(inner, address, offset, rest, full + ".");
            }
        }
        return any;
    }

    private boolean throughPointer(
            Field field, Composite inner, @Nullable Long address, long offset, String full, String rest) {
        field(field, address, offset, full, 0, rest.isEmpty() ? 1 : 0);
        if (!rest.isEmpty() && address != null) {
            long target = memory.readLong(address + offset);
            return target != 0 && path(inner, target, 0, rest, full + "->");
        }
        return true;
    }

    private boolean matches(String field, String wanted) {
        if (options.prefix()) {
            return field.regionMatches(true, 0, wanted, 0, wanted.length());
        }
        return new Wildcard(wanted).matches(field);
    }

    private void field(Field field, @Nullable Long address, long offset, String name, int level, int depth) {
        String start = "   ".repeat(level + 1) + "+0x" + Hex.digits(offset, 3) + " " + pad(name, 16);
        Long at = address == null ? null : (Long) (address + offset);
        out.line(start + " : " + (at == null ? typeText(field.type()) : value(field.type(), at)));
        if (options.blocks()) {
            openBlocks(field.type(), at, level + 1);
        } else if (depth > 0) {
            open(field.type(), at, level + 1, depth - 1);
        }
    }

    /** {@code -r}: the structure that the field is or points at. */
    private void open(TypeRef type, @Nullable Long at, int level, int depth) {
        Composite inner = compositeOf(type);
        if (inner == null) {
            return;
        }
        if (!(type instanceof TypeRef.Pointer)) {
            all(inner, at, level, depth);
            return;
        }
        if (at == null) {
            all(inner, null, level, depth);
            return;
        }
        try {
            long target = memory.readLong(at);
            if (target != 0) {
                all(inner, target, level, depth);
            }
        } catch (UnreadableMemoryException e) {
            // The field's own line says it.
        }
    }

    /** {@code -b}: structures and each element of arrays, but nothing behind a pointer. */
    private void openBlocks(TypeRef type, @Nullable Long at, int level) {
        if (type instanceof TypeRef.Array array && at != null) {
            long size = types.sizeBytes(array.element());
            for (long i = 0; i < array.count(); i++) {
                long element = at + i * size;
                out.line("   ".repeat(level) + " [" + Hex.digits(i, 2) + "] " + value(array.element(), element));
                openBlocks(array.element(), element, level);
            }
        } else if (type instanceof TypeRef.Named named && types.composite(named.name()) instanceof Composite inner) {
            all(inner, at, level, 0);
        }
    }

    private @Nullable Composite compositeOf(TypeRef type) {
        return switch (type) {
            case TypeRef.Named named -> types.composite(named.name());
            case TypeRef.Pointer pointer ->
                pointer.target() instanceof TypeRef.Named named ? types.composite(named.name()) : null;
            default -> null;
        };
    }

    static String pad(String text, int width) {
        return text.length() >= width ? text : text + " ".repeat(width - text.length());
    }

    // --- types ---

    /** {@code Ptr64 _EPROCESS}, {@code [15] UChar}, {@code Pos 3, 1 Bit}. */
    String typeText(TypeRef type) {
        return switch (type) {
            case TypeRef.Base base -> base.type().debuggerName();
            case TypeRef.Pointer pointer ->
                pointer.target() instanceof TypeRef.Function
                        ? "Ptr64     void "
                        : "Ptr64 " + typeText(pointer.target());
            case TypeRef.Array array -> "[" + array.count() + "] " + typeText(array.element());
            case TypeRef.BitField bits ->
                "Pos " + bits.position() + ", " + bits.length() + (bits.length() == 1 ? " Bit" : " Bits");
            case TypeRef.Function function -> "void ";
            case TypeRef.Named named -> options.verbose() ? verboseName(named.name()) : shownName(named.name());
        };
    }

    private String verboseName(String name) {
        return switch (types.find(name)) {
            case Composite composite -> describe(composite);
            case Enumeration enumeration ->
                "Enum " + shownName(name) + ",  " + enumeration.constants().size() + " total enums";
            case null -> shownName(name);
        };
    }

    /** {@code struct _EPROCESS, 228 elements, 0xa40 bytes}. */
    static String describe(Composite type) {
        return type.kind().name().toLowerCase(Locale.ROOT) + " " + shownName(type.name()) + ", "
                + type.fields().size() + " elements, 0x" + Hex.plain(type.sizeBytes()) + " bytes";
    }

    private static String shownName(String name) {
        return name.startsWith("__anonymous") || name.startsWith("__unnamed") ? "<unnamed-tag>" : name;
    }

    // --- values ---

    /** One field's value on one line. */
    String value(TypeRef type, long address) {
        try {
            return switch (type) {
                case TypeRef.Base base -> base(base.type(), address);
                case TypeRef.Pointer pointer -> pointer(pointer.target(), memory.readLong(address));
                case TypeRef.Array array -> array(array, address);
                case TypeRef.BitField bits -> bits(bits, address);
                case TypeRef.Function function -> "void ";
                case TypeRef.Named named -> named(named.name(), address);
            };
        } catch (UnreadableMemoryException e) {
            return UNREADABLE;
        }
    }

    private String base(BaseType type, long address) {
        return switch (type) {
            case CHAR, UCHAR -> {
                int c = memory.readUnsignedByte(address);
                String text = c >= 0x20 && c < 0x7F ? String.valueOf((char) c) : "";
                yield type == BaseType.CHAR
                        ? memory.readByte(address) + " '" + text + "'"
                        : number(c) + " '" + text + "'";
            }
            case SHORT -> "0n" + memory.readShort(address);
            case INT, LONG -> "0n" + memory.readInt(address);
            case INT64 -> "0n" + memory.readLong(address);
            case USHORT, WCHAR -> number(memory.readUnsignedShort(address));
            case UINT, ULONG -> number(memory.readUnsignedInt(address));
            case HRESULT -> "0x" + Hex.digits(memory.readUnsignedInt(address), 8);
            case UINT64 -> wide(memory.readLong(address));
            case FLOAT -> String.valueOf(Float.intBitsToFloat(memory.readInt(address)));
            case DOUBLE -> String.valueOf(Double.longBitsToDouble(memory.readLong(address)));
            case POINTER, VOID -> pointer(new TypeRef.Base(BaseType.VOID), memory.readLong(address));
        };
    }

    private static String number(long value) {
        return value == 0 ? "0" : "0x" + Hex.plain(value);
    }

    /** 64-bit numbers beyond 32 bits have a backtick. */
    private static String wide(long value) {
        return value >>> 32 == 0 ? number(value) : "0x" + Hex.ticked(value);
    }

    private String pointer(TypeRef to, long value) {
        if (value == 0) {
            return "(null) ";
        }
        String start = "0x" + Hex.ticked(value);
        return switch (to) {
            case TypeRef.Named named -> {
                String known = wellKnown(named.name(), value);
                yield start + " " + shownName(named.name()) + (known == null ? "" : " " + known);
            }
            case TypeRef.Base base -> start + pointed(base.type(), value);
            case TypeRef.Pointer inner -> start + "  -> " + pointedPointer(inner, value);
            case TypeRef.Function function -> start + "     void ";
            default -> start + " " + typeText(to);
        };
    }

    private String pointedPointer(TypeRef.Pointer inner, long at) {
        try {
            return pointer(inner.target(), memory.readLong(at));
        } catch (UnreadableMemoryException e) {
            return UNREADABLE;
        }
    }

    private String pointed(BaseType type, long at) {
        try {
            return switch (type) {
                case VOID, POINTER -> " Void";
                case CHAR, UCHAR -> "  \"" + latin1(at, MAXIMUM_TEXT) + "\"";
                case WCHAR -> "  \"" + terminated(at) + "\"";
                default -> "  -> " + base(type, at);
            };
        } catch (UnreadableMemoryException e) {
            return "  " + UNREADABLE;
        }
    }

    private String latin1(long at, int maximum) {
        StringBuilder text = new StringBuilder();
        for (byte b : memory.readUpTo(at, maximum)) {
            if (b == 0) {
                break;
            }
            text.append(MemoryCommands.printable(b & 0xFF));
        }
        return text.toString();
    }

    private String terminated(long at) {
        String text = MemoryCommands.unicode(memory, at, MAXIMUM_TEXT);
        int end = text.indexOf('\0');
        return end < 0 ? text : text.substring(0, end);
    }

    private String array(TypeRef.Array array, long address) {
        String start = "[" + array.count() + "] ";
        if (array.element() instanceof TypeRef.Base base
                && (base.type() == BaseType.UCHAR || base.type() == BaseType.CHAR)) {
            memory.readByte(address);
            return start + " \"" + latin1(address, (int) Math.min(array.count(), MAXIMUM_TEXT)) + "\"";
        }
        if (array.element() instanceof TypeRef.Base base && base.type() == BaseType.WCHAR) {
            String text = MemoryCommands.unicode(memory, address, (int) Math.min(array.count() * 2, MAXIMUM_TEXT));
            int end = text.indexOf('\0');
            return start + " \"" + (end < 0 ? text : text.substring(0, end)) + "\"";
        }
        return array.count() == 0 ? start.strip() : start + value(array.element(), address);
    }

    private String bits(TypeRef.BitField bits, long address) {
        long storage = switch ((int) types.sizeBytes(bits.storage())) {
            case 1 -> memory.readUnsignedByte(address);
            case 2 -> memory.readUnsignedShort(address);
            case 4 -> memory.readUnsignedInt(address);
            default -> memory.readLong(address);
        };
        long mask = bits.length() == 64 ? -1 : (1L << bits.length()) - 1;
        long value = storage >>> bits.position() & mask;
        if (bits.storage() instanceof TypeRef.Named named && types.enumeration(named.name()) instanceof Enumeration e) {
            return enumerated(e, value);
        }
        if (bits.length() > 32) {
            return "0y" + Long.toBinaryString(value);
        }
        String digits = Long.toBinaryString(value);
        return "0y" + "0".repeat(bits.length() - digits.length()) + digits;
    }

    private String named(String name, long address) {
        return switch (types.find(name)) {
            case Enumeration enumeration ->
                enumerated(
                        enumeration,
                        enumeration.sizeBytes() == 4 ? memory.readInt(address) : memory.readUnsignedByte(address));
            case Composite composite -> {
                memory.readByte(address);
                String known = wellKnown(name, address);
                yield shownName(name) + (known == null ? "" : " " + known);
            }
            case null -> shownName(name);
        };
    }

    private static String enumerated(Enumeration type, long value) {
        String name = type.nameOf(value);
        String number = value < 0 ? "0n" + value : Hex.plain(value);
        return number + " ( " + (name == null ? "No matching name" : name) + " )";
    }

    /** What is worth saying about a structure on the line of the field that holds it; null if nothing is. */
    @Nullable String wellKnown(String name, long address) {
        try {
            return switch (name) {
                case "_LIST_ENTRY" ->
                    "[ 0x" + Hex.ticked(memory.readLong(address)) + " - 0x" + Hex.ticked(memory.readLong(address + 8))
                            + " ]";
                case "_UNICODE_STRING" -> {
                    long buffer = memory.readLong(address + UnicodeStringLayout.BUFFER);
                    int length = memory.readUnsignedShort(address);
                    yield "\"" + (buffer == 0 ? "" : MemoryCommands.unicode(memory, buffer, length)) + "\"";
                }
                case "_STRING" -> {
                    long buffer = memory.readLong(address + StringLayout.BUFFER);
                    yield "\"" + (buffer == 0 ? "" : latin1(buffer, memory.readUnsignedShort(address))) + "\"";
                }
                case "_LARGE_INTEGER", "_ULARGE_INTEGER" -> wideAlways(memory.readLong(address));
                default -> null;
            };
        } catch (UnreadableMemoryException e) {
            return null;
        }
    }

    private static String wideAlways(long value) {
        return value >>> 32 == 0 ? "0x" + Hex.plain(value) : wide(value);
    }

    /** Names of the matching types, as {@code dt nt!_E*} lists them. */
    static List<String> list(String module, TypeTable types, String pattern) {
        List<String> lines = new ArrayList<>();
        for (String name : types.matching(new Wildcard(pattern))) {
            lines.add("          " + module + "!" + name);
        }
        return lines;
    }
}
