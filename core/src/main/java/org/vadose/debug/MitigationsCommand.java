package org.vadose.debug;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.KernelSymbols;
import org.vadose.nt.Eprocess;
import org.vadose.nt.ExecuteOptions;
import org.vadose.nt.Mitigations;
import org.vadose.nt.SharedUserData;
import org.vadose.nt.UserSpace;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !mitigations}: how processes are laid out and what of them may be executed. This debugger's own command. */
final class MitigationsCommand {
    private static final int CFG_ENABLED = 1;
    private static final int CFG_STRICT = 4;

    private MitigationsCommand() {}

    static void register(CommandTable table) {
        table.add(
                "!mitigations",
                "",
                "Show each process's user space, DEP, ASLR and control flow guard",
                Argument.NONE,
                MitigationsCommand::run);
    }

    private static void run(Debugger debugger, String text) {
        Printer out = debugger.out();
        TargetMemory kernel = debugger.target().kernel();
        out.line("nx: " + SharedUserData.kernel(kernel).nxPolicy().bootOption());
        out.line("MmHighestUserAddress: "
                + Hex.address(kernel.readLong(debugger.target().kernelAddress(KernelSymbols.MM_HIGHEST_USER_ADDRESS))));
        out.line();
        out.line("  Pid ImageName        User   DEP              ASLR                     CFG     Code");
        for (Eprocess process : debugger.processes()) {
            try {
                out.line(row(process).stripTrailing());
            } catch (UnreadableMemoryException e) {
                out.line(Hex.plain(process.address()) + " " + e.getMessage());
            }
        }
    }

    private static String row(Eprocess process) {
        Mitigations mitigations = new Mitigations(process);
        return String.format(
                Locale.ROOT,
                "%5x %-16s %-6s %-16s %-24s %-7s %s",
                process.uniqueProcessId(),
                process.imageFileName(),
                size(process.userEnd()),
                new ExecuteOptions(process).status().text(),
                aslr(mitigations),
                guard(mitigations.controlFlowGuard()),
                mitigations.prohibitsDynamicCode() ? "images only" : "");
    }

    private static String size(long end) {
        for (UserSpace space : UserSpace.values()) {
            if (space.end() == end) {
                return space.text();
            }
        }
        return Hex.plain(end);
    }

    private static String aslr(Mitigations mitigations) {
        List<String> words = new ArrayList<>();
        if (!mitigations.isStackRandomizationDisabled()) {
            words.add(mitigations.isHighEntropy() ? "high entropy" : "bottom-up");
        }
        if (mitigations.forcesRelocation()) {
            words.add("forced");
        }
        return words.isEmpty() ? "off" : String.join(", ", words);
    }

    private static String guard(int policy) {
        return (policy & CFG_ENABLED) == 0 ? "" : (policy & CFG_STRICT) != 0 ? "strict" : "on";
    }
}
