package org.vadose.debug;

import java.util.List;
import java.util.Locale;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code .thread ~ | .reload .cls}: which thread and which process is looked at. */
final class ThreadCommands {
    private static final int MAXIMUM_THREADS = 1 << 16;

    private final Debugger debugger;
    private final Printer out;
    private final TargetMemory kernel;

    private ThreadCommands(Debugger debugger) {
        this.debugger = debugger;
        this.out = debugger.out();
        this.kernel = debugger.target().kernel();
    }

    static void register(CommandTable table) {
        table.add(
                ".thread",
                "[/p /r] [address|0]",
                "Show or set the thread whose registers and stack are looked at",
                Argument.EXPRESSION,
                (d, a) -> new ThreadCommands(d).implicit(a));
        table.add(
                "~",
                "[number|*|.] [s|command]",
                "List the process's threads, look at one, or do something for each",
                Argument.EXPRESSION,
                (d, a) -> new ThreadCommands(d).threads(a));
        table.add(
                "|",
                "[number s]",
                "List processes that run programs, or look at one",
                Argument.EXPRESSION,
                (d, a) -> new ThreadCommands(d).processes(a));
        table.add(".reload", "[/f] [/user] [module]", "Read module lists again", Argument.NONE, (d, a) -> {
            d.target().forget();
            d.modules().forget();
        });
        table.add(".cls", "", "Clear the screen", Argument.NONE, (d, a) -> {});
    }

    private void implicit(String text) {
        String address = text.replaceAll("/\\w+\\s*", "").strip();
        if (!address.isEmpty()) {
            long which = debugger.evaluate(address);
            debugger.setThread(which == 0 ? null : new Ethread(kernel, which));
            Ethread chosen = debugger.thread();
            if (chosen != null) {
                debugger.setProcess(chosen.process());
            }
        }
        Ethread thread = debugger.thread();
        if (thread == null) {
            throw new CommandException("There is no current thread.");
        }
        out.line("Implicit thread is now " + Hex.ticked(thread.address()));
    }

    private List<Ethread> threadsOf(Eprocess process) {
        return Lists.readable(process.threadListHead(), MAXIMUM_THREADS).stream()
                .map(link -> Ethread.ofThreadListEntry(kernel, link))
                .filter(thread -> !thread.isTerminated())
                .toList();
    }

    private void threads(String text) {
        List<Ethread> all = threadsOf(debugger.requireProcess());
        if (text.isEmpty() || text.equals("*")) {
            for (int i = 0; i < all.size(); i++) {
                show(i, all.get(i));
            }
            return;
        }
        int end = 0;
        while (end < text.length() && Character.isDigit(text.charAt(end))) {
            end++;
        }
        String command = text.substring(Math.max(end, 1)).strip();
        if (text.startsWith("*")) {
            forEach(all, command);
            return;
        }
        Ethread thread = end == 0 ? debugger.thread() : number(all, text.substring(0, end));
        if (thread == null || end == 0 && !text.startsWith(".")) {
            throw new CommandException("^ Illegal thread error in '~" + text + "'");
        }
        if (command.isEmpty()) {
            show(all.stream().map(Ethread::address).toList().indexOf(thread.address()), thread);
        } else if (command.equals("s")) {
            debugger.setThread(thread);
            debugger.showStop("");
        } else {
            with(thread, command);
        }
    }

    private static Ethread number(List<Ethread> all, String digits) {
        int number = digits.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(digits);
        if (number >= all.size()) {
            throw new CommandException("^ Illegal thread error in '~" + digits + "'");
        }
        return all.get(number);
    }

    private void forEach(List<Ethread> all, String command) {
        for (int i = 0; i < all.size(); i++) {
            out.line();
            show(i, all.get(i));
            with(all.get(i), command);
        }
    }

    private void with(Ethread thread, String command) {
        Ethread before = debugger.thread();
        debugger.setThread(thread);
        try {
            debugger.carryOut(command);
        } finally {
            debugger.setThread(before);
        }
    }

    private void show(int number, Ethread thread) {
        Ethread current = debugger.thread();
        Ethread stopped = debugger.runningThread();
        String mark = current != null && current.address() == thread.address()
                ? "."
                : stopped != null && stopped.address() == thread.address() ? "#" : " ";
        out.line(String.format(
                Locale.ROOT,
                "%s %2d  Id: %x.%x Suspend: %d Teb: %s Unfrozen%s",
                mark,
                number,
                thread.uniqueProcessId(),
                thread.uniqueThreadId(),
                thread.suspendCount(),
                Hex.ticked(thread.teb()),
                name(thread)));
    }

    /** What the program calls it ({@code SetThreadDescription}), in quotes; a name that cannot be read is none. */
    private static String name(Ethread thread) {
        try {
            String name = thread.name();
            return name.isEmpty() ? "" : " \"" + name + "\"";
        } catch (UnreadableMemoryException gone) {
            return "";
        }
    }

    private void processes(String text) {
        Eprocess current = debugger.process();
        List<Eprocess> all = debugger.processes().stream()
                .filter(process -> process.peb() != 0 && !process.isExiting())
                .toList();
        if (!text.isEmpty()) {
            if (!text.matches("\\d{1,6}\\s*s") || Integer.parseInt(text.replaceAll("\\D", "")) >= all.size()) {
                throw new CommandException("^ Illegal process error in '|" + text + "'");
            }
            Eprocess chosen = all.get(Integer.parseInt(text.replaceAll("\\D", "")));
            debugger.setProcess(chosen);
            List<Ethread> threads = threadsOf(chosen);
            debugger.setThread(threads.isEmpty() ? null : threads.getFirst());
            debugger.showStop("");
            return;
        }
        for (int i = 0; i < all.size(); i++) {
            Eprocess process = all.get(i);
            out.line(String.format(
                    Locale.ROOT,
                    "%s %2d\tid: %x\t%s\tname: %s",
                    current != null && current.address() == process.address() ? "." : " ",
                    i,
                    process.uniqueProcessId(),
                    i == 0 ? "create" : "child",
                    process.imageFileName()));
        }
    }
}
