package org.vadose.win32;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One built-in DLL as a list of exports: functions, data, forwarders. A later export of the same name replaces the earlier.
 * The loader turns it into a PE image; {@link ApiTable} gives its functions their stub numbers.
 */
public final class ApiModule {
    /** Names no ordinal: the image builder chooses one. */
    public static final int ANY_ORDINAL = -1;

    /** Fills a data export once its image is mapped. */
    @FunctionalInterface
    public interface DataInitializer {
        /** @param address where the export's bytes, so far zero, are in the process */
        void initialize(GuestProcess process, long address);
    }

    /** One exported name. */
    public sealed interface Export permits Function, Data, Forwarder {
        String name();

        /** The wished ordinal, or {@link #ANY_ORDINAL}. */
        int ordinal();
    }

    /**
     * A function in Java.
     *
     * @param serviceNumber the genuine system-service number of an {@code Nt} function, or -1
     */
    public record Function(String name, int ordinal, int serviceNumber, ApiFunction body) implements Export {
        public boolean isService() {
            return serviceNumber >= 0;
        }
    }

    /** A variable of {@code sizeBytes}, zero unless the initializer says otherwise. */
    public record Data(
            String name,
            int ordinal,
            int sizeBytes,
            @Nullable DataInitializer initializer) implements Export {}

    /** @param target {@code "NTDLL.RtlAllocateHeap"} */
    public record Forwarder(String name, int ordinal, String target) implements Export {}

    private final String name;
    private final Map<String, Export> exports = new LinkedHashMap<>();

    /** @param name file name, {@code "kernel32.dll"} */
    public ApiModule(String name) {
        this.name = name.toLowerCase(Locale.ROOT);
    }

    public String name() {
        return name;
    }

    public ApiModule function(String export, ApiFunction body) {
        return put(new Function(export, ANY_ORDINAL, -1, body));
    }

    public ApiModule function(String export, int ordinal, ApiFunction body) {
        return put(new Function(export, ordinal, -1, body));
    }

    /** A system service, under both of its names ({@code Nt} and {@code Zw}). */
    public ApiModule service(String ntName, int serviceNumber, ApiFunction body) {
        put(new Function(ntName, ANY_ORDINAL, serviceNumber, body));
        return put(new Function("Zw" + ntName.substring(2), ANY_ORDINAL, serviceNumber, body));
    }

    public ApiModule data(String export, int sizeBytes, @Nullable DataInitializer initializer) {
        return put(new Data(export, ANY_ORDINAL, sizeBytes, initializer));
    }

    public ApiModule forward(String export, String target) {
        return put(new Forwarder(export, ANY_ORDINAL, target));
    }

    /** Exports everything the other module exports, besides what is here already. */
    public ApiModule share(ApiModule other) {
        other.exports.values().forEach(e -> exports.putIfAbsent(e.name(), e));
        return this;
    }

    private ApiModule put(Export export) {
        exports.put(export.name(), export);
        return this;
    }

    public Collection<Export> exports() {
        return exports.values();
    }

    public @Nullable Export export(String exportName) {
        return exports.get(exportName);
    }

    public List<Function> functions() {
        List<Function> functions = new ArrayList<>();
        for (Export export : exports.values()) {
            if (export instanceof Function function) {
                functions.add(function);
            }
        }
        return functions;
    }
}
