package org.vadose.layoutgen;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.tukaani.xz.XZInputStream;

/**
 * Reads an ISF 6 symbol file ({@code .json.xz}, as made from Microsoft's public PDB) and writes the project's own table of it:
 * {@code NAME.types} and {@code NAME.symbols}, plain text, one fact a line.
 *
 * <p>Usage: {@code ExtractTable ISF.json.xz OUTPUT_DIR NAME}.
 */
public final class ExtractTable {
    private static final Map<String, String> BASE_NAMES = Map.ofEntries(
            Map.entry("char", "char"),
            Map.entry("unsigned char", "uchar"),
            Map.entry("short", "short"),
            Map.entry("unsigned short", "ushort"),
            Map.entry("int", "int"),
            Map.entry("unsigned int", "uint"),
            Map.entry("long", "long"),
            Map.entry("unsigned long", "ulong"),
            Map.entry("long long", "int64"),
            Map.entry("unsigned long long", "uint64"),
            Map.entry("wchar", "wchar"),
            Map.entry("f32", "float"),
            Map.entry("double", "double"),
            Map.entry("HRESULT", "hresult"),
            Map.entry("void", "void"),
            Map.entry("pointer", "pointer"));

    private ExtractTable() {}

    public static void main(String[] args) throws IOException {
        if (args.length != 3) {
            System.err.println("usage: ExtractTable ISF.json.xz OUTPUT_DIR NAME");
            System.exit(2);
        }
        JsonObject isf;
        try (Reader reader = new InputStreamReader(
                new XZInputStream(Files.newInputStream(Path.of(args[0]))), StandardCharsets.UTF_8)) {
            isf = JsonParser.parseReader(reader).getAsJsonObject();
        }
        Path output = Path.of(args[1]);
        Files.createDirectories(output);
        Files.write(output.resolve(args[2] + ".types"), types(isf));
        Files.write(output.resolve(args[2] + ".symbols"), symbols(isf));
    }

    private static String identity(JsonObject isf) {
        JsonObject pdb =
                isf.getAsJsonObject("metadata").getAsJsonObject("windows").getAsJsonObject("pdb");
        return "pdb " + pdb.get("database").getAsString() + " "
                + pdb.get("GUID").getAsString() + " " + pdb.get("age").getAsInt();
    }

    private static List<String> types(JsonObject isf) {
        List<String> lines = new ArrayList<>();
        lines.add(identity(isf));
        for (var entry : sorted(isf.getAsJsonObject("user_types")).entrySet()) {
            JsonObject type = entry.getValue();
            lines.add(type.get("kind").getAsString() + " " + entry.getKey() + " "
                    + type.get("size").getAsLong());
            type.getAsJsonObject("fields").entrySet().stream()
                    .map(f -> new Field(f.getKey(), f.getValue().getAsJsonObject()))
                    .sorted(Comparator.comparingLong(Field::offset)
                            .thenComparingInt(Field::bit)
                            .thenComparing(Field::name))
                    .forEach(f -> lines.add(" " + f.offset() + " " + f.name() + " " + typeName(f.type())));
        }
        for (var entry : sorted(isf.getAsJsonObject("enums")).entrySet()) {
            JsonObject type = entry.getValue();
            lines.add("enum " + entry.getKey() + " " + type.get("size").getAsLong());
            type.getAsJsonObject("constants").entrySet().stream()
                    .sorted(Comparator.comparingLong((Map.Entry<String, com.google.gson.JsonElement> c) ->
                                    c.getValue().getAsLong())
                            .thenComparing(Map.Entry::getKey))
                    .forEach(c -> lines.add(" " + c.getValue().getAsLong() + " " + c.getKey()));
        }
        return lines;
    }

    private static List<String> symbols(JsonObject isf) {
        record Symbol(long rva, String name) {}
        List<String> lines = new ArrayList<>();
        lines.add(identity(isf));
        isf.getAsJsonObject("symbols").entrySet().stream()
                .map(s ->
                        new Symbol(s.getValue().getAsJsonObject().get("address").getAsLong(), s.getKey()))
                .sorted(Comparator.comparingLong(Symbol::rva).thenComparing(Symbol::name))
                .forEach(s -> lines.add(Long.toHexString(s.rva()) + " " + s.name()));
        return lines;
    }

    private static Map<String, JsonObject> sorted(JsonObject object) {
        Map<String, JsonObject> sorted = new TreeMap<>();
        object.entrySet().forEach(e -> sorted.put(e.getKey(), e.getValue().getAsJsonObject()));
        return sorted;
    }

    /** {@code *T} pointer, {@code [n]T} array, {@code T:position:length} bit field, {@code fn} function, else a name. */
    private static String typeName(JsonObject type) {
        return switch (type.get("kind").getAsString()) {
            case "pointer" -> "*" + typeName(type.getAsJsonObject("subtype"));
            case "array" -> "[" + type.get("count").getAsLong() + "]" + typeName(type.getAsJsonObject("subtype"));
            case "bitfield" ->
                typeName(type.getAsJsonObject("type")) + ":"
                        + type.get("bit_position").getAsInt() + ":"
                        + type.get("bit_length").getAsInt();
            case "function" -> "fn";
            case "base" -> {
                String name = type.get("name").getAsString();
                String ours = BASE_NAMES.get(name);
                if (ours == null) {
                    throw new IllegalArgumentException("unknown base type name=" + name);
                }
                yield ours;
            }
            default -> type.get("name").getAsString();
        };
    }

    private record Field(String name, JsonObject json) {
        long offset() {
            return json.get("offset").getAsLong();
        }

        JsonObject type() {
            return json.getAsJsonObject("type");
        }

        int bit() {
            return type().has("bit_position") ? type().get("bit_position").getAsInt() : 0;
        }
    }
}
