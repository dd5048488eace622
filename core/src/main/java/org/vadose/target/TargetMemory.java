package org.vadose.target;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.MmptePrototypeLayout;
import org.vadose.layout.MmpteSoftwareLayout;
import org.vadose.layout.MmpteTransitionLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.PageTableFormat;
import org.vadose.memory.PageTableFormat.Step;
import org.vadose.nt.Pte;

/**
 * One address space of a target, read from its page tables. Nothing is changed by reading: no accessed bit, no fault. Besides
 * valid pages it reads what is in RAM although the hardware would fault: pages in transition, pages behind a prototype PTE, and, if
 * it knows where they are, compressed ones.
 *
 * <p>Translations are kept until {@link #forget()}; whoever looks at a running machine calls that before each look. For one
 * thread.
 */
public final class TargetMemory extends ReadOnlyMemory {
    private static final int CACHE_SIZE = 1024;
    private static final int MAXIMUM_PROTOTYPE_DEPTH = 2;

    private final Memory physical;
    private final PageTableFormat format;
    private final long root;
    /** Page address per slot; 1 for an empty slot, which no page address is. */
    private final long[] cachedPages = new long[CACHE_SIZE];

    private final long[] cachedFrames = new long[CACHE_SIZE];
    private @Nullable PagedOutPages pagedOut;
    private boolean isFetching;
    /** The page that was fetched last; 1 for none, and its bytes. */
    private long fetchedPage = 1;

    private byte @Nullable [] fetched;

    public TargetMemory(Memory physical, PageTableFormat format, long root) {
        this.physical = physical;
        this.format = format;
        this.root = root;
        forget();
    }

    /** Physical address of the top table. */
    public long root() {
        return root;
    }

    public PageTableFormat format() {
        return format;
    }

    /** Forgets translations: memory may have changed. */
    public void forget() {
        Arrays.fill(cachedPages, 1);
        fetchedPage = 1;
        fetched = null;
    }

    /** Says where pages are that no frame holds. */
    void setPagedOut(@Nullable PagedOutPages pages) {
        pagedOut = pages;
    }

    /** A page that no frame holds; null if it is not to be had. */
    private byte @Nullable [] fetch(long address) {
        PagedOutPages source = pagedOut;
        long page = Pages.down(address);
        if (source == null || isFetching || !Pages.isCanonical(page)) {
            return null;
        }
        if (fetchedPage != page) {
            isFetching = true;
            try {
                long pte = softwareEntry(page);
                fetched = pte == 0 ? null : source.page(pte);
                fetchedPage = page;
            } catch (UnreadableMemoryException | IndexOutOfBoundsException e) {
                return null;
            } finally {
                isFetching = false;
            }
        }
        return fetched;
    }

    /** The PTE, or prototype PTE, of a page that is in a page file; 0 if it is not. */
    private long softwareEntry(long page) {
        List<Step> steps = path(page);
        if (steps.isEmpty() || steps.getLast().level() != 1) {
            return 0;
        }
        long entry = steps.getLast().entry();
        if (!format.isPresent(entry) && bit(entry, MmptePrototypeLayout.PROTOTYPE_SHIFT)) {
            long prototype = entry >> MmptePrototypeLayout.PROTO_ADDRESS_SHIFT;
            entry = prototype == -1 || !Pages.isCanonical(prototype)
                    ? 0
                    : physical.readLong(walk(Pages.down(prototype), page, 1) + Pages.offset(prototype));
        }
        return Pte.kind(entry) == Pte.Kind.PAGE_FILE ? entry : 0;
    }

    public boolean isReadable(long address) {
        try {
            physical.readByte(translate(address));
            return true;
        } catch (UnreadableMemoryException | IndexOutOfBoundsException e) {
            return fetch(address) != null;
        }
    }

    /** The entries on the way to an address, through page tables in transition as well. */
    public List<Step> path(long address) {
        return format.path(physical, root, address, TargetMemory::asPresent);
    }

    /**
     * Physical address behind a virtual one.
     *
     * @throws UnreadableMemoryException if the byte is not in RAM
     */
    public long translate(long address) {
        long page = Pages.down(address);
        int slot = (int) (page >>> Pages.SHIFT) & (CACHE_SIZE - 1);
        if (cachedPages[slot] != page) {
            cachedFrames[slot] = walk(page, address, 0);
            cachedPages[slot] = page;
        }
        return cachedFrames[slot] + Pages.offset(address);
    }

