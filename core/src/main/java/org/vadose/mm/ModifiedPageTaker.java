package org.vadose.mm;

/** Who is offered modified pages before a page file gets them: a store that keeps them in RAM, say. */
interface ModifiedPageTaker {
    /**
     * Modified pages are about to be written to a page file. They are on the modified list, nobody maps them, and the kernel's lock
     * is held. Whoever takes one calls {@link PfnDatabase#pagedOut} for it, after which its contents are in the slot given there, and
     * sets its element to {@link PfnDatabase#NONE}; the others go to a page file.
     *
     * @param frames those that wait longest, in that order
     * @param count how many of the array count
     */
    void offer(long[] frames, int count);

    /** Pages that it would take now, as far as it can tell. */
    default long room() {
        return 0;
    }
}
