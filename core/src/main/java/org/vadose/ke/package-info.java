/**
 * The kernel's dispatcher: what threads wait for, and how a wait ends. All of it is in RAM: wait blocks between threads and
 * objects, set timers in the processor's timer table.
 *
 * <p>{@link org.vadose.ke.Waits} begins and ends waits and signals objects; {@link org.vadose.ke.TimerTable} keeps timers in the
 * order in which they expire. Who then runs is the business of whoever drives the processors.
 *
 * <p>Uses {@code nt} and {@code memory}; {@code ps} and {@code win32} use it, under the kernel's lock.
 */
@NullMarked
package org.vadose.ke;

import org.jspecify.annotations.NullMarked;
