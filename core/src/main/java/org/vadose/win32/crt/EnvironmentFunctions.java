package org.vadose.win32.crt;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.layout.RtlUserProcessParametersLayout;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * {@code getenv}, {@code _putenv} and the tables {@code _environ} and {@code _wenviron}, which start as copies of the process's
 * environment block and then live their own lives, as in the genuine library.
 */
final class EnvironmentFunctions {
    private static final String NARROW = "_environ";
    private static final String WIDE = "_wenviron";

    private EnvironmentFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("getenv", call -> get(call, false))
                .function("_wgetenv", call -> get(call, true))
                .function("_putenv", call -> put(call, GuestText.ansi(call.memory(), call.arg(0))))
                .function("putenv", call -> put(call, GuestText.ansi(call.memory(), call.arg(0))))
                .function("_wputenv", call -> put(call, GuestText.wide(call.memory(), call.arg(0))))
                .function("_putenv_s", EnvironmentFunctions::putSafely)
                .function("getenv_s", EnvironmentFunctions::getSafely);
    }

    /** The table of this width, made from the environment block if there is none yet. */
    static long table(ApiCall call, boolean wide) {
        CrtState crt = CrtState.of(call);
        Memory memory = call.memory();
        long variable = crt.variable(wide ? WIDE : NARROW);
        if (memory.readLong(variable) == 0) {
            memory.writeLong(variable, StartupFunctions.table(crt, block(call), wide));
        }
        return memory.readLong(variable);
    }

    private static List<String> block(ApiCall call) {
        List<String> variables = new ArrayList<>();
        long at = call.memory()
                .readLong(StartupFunctions.parameters(call.process()) + RtlUserProcessParametersLayout.ENVIRONMENT);
        while (at != 0) {
            String text = GuestText.wide(call.memory(), at);
            if (text.isEmpty()) {
                break;
            }
            // Names that begin with an equals sign are the current directories of drives.
            if (text.charAt(0) != '=') {
                variables.add(text);
            }
            at += 2L * text.length() + 2;
        }
        return variables;
    }

    private static String text(ApiCall call, long at, boolean wide) {
        return wide ? GuestText.wide(call.memory(), at) : GuestText.ansi(call.memory(), at);
    }

    /** Where in the table a name's pointer is, or 0. */
    private static long find(ApiCall call, String name, boolean wide) {
        String start = name.toUpperCase(Locale.ROOT) + "=";
        for (long slot = table(call, wide); call.memory().readLong(slot) != 0; slot += 8) {
            String entry = text(call, call.memory().readLong(slot), wide);
            if (entry.regionMatches(true, 0, start, 0, start.length())) {
                return slot;
            }
        }
        return 0;
    }

    private static long get(ApiCall call, boolean wide) {
        String name = text(call, call.arg(0), wide);
        long slot = find(call, name, wide);
        return slot == 0 ? 0 : call.memory().readLong(slot) + (name.length() + 1L) * (wide ? 2 : 1);
    }

    static @Nullable String value(ApiCall call, String name) {
        long slot = find(call, name, false);
        return slot == 0
                ? null
                : text(call, call.memory().readLong(slot), false).substring(name.length() + 1);
    }

    private static long put(ApiCall call, String assignment) {
        int equals = assignment.indexOf('=');
        if (equals <= 0) {
            return CrtState.fail(call, CrtState.EINVAL);
        }
        set(call, assignment, equals, false);
        String value = assignment.substring(equals + 1);
        int lastError = call.lastError();
        org.vadose.win32.kernel32.EnvironmentFunctions.set(
                call, assignment.substring(0, equals), value.isEmpty() ? null : value);
        call.setLastError(lastError);
        if (call.memory().readLong(CrtState.of(call).variable(WIDE)) != 0) {
            set(call, assignment, equals, true);
        }
        return 0;
    }

    private static void set(ApiCall call, String assignment, int equals, boolean wide) {
        CrtState crt = CrtState.of(call);
        Memory memory = call.memory();
        long slot = find(call, assignment.substring(0, equals), wide);
        boolean removes = equals == assignment.length() - 1;
        if (removes) {
            for (; slot != 0 && memory.readLong(slot) != 0; slot += 8) {
                memory.writeLong(slot, memory.readLong(slot + 8));
            }
            return;
        }
        long text = wide ? crt.allocateWide(assignment) : crt.allocateAnsi(assignment);
        if (slot != 0) {
            memory.writeLong(slot, text);
            return;
        }
        long variable = crt.variable(wide ? WIDE : NARROW);
        long old = memory.readLong(variable);
        int count = 0;
        while (memory.readLong(old + 8L * count) != 0) {
            count++;
        }
        // The old table stays: the program's main may still hold it.
        long longer = crt.allocate(8L * (count + 2));
        memory.write(longer, memory.read(old, 8 * count));
        memory.writeLong(longer + 8L * count, text);
        memory.writeLong(variable, longer);
    }

    private static long putSafely(ApiCall call) {
        String name = GuestText.ansi(call.memory(), call.arg(0));
        return put(call, name + "=" + GuestText.ansi(call.memory(), call.arg(1))) == 0 ? 0 : CrtState.EINVAL;
    }

    private static long getSafely(ApiCall call) {
        String value = value(call, GuestText.ansi(call.memory(), call.arg(3)));
        long needed = value == null ? 0 : value.length() + 1L;
        call.memory().writeLong(call.arg(0), needed);
        if (value != null && needed > call.arg(2)) {
            return CrtState.ERANGE;
        }
        if (call.arg(1) != 0 && call.arg(2) > 0) {
            GuestText.writeAnsi(call.memory(), call.arg(1), value == null ? "" : value);
        }
        return 0;
    }
}
