package org.vadose.ps;

/** Who a process runs as: the accounts a freshly booted desktop has. */
public enum Account {
    SYSTEM("*SYSTEM*", 0x3E7, 0x4000, 5, 18),
    LOCAL_SERVICE("Advapi", 0x3E5, 0x4000, 5, 19),
    NETWORK_SERVICE("Advapi", 0x3E4, 0x4000, 5, 20),
    WINDOW_MANAGER("DWM", 0xD21E, 0x4000, 5, 90, 0, 1),
    FONT_DRIVER_HOST("UMFD", 0xC3C1, 0x4000, 5, 96, 0, 0),
    /** The person logged on; the parts that make it the machine's own are added when a token is made. */
    USER("User32", 0x2_3A41, 0x2000, 5, 21);

    final String source;
    final int logonId;
    /** Relative identifier of the mandatory label. */
    final int integrity;
    /** The identifier authority, then the parts. */
    private final int[] identifier;

    Account(String source, int logonId, int integrity, int... identifier) {
        this.source = source;
        this.logonId = logonId;
        this.integrity = integrity;
        this.identifier = identifier;
    }

    int[] identifier() {
        return identifier.clone();
    }
}
