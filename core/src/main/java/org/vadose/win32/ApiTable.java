package org.vadose.win32;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All functions a guest can reach, by the number its stub loads into EAX: a genuine system-service number, or
 * {@link #FIRST_NUMBER} plus an index for everything else, imports that nobody implements included.
 */
public final class ApiTable {
    /** Above every genuine number: services take 12 bits and two bits of table. */
    public static final int FIRST_NUMBER = 0x10000;

    /**
     * What a number leads to.
     *
     * @param body what runs; absent for an import that nobody implements
     */
    public record Entry(
            int number,
            String module,
            String name,
            @Nullable ApiFunction body) {
        public boolean isService() {
            return number < FIRST_NUMBER;
        }

        /** {@code kernel32!VirtualAlloc}. */
        @Override
        public String toString() {
            int dot = module.lastIndexOf('.');
            return (dot > 0 ? module.substring(0, dot) : module) + "!" + name;
        }
    }

    private final Map<String, ApiModule> modules = new LinkedHashMap<>();
    private final List<Entry> functions = new ArrayList<>();
    private final Map<Integer, Entry> services = new HashMap<>();
    private final Map<ApiModule.Function, Integer> numbers = new HashMap<>();
    private final Map<String, Integer> missing = new HashMap<>();

    public ApiTable add(ApiModule module) {
        modules.put(module.name(), module);
        for (ApiModule.Function function : module.functions()) {
            numberOf(module, function);
        }
        return this;
    }

    /** The stub number of a module's function; the same function shared by two modules has one. */
    public int numberOf(ApiModule module, ApiModule.Function function) {
        if (function.isService()) {
            services.putIfAbsent(
                    function.serviceNumber(),
                    new Entry(function.serviceNumber(), module.name(), function.name(), function.body()));
            return function.serviceNumber();
        }
        return numbers.computeIfAbsent(function, f -> append(module.name(), f.name(), f.body()));
    }

    /** The stub number that reports a call of this import, which no module exports. */
    public int missingImport(String module, String name) {
        return missing.computeIfAbsent(module.toLowerCase(Locale.ROOT) + "!" + name, key -> append(module, name, null));
    }

    private int append(String module, String name, @Nullable ApiFunction body) {
        int number = FIRST_NUMBER + functions.size();
        functions.add(new Entry(number, module, name, body));
        return number;
    }

    /** What this number leads to, or null when no stub has it. */
    public @Nullable Entry entry(int number) {
        int index = number - FIRST_NUMBER;
        if (index >= 0) {
            return index < functions.size() ? functions.get(index) : null;
        }
        return services.get(number);
    }

    /** @param name file name with extension, any case */
    public @Nullable ApiModule module(String name) {
        return modules.get(name.toLowerCase(Locale.ROOT));
    }

    public Collection<ApiModule> modules() {
        return modules.values();
    }
}
