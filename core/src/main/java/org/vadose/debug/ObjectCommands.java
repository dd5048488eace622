package org.vadose.debug;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.ObjectSymbolicLinkLayout;
import org.vadose.nt.Eprocess;
import org.vadose.nt.HandleTable;
import org.vadose.nt.HandleTableEntry;
import org.vadose.nt.ObjectDirectory;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.UnicodeString;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !object !handle}: objects, directories and handles. */
final class ObjectCommands {
    private static final int OBJECT_DETAILS = 2;
    private static final int KERNEL_TABLE = 0x10;
    private static final int MAXIMUM_DEPTH = 64;
    private static final long SYSTEM_RANGE = 0xFFFF_8000_0000_0000L;

    private final Debugger debugger;
    private final Printer out;
    private final TargetMemory kernel;
    private final long kernelBase;

    private ObjectCommands(Debugger debugger) {
        this.debugger = debugger;
        this.out = debugger.out();
        this.kernel = debugger.target().kernel();
        this.kernelBase = debugger.target().kernelBase();
    }

    static void register(CommandTable table) {
        table.add(
                "!object",
                "address | \\path",
                "Show an object, or a directory's contents",
                Argument.EXPRESSION,
                (d, a) -> new ObjectCommands(d).object(a));
        table.add(
                "!handle",
                "[handle|0 [flags [process|0|-1 [type]]]]",
                "Show handles (flags: 1 basic, 2 objects, 10 kernel table)",
                Argument.EXPRESSION,
                (d, a) -> new ObjectCommands(d).handle(a));
    }

    // --- objects ---

    private void object(String text) {
        if (text.isEmpty()) {
            throw new CommandException("usage: !object address | \\path");
        }
        long body = text.startsWith("\\") ? find(text) : debugger.evaluate(text);
        ObjectHeader header = ObjectHeader.ofBody(kernel, body);
        String type = header.type(kernelBase).name();
        out.line("Object: " + Hex.address(body) + "  Type: ("
                + Hex.address(header.type(kernelBase).address()) + ") " + type);
        out.line("    ObjectHeader: " + Hex.address(header.address()) + " (new version)");
        out.line("    HandleCount: " + header.handleCount() + "  PointerCount: " + header.pointerCount());
        String name = header.name();
        if (!name.isEmpty()) {
            out.line("    Directory Object: " + Hex.digits(header.nameDirectory(), 8) + "  Name: " + name);
        }
        switch (type) {
            case "Directory" -> directory(body);
            case "SymbolicLink" -> out.line("    Target String is '" + linkTarget(body) + "'");
            case "File" -> out.line("    Name: " + FileNames.nameAndDevice(kernel, body));
            default -> {
                // Nothing more is known of it.
            }
        }
    }

    private String linkTarget(long link) {
        return new UnicodeString(kernel, link + ObjectSymbolicLinkLayout.LINK_TARGET).text();
    }

    private void directory(long body) {
        out.line();
        out.line("    Hash Address          Type                      Name");
        out.line("    ---- -------          ----                      ----");
        new ObjectDirectory(kernel, body).forEach(child -> {
            try {
                ObjectHeader header = ObjectHeader.ofBody(kernel, child);
                String name = header.name();
                int bucket = ObjectDirectory.bucketOf(ObjectDirectory.hash(name));
                out.line("     " + String.format(Locale.ROOT, "%02d", bucket) + "  " + Hex.plain(child) + " "
                        + TypePrinter.pad(header.type(kernelBase).name(), 25) + " " + name);
            } catch (UnreadableMemoryException e) {
                out.line("         " + Hex.address(child) + " cannot be read: " + e.reason());
            }
        });
    }

    /** The object of an absolute path. */
    private long find(String path) {
        long at = kernel.readLong(kernelBase + KernelSymbols.OBP_ROOT_DIRECTORY_OBJECT);
        String[] parts = path.substring(1).split("\\\\");
        if (parts.length > MAXIMUM_DEPTH) {
            throw new CommandException("Object " + path + " not found");
        }
        for (String part : parts) {
            if (part.isEmpty()) {
                continue;
            }
            long[] found = new long[1];
            new ObjectDirectory(kernel, at).forEach(child -> {
                if (ObjectHeader.ofBody(kernel, child).name().equalsIgnoreCase(part)) {
                    found[0] = child;
                }
            });
            if (found[0] == 0) {
                throw new CommandException("Object " + path + " not found");
            }
            at = found[0];
        }
        return at;
    }

    // --- handles ---

