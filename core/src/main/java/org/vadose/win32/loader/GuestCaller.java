package org.vadose.win32.loader;

/** Calls guest code on the current thread and returns its RAX. */
@FunctionalInterface
interface GuestCaller {
    long call(long function, long... arguments);
}
