package org.vadose.target;

/** The registers of one processor of a target. */
public interface RegisterFile {
    /** Zero-extended; zero for a register this source does not know. */
    long get(Register register);

    /** @throws UnsupportedOperationException if the target is not live */
    void set(Register register, long value);
}