    private long walk(long page, long address, int depth) {
        if (!Pages.isCanonical(page)) {
            throw new UnreadableMemoryException(address, "not canonical");
        }
        List<Step> steps = path(page);
        if (steps.isEmpty()) {
            throw new UnreadableMemoryException(address, "page tables outside RAM root=" + Hex.plain(root));
        }
        Step last = steps.getLast();
        long entry = format.isPresent(last.entry()) ? last.entry() : asPresent(last.entry());
        if (format.isPresent(entry)) {
            if (!format.isLeaf(last.level(), entry)) {
                throw new UnreadableMemoryException(address, "page table outside RAM entry=" + Hex.plain(last.entry()));
            }
            long mask = format.pageSizeBytes(last.level()) - 1;
            return format.frameAddress(last.level(), entry) + (page & mask);
        }
        if (last.level() == 1 && bit(entry, MmptePrototypeLayout.PROTOTYPE_SHIFT)) {
            return throughPrototype(entry, address, depth);
        }
        throw new UnreadableMemoryException(address, describe(last.level(), entry));
    }

    private long throughPrototype(long entry, long address, int depth) {
        long prototype = entry >> MmptePrototypeLayout.PROTO_ADDRESS_SHIFT;
        if (prototype == -1 || depth == MAXIMUM_PROTOTYPE_DEPTH || !Pages.isCanonical(prototype)) {
            throw new UnreadableMemoryException(address, "prototype PTE is in the VAD");
        }
        long pte = physical.readLong(walk(Pages.down(prototype), address, depth + 1) + Pages.offset(prototype));
        long present = format.isPresent(pte) ? pte : asPresent(pte);
        if (!format.isPresent(present)) {
            throw new UnreadableMemoryException(
                    address, "prototype PTE " + Hex.address(prototype) + ": " + describe(1, pte));
        }
        return format.frameAddress(1, present);
    }

    /** A transition PTE still has its frame, so reads as a present one. */
    private static long asPresent(long entry) {
        boolean transition = bit(entry, MmpteTransitionLayout.TRANSITION_SHIFT)
                && !bit(entry, MmpteTransitionLayout.PROTOTYPE_SHIFT);
        if (!transition) {
            return entry;
        }
        long frame =
                entry >>> MmpteTransitionLayout.PAGE_FRAME_NUMBER_SHIFT & MmpteTransitionLayout.PAGE_FRAME_NUMBER_MASK;
        return frame << Pages.SHIFT | 1;
    }

    private static String describe(int level, long entry) {
        String table = switch (level) {
            case 4 -> "PML4E";
            case 3 -> "PDPTE";
            case 2 -> "PDE";
            default -> "PTE";
        };
        if (entry == 0) {
            return "zero " + table;
        }
        long offset = entry >>> MmpteSoftwareLayout.PAGE_FILE_HIGH_SHIFT & MmpteSoftwareLayout.PAGE_FILE_HIGH_MASK;
        if (level == 1 && offset != 0 && !bit(entry, MmpteSoftwareLayout.PROTOTYPE_SHIFT)) {
            long file = entry >>> MmpteSoftwareLayout.PAGE_FILE_LOW_SHIFT & MmpteSoftwareLayout.PAGE_FILE_LOW_MASK;
            return "page file " + file + " offset " + Hex.plain(offset);
        }
        return table + " not present entry=" + Hex.plain(entry);
    }

    private static boolean bit(long entry, int shift) {
        return (entry >>> shift & 1) != 0;
    }

    @Override
    public void read(long address, byte[] target, int offset, int length) {
        for (int done = 0; done < length; ) {
            long at = address + done;
            int count = (int) Math.min(length - done, Pages.SIZE - Pages.offset(at));
            try {
                physical.read(translate(at), target, offset + done, count);
            } catch (UnreadableMemoryException e) {
                byte[] page = fetch(at);
                if (page == null) {
                    throw e;
                }
                System.arraycopy(page, (int) Pages.offset(at), target, offset + done, count);
            } catch (IndexOutOfBoundsException e) {
                throw outsideRam(at);
            }
            done += count;
        }
    }

    @Override
    protected long readSmall(long address, int length) {
        if (Pages.offset(address) + length > Pages.SIZE) {
            return super.readSmall(address, length);
        }
        try {
            long at = translate(address);
            return switch (length) {
                case 1 -> physical.readUnsignedByte(at);
                case 2 -> physical.readUnsignedShort(at);
                case 4 -> physical.readUnsignedInt(at);
                default -> physical.readLong(at);
            };
        } catch (UnreadableMemoryException e) {
            if (fetch(address) == null) {
                throw e;
            }
            return super.readSmall(address, length);
        } catch (IndexOutOfBoundsException e) {
            throw outsideRam(address);
        }
    }

    private UnreadableMemoryException outsideRam(long address) {
        return new UnreadableMemoryException(
                address, "physical page " + Hex.plain(translate(address) >>> Pages.SHIFT) + " is not in the image");
    }

    /** Bytes up to the first that cannot be had. */
    public byte[] readUpTo(long address, int length) {
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            int count = (int) Math.min(length - done, Pages.SIZE - Pages.offset(address + done));
            try {
                read(address + done, bytes, done, count);
            } catch (UnreadableMemoryException e) {
                break;
            }
            done += count;
        }
        return done == length ? bytes : Arrays.copyOf(bytes, done);
    }
}
