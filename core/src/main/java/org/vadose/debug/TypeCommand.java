package org.vadose.debug;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.TypeDefinition;
import org.vadose.layout.TypeDefinition.Composite;
import org.vadose.layout.TypeDefinition.Enumeration;
import org.vadose.layout.TypeDefinition.Field;
import org.vadose.layout.TypeRef;
import org.vadose.layout.TypeTable;
import org.vadose.layout.Wildcard;

/** {@code dt}: types and values of types. */
final class TypeCommand {
    private static final int MAXIMUM_LIST = 4096;
    private static final int FULL_DEPTH = 8;

    private TypeCommand() {}

    static void register(CommandTable table) {
        table.add(
                "dt",
                "[-r[n] -b -c -v -y] [-l field] type [field ...] [address]",
                "Display a type, or a value of it",
                Argument.TYPE,
                TypeCommand::run);
    }

    /** A type of a module. */
    private record Found(String module, TypeTable types, TypeDefinition definition, boolean qualified) {}

    private static void run(Debugger debugger, String text) {
        int depth = 0;
        boolean blocks = false;
        boolean compact = false;
        boolean verbose = false;
        boolean prefix = false;
        String listField = null;
        String typeName = null;
        List<String> fields = new ArrayList<>();
        Arguments words = new Arguments(text);
        List<String> plain = new ArrayList<>();
        while (words.hasNext()) {
            String word = words.next();
            if (word.matches("-r\\d*")) {
                depth = word.length() == 2 ? FULL_DEPTH : Integer.parseInt(word.substring(2));
            } else if (word.matches("-[bcv]+")) {
                blocks |= word.indexOf('b') > 0;
                compact |= word.indexOf('c') > 0;
                verbose |= word.indexOf('v') > 0;
            } else if (word.equals("-y")) {
                prefix = true;
                if (words.hasNext()) {
                    fields.add(words.next());
                }
            } else if (word.equals("-l")) {
                listField = words.next();
            } else if (!word.matches("-[a-z]")) {
                plain.add(word);
            }
        }
        if (plain.isEmpty()) {
            throw new CommandException("usage: dt [-r[n] -b -c -v -y] [-l field] type [field ...] [address]");
        }
        typeName = plain.getFirst();
        List<String> rest = plain.subList(1, plain.size());
        if (find(debugger, typeName) == null && rest.size() == 1 && find(debugger, rest.getFirst()) != null) {
            // "dt address type" is as good as "dt type address".
            typeName = rest.getFirst();
            rest = List.of(plain.getFirst());
        }
        if (new Wildcard(typeName).isPattern() && rest.isEmpty()) {
            list(debugger, typeName);
            return;
        }
        Found found = find(debugger, typeName);
        if (found == null) {
            symbol(debugger, typeName);
            return;
        }
        Long address = null;
        for (String word : rest) {
            if (address == null && !isField(found.definition(), word, prefix)) {
                address = debugger.evaluate(word);
            } else {
                fields.add(word);
            }
        }
        TypePrinter printer = new TypePrinter(
                debugger.out(),
                found.types(),
                debugger.memory(),
                new TypePrinter.Options(depth, blocks, compact, verbose, prefix));
        print(debugger, found, printer, fields, address, verbose, listField);
    }

    private static void print(
            Debugger debugger,
            Found found,
            TypePrinter printer,
            List<String> fields,
            @Nullable Long address,
            boolean verbose,
            @Nullable String listField) {
        switch (found.definition()) {
            case Enumeration enumeration -> enumeration(debugger, found, enumeration, address);
            case Composite composite -> {
                if (!found.qualified()) {
                    debugger.out().line(found.module() + "!" + composite.name());
                }
                if (verbose) {
                    debugger.out().line(TypePrinter.describe(composite));
                }
                if (listField != null && address != null) {
                    walk(debugger, found, printer, composite, fields, address, listField);
                } else {
                    String summary =
                            address == null || !fields.isEmpty() ? null : printer.wellKnown(composite.name(), address);
                    if (summary != null) {
                        debugger.out().line(" " + summary);
                    }
                    printer.fields(composite, address, fields);
                }
            }
        }
    }

    private static void enumeration(Debugger debugger, Found found, Enumeration enumeration, @Nullable Long address) {
        if (!found.qualified()) {
            debugger.out().line(found.module() + "!" + enumeration.name());
        }
        if (address != null) {
            long value = enumeration.sizeBytes() == 4
                    ? debugger.memory().readInt(address)
                    : debugger.memory().readUnsignedByte(address);
            String name = enumeration.nameOf(value);
            debugger.out().line(Hex.plain(value) + " ( " + (name == null ? "No matching name" : name) + " )");
            return;
        }
        for (TypeDefinition.Constant constant : enumeration.constants()) {
            debugger.out().line("   " + TypePrinter.pad(constant.name(), 16) + " = 0n" + constant.value());
        }
    }

