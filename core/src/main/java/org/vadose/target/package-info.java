/**
 * A machine seen from outside. {@link org.vadose.target.Target} is physical memory, a page-table format, the kernel's root and
 * base, and registers, whether they come from live RAM or a file; {@link org.vadose.target.TargetMemory} is one address space of
 * it, read-only, where a byte that cannot be had is an {@link org.vadose.target.UnreadableMemoryException} that says why.
 * {@link org.vadose.target.KernelFinder} finds root and base in an image that tells neither. Uses {@code base}, {@code layout},
 * {@code memory}, {@code nt}, {@code pe}; never the manager.
 */
@NullMarked
package org.vadose.target;

import org.jspecify.annotations.NullMarked;
