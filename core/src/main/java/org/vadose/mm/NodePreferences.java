package org.vadose.mm;

import java.util.function.Supplier;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Section;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;

/**
 * Which node the pages of a region come from: the one its VAD names ({@code PreferredNode}), else the one its section's control area
 * names, else that of the ideal processor of the thread that touches them. Where that node has nothing unused, the nearest that has.
 */
public final class NodePreferences {
    /** No node is named. */
    public static final int NONE = PfnDatabase.ANY_NODE;

    private final Memory memory;
    private final AddressSpaces spaces;
    private final PfnDatabase pfns;

    NodePreferences(MemoryManager manager, AddressSpaces spaces) {
        this.memory = manager.kernelMemory();
        this.spaces = spaces;
        this.pfns = manager.pfns();
    }

    /** Whether a machine has this node. */
    public boolean exists(int node) {
        return node >= 0 && node < pfns.topology().count();
    }

    /** Names the node of a region that has just been made. */
    public void setRegion(Eprocess process, long base, int node) {
        long before = spaces.enter(process);
        try {
            long found = spaces.entered().vads().find(Pages.vpn(base));
            if (found != 0) {
                new Vad(memory, found).setPreferredNode(node);
            }
        } finally {
            spaces.leave(before);
        }
    }

    /** Names the node of a section that has just been made. */
    public void setSection(long section, int node) {
        new Section(memory, section).controlArea().setPreferredNode(node);
    }

    /** What is done takes frames of this node. */
    public <T> T on(int node, Supplier<T> work) {
        pfns.prefer(node);
        try {
            return work.get();
        } finally {
            pfns.prefer(NONE);
        }
    }

    /** The node that a page's region or its section names, or {@link #NONE}. */
    int ofRegion(ProcessSpace space, long page) {
        long found = space.vads().find(Pages.vpn(page));
        if (found == 0) {
            return NONE;
        }
        Vad vad = new Vad(memory, found);
        int node = vad.preferredNode();
        if (node == NONE && !vad.isPrivate()) {
            ControlArea area = new Subsection(memory, vad.subsection()).controlArea();
            node = area.preferredNode();
        }
        return exists(node) ? node : NONE;
    }
}
