package org.vadose.win32;

/**
 * The processor's state was replaced: the guest goes on elsewhere, perhaps above the frames of nested guest calls. Each
 * {@link GuestThread#callGuest} whose frame is gone lets it pass; the first that is still there goes on running the guest.
 * Functions in Java must not catch it.
 */
public final class GuestUnwind extends RuntimeException {
    private static final long serialVersionUID = 1;

    public GuestUnwind() {
        super(null, null, false, false);
    }
}
