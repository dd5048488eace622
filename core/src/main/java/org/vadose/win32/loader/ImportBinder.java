package org.vadose.win32.loader;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.pe.PeExports;
import org.vadose.pe.PeFormatException;
import org.vadose.pe.PeImports;

/** Fills import address tables, and finds exports through forwarders. */
final class ImportBinder {
    /** Windows gives up on no chain; a chain this long is a circle. */
    private static final int LONGEST_FORWARDER_CHAIN = 32;

    private final Memory memory;
    private final ImageWriter writer;
    private final MissingImports missing;
    private final ModuleSource modules;

    /** Finds or loads the DLLs that imports and forwarders name. */
    interface ModuleSource {
        /**
         * Host DLLs of an API set in order of preference; the DLL alone for any other name.
         *
         * @throws LoaderException when there is no such DLL
         */
        List<LoadedImage> candidates(String dllName, LoadedImage importer);
    }

    private record Slot(long rva, long value) {}

    ImportBinder(Memory memory, ImageWriter writer, MissingImports missing, ModuleSource modules) {
        this.memory = memory;
        this.writer = writer;
        this.missing = missing;
        this.modules = modules;
    }

    /**
     * Binds every import of the module, loading what it needs.
     *
     * @throws LoaderException when a DLL is missing, or a function of a DLL that is not built in
     */
    void bind(LoadedImage module) {
        for (PeImports.Module imported : module.image().imports()) {
            List<LoadedImage> candidates = modules.candidates(imported.dllName(), module);
            List<Slot> slots = new ArrayList<>();
            for (PeImports.Symbol symbol : imported) {
                slots.add(new Slot(symbol.slotRva(), resolve(candidates, symbol, imported.dllName(), module)));
            }
            if (!slots.isEmpty()) {
                write(module, slots);
            }
        }
    }

    private void write(LoadedImage module, List<Slot> slots) {
        long first = slots.getFirst().rva();
        long end = slots.getLast().rva() + Long.BYTES;
        writer.writable(module.base(), module.image(), first, end - first, () -> {
            for (Slot slot : slots) {
                memory.writeLong(module.base() + slot.rva(), slot.value());
            }
        });
    }

    private long resolve(List<LoadedImage> candidates, PeImports.Symbol symbol, String dllName, LoadedImage importer) {
        for (LoadedImage candidate : candidates) {
            long address = find(candidate, symbol.name(), symbol.ordinal());
            if (address != 0) {
                return address;
            }
        }
        LoadedImage host = candidates.getFirst();
        if (host.isBuiltin()) {
            return missing.stub(host.baseName().toLowerCase(Locale.ROOT), symbol.shown());
        }
        throw new LoaderException(
                symbol.name() == null ? NtStatus.ORDINAL_NOT_FOUND : NtStatus.ENTRYPOINT_NOT_FOUND,
                "%s needs %s!%s, which that DLL does not export".formatted(importer, dllName, symbol.shown()));
    }

    /**
     * The address of an export, forwarders followed; zero when there is none.
     *
     * @param name {@code null} to look for {@code ordinal}
     */
    long find(LoadedImage module, @Nullable String name, int ordinal) {
        LoadedImage at = module;
        String wanted = name;
        int number = ordinal;
        for (int hops = 0; hops < LONGEST_FORWARDER_CHAIN; hops++) {
            PeExports.Export export = lookUp(at, wanted, number);
            if (export == null) {
                return 0;
            }
            String forwarder = export.forwarder();
            if (forwarder == null) {
                return at.base() + export.rva();
            }
            int dot = forwarder.lastIndexOf('.');
            if (dot <= 0) {
                return 0;
            }
            String target = forwarder.substring(dot + 1);
            boolean byNumber = target.startsWith("#");
            wanted = byNumber ? null : target;
            number = byNumber ? parseOrdinal(target) : 0;
            at = forwardedTo(forwarder.substring(0, dot) + ".dll", at, wanted, number);
        }
        throw new LoaderException(
                NtStatus.ENTRYPOINT_NOT_FOUND,
                "forwarders of %s!%s go in a circle".formatted(module, name == null ? "#" + ordinal : name));
    }

    private LoadedImage forwardedTo(String dllName, LoadedImage from, @Nullable String name, int ordinal) {
        List<LoadedImage> candidates = modules.candidates(dllName, from);
        for (LoadedImage candidate : candidates) {
            if (lookUp(candidate, name, ordinal) != null) {
                return candidate;
            }
        }
        return candidates.getFirst();
    }

    private static int parseOrdinal(String target) {
        try {
            return Integer.parseInt(target.substring(1));
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private static PeExports.@Nullable Export lookUp(LoadedImage module, @Nullable String name, int ordinal) {
        PeExports exports = module.image().exports();
        if (exports == null) {
            return null;
        }
        try {
            return name == null ? exports.byOrdinal(ordinal) : exports.byName(name);
        } catch (PeFormatException e) {
            throw new LoaderException(e.status(), "%s: %s".formatted(module, e.getMessage()));
        }
    }

    /** {@code name} with {@code .dll} when it has no extension. */
    static String canonicalName(String name) {
        String base = name.substring(Math.max(name.lastIndexOf('\\'), name.lastIndexOf('/')) + 1);
        String whole = name;
        if (base.endsWith(".")) {
            whole = name.substring(0, name.length() - 1);
        } else if (base.indexOf('.') < 0) {
            whole = name + ".dll";
        }
        return whole;
    }
}
