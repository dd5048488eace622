package org.vadose.nt;

/** Four characters that name the owner of a pool block; the first character is the lowest byte. */
public final class PoolTag {
    private PoolTag() {}

    /** @param text one to four Latin-1 characters; shorter tags are filled with blanks */
    public static int of(String text) {
        int tag = 0;
        for (int i = 0; i < 4; i++) {
            tag |= (i < text.length() ? text.charAt(i) & 0xFF : ' ') << (8 * i);
        }
        return tag;
    }

    /** The four characters; those outside printable ASCII become dots. The protected bit 31 is not part of the name. */
    public static String text(int tag) {
        char[] characters = new char[4];
        for (int i = 0; i < 4; i++) {
            int c = (tag >>> (8 * i)) & (i == 3 ? 0x7F : 0xFF);
            characters[i] = c >= ' ' && c < 0x7F ? (char) c : '.';
        }
        return new String(characters);
    }
}
