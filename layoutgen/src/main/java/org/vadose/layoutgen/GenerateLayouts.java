package org.vadose.layoutgen;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Writes one class of constants for every type, enumeration and symbol that {@code layouts.txt} asks for.
 *
 * <p>Usage: {@code GenerateLayouts TABLE_DIR layouts.txt OUTPUT_DIR}. A line of {@code layouts.txt} is
 * {@code type TABLE TYPE [CLASS]}, {@code enum TABLE ENUM [CLASS]} or {@code symbol TABLE CLASS SYMBOL…}; blank lines and
 * {@code #} comments are skipped. Generated classes hold offsets, bit positions and values only: meaning is written by hand.
 */
public final class GenerateLayouts {
    private static final String PACKAGE = "org.vadose.layout";

    private final Path tables;
    private final Path output;
    private final Map<String, Table> loaded = new HashMap<>();
    private final Map<String, List<String>> symbolClasses = new LinkedHashMap<>();

    private GenerateLayouts(Path tables, Path output) {
        this.tables = tables;
        this.output = output.resolve(PACKAGE.replace('.', '/'));
    }

    public static void main(String[] args) throws IOException {
        if (args.length != 3) {
            System.err.println("usage: GenerateLayouts TABLE_DIR layouts.txt OUTPUT_DIR");
            System.exit(2);
        }
        new GenerateLayouts(Path.of(args[0]), Path.of(args[2])).run(Path.of(args[1]));
    }

    private void run(Path list) throws IOException {
        Files.createDirectories(output);
        int number = 0;
        for (String line : Files.readAllLines(list)) {
            number++;
            String[] words = line.replaceFirst("#.*", "").trim().split("\\s+");
            if (words[0].isEmpty()) {
                continue;
            }
            try {
                generate(words);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(list + ":" + number + ": " + e.getMessage(), e);
            }
        }
        for (var entry : symbolClasses.entrySet()) {
            write(entry.getKey(), "Symbols of the genuine image: addresses relative to its base.", entry.getValue());
        }
    }

    private void generate(String[] words) throws IOException {
        if (words.length < 3) {
            throw new IllegalArgumentException("expected: type|enum|symbol TABLE NAME");
        }
        Table table = table(words[1]);
        switch (words[0]) {
            case "type" -> writeType(table, words[2], words.length > 3 ? words[3] : className(words[2]) + "Layout");
            case "enum" -> writeEnum(table, words[2], words.length > 3 ? words[3] : className(words[2]) + "Values");
            case "symbol" -> {
                List<String> body = symbolClasses.computeIfAbsent(words[2], k -> new ArrayList<>());
                for (int i = 3; i < words.length; i++) {
                    Long rva = table.symbols.get(words[i]);
                    if (rva == null) {
                        throw new IllegalArgumentException("no symbol name=" + words[i] + " table=" + words[1]);
                    }
                    body.add(constant("long", constantName(words[i]), hex(rva)));
                }
            }
            default -> throw new IllegalArgumentException("unknown keyword=" + words[0]);
        }
    }

    private void writeType(Table table, String name, String className) throws IOException {
        Type type = table.types.get(name);
        if (type == null) {
            throw new IllegalArgumentException("no type name=" + name + " table=" + table.name);
        }
        Map<String, String> constants = new LinkedHashMap<>();
        constants.put("SIZE", constant("long", "SIZE", hex(type.size)));
        addFields(table, type, "", 0, constants);
        write(className, "Offsets in {@code " + name + "} (" + table.name + ").", List.copyOf(constants.values()));
    }

    private static void addFields(Table table, Type type, String prefix, long base, Map<String, String> constants) {
        for (Field field : type.fields) {
            String name = prefix + constantName(field.name);
            if (name.equals("SIZE")) {
                // SIZE is that of the whole type.
                name = "SIZE_FIELD";
            }
            long offset = base + field.offset;
            constants.putIfAbsent(name, constant("long", name, hex(offset)));
            String[] bits = field.type.split(":");
            if (bits.length == 3) {
                int length = Integer.parseInt(bits[2]);
                constants.putIfAbsent(name + "_SHIFT", constant("int", name + "_SHIFT", bits[1]));
                constants.putIfAbsent(
                        name + "_MASK",
                        constant("long", name + "_MASK", length == 64 ? "-1L" : hex((1L << length) - 1)));
            }
            Type nested = table.types.get(field.type);
            if (nested != null && isAnonymous(field.type)) {
                addFields(table, nested, name + "_", offset, constants);
            }
        }
    }

    private static boolean isAnonymous(String typeName) {
        return typeName.startsWith("__anonymous") || typeName.startsWith("<unnamed");
    }

    private void writeEnum(Table table, String name, String className) throws IOException {
        Map<String, Long> values = table.enums.get(name);
        if (values == null) {
            throw new IllegalArgumentException("no enum name=" + name + " table=" + table.name);
        }
        List<String> body = new ArrayList<>();
        values.forEach((constant, value) -> body.add(constant("int", constantName(constant), hex((int) (long) value))));
        write(className, "Values of {@code " + name + "} (" + table.name + ").", body);
    }

    private void write(String className, String comment, List<String> body) throws IOException {
        StringBuilder text = new StringBuilder("package " + PACKAGE + ";\n\n/** " + comment + " Generated. */\n");
        text.append("public final class ")
                .append(className)
                .append(" {\n    private ")
                .append(className)
                .append("() {}\n\n");
        body.forEach(text::append);
        text.append("}\n");
        Path file = output.resolve(className + ".java");
        if (!Files.exists(file) || !Files.readString(file).contentEquals(text)) {
            Files.writeString(file, text);
        }
    }

    private static String constant(String type, String name, String value) {
        return "    public static final " + type + " " + name + " = " + value + ";\n";
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value) + "L";
    }

    private static String hex(int value) {
        return "0x" + Integer.toHexString(value);
    }

    /** {@code _MMVAD_SHORT} becomes {@code MmvadShort}. */
    private static String className(String typeName) {
        StringBuilder name = new StringBuilder();
        for (String word : typeName.replaceFirst("^_+", "").split("_+")) {
            boolean shouting = word.equals(word.toUpperCase(Locale.ROOT));
            name.append(Character.toUpperCase(word.charAt(0)))
                    .append(shouting ? word.substring(1).toLowerCase(Locale.ROOT) : word.substring(1));
        }
        return name.toString();
    }

    /** {@code DirectoryTableBase} becomes {@code DIRECTORY_TABLE_BASE}; of a decorated C++ name the plain one is taken. */
    private static String constantName(String name) {
        String snake = name.replaceFirst("^\\?(\\w+)@@.*", "$1")
                .replaceAll("([a-z0-9])([A-Z])", "$1_$2")
                .replaceAll("([A-Z])([A-Z][a-z])", "$1_$2")
                .toUpperCase(Locale.ROOT)
                .replaceAll("[^A-Z0-9_]", "_")
                .replaceAll("__+", "_");
        snake = snake.replaceFirst("^_", "");
        return Character.isDigit(snake.charAt(0)) ? "_" + snake : snake;
    }

    private Table table(String name) throws IOException {
        Table table = loaded.get(name);
        if (table == null) {
            table = Table.read(tables, name);
            loaded.put(name, table);
        }
        return table;
    }

    private record Field(long offset, String name, String type) {}

    private record Type(long size, List<Field> fields) {}

    private record Table(
            String name, Map<String, Type> types, Map<String, Map<String, Long>> enums, Map<String, Long> symbols) {
        static Table read(Path directory, String name) throws IOException {
            Table table = new Table(name, new HashMap<>(), new HashMap<>(), new HashMap<>());
            Optional<Type> type = Optional.empty();
            Map<String, Long> values = new LinkedHashMap<>();
            for (String line : Files.readAllLines(directory.resolve(name + ".types"))) {
                String[] words = line.trim().split(" ");
                if (line.startsWith("struct ") || line.startsWith("union ")) {
                    type = Optional.of(new Type(Long.parseLong(words[2]), new ArrayList<>()));
                    table.types.put(words[1], type.get());
                } else if (line.startsWith("enum ")) {
                    type = Optional.empty();
                    values = new LinkedHashMap<>();
                    table.enums.put(words[1], values);
                } else if (line.startsWith(" ") && type.isPresent()) {
                    type.get().fields.add(new Field(Long.parseLong(words[0]), words[1], words[2]));
                } else if (line.startsWith(" ")) {
                    values.put(words[1], Long.parseLong(words[0]));
                }
            }
            for (String line : Files.readAllLines(directory.resolve(name + ".symbols"))) {
                int space = line.indexOf(' ');
                if (!line.startsWith("pdb ")) {
                    table.symbols.put(line.substring(space + 1), Long.parseLong(line.substring(0, space), 16));
                }
            }
            return table;
        }
    }
}
