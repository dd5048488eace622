/**
 * A running system: {@link org.vadose.machine.Machine} boots one from a {@link org.vadose.machine.MachineConfig} phase by phase
 * ({@link org.vadose.machine.BootPhase}) and wires memory, pools, objects, processes and devices together. The other classes here
 * are the phases' work. Uses everything but {@code check} and {@code debug}.
 */
@NullMarked
package org.vadose.machine;

import org.jspecify.annotations.NullMarked;
