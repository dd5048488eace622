/**
 * The memory manager: frames, page tables, faults, VADs, sections, commit charge, working sets and the system's half of the
 * address space.
 *
 * <p>{@link org.vadose.mm.MemoryManager} is the way in. What programs ask for is in {@link org.vadose.mm.VirtualMemoryServices}
 * (with {@link org.vadose.mm.Regions}, {@link org.vadose.mm.RegionProtection}, {@link org.vadose.mm.RegionQueries} and
 * {@link org.vadose.mm.Placeholders} behind it), {@link org.vadose.mm.SectionServices} and
 * {@link org.vadose.mm.WorkingSetServices}; what accesses cause in {@link org.vadose.mm.FaultHandler}. Frames are
 * {@link org.vadose.mm.PfnDatabase}'s, lists of them {@link org.vadose.mm.ColourLists}' and
 * {@link org.vadose.mm.TransitionLists}'; {@link org.vadose.mm.BalanceSet} makes them available when they are few, through
 * {@link org.vadose.mm.Trimmer}, {@link org.vadose.mm.ModifiedWriter} and {@link org.vadose.mm.PageFiles}.
 *
 * <p>{@link org.vadose.mm.Pool} is what it asks of the executive above it. Uses {@code nt}, {@code pe}, {@code memory}.
 */
@NullMarked
package org.vadose.mm;

import org.jspecify.annotations.NullMarked;
