package org.vadose.win32.crt;

import static org.vadose.win32.crt.StreamLocks.STANDARD_INPUT;
import static org.vadose.win32.crt.StreamLocks.locked;

import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ArgumentList;

/** The {@code scanf} family. */
final class ScanFunctions {
    private ScanFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("scanf", locked(STANDARD_INPUT, call -> scan(call, standard(call), 0, call.variadic(1), false)))
                .function(
                        "vscanf",
                        locked(
                                STANDARD_INPUT,
                                call -> scan(call, standard(call), 0, call.argumentsAt(call.arg(1)), false)))
                .function("fscanf", locked(0, call -> scan(call, stream(call), 1, call.variadic(2), false)))
                .function(
                        "vfscanf", locked(0, call -> scan(call, stream(call), 1, call.argumentsAt(call.arg(2)), false)))
                .function("sscanf", call -> scan(call, text(call, false), 1, call.variadic(2), false))
                .function("vsscanf", call -> scan(call, text(call, false), 1, call.argumentsAt(call.arg(2)), false))
                .function(
                        "wscanf", locked(STANDARD_INPUT, call -> scan(call, standard(call), 0, call.variadic(1), true)))
                .function("fwscanf", locked(0, call -> scan(call, stream(call), 1, call.variadic(2), true)))
                .function("swscanf", call -> scan(call, text(call, true), 1, call.variadic(2), true))
                .function("vswscanf", call -> scan(call, text(call, true), 1, call.argumentsAt(call.arg(2)), true));
    }

    private static long scan(
            ApiCall call, ScanFormat.Input input, int formatIndex, ArgumentList arguments, boolean wide) {
        String format = wide
                ? GuestText.wide(call.memory(), call.arg(formatIndex))
                : GuestText.ansi(call.memory(), call.arg(formatIndex));
        return new ScanFormat(call.memory(), input, arguments::next, wide).scan(format);
    }

    private static ScanFormat.Input standard(ApiCall call) {
        return of(StreamFunctions.standard(call, 0));
    }

    private static ScanFormat.Input stream(ApiCall call) {
        return of(StreamFunctions.stream(call, 0));
    }

    private static ScanFormat.Input of(FileStream stream) {
        return new ScanFormat.Input() {
            @Override
            public int next() {
                return stream.read();
            }

            @Override
            public void putBack(int c) {
                stream.unread(c);
            }
        };
    }

    private static ScanFormat.Input text(ApiCall call, boolean wide) {
        String text = wide ? GuestText.wide(call.memory(), call.arg(0)) : GuestText.ansi(call.memory(), call.arg(0));
        return new ScanFormat.Input() {
            private int at;

            @Override
            public int next() {
                return at < text.length() ? text.charAt(at++) : -1;
            }

            @Override
            public void putBack(int c) {
                at--;
            }
        };
    }
}
