package org.vadose.win32.loader;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.pe.DllSkeleton;
import org.vadose.pe.StubDllBuilder;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ApiTable;

/** The built-in DLLs as image files, made when first asked for. */
public final class BuiltinDlls {
    private static final String NTDLL = "ntdll.dll";
    private static final String KERNEL32 = "kernel32.dll";

    private final ApiTable table;
    private final Map<String, StubDllBuilder.Built> built = new HashMap<>();

    public BuiltinDlls(ApiTable table) {
        this.table = table;
    }

    public ApiTable table() {
        return table;
    }

    /** File names with extension, lower case. */
    public List<String> names() {
        List<String> names = new ArrayList<>();
        table.modules().forEach(module -> names.add(module.name()));
        return names;
    }

    /** Whether this machine brings a DLL of this file name along, in any case. */
    public boolean has(String dllName) {
        return table.module(dllName) != null;
    }

    /** The image file; {@code null} when there is no such DLL. */
    public byte @Nullable [] file(String dllName) {
        StubDllBuilder.Built image = image(dllName);
        return image == null ? null : image.file();
    }

    /** The image with the places of its names; {@code null} when there is no such DLL. */
    public synchronized StubDllBuilder.@Nullable Built image(String dllName) {
        String name = dllName.toLowerCase(Locale.ROOT);
        ApiModule module = table.module(name);
        if (module == null) {
            return null;
        }
        return built.computeIfAbsent(name, n -> build(module));
    }

    private StubDllBuilder.Built build(ApiModule module) {
        boolean isNtdll = module.name().equals(NTDLL);
        StubDllBuilder builder = new StubDllBuilder(module.name(), isNtdll ? DllSkeleton.ntdll() : null);
        for (ApiModule.Export export : module.exports()) {
            int ordinal = export.ordinal() == ApiModule.ANY_ORDINAL ? StubDllBuilder.ANY_ORDINAL : export.ordinal();
            // No pattern switch: bootstrapping one costs a good part of the time a machine takes to start.
            if (export instanceof ApiModule.Function function) {
                builder.stub(function.name(), ordinal, table.numberOf(module, function));
            } else if (export instanceof ApiModule.Data data) {
                builder.data(data.name(), ordinal, data.sizeBytes());
            } else if (export instanceof ApiModule.Forwarder forwarder) {
                builder.forward(forwarder.name(), ordinal, forwarder.target());
            }
        }
        if (isNtdll) {
            NtdllCode.addTo(builder, name -> table.missingImport(NTDLL, name));
            NtdllCode.addBreakpoint(builder, "DbgBreakPoint");
        } else if (module.name().equals(KERNEL32)) {
            NtdllCode.addBaseThreadInitThunk(builder);
        }
        if (module.name().startsWith("kernel")) {
            NtdllCode.addBreakpoint(builder, "DebugBreak");
        }
        return builder.build();
    }
}
