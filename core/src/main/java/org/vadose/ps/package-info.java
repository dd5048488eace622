/**
 * Processes and threads: {@link org.vadose.ps.ProcessManager} has them made and ends them; {@link org.vadose.ps.ProcessFactory},
 * {@link org.vadose.ps.ThreadFactory}, {@link org.vadose.ps.TokenFactory} and, for user mode,
 * {@link org.vadose.ps.UserProcessFactory} with {@link org.vadose.ps.UserSpaceBuilder} make them;
 * {@link org.vadose.ps.SystemClock} is the time they carry. All of it is {@code _EPROCESS}, {@code _ETHREAD} and {@code _TOKEN}
 * objects in RAM. Uses {@code ob}, {@code ex}, {@code mm}.
 */
@NullMarked
package org.vadose.ps;

import org.jspecify.annotations.NullMarked;
