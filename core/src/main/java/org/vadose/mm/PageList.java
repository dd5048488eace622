package org.vadose.mm;

import org.vadose.layout.MmpfnlistLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;

/** The head of a list of page frames ({@code _MMPFNLIST}); the links are in the frames' PFN entries. */
record PageList(Memory memory, long address) {
    void initialize(PageLocation name) {
        memory.writeLong(address + MmpfnlistLayout.TOTAL, 0);
        memory.writeInt(address + MmpfnlistLayout.LIST_NAME, name.value());
        setFirst(Pfn.LIST_END);
        setLast(Pfn.LIST_END);
    }

    long total() {
        return memory.readLong(address + MmpfnlistLayout.TOTAL);
    }

    void setTotal(long frames) {
        memory.writeLong(address + MmpfnlistLayout.TOTAL, frames);
    }

    /** Frame number, or {@link Pfn#LIST_END}. */
    long first() {
        return memory.readLong(address + MmpfnlistLayout.FLINK);
    }

    void setFirst(long frame) {
        memory.writeLong(address + MmpfnlistLayout.FLINK, frame);
    }

    long last() {
        return memory.readLong(address + MmpfnlistLayout.BLINK);
    }

    void setLast(long frame) {
        memory.writeLong(address + MmpfnlistLayout.BLINK, frame);
    }
}
