package org.vadose.debug;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.SymbolTable.Symbol;
import org.vadose.layout.Wildcard;

/** {@code lm x ln}: modules and symbols. */
final class ModuleCommands {
    private ModuleCommands() {}

    static void register(CommandTable table) {
        table.add("lm", "[m pattern] [a address]", "List loaded modules", Argument.EXPRESSION, ModuleCommands::list);
        table.add("x", "module!pattern", "Examine symbols", Argument.EXPRESSION, ModuleCommands::examine);
        table.add("ln", "address", "List nearest symbols", Argument.EXPRESSION, ModuleCommands::nearest);
    }

    private static void list(Debugger debugger, String text) {
        Arguments words = new Arguments(text);
        Wildcard pattern = new Wildcard("*");
        Long address = null;
        while (words.hasNext()) {
            switch (words.next()) {
                case "m" -> pattern = new Wildcard(words.next());
                case "a" -> address = debugger.evaluate(words.next());
                default -> throw new CommandException("usage: lm [m pattern] [a address]");
            }
        }
        Printer out = debugger.out();
        out.line("start             end                 module name");
        for (Module module : debugger.modules().all()) {
            if (pattern.matches(module.name()) && (address == null || module.contains(address))) {
                out.line(Hex.ticked(module.base()) + " " + Hex.ticked(module.end()) + "   "
                        + TypePrinter.pad(module.name(), 8) + "   " + status(module));
            }
        }
    }

    private static String status(Module module) {
        return switch (module.symbolKind()) {
            case DEFERRED -> "(deferred)             ";
            case PDB ->
                TypePrinter.pad("(pdb symbols)", 23)
                        + module.symbols().identity().file();
            case EXPORT, NONE -> TypePrinter.pad(module.symbolKind().text(), 23) + module.path();
        };
    }

    private static void examine(Debugger debugger, String text) {
        int bang = text.indexOf('!');
        Wildcard modules = new Wildcard(bang < 0 ? "*" : text.substring(0, bang).strip());
        Wildcard names = new Wildcard(text.substring(bang + 1).strip());
        if (names.pattern().isEmpty()) {
            throw new CommandException("usage: x module!pattern");
        }
        boolean known = false;
        for (Module module : debugger.modules().all()) {
            if (!modules.matches(module.name())) {
                continue;
            }
            known = true;
            Symbol exact = names.isPattern() ? null : module.symbols().find(names.pattern());
            for (Symbol symbol : exact == null ? module.symbols().matching(names) : List.of(exact)) {
                debugger.out()
                        .line(Hex.ticked(module.base() + symbol.rva()) + " " + module.name() + "!" + symbol.name()
                                + " = <no type information>");
            }
        }
        if (!known) {
            throw new CommandException("Couldn't resolve '" + text + "'");
        }
    }

    private static void nearest(Debugger debugger, String text) {
        long address = debugger.evaluate(text);
        ModuleTable.Place place = debugger.modules().nearest(address);
        if (place == null) {
            return;
        }
        Symbol after = place.module().symbols().above(address - place.module().base());
        Printer out = debugger.out();
        long offset = address - place.address();
        String here = "(" + Hex.ticked(place.address()) + ")   " + place.name()
                + (offset == 0 ? "" : "+0x" + Hex.plain(offset));
        out.line(here + next(place.module(), after));
        if (offset == 0) {
            out.line("Exact matches:");
            out.line("    " + place.name() + " = <no type information>");
        }
    }

    private static String next(Module module, @Nullable Symbol after) {
        return after == null
                ? ""
                : "   |  (" + Hex.ticked(module.base() + after.rva()) + ")   " + module.name() + "!" + after.name();
    }
}
