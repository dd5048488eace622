package org.vadose.ps;

import org.vadose.nt.Ethread;

/**
 * A user-mode thread with its TEB and stack.
 *
 * @param teb address of its TEB
 * @param stackBase end of its stack
 * @param stackLimit lowest committed byte of it, guard page aside
 * @param deallocationStack start of the reserved region
 */
public record UserThread(Ethread thread, long teb, long stackBase, long stackLimit, long deallocationStack) {}
