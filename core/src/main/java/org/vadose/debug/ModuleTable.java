package org.vadose.debug;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.LdrDataTableEntryLayout;
import org.vadose.layout.PebLayout;
import org.vadose.layout.PebLdrDataLayout;
import org.vadose.layout.SymbolTable;
import org.vadose.nt.ListEntry;
import org.vadose.nt.LoadedModule;
import org.vadose.nt.UnicodeString;
import org.vadose.target.Target;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/**
 * The images that give names to addresses: the kernel's modules and those of one process. The lists are read again after
 * {@link #forget()}; symbols of a module that stays where it was are kept.
 */
public final class ModuleTable {
    private static final int MAXIMUM_MODULES = 4096;
    /** No symbol names an address that lies further behind it. */
    private static final long FARTHEST = 0x10_0000;

    private final Target target;
    private final Map<String, Module> known = new HashMap<>();
    private @Nullable List<Module> kernelModules;
    private @Nullable List<Module> userModules;
    private TargetMemory userMemory;
    private long peb;

    ModuleTable(Target target) {
        this.target = target;
        this.userMemory = target.kernel();
    }

    /** Looks at the user modules of another process from now on. */
    void setProcess(TargetMemory memory, long pebAddress) {
        userMemory = memory;
        peb = pebAddress;
        userModules = null;
    }

    void forget() {
        // Pages that were not there may be by now.
        known.values().removeIf(module -> module.symbolKind() == Module.SymbolKind.NONE);
        kernelModules = null;
        userModules = null;
    }

    /** In load order; the kernel alone if the list cannot be read. */
    public List<Module> kernelModules() {
        List<Module> modules = kernelModules;
        if (modules == null) {
            modules = readKernelModules();
            kernelModules = modules;
        }
        return modules;
    }

    /** Modules of the current process in load order, the program first. */
    public List<Module> userModules() {
        List<Module> modules = userModules;
        if (modules == null) {
            modules = readUserModules();
            userModules = modules;
        }
        return modules;
    }

    public List<Module> all() {
        List<Module> modules = new ArrayList<>(kernelModules());
        modules.addAll(userModules());
        return modules;
    }

    private List<Module> readKernelModules() {
        List<Module> modules = new ArrayList<>();
        TargetMemory memory = target.kernel();
        try {
            ListEntry head = new ListEntry(memory, target.kernelAddress(KernelSymbols.PS_LOADED_MODULE_LIST));
            for (long entry : Lists.readable(head, MAXIMUM_MODULES)) {
                LoadedModule module = new LoadedModule(memory, entry);
                boolean kernel = module.base() == target.kernelBase();
                modules.add(module(
                        kernel ? "nt" : stem(text(module, false)),
                        text(module, true),
                        module.base(),
                        module.sizeBytes(),
                        memory));
            }
        } catch (UnreadableMemoryException e) {
            // The modules read so far are what there is.
        }
        if (target.kernelBase() != 0 && modules.stream().noneMatch(m -> m.base() == target.kernelBase())) {
            modules.addFirst(module("nt", "", target.kernelBase(), 0x104_6000, memory));
        }
        return modules;
    }

    private static String text(LoadedModule module, boolean full) {
        try {
            return full ? module.fullName() : module.baseName();
        } catch (UnreadableMemoryException e) {
            return Hex.plain(module.base());
        }
    }

    private List<Module> readUserModules() {
        List<Module> modules = new ArrayList<>();
        if (peb == 0) {
            return modules;
        }
        try {
            long loader = userMemory.readLong(peb + PebLayout.LDR);
            ListEntry head = new ListEntry(userMemory, loader + PebLdrDataLayout.IN_LOAD_ORDER_MODULE_LIST);
            for (long entry : Lists.readable(head, MAXIMUM_MODULES)) {
                long at = entry - LdrDataTableEntryLayout.IN_LOAD_ORDER_LINKS;
                modules.add(module(
                        stem(new UnicodeString(userMemory, at + LdrDataTableEntryLayout.BASE_DLL_NAME).text()),
                        new UnicodeString(userMemory, at + LdrDataTableEntryLayout.FULL_DLL_NAME).text(),
                        userMemory.readLong(at + LdrDataTableEntryLayout.DLL_BASE),
                        userMemory.readUnsignedInt(at + LdrDataTableEntryLayout.SIZE_OF_IMAGE),
                        userMemory));
            }
        } catch (UnreadableMemoryException e) {
            // A process that has not started has no loader data yet.
        }
        return modules;
    }

    private Module module(String name, String path, long base, long size, TargetMemory memory) {
        return known.computeIfAbsent(
                name + "@" + base + "@" + memory.root(), k -> new Module(name, path, base, size, memory));
    }

    /** File name without folders and extension, blanks as underscores, as debuggers name modules. */
    private static String stem(String file) {
        String name = file.substring(file.lastIndexOf('\\') + 1);
        int dot = name.lastIndexOf('.');
        return (dot > 0 ? name.substring(0, dot) : name).replaceAll("[^A-Za-z0-9_]", "_");
    }

    /** By name without regard to case; {@code ntkrnlmp} and {@code ntoskrnl} are {@code nt}. */
    public @Nullable Module find(String name) {
        String wanted = switch (name.toLowerCase(Locale.ROOT)) {
            case "ntkrnlmp", "ntoskrnl" -> "nt";
            default -> name;
        };
        for (Module module : all()) {
            if (module.name().equalsIgnoreCase(wanted)) {
                return module;
            }
        }
        return null;
    }

    public @Nullable Module containing(long address) {
        for (Module module : all()) {
            if (module.contains(address)) {
                return module;
            }
        }
        return null;
    }

    /** A symbol in a module. */
    public record Place(Module module, SymbolTable.Symbol symbol) {
        public long address() {
            return module.base() + symbol.rva();
        }

        /** {@code nt!PsActiveProcessHead}. */
        public String name() {
            return module.name() + "!" + symbol.name();
        }
    }

    /** {@code module!symbol}, or a symbol of any module, the kernel's first. */
    public @Nullable Place findSymbol(String name) {
        int bang = name.indexOf('!');
        if (bang > 0) {
            Module module = find(name.substring(0, bang));
            SymbolTable.Symbol symbol = module == null ? null : module.symbols().find(name.substring(bang + 1));
            return module == null || symbol == null ? null : new Place(module, symbol);
        }
        for (Module module : all()) {
            SymbolTable.Symbol symbol = module.symbols().find(name);
            if (symbol != null) {
                return new Place(module, symbol);
            }
        }
        return null;
    }

    /** The last symbol at or before an address in the same module. */
    public @Nullable Place nearest(long address) {
        Module module = containing(address);
        if (module == null) {
            return null;
        }
        SymbolTable.Symbol symbol = module.symbols().atOrBelow(address - module.base());
        return symbol == null ? null : new Place(module, symbol);
    }

    /** {@code nt!KeBugCheckEx+0x10}, {@code hello+0x1234}, or null outside every module. */
    public @Nullable String nameOf(long address) {
        Place place = nearest(address);
        if (place != null && address - place.address() < FARTHEST) {
            return withOffset(place.name(), address - place.address());
        }
        Module module = containing(address);
        return module == null ? null : withOffset(module.name(), address - module.base());
    }

    private static String withOffset(String name, long offset) {
        return offset == 0 ? name : name + "+0x" + Hex.plain(offset);
    }
}
