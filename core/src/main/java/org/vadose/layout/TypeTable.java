package org.vadose.layout;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Types by name. Loading finds where each definition stands in the text and no more; a definition is read when it is first asked
 * for. Safe for use by many threads.
 *
 * <pre>
 * struct|union|class NAME SIZE        enum NAME SIZE
 *  OFFSET NAME TYPE                    VALUE NAME
 * </pre>
 */
public final class TypeTable {
    private static final Map<String, TypeTable> LOADED = new ConcurrentHashMap<>();

    /** At one offset a whole field stands before the bit fields that share its storage, as declarations have it. */
    private static final Comparator<TypeDefinition.Field> DECLARATION_ORDER = Comparator.comparingLong(
                    TypeDefinition.Field::offset)
            .thenComparingInt(f -> f.type() instanceof TypeRef.BitField bits ? bits.position() : -1);

    private final TableText text;
    private final Map<String, Integer> headers = new LinkedHashMap<>();
    private final Map<String, TypeDefinition> definitions = new ConcurrentHashMap<>();
    private volatile @Nullable Map<String, String> foldedNames;

    private TypeTable(TableText text) {
        this.text = text;
        byte[] bytes = text.bytes();
        int line = text.bodyStart();
        while (line < bytes.length) {
            int end = TableText.lineEnd(bytes, line);
            if (bytes[line] != ' ' && end > line) {
                int nameStart = indexOf(bytes, ' ', line) + 1;
                headers.put(TableText.text(bytes, nameStart, lastIndexOf(bytes, ' ', end)), line);
            }
            line = end + 1;
        }
    }

    /** The kernel's types (ntkrnlmp, module {@code nt}). */
    public static TypeTable kernel() {
        return ofResource("ntkrnlmp");
    }

    /** The types of 64-bit ntdll. */
    public static TypeTable ntdll() {
        return ofResource("ntdll");
    }

    private static TypeTable ofResource(String name) {
        return LOADED.computeIfAbsent(name, n -> new TypeTable(TableText.ofResource(n + ".types")));
    }

    /** Reads a table from its text. */
    static TypeTable of(byte[] bytes) {
        return new TypeTable(TableText.of(bytes));
    }

    public PdbIdentity identity() {
        return text.identity();
    }

    /** The type of this name, exactly or else without regard to case. */
    public @Nullable TypeDefinition find(String name) {
        TypeDefinition known = definitions.get(name);
        if (known != null) {
            return known;
        }
        Integer header = headers.get(name);
        if (header == null) {
            String exact = foldedNames().get(name.toLowerCase(Locale.ROOT));
            return exact == null ? null : find(exact);
        }
        return definitions.computeIfAbsent(name, n -> read(n, header));
    }

    /** A structure, union or class of this name; null if there is none or it is an enumeration. */
    public TypeDefinition.@Nullable Composite composite(String name) {
        return find(name) instanceof TypeDefinition.Composite composite ? composite : null;
    }

    public TypeDefinition.@Nullable Enumeration enumeration(String name) {
        return find(name) instanceof TypeDefinition.Enumeration enumeration ? enumeration : null;
    }

    /** Names that match, in table order: composites by name, then enumerations by name. */
    public List<String> matching(Wildcard wildcard) {
        return headers.keySet().stream().filter(wildcard::matches).toList();
    }

    public int count() {
        return headers.size();
    }

    /** Bytes one value takes. Functions and unknown names take none. */
    public long sizeBytes(TypeRef type) {
        return switch (type) {
            case TypeRef.Base base -> base.type().sizeBytes();
            case TypeRef.Pointer p -> 8;
            case TypeRef.Array array -> array.count() * sizeBytes(array.element());
            case TypeRef.BitField bits -> sizeBytes(bits.storage());
            case TypeRef.Function f -> 0;
            case TypeRef.Named named -> {
                TypeDefinition definition = find(named.name());
                yield definition == null ? 0 : definition.sizeBytes();
            }
        };
    }

    private Map<String, String> foldedNames() {
        Map<String, String> folded = foldedNames;
        if (folded == null) {
            folded = new ConcurrentHashMap<>();
            for (String name : headers.keySet()) {
                folded.putIfAbsent(name.toLowerCase(Locale.ROOT), name);
            }
            foldedNames = folded;
        }
        return folded;
    }

    private TypeDefinition read(String name, int header) {
        byte[] bytes = text.bytes();
        int end = TableText.lineEnd(bytes, header);
        String kind = TableText.text(bytes, header, indexOf(bytes, ' ', header));
        long size = Long.parseLong(TableText.text(bytes, lastIndexOf(bytes, ' ', end) + 1, end));
        List<String[]> lines = new ArrayList<>();
        for (int line = end + 1; line < bytes.length && bytes[line] == ' '; ) {
            int lineEnd = TableText.lineEnd(bytes, line);
            lines.add(TableText.text(bytes, line + 1, lineEnd).split(" ", 3));
            line = lineEnd + 1;
        }
        if (kind.equals("enum")) {
            return new TypeDefinition.Enumeration(
                    name,
                    size,
                    lines.stream()
                            .map(w -> new TypeDefinition.Constant(w[1], Long.parseLong(w[0])))
                            .toList());
        }
        List<TypeDefinition.Field> fields = new ArrayList<>();
        for (String[] words : lines) {
            fields.add(new TypeDefinition.Field(words[1], Long.parseLong(words[0]), TypeRef.parse(words[2])));
        }
        fields.sort(DECLARATION_ORDER);
        return new TypeDefinition.Composite(
                name,
                size,
                TypeDefinition.Kind.valueOf(kind.toUpperCase(Locale.ROOT)),
                Collections.unmodifiableList(fields));
    }

    private static int indexOf(byte[] bytes, char c, int from) {
        int i = from;
        while (bytes[i] != c) {
            i++;
        }
        return i;
    }

    private static int lastIndexOf(byte[] bytes, char c, int before) {
        int i = before;
        while (bytes[i - 1] != c) {
            i--;
        }
        return i - 1;
    }
}
