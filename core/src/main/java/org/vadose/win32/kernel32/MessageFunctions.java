package org.vadose.win32.kernel32;

import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.heap.GuestHeaps;

/** {@code FormatMessage}: the system's error texts, and templates with inserts. */
final class MessageFunctions {
    private static final int ALLOCATE_BUFFER = 0x100;
    private static final int IGNORE_INSERTS = 0x200;
    private static final int FROM_STRING = 0x400;
    private static final int FROM_SYSTEM = 0x1000;
    private static final int ARGUMENT_ARRAY = 0x2000;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_MESSAGE_NOT_FOUND = 317;
    private static final int LONGEST_INSERT_WIDTH = 1 << 16;

    /** Texts as the system's message table has them in English, without their line end. */
    private static final Map<Integer, String> TEXTS = Map.ofEntries(
            Map.entry(0, "The operation completed successfully."),
            Map.entry(1, "Incorrect function."),
            Map.entry(2, "The system cannot find the file specified."),
            Map.entry(3, "The system cannot find the path specified."),
            Map.entry(4, "The system cannot open the file."),
            Map.entry(5, "Access is denied."),
            Map.entry(6, "The handle is invalid."),
            Map.entry(8, "Not enough memory resources are available to process this command."),
            Map.entry(13, "The data is invalid."),
            Map.entry(14, "Not enough memory resources are available to complete this operation."),
            Map.entry(15, "The system cannot find the drive specified."),
            Map.entry(18, "There are no more files."),
            Map.entry(19, "The media is write protected."),
            Map.entry(32, "The process cannot access the file because it is being used by another process."),
            Map.entry(
                    33, "The process cannot access the file because another process has locked a portion of the file."),
            Map.entry(38, "Reached the end of the file."),
            Map.entry(50, "The request is not supported."),
            Map.entry(80, "The file exists."),
            Map.entry(87, "The parameter is incorrect."),
            Map.entry(109, "The pipe has been ended."),
            Map.entry(111, "The file name is too long."),
            Map.entry(112, "There is not enough space on the disk."),
            Map.entry(122, "The data area passed to a system call is too small."),
            Map.entry(123, "The filename, directory name, or volume label syntax is incorrect."),
            Map.entry(126, "The specified module could not be found."),
            Map.entry(127, "The specified procedure could not be found."),
            Map.entry(131, "An attempt was made to move the file pointer before the beginning of the file."),
            Map.entry(145, "The directory is not empty."),
            Map.entry(161, "The specified path is invalid."),
            Map.entry(170, "The requested resource is in use."),
            Map.entry(183, "Cannot create a file when that file already exists."),
            Map.entry(193, "%1 is not a valid Win32 application."),
            Map.entry(203, "The system could not find the environment option that was entered."),
            Map.entry(206, "The filename or extension is too long."),
            Map.entry(234, "More data is available."),
            Map.entry(258, "The wait operation timed out."),
            Map.entry(259, "No more data is available."),
            Map.entry(267, "The directory name is invalid."),
            Map.entry(288, "Attempt to release mutex not owned by caller."),
            Map.entry(298, "Too many posts were made to a semaphore."),
            Map.entry(299, "Only part of a ReadProcessMemory or WriteProcessMemory request was completed."),
            Map.entry(317, "The system cannot find message text for message number 0x%1 in the message file for %2."),
            Map.entry(487, "Attempt to access invalid address."),
            Map.entry(
                    995,
                    "The I/O operation has been aborted because of either a thread exit or an application request."),
            Map.entry(997, "Overlapped I/O operation is in progress."),
            Map.entry(998, "Invalid access to memory location."),
            Map.entry(1004, "Invalid flags."),
            Map.entry(1113, "No mapping for the Unicode character exists in the target multi-byte code page."),
            Map.entry(1114, "A dynamic link library (DLL) initialization routine failed."),
            Map.entry(1168, "Element not found."),
            Map.entry(1314, "A required privilege is not held by the client."),
            Map.entry(1450, "Insufficient system resources exist to complete the requested service."),
            Map.entry(1455, "The paging file is too small for this operation to complete."),
            Map.entry(1816, "Not enough quota is available to process this command."));