    private void handle(String text) {
        Arguments words = new Arguments(text);
        long wanted = words.hasNext() ? debugger.evaluate(words.next()) : 0;
        int flags = words.hasNext() ? (int) debugger.evaluate(words.next()) : 1 | OBJECT_DETAILS;
        long which = words.hasNext() ? debugger.evaluate(words.next()) : -1;
        String type = words.hasNext() ? words.next() : null;
        if (type != null) {
            out.line();
            out.line("Searching for handles of type " + type);
        }
        if ((flags & KERNEL_TABLE) != 0) {
            out.line();
            table(
                    kernel.readLong(kernelBase + KernelSymbols.OBP_KERNEL_HANDLE_TABLE),
                    wanted,
                    flags,
                    type,
                    "Kernel handle table");
        } else if (which == 0) {
            for (Eprocess process : debugger.processes()) {
                ofProcess(process, wanted, flags, type);
            }
        } else {
            ofProcess(process(which), wanted, flags, type);
        }
    }

    private Eprocess process(long which) {
        if (which == -1) {
            return debugger.requireProcess();
        }
        if (Long.compareUnsigned(which, SYSTEM_RANGE) >= 0) {
            return new Eprocess(kernel, which);
        }
        for (Eprocess process : debugger.processes()) {
            if (process.uniqueProcessId() == which) {
                return process;
            }
        }
        throw new CommandException("Unable to find process with Cid == " + Hex.plain(which));
    }

    private void ofProcess(Eprocess process, long wanted, int flags, @Nullable String type) {
        try {
            out.line();
            ProcessCommands.showBrief(debugger, process);
            if (process.objectTable() == 0) {
                out.line("The process has no handle table.");
                return;
            }
            table(process.objectTable(), wanted, flags, type, "Handle table");
        } catch (UnreadableMemoryException e) {
            out.line("Handles of " + Hex.address(process.address()) + " cannot be read: " + e.reason());
        }
    }

    private void table(long address, long wanted, int flags, @Nullable String type, String title) {
        HandleTable table = new HandleTable(kernel, address);
        out.line(title + " at " + Hex.address(address) + " with " + table.handleCount() + " entries in use");
        out.line();
        if (wanted != 0) {
            long entry = table.entryAddress(wanted);
            if (entry == 0 || new HandleTableEntry(kernel, entry).isFree()) {
                out.line(Hex.digits(wanted, 4) + ": free handle, Entry: " + Hex.address(entry));
            } else {
                entry(wanted, new HandleTableEntry(kernel, entry), flags, type);
            }
            return;
        }
        table.forEach((value, entry) -> entry(value, entry, flags, type));
    }

    private void entry(long value, HandleTableEntry entry, int flags, @Nullable String type) {
        try {
            ObjectHeader header = new ObjectHeader(kernel, entry.object());
            String kind = header.type(kernelBase).name();
            if (type != null && !type.equalsIgnoreCase(kind)) {
                return;
            }
            int attributes = entry.attributes();
            out.line(Hex.digits(value, 4) + ": Object: " + Hex.plain(header.body()) + "  GrantedAccess: "
                    + Hex.digits(entry.grantedAccess() & 0xFFFF_FFFFL, 8)
                    + ((attributes & HandleTableEntry.PROTECT_FROM_CLOSE) != 0 ? " (Protected)" : "")
                    + ((attributes & HandleTableEntry.INHERIT) != 0 ? " (Inherit)" : "")
                    + ((attributes & HandleTableEntry.AUDIT) != 0 ? " (Audit)" : "") + " Entry: "
                    + Hex.plain(entry.address()));
            if ((flags & OBJECT_DETAILS) != 0) {
                details(header, kind);
            }
        } catch (UnreadableMemoryException e) {
            out.line(Hex.digits(value, 4) + ": Object: " + Hex.address(entry.object()) + " cannot be read: "
                    + e.reason());
        }
    }

    private void details(ObjectHeader header, String kind) {
        out.line("Object: " + Hex.plain(header.body()) + "  Type: ("
                + Hex.plain(header.type(kernelBase).address()) + ") " + kind);
        out.line("    ObjectHeader: " + Hex.plain(header.address()) + " (new version)");
        out.line("        HandleCount: " + header.handleCount() + "  PointerCount: " + header.pointerCount());
        String name = kind.equals("File") ? FileNames.nameAndDevice(kernel, header.body()) : header.name();
        if (!name.isEmpty()) {
            out.line("        Directory Object: " + Hex.digits(header.nameDirectory(), 8) + "  Name: " + name);
        }
        out.line();
    }
}
