package org.vadose.machine;

/** The steps of a boot, in their order. What a phase needs, an earlier one has made. */
public enum BootPhase {
    /** RAM, page tables, kernel image, PFN database, system space. */
    MEMORY,
    /** Clock, shared user data, variables that readers of a kernel look for. */
    KERNEL_DATA,
    POOLS,
    /** Types, directories, symbolic links. */
    OBJECTS,
    /** Control region of each processor. */
    PROCESSORS,
    /** Idle and System with its threads. */
    FIRST_PROCESSES,
    /** The loaded-module list. */
    MODULES,
    /** Drivers, volumes, consoles. */
    DEVICES,
    PAGE_FILES,
    /** Registry, sessions, services, shell; not on a bare machine. */
    PROCESS_TREE
}
