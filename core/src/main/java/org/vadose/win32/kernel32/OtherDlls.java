package org.vadose.win32.kernel32;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.SeededRandom;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ApiTable;
import org.vadose.win32.ConsoleEvents;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.crt.UserFormat;
import org.vadose.win32.loader.Loader;

/**
 * DLLs that every Windows has and of which this machine implements little or nothing: a program that needs one loads, and hears
 * what is missing when it calls it.
 */
public final class OtherDlls {
    private static final List<String> EMPTY = List.of(
            "gdi32.dll",
            "gdi32full.dll",
            "ws2_32.dll",
            "wsock32.dll",
            "mswsock.dll",
            "ole32.dll",
            "oleaut32.dll",
            "combase.dll",
            "comctl32.dll",
            "comdlg32.dll",
            "shlwapi.dll",
            "crypt32.dll",
            "rpcrt4.dll",
            "iphlpapi.dll",
            "dbghelp.dll",
            "imagehlp.dll",
            "secur32.dll",
            "setupapi.dll",
            "userenv.dll",
            "wininet.dll",
            "winhttp.dll",
            "wtsapi32.dll",
            "mpr.dll",
            "netapi32.dll",
            "dnsapi.dll",
            "uxtheme.dll",
            "dwmapi.dll",
            "imm32.dll",
            "msimg32.dll",
            "winspool.drv",
            "opengl32.dll",
            "version.dll",
            "normaliz.dll",
            "powrprof.dll",
            "wldap32.dll",
            "credui.dll",
            "urlmon.dll",
            "avrt.dll",
            "hid.dll",
            "ncrypt.dll",
            "sechost.dll",
            "cfgmgr32.dll",
            "dxgi.dll",
            "d3d11.dll",
            "d3d9.dll",
            "dsound.dll",
            "xinput1_4.dll");

    private static final int FILE_NOT_FOUND = 2;
    private static final String USER = "user";

    private static final int INVALID_HANDLE = 6;
    private static final int INVALID_WINDOW = 1400;

    private static final int DESKTOP = 0x1_0010;
    private static final int HIDE = 0;

    /** HKEY_CLASSES_ROOT to HKEY_CURRENT_USER_LOCAL_SETTINGS: all the keys that there are. */
    private static final int FIRST_ROOT = 0x8000_0000;

    private static final int ROOTS = 7;

    /** In milliseconds. */
    private static final int LONGEST_PERIOD = 1_000_000;

    private static final int NO_SUCH_PERIOD = 97;

    private OtherDlls() {}

    public static void addTo(ApiTable table) {
        for (String name : EMPTY) {
            table.add(new ApiModule(name));
        }
        table.add(user32()).add(shell32()).add(winmm());
        table.add(new ApiModule("bcrypt.dll")
                .function("BCryptGenRandom", call -> random(call, call.arg(1), call.unsignedIntArg(2), 0)));
    }