    private MessageFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("FormatMessageA", call -> format(call, false))
                .function("FormatMessageW", call -> format(call, true));
    }

    private static long format(ApiCall call, boolean wide) {
        int flags = call.intArg(0);
        String template;
        if ((flags & FROM_STRING) != 0) {
            template = Texts.readOrEmpty(call, call.arg(1), wide);
        } else if ((flags & FROM_SYSTEM) != 0) {
            String text = systemText(call.intArg(2));
            if (text == null) {
                return call.fail(ERROR_MESSAGE_NOT_FOUND);
            }
            template = text + "\r\n";
        } else {
            return call.fail(flags == 0 ? ERROR_INVALID_PARAMETER : ERROR_MESSAGE_NOT_FOUND);
        }
        String text = new Template(call, template, wide, (flags & IGNORE_INSERTS) != 0, (flags & ARGUMENT_ARRAY) != 0)
                .expand();
        if (text == null) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if ((flags & 0xFF) == 0xFF) {
            text = text.replace("\r\n", " ");
        }
        int length = Texts.length(text, wide);
        if ((flags & ALLOCATE_BUFFER) != 0) {
            long bytes = Math.max((length + 1L) * (wide ? 2 : 1), call.unsignedIntArg(5) * (wide ? 2 : 1));
            long buffer = GuestHeaps.of(call.process()).processHeap().allocate(0, bytes);
            if (buffer == 0) {
                return call.fail(8);
            }
            call.memory().writeLong(call.arg(4), buffer);
            Texts.write(call, buffer, text, wide);
        } else {
            if (length >= call.unsignedIntArg(5)) {
                return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
            }
            Texts.write(call, call.arg(4), text, wide);
        }
        return length;
    }

    private static @Nullable String systemText(int id) {
        // The facility WIN32 in an HRESULT leads to the same texts.
        return TEXTS.get((id & 0xFFFF_0000) == 0x8007_0000 ? id & 0xFFFF : id);
    }

    /** A message with {@code %1!format!} inserts and {@code %n}-like escapes. */
    private static final class Template {
        private final ApiCall call;
        private final String template;
        private final boolean wide;
        private final boolean ignoresInserts;
        private final long list;
        private final StringBuilder out = new StringBuilder();

        Template(ApiCall call, String template, boolean wide, boolean ignoresInserts, boolean isArray) {
            this.call = call;
            this.template = template;
            this.wide = wide;
            this.ignoresInserts = ignoresInserts;
            long arguments = call.arg(6);
            list = ignoresInserts || arguments == 0 || isArray
                    ? arguments
                    : call.memory().readLong(arguments);
        }

        /** Null when an insert has no argument. */
        @Nullable String expand() {
            for (int at = 0; at < template.length(); at++) {
                char c = template.charAt(at);
                if (c != '%' || at + 1 == template.length()) {
                    out.append(c);
                    continue;
                }
                char escaped = template.charAt(++at);
                if (escaped == '0') {
                    break;
                }
                if (escaped >= '1' && escaped <= '9') {
                    at = insert(at);
                    if (at < 0) {
                        return null;
                    }
                    continue;
                }
                switch (escaped) {
                    case 'n' -> out.append("\r\n");
                    case 'r' -> out.append('\r');
                    case 't' -> out.append('\t');
                    case 'b' -> out.append(' ');
                    default -> out.append(escaped);
                }
            }
            return out.toString();
        }

        /** @return the last character of the insert, or -1 */
        private int insert(int start) {
            int end = start + 1;
            if (end < template.length() && Character.isDigit(template.charAt(end))) {
                end++;
            }
            int number = Integer.parseInt(template.substring(start, end));
            String format = "s";
            if (end < template.length() && template.charAt(end) == '!') {
                int close = template.indexOf('!', end + 1);
                if (close < 0) {
                    return -1;
                }
                format = template.substring(end + 1, close);
                end = close + 1;
            }
            if (ignoresInserts) {
                out.append('%').append(template, start, end);
                return end - 1;
            }
            if (list == 0) {
                return -1;
            }
            int[] slot = {number - 1};
            append(format, () -> call.memory().readLong(list + 8L * slot[0]++));
            return end - 1;
        }

        private void append(String format, LongSupplier arguments) {
            int at = 0;
            boolean left = false;
            boolean zero = false;
            while (at < format.length() && "-0+ #".indexOf(format.charAt(at)) >= 0) {
                left |= format.charAt(at) == '-';
                zero |= format.charAt(at++) == '0';
            }
            int[] numbers = {0, -1};
            for (int i = 0; i < 2; i++) {
                if (i == 1) {
                    if (at >= format.length() || format.charAt(at) != '.') {
                        break;
                    }
                    at++;
                    numbers[1] = 0;
                }
                if (at < format.length() && format.charAt(at) == '*') {
                    numbers[i] = (int) arguments.getAsLong();
                    at++;
                }
                while (at < format.length() && Character.isDigit(format.charAt(at))) {
                    numbers[i] = Math.min(numbers[i] * 10 + format.charAt(at++) - '0', LONGEST_INSERT_WIDTH);
                }
            }
            String type = format.substring(at);
            String text = value(type, arguments.getAsLong());
            if (numbers[1] >= 0 && type.endsWith("s") && numbers[1] < text.length()) {
                text = text.substring(0, numbers[1]);
            }
            int width = Math.clamp(numbers[0], 0, LONGEST_INSERT_WIDTH);
            String padding = (zero && !left ? "0" : " ").repeat(Math.max(0, width - text.length()));
            out.append(left ? text + padding : padding + text);
        }

        private String value(String type, long value) {
            boolean is64 =
                    type.contains("I64") || type.startsWith("ll") || type.startsWith("I") && !type.contains("I32");
            char last = type.isEmpty() ? 's' : type.charAt(type.length() - 1);
            return switch (last) {
                case 'd', 'i' -> Long.toString(is64 ? value : (int) value);
                case 'u' -> Long.toUnsignedString(is64 ? value : value & 0xFFFF_FFFFL);
                case 'x' -> Long.toHexString(is64 ? value : value & 0xFFFF_FFFFL);
                case 'X' ->
                    Long.toHexString(is64 ? value : value & 0xFFFF_FFFFL).toUpperCase(java.util.Locale.ROOT);
                case 'p' -> "%016X".formatted(value);
                case 'c', 'C' -> String.valueOf((char) (value & 0xFFFF));
                case 'S' -> string(value, !wide);
                default ->
                    string(value, type.startsWith("h") ? false : type.startsWith("l") || type.startsWith("w") || wide);
            };
        }

        private String string(long address, boolean isWide) {
            String text = Texts.read(call, address, isWide);
            return text == null ? "(null)" : text;
        }
    }
}
