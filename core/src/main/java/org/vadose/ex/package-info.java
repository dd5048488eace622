/**
 * The executive's pools: {@link org.vadose.ex.PoolAllocator} carves blocks with genuine headers out of pages that the memory
 * manager gives ({@link org.vadose.ex.PoolPages}) and keeps {@link org.vadose.ex.PoolTracker}'s tables exact. Everything it
 * knows is in the simulated RAM. Uses {@code nt} and {@code mm}; {@code ob} and {@code ps} allocate from it.
 */
@NullMarked
package org.vadose.ex;

import org.jspecify.annotations.NullMarked;
