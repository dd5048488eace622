package org.vadose.win32;

/**
 * Control left one or more nested guest calls: the guest's stack pointer stands above their frames. Each
 * {@link GuestThread#callGuest} whose frame is gone lets it pass; the first that is still there goes on running the guest.
 * Functions in Java must not catch it.
 */
final class GuestUnwind extends RuntimeException {
    private static final long serialVersionUID = 1;

    GuestUnwind() {
        super(null, null, false, false);
    }
}