    private static ApiModule user32() {
        ApiModule user32 = new ApiModule("user32.dll");
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            user32.function("MessageBox" + letter, call -> messageBox(call, wide))
                    .function("wsprintf" + letter, call -> UserFormat.print(call, call.variadic(2), wide))
                    .function("wvsprintf" + letter, call -> UserFormat.print(call, call.argumentsAt(call.arg(2)), wide))
                    .function("CharUpper" + letter, call -> changeCase(call, wide, true))
                    .function("CharLower" + letter, call -> changeCase(call, wide, false));
        }
        return user32.function("GetSystemMetrics", call -> 0)
                .function("GetDesktopWindow", call -> DESKTOP)
                .function("GetActiveWindow", call -> 0)
                .function("GetForegroundWindow", call -> 0)
                .function("IsWindow", call -> isConsole(call) || call.arg(0) == DESKTOP ? 1 : call.fail(INVALID_WINDOW))
                .function(
                        "IsWindowVisible",
                        call -> isConsole(call) && call.process().console().isShown() ? 1 : 0)
                .function("ShowWindow", OtherDlls::showWindow)
                .function("MessageBeep", OtherDlls::messageBeep)
                .function("GetKeyState", call -> 0)
                .function("GetAsyncKeyState", call -> 0);
    }

    /** The only window of a program is that of its console. */
    private static boolean isConsole(ApiCall call) {
        return call.arg(0) == GuestConsole.WINDOW
                && ConsoleEvents.of(call.process()).console() != 0;
    }

    /** Whether it was seen before. */
    private static long showWindow(ApiCall call) {
        if (!isConsole(call)) {
            return call.fail(INVALID_WINDOW);
        }
        GuestConsole console = call.process().console();
        boolean before = console.isShown();
        console.setShown(call.intArg(1) != HIDE);
        return before ? 1 : 0;
    }

    private static long messageBeep(ApiCall call) {
        call.process().console().beep();
        return 1;
    }

    /** Nobody sees windows here: the text goes where errors go, and the answer is the first button. */
    private static long messageBox(ApiCall call, boolean wide) {
        call.process()
                .console()
                .report(Texts.readOrEmpty(call, call.arg(2), wide) + ": " + Texts.readOrEmpty(call, call.arg(1), wide));
        return switch (call.intArg(3) & 0xF) {
            case 2 -> 3;
            case 3, 4 -> 6;
            case 5 -> 2;
            default -> 1;
        };
    }

    /** A text, or, with the upper bits zero, one character. */
    private static long changeCase(ApiCall call, boolean wide, boolean upper) {
        long at = call.arg(0);
        if (at >>> 16 == 0) {
            char c = (char) at;
            return upper ? Character.toUpperCase(c) : Character.toLowerCase(c);
        }
        String text = Texts.readOrEmpty(call, at, wide);
        StringBuilder changed = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            changed.append(upper ? Character.toUpperCase(c) : Character.toLowerCase(c));
        }
        Texts.write(call, at, changed.toString(), wide);
        return at;
    }

    /** Adds to {@code advapi32.dll} who the user is, an empty registry, random numbers. */
    public static void addToAdvapi32(ApiModule advapi32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            advapi32.function("GetUserName" + letter, call -> userName(call, wide))
                    .function("RegOpenKey" + letter, call -> FILE_NOT_FOUND)
                    .function("RegOpenKeyEx" + letter, call -> FILE_NOT_FOUND)
                    .function("RegQueryValueEx" + letter, call -> FILE_NOT_FOUND);
        }
        advapi32.function("RegCloseKey", call -> (call.intArg(0) & ~ROOTS) == FIRST_ROOT ? 0 : INVALID_HANDLE)
                .function("SystemFunction036", call -> random(call, call.arg(0), call.unsignedIntArg(1), 1));
    }

    private static long userName(ApiCall call, boolean wide) {
        long room = call.memory().readUnsignedInt(call.arg(1));
        call.memory().writeInt(call.arg(1), USER.length() + 1);
        if (room <= USER.length()) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        Texts.write(call, call.arg(0), USER, wide);
        return 1;
    }

    /** Random bytes that are the same in every run of the same seed. */
    private static long random(ApiCall call, long target, long bytes, long result) {
        SeededRandom random = call.process()
                .part(SeededRandom.class, p -> SeededRandom.of(p.processId(), "random bytes of programs"));
        for (long i = 0; i < bytes; i++) {
            call.memory().writeByte(target + i, (byte) random.nextInt());
        }
        return result;
    }

    private static ApiModule winmm() {
        return new ApiModule("winmm.dll")
                .function("timeGetTime", call -> call.process().clock().now() / 10_000 & 0xFFFF_FFFFL)
                .function("timeBeginPeriod", OtherDlls::period)
                .function("timeEndPeriod", OtherDlls::period);
    }

    /** Every period that the clock can have is one already. */
    private static long period(ApiCall call) {
        return call.unsignedIntArg(0) >= 1 && call.unsignedIntArg(0) <= LONGEST_PERIOD ? 0 : NO_SUCH_PERIOD;
    }

    // --- command lines ---

    private static ApiModule shell32() {
        return new ApiModule("shell32.dll").function("CommandLineToArgvW", OtherDlls::commandLineToArguments);
    }

    /** One block: pointers, a null, the texts. */
    private static long commandLineToArguments(ApiCall call) {
        String line = call.wide(call.arg(0));
        List<String> arguments = new ArrayList<>();
        if (line.isEmpty()) {
            arguments.add(Loader.of(call.process()).program().path());
        } else {
            split(line, arguments);
        }
        long bytes = 8L * (arguments.size() + 1);
        for (String argument : arguments) {
            bytes += 2L * argument.length() + 2;
        }
        long block = call.process().heap().allocate(bytes);
        long text = block + 8L * (arguments.size() + 1);
        for (int i = 0; i < arguments.size(); i++) {
            call.memory().writeLong(block + 8L * i, text);
            call.writeWide(text, arguments.get(i));
            text += 2L * arguments.get(i).length() + 2;
        }
        call.memory().writeInt(call.arg(1), arguments.size());
        return block;
    }

    /** The program ends at its closing quote or at white space; behind it backslashes matter before quotes only. */
    private static void split(String line, List<String> arguments) {
        int at;
        if (line.startsWith("\"")) {
            int close = line.indexOf('"', 1);
            int end = close < 0 ? line.length() : close;
            arguments.add(line.substring(1, end));
            at = Math.min(line.length(), end + 1);
        } else {
            at = 0;
            while (at < line.length() && line.charAt(at) > ' ') {
                at++;
            }
            arguments.add(line.substring(0, at));
        }
        while (true) {
            while (at < line.length() && (line.charAt(at) == ' ' || line.charAt(at) == '\t')) {
                at++;
            }
            if (at >= line.length()) {
                return;
            }
            StringBuilder argument = new StringBuilder();
            boolean quoted = false;
            while (at < line.length() && (quoted || line.charAt(at) != ' ' && line.charAt(at) != '\t')) {
                int slashes = 0;
                while (at < line.length() && line.charAt(at) == '\\') {
                    slashes++;
                    at++;
                }
                if (at < line.length() && line.charAt(at) == '"') {
                    argument.append("\\".repeat(slashes / 2));
                    if (slashes % 2 == 1) {
                        argument.append('"');
                    } else if (quoted && at + 1 < line.length() && line.charAt(at + 1) == '"') {
                        argument.append('"');
                        at++;
                    } else {
                        quoted = !quoted;
                    }
                    at++;
                } else {
                    argument.append("\\".repeat(slashes));
                    if (slashes == 0) {
                        argument.append(line.charAt(at++));
                    }
                }
            }
            arguments.add(argument.toString());
        }
    }
}