    /** {@code -l}: the value at the address and those its list field leads to. */
    private static void walk(
            Debugger debugger,
            Found found,
            TypePrinter printer,
            Composite type,
            List<String> fields,
            long address,
            String listField) {
        String[] path = listField.split("\\.", 2);
        Field field = type.find(path[0]);
        if (field == null) {
            throw new CommandException("Cannot find list field " + listField + " in " + type.name());
        }
        boolean linked = field.type() instanceof TypeRef.Named named
                && (named.name().equals("_LIST_ENTRY") || named.name().equals("_SINGLE_LIST_ENTRY"));
        long back = linked ? field.offset() : 0;
        Set<Long> seen = new HashSet<>();
        long at = address;
        while (at != 0 && seen.size() < MAXIMUM_LIST && seen.add(at)) {
            debugger.out().line("dt " + found.module() + "!" + type.name() + " " + Hex.ticked(at));
            printer.fields(type, at, fields);
            debugger.out().line();
            long next = debugger.memory().readLong(at + field.offset());
            at = next == 0 ? 0 : next - back;
        }
    }

    private static boolean isField(TypeDefinition definition, String word, boolean prefix) {
        if (!(definition instanceof Composite composite)) {
            return false;
        }
        String first = word.split("[.]|->", 2)[0];
        Wildcard wanted = new Wildcard(prefix ? first + "*" : first);
        return composite.fields().stream().anyMatch(f -> wanted.matches(f.name()));
    }

    private static void list(Debugger debugger, String pattern) {
        int bang = pattern.indexOf('!');
        String module = bang < 0 ? "*" : pattern.substring(0, bang);
        boolean any = false;
        for (String name : List.of("nt", "ntdll")) {
            if (!new Wildcard(module).matches(name)) {
                continue;
            }
            TypeTable types = name.equals("nt") ? TypeTable.kernel() : TypeTable.ntdll();
            for (String line : TypePrinter.list(name, types, pattern.substring(bang + 1))) {
                debugger.out().line(line);
                any = true;
            }
        }
        if (!any) {
            throw new CommandException("No type matches " + pattern);
        }
    }

    /**
     * How a structure names the next of its list.
     *
     * @param offset of the pointer in the structure
     * @param leadsToLink whether it leads to the same place in the next structure, as a {@code _LIST_ENTRY}'s do, or to its start
     */
    record Link(long offset, boolean leadsToLink) {}

    /** {@code nt!_EPROCESS.ActiveProcessLinks.Flink}. */
    static Link link(String name) {
        String[] parts = name.substring(name.indexOf('!') + 1).split("\\.");
        TypeTable types = name.startsWith("ntdll!") ? TypeTable.ntdll() : TypeTable.kernel();
        long offset = 0;
        TypeDefinition definition = types.find(parts[0]);
        boolean links = false;
        for (int i = 1; i < parts.length; i++) {
            Field field = definition instanceof Composite composite ? composite.find(parts[i]) : null;
            if (field == null) {
                throw new CommandException("Cannot find field '" + parts[i] + "' of " + name);
            }
            offset += field.offset();
            String type = field.type() instanceof TypeRef.Named named ? named.name() : "";
            links |= type.equals("_LIST_ENTRY");
            definition = types.find(type);
        }
        links |= parts[0].equals("_LIST_ENTRY");
        return new Link(offset, links);
    }

    private static @Nullable Found find(Debugger debugger, String name) {
        int bang = name.indexOf('!');
        String type = name.substring(bang + 1);
        if (type.matches("(?i)(struct|union|class|enum)")) {
            return null;
        }
        List<String> modules = bang < 0 ? List.of("nt", "ntdll") : List.of(name.substring(0, bang));
        for (String module : modules) {
            TypeTable types = switch (module.toLowerCase(Locale.ROOT)) {
                case "nt", "ntkrnlmp", "ntoskrnl" -> TypeTable.kernel();
                case "ntdll" -> TypeTable.ntdll();
                default -> null;
            };
            TypeDefinition definition = types == null ? null : types.find(type);
            if (types != null && definition != null) {
                return new Found(types == TypeTable.kernel() ? "nt" : "ntdll", types, definition, bang >= 0);
            }
        }
        return null;
    }

    private static void symbol(Debugger debugger, String name) {
        ModuleTable.Place place = debugger.modules().findSymbol(name);
        if (place == null) {
            throw new CommandException("Symbol " + name + " not found.");
        }
        debugger.out().line("Symbol " + place.name() + " has no type information.");
    }
}
