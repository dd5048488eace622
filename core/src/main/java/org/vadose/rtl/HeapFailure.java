package org.vadose.rtl;

/** What is wrong with a corrupt heap, in the order and with the meaning of {@code _HEAP_FAILURE_TYPE} (ntdll). */
public enum HeapFailure {
    INTERNAL,
    UNKNOWN,
    GENERIC,
    ENTRY_CORRUPTION,
    MULTIPLE_ENTRIES_CORRUPTION,
    VIRTUAL_BLOCK_CORRUPTION,
    BUFFER_OVERRUN,
    BUFFER_UNDERRUN,
    BLOCK_NOT_BUSY,
    INVALID_ARGUMENT,
    INVALID_ALLOCATION_TYPE,
    USAGE_AFTER_FREE,
    CROSS_HEAP_OPERATION,
    FREELISTS_CORRUPTION,
    LISTENTRY_CORRUPTION
}
