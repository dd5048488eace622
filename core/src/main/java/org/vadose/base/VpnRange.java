package org.vadose.base;

/**
 * A run of virtual pages, both ends inclusive, as a VAD holds it.
 *
 * @param first first page number
 * @param last last page number, not below {@code first}
 */
public record VpnRange(long first, long last) {
    public VpnRange {
        if (Long.compareUnsigned(first, last) > 0) {
            throw new IllegalArgumentException("empty range first=%x last=%x".formatted(first, last));
        }
    }

    /** The pages that hold {@code [address, address + sizeBytes)}; {@code sizeBytes} is at least 1. */
    public static VpnRange covering(long address, long sizeBytes) {
        return new VpnRange(Pages.vpn(address), Pages.vpn(address + sizeBytes - 1));
    }

    public long pages() {
        return last - first + 1;
    }

    public long startAddress() {
        return first << Pages.SHIFT;
    }

    /** Address of the last byte. */
    public long endAddress() {
        return (last << Pages.SHIFT) | Pages.OFFSET_MASK;
    }

    public long sizeBytes() {
        return pages() << Pages.SHIFT;
    }

    public boolean contains(long vpn) {
        return vpn >= first && vpn <= last;
    }

    public boolean contains(VpnRange other) {
        return other.first >= first && other.last <= last;
    }

    public boolean overlaps(VpnRange other) {
        return first <= other.last && other.first <= last;
    }
}
