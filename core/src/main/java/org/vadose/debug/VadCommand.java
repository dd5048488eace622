package org.vadose.debug;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.ControlAreaLayout;
import org.vadose.layout.SegmentLayout;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolHeader;
import org.vadose.nt.PoolTag;
import org.vadose.nt.Vad;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !vad}: the virtual address descriptors of a process. */
final class VadCommand {
    private static final int MAXIMUM_NODES = 1 << 20;
    /** Deeper than a balanced tree of all addresses. */
    private static final int DEEPEST = 64;

    private final Debugger debugger;
    private final Printer out;
    private final TargetMemory kernel;
    private int count;
    private long levels;
    private int deepest;
    private long privateCommit;
    private long sharedCommit;

    private VadCommand(Debugger debugger) {
        this.debugger = debugger;
        this.out = debugger.out();
        this.kernel = debugger.target().kernel();
    }

    static void register(CommandTable table) {
        table.add(
                "!vad",
                "[root|address [1]]",
                "Show a process's virtual address descriptors",
                Argument.EXPRESSION,
                (d, a) -> new VadCommand(d).run(a));
    }

    private void run(String text) {
        Arguments words = new Arguments(text);
        long root = words.hasNext() ? debugger.evaluate(words.next()) : 0;
        if (root != 0 && words.hasNext() && words.next().equals("1")) {
            details(new Vad(kernel, containing(root)));
            return;
        }
        if (root == 0) {
            root = debugger.requireProcess().vadRoot();
        }
        out.line("VAD             Level         Start             End              Commit");
        walk(root);
        out.line();
        out.format(
                "Total VADs: %d, average level: %d, maximum depth: %d",
                count, count == 0 ? 0 : (levels + count / 2) / count, deepest);
        out.format("Total private commit: 0x%x pages (%d KB)", privateCommit, privateCommit * 4);
        out.format("Total shared commit:  0x%x pages (%d KB)", sharedCommit, sharedCommit * 4);
    }

    /** The descriptor at this address, or the one of the current process whose range includes it. */
    private long containing(long address) {
        if (address < 0) {
            return address;
        }
        long vpn = Pages.vpn(address);
        long at = debugger.requireProcess().vadRoot();
        for (int depth = 0; at != 0 && depth < DEEPEST; depth++) {
            Vad vad = new Vad(kernel, at);
            if (vpn < vad.startingVpn()) {
                at = vad.child(0);
            } else if (vpn > vad.endingVpn()) {
                at = vad.child(1);
            } else {
                return at;
            }
        }
        throw new CommandException("No VAD of the process includes " + Hex.address(address));
    }

    /** A node on the way down, with its level. */
    private record Node(long address, int level) {}

    /** In order of address, without recursion: a damaged tree may be as deep as it likes. */
    private void walk(long root) {
        Deque<Node> path = new ArrayDeque<>();
        Set<Long> seen = new HashSet<>();
        Node at = new Node(root, 0);
        while (at.address() != 0 || !path.isEmpty()) {
            if (at.address() != 0) {
                if (seen.size() == MAXIMUM_NODES || !seen.add(at.address())) {
                    out.line("The tree leads back to " + Hex.address(at.address()));
                    return;
                }
                path.push(at);
                at = child(at, 0);
                continue;
            }
            Node node = path.pop();
            show(node);
            at = child(node, 1);
        }
    }

    private Node child(Node node, int side) {
        try {
            return new Node(new Vad(kernel, node.address()).child(side), node.level() + 1);
        } catch (UnreadableMemoryException e) {
            return new Node(0, 0);
        }
    }

    private void show(Node node) {
        Vad vad = new Vad(kernel, node.address());
        try {
            long commit = vad.commitCharge();
            count++;
            levels += node.level();
            deepest = Math.max(deepest, node.level());
            boolean mapped = !vad.isPrivate();
            String about = mapped ? about(vad) : "";
            privateCommit += commit;
            out.line(String.format(
                            Locale.ROOT,
                            "%016x %2d%16x%16x%16d %-7s %-4s %-18s %s",
                            node.address(),
                            node.level(),
                            vad.startingVpn(),
                            vad.endingVpn(),
                            commit,
                            mapped ? "Mapped" : "Private",
                            vad.isImage() ? "Exe" : "",
                            PageProtection.name(vad.protection()),
                            about)
                    .stripTrailing());
        } catch (UnreadableMemoryException e) {
            out.line(Hex.address(node.address()) + " cannot be read: " + e.reason());
        }
    }

    private String about(Vad vad) {
        if (poolTag(vad) == Vad.TAG_SHORT) {
            return "";
        }
        try {
            long area = FileNames.controlArea(kernel, vad.subsection());
            if (area == 0) {
                return "";
            }
            long file = FileNames.fileObject(kernel, area);
            if (file != 0) {
                return FileNames.name(kernel, file);
            }
            long segment = kernel.readLong(area + ControlAreaLayout.SEGMENT);
            long committed = kernel.readLong(segment + SegmentLayout.NUMBER_OF_COMMITTED_PAGES);
            sharedCommit += committed;
            return "Pagefile section, shared commit 0x" + Hex.plain(committed);
        } catch (UnreadableMemoryException e) {
            return "control area cannot be read";
        }
    }

    /** The tag of the block the descriptor lies in tells a short one from a long one. */
    private int poolTag(Vad vad) {
        return PoolHeader.of(kernel, vad.address()).tag();
    }

    private void details(Vad vad) {
        out.line("VAD @ " + Hex.address(vad.address()) + "  Tag " + PoolTag.text(poolTag(vad)));
        boolean isLong = poolTag(vad) != Vad.TAG_SHORT;
        long area = isLong ? FileNames.controlArea(kernel, vad.subsection()) : 0;
        out.format(
                "  Start VPN      %13x  End VPN      %13x  Control Area  %s",
                vad.startingVpn(), vad.endingVpn(), Hex.address(area));
        if (isLong) {
            out.format(
                    "  FirstProtoPte  %s  Commit Charge %8x (%d.)",
                    Hex.address(vad.firstPrototypePte()), vad.commitCharge(), vad.commitCharge());
        } else {
            out.format("  Commit Charge  %13x (%d.)", vad.commitCharge(), vad.commitCharge());
        }
        out.line("  " + (vad.isPrivate() ? "Private " : "") + (vad.isImage() ? "ImageMap " : "")
                + (vad.isMemCommit() ? "MemCommit " : "") + (vad.isNoChange() ? "NoChange " : "")
                + PageProtection.name(vad.protection()));
        if (area != 0) {
            SectionCommands.print(debugger, area);
        }
    }
}
