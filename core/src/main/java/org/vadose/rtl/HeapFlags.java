package org.vadose.rtl;

/** Flags of a heap and of calls on it ({@code HEAP_*} of the Windows SDK). */
public final class HeapFlags {
    public static final int NO_SERIALIZE = 0x1;
    /** More segments and large blocks may be added: {@code HeapCreate} without a maximum size. */
    public static final int GROWABLE = 0x2;

    public static final int GENERATE_EXCEPTIONS = 0x4;
    public static final int ZERO_MEMORY = 0x8;
    public static final int REALLOC_IN_PLACE_ONLY = 0x10;
    /** The block carries a {@code _HEAP_ENTRY_EXTRA} with a value the user may set. */
    public static final int SETTABLE_USER_VALUE = 0x100;
    /** Three bits kept in the block's flags for the user. */
    public static final int SETTABLE_USER_FLAGS = 0xE00;
    /** Made by the program, not by the system ({@code HEAP_CLASS_1}). */
    public static final int PRIVATE_CLASS = 0x1000;

    public static final int CREATE_ENABLE_EXECUTE = 0x40000;

    /** What a creator may ask for and the heap keeps. */
    static final int KEPT_AT_CREATION = NO_SERIALIZE | GROWABLE | GENERATE_EXCEPTIONS | 0xF000 | CREATE_ENABLE_EXECUTE;

    private HeapFlags() {}
}
