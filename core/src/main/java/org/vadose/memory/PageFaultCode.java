package org.vadose.memory;

/** Bits of the x64 #PF error code (Intel SDM volume 3, 4.7). */
public final class PageFaultCode {
    /** The page was present: the access broke a right. Clear: the page was not present. */
    public static final int PRESENT = 1;

    public static final int WRITE = 2;
    public static final int USER = 4;
    public static final int RESERVED = 8;
    public static final int FETCH = 16;

    private PageFaultCode() {}

    public static String describe(int errorCode) {
        String what = (errorCode & FETCH) != 0 ? "execute" : (errorCode & WRITE) != 0 ? "write" : "read";
        return what
                + ((errorCode & USER) != 0 ? " user" : " kernel")
                + ((errorCode & PRESENT) != 0 ? " protection" : " not-present")
                + ((errorCode & RESERVED) != 0 ? " reserved-bit" : "");
    }
}
