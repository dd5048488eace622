/**
 * Processes and threads: {@link org.vadose.ps.ProcessManager} makes and ends them, {@link org.vadose.ps.ThreadFactory} and
 * {@link org.vadose.ps.TokenFactory} make their parts, {@link org.vadose.ps.SystemClock} is the time they carry. All of it is
 * {@code _EPROCESS}, {@code _ETHREAD} and {@code _TOKEN} objects in RAM. Uses {@code ob}, {@code ex}, {@code mm}.
 */
@NullMarked
package org.vadose.ps;

import org.jspecify.annotations.NullMarked;
