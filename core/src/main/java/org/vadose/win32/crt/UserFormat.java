package org.vadose.win32.crt;

import org.vadose.win32.ApiCall;
import org.vadose.win32.ArgumentList;

/** {@code wsprintf} of user32: the library's formats, but no floating point, and no text longer than 1024 characters with its end. */
public final class UserFormat {
    private static final int LONGEST = 1_023;
    private static final int EXPONENT_DIGITS = 3;

    private UserFormat() {}

    /**
     * Writes the text where the first argument says, by the format that the second is.
     *
     * @return its characters, without the end
     */
    public static long print(ApiCall call, ArgumentList arguments, boolean wide) {
        String format = wide ? GuestText.wide(call.memory(), call.arg(1)) : GuestText.ansi(call.memory(), call.arg(1));
        CharSequence text;
        try {
            text = new PrintFormat(call.memory(), arguments::next, wide, EXPONENT_DIGITS).format(format);
        } catch (PrintFormat.Invalid refused) {
            text = "";
        }
        CharSequence shown = text.subSequence(0, Math.min(text.length(), LONGEST));
        if (wide) {
            GuestText.writeWide(call.memory(), call.arg(0), shown);
        } else {
            GuestText.writeAnsi(call.memory(), call.arg(0), shown);
        }
        return shown.length();
    }
}
