/**
 * The memory manager: frames, page tables, faults, VADs, sections, commit charge, working sets and the system's half of the
 * address space. {@link org.vadose.mm.Pool} is what it asks of the executive above it. Uses {@code nt}, {@code pe},
 * {@code memory}.
 */
@NullMarked
package org.vadose.mm;

import org.jspecify.annotations.NullMarked;
