/**
 * Bytes and how they are reached: {@link org.vadose.memory.PhysicalMemory} is the RAM,
 * {@link org.vadose.memory.PageTableFormat} says how tables in it translate, {@link org.vadose.memory.Mmu} is one processor's
 * translation with a software TLB, and {@link org.vadose.memory.VirtualMemory} is memory seen through it at one privilege. All
 * are {@link org.vadose.memory.Memory}, which is what the typed views of {@code nt} are laid over. Uses {@code base}.
 */
@NullMarked
package org.vadose.memory;

import org.jspecify.annotations.NullMarked;
