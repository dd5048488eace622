package org.vadose.target;

import org.jspecify.annotations.Nullable;

/** Where pages may be that no frame holds: a store of compressed pages in RAM, say. */
@FunctionalInterface
public interface PagedOutPages {
    /**
     * A whole page.
     *
     * @param pte its PTE or prototype PTE, which names a page file and an offset
     * @return null if it is not to be had
     */
    byte @Nullable [] page(long pte);
}
