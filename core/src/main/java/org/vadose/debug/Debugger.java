package org.vadose.debug;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.PageTableFormat;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.Kprcb;
import org.vadose.pe.PeFormatException;
import org.vadose.pe.PeImage;
import org.vadose.target.Register;
import org.vadose.target.RegisterFile;
import org.vadose.target.SavedProcessor;
import org.vadose.target.Target;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/**
 * One debugging session: a target, what is looked at in it (a process, a thread), and the commands. {@link #execute} takes a line
 * as typed. No error of a command ends the session. For one thread, but {@link #cancel} may come from any.
 */
public final class Debugger {
    private final Target target;
    private final @Nullable LiveControl live;
    private final Printer out;
    private final CommandTable commands = new CommandTable();
    private final ModuleTable modules;
    private final Expression.Names names = new SessionNames();
    private @Nullable Eprocess process;
    private int processor;
    private final Breakpoints breakpoints = new Breakpoints();
    private ImageFiles imageFiles = ImageFiles.NONE;
    private @Nullable Ethread chosenThread;
    private long extensionResult;
    private int radix = 16;
    private String repeat = "";
    private Outcome outcome = Outcome.CONTINUE;
    private final Deque<String> pending = new ArrayDeque<>();
    private boolean failed;

    /** What the prompt does after a line. */
    public enum Outcome {
        CONTINUE,
        /** Let the machine run. */
        GO,
        /** Let it run on as if the exception it stopped at had not happened. */
        GO_HANDLED,
        /** Let it run one instruction. */
        STEP,
        /** Let it run one instruction; a call counts as one with all the function does. */
        STEP_OVER,
        QUIT
    }

    /** @param live null for a dump */
    public Debugger(Target target, @Nullable LiveControl live, Appendable output) {
        this.target = target;
        target.setPagedOut(new StoredPages(target));
        this.live = live;
        this.out = new Printer(output);
        this.modules = new ModuleTable(target);
        MemoryCommands.register(commands);
        PhysicalCommands.register(commands);
        TypeCommand.register(commands);
        ModuleCommands.register(commands);
        CodeCommands.register(commands);
        SessionCommands.register(commands);
        StackCommands.register(commands);
        BreakpointCommands.register(commands);
        ThreadCommands.register(commands);
        EditCommands.register(commands);
        AddressCommand.register(commands);
        MemoryUseCommand.register(commands);
        ProcessCommands.register(commands);
        UserCommands.register(commands);
        PteCommands.register(commands);
        VadCommand.register(commands);
        FileCacheCommand.register(commands);
        SectionCommands.register(commands);
        ObjectCommands.register(commands);
        PoolCommands.register(commands);
        VmCommand.register(commands);
        StoreCommand.register(commands);
        CombineCommand.register(commands);
        MitigationsCommand.register(commands);
        stopped();
    }

    public Target target() {
        return target;
    }

    public @Nullable LiveControl live() {
        return live;
    }

    public Printer out() {
        return out;
    }

    public CommandTable commands() {
        return commands;
    }

    public ModuleTable modules() {
        return modules;
    }

    /** Where the machine is to stop. */
    public Breakpoints breakpoints() {
        return breakpoints;
    }

    /** Says where files of images are found. */
    public void setImageFiles(ImageFiles files) {
        imageFiles = files;
    }

    ImageFiles imageFiles() {
        return imageFiles;
    }

    /** {@code "0: kd> "}. */
    public String prompt() {
        return processor + ": kd> ";
    }

    /** The machine ran and stopped: everything derived is forgotten and the running process is the one looked at. */
    public void stopped() {
        target.forget();
        modules.forget();
        processor = stoppedProcessor();
        chosenThread = null;
        setProcess(runningProcess());
        breakpoints.stopped(process == null ? 0 : process.address());
        String command = breakpoints.takeCommand();
        if (!command.isEmpty()) {
            List<String> parts = split(command);
            for (int i = parts.size() - 1; i >= 0; i--) {
                pending.addFirst(parts.get(i));
            }
        }
    }

    /** Says where the machine stopped: why, the registers, the instruction. */
    public void showStop(String reason) {
        out.rearm();
        try {
            if (!reason.isEmpty()) {
                out.line(reason);
            }
            CodeCommands.all(this, registers());
        } catch (CommandException | UnreadableMemoryException e) {
            out.line(String.valueOf(e.getMessage()));
        }
    }

    /** Stops the running command at its next line of output. */
    public void cancel() {
        out.cancel();
    }

    /** Whether any command since {@link #clearFailure} did not do what was asked. */
    public boolean hasFailed() {
        return failed;
    }

    public void clearFailure() {
        failed = false;
    }

    /**
     * Carries out a line: commands separated by {@code ;}. An empty line repeats the last command, memory commands going on
     * where they stopped. What follows a command that lets the machine run waits for {@link #executePending}.
     */
    public Outcome execute(String line) {
        String text = line.isBlank() ? repeat : line;
        repeat = text;
        pending.clear();
        pending.addAll(split(text));
        return executePending();
    }

    /** Carries on with a line that let the machine run. */
    public Outcome executePending() {
        out.rearm();
        outcome = Outcome.CONTINUE;
        if (live != null) {
            target.forget();
        }
        try {
            while (!pending.isEmpty() && outcome == Outcome.CONTINUE) {
                executeOne(pending.removeFirst());
            }
        } catch (Printer.Cancelled e) {
            pending.clear();
            out.rearm();
            out.line("^C");
        }
        return outcome;
    }

    private static List<String> split(String line) {
        List<String> parts = new ArrayList<>();
        boolean quoted = false;
        int start = 0;
        for (int i = 0; i <= line.length(); i++) {
            if (i == line.length() || line.charAt(i) == ';' && !quoted) {
                String part = line.substring(start, i).strip();
                if (!part.isEmpty()) {
                    parts.add(part);
                }
                start = i + 1;
            } else if (line.charAt(i) == '"') {
                quoted = !quoted;
            }
        }
        return parts;
    }

    private void executeOne(String text) {
        if (text.startsWith("*")) {
            return;
        }
        int end = wordEnd(text);
        String word = text.substring(0, end);
        Command command = commands.find(word);
        if (command == null) {
            fail(
                    word.startsWith("!")
                            ? "No export " + word.substring(1) + " found"
                            : " ".repeat(prompt().length()) + "^ Syntax error in '" + text + "'");
            return;
        }
        try {
            command.action().run(this, text.substring(end).strip());
        } catch (CommandException e) {
            boolean misused = end == text.length() && command.needsArguments();
            fail(misused ? "usage: " + command.usage() : String.valueOf(e.getMessage()));
        } catch (UnreadableMemoryException e) {
            fail("Unable to read memory at " + Hex.address(e.address()) + ": " + e.reason());
        } catch (PeFormatException | IllegalStateException | IllegalArgumentException e) {
            fail("Unable to follow the target's structures: " + e.getMessage());
        } catch (IndexOutOfBoundsException e) {
            fail("Unable to read physical memory: " + e.getMessage());
        } catch (UnsupportedOperationException e) {
            fail(String.valueOf(e.getMessage()));
        }
    }

    private void fail(String message) {
        failed = true;
        out.line(message);
    }

    /** A word ends at a blank; one without {@code !} or {@code .} also where its letters end, so {@code ?1+2} is {@code ?}. */
    private static int wordEnd(String text) {
        int end = 0;
        char first = text.charAt(0);
        if (first == '?') {
            return 1;
        }
        if (first == '!' || first == '.') {
            end = 1;
            while (end < text.length() && !Character.isWhitespace(text.charAt(end))) {
                end++;
            }
            return end;
        }
        while (end < text.length() && Character.isLetter(text.charAt(end))) {
            end++;
        }
        return end == 0 ? 1 : end;
    }

    /** What an empty line does after this command. */
    void setRepeat(String command) {
        repeat = command;
    }

    void setOutcome(Outcome wanted) {
        outcome = wanted;
    }

    int radix() {
        return radix;
    }

    void setRadix(int value) {
        radix = value;
    }

    // --- what is looked at ---

    /** The process whose user half is looked at; null if the target has none that can be read. */
    public @Nullable Eprocess process() {
        return process;
    }

    Eprocess requireProcess() {
        Eprocess current = process;
        if (current == null) {
            throw new CommandException("There is no current process.");
        }
        return current;
    }

    void setProcess(@Nullable Eprocess chosen) {
        process = chosen;
        long peb = 0;
        if (chosen != null) {
            try {
                peb = chosen.peb();
            } catch (UnreadableMemoryException e) {
                peb = 0;
            }
        }
        modules.setProcess(memory(), peb);
    }

    /** The address space looked at. */
    public TargetMemory memory() {
        return process == null ? target.kernel() : spaceOf(process);
    }

    TargetMemory spaceOf(Eprocess which) {
        try {
            long root = which.directoryTableBase() & ~0xFFFL;
            return root == 0 ? target.kernel() : target.space(root);
        } catch (UnreadableMemoryException e) {
            return target.kernel();
        }
    }

    private @Nullable Eprocess runningProcess() {
        if (target.kernelBase() == 0) {
            return null;
        }
        Ethread thread = runningThread();
        try {
            if (thread != null) {
                Eprocess running = thread.process();
                if (running.directoryTableBase() != 0 && running.uniqueProcessId() != 0) {
                    return running;
                }
            }
            long system = target.kernel().readLong(target.kernelAddress(KernelSymbols.PS_INITIAL_SYSTEM_PROCESS));
            return system == 0 ? null : new Eprocess(target.kernel(), system);
        } catch (UnreadableMemoryException e) {
            return null;
        }
    }

    /** The processor that stopped: the one whose saved registers the target gives as its own. */
    private int stoppedProcessor() {
        if (live != null) {
            return live.processor();
        }
        try {
            List<Long> blocks = target.processorBlocks();
            long given = target.stoppedRegisters() == null
                    ? 0
                    : target.stoppedRegisters().get(Register.RIP);
            for (int i = 0; i < blocks.size() && given != 0; i++) {
                if (new SavedProcessor(target.kernel(), blocks.get(i)).get(Register.RIP) == given) {
                    return i;
                }
            }
        } catch (UnreadableMemoryException e) {
            return 0;
        }
        return 0;
    }

    /** What the processor that stopped runs; null if that cannot be read. */
    public @Nullable Ethread runningThread() {
        try {
            List<Long> blocks = target.processorBlocks();
            if (processor < blocks.size()) {
                Ethread thread = new Kprcb(target.kernel(), blocks.get(processor)).currentThread();
                if (thread.address() != 0 && target.kernel().isReadable(thread.address())) {
                    return thread;
                }
            }
        } catch (UnreadableMemoryException e) {
            return null;
        }
        return null;
    }

    /** Registers of the thread looked at. */
    public RegisterFile registers() {
        Ethread chosen = chosenThread;
        if (chosen != null) {
            return TrapRegisters.of(chosen);
        }
        if (live != null) {
            return live.registers();
        }
        RegisterFile registers = target.stoppedRegisters();
        if (registers == null) {
            throw new CommandException("The target has no registers.");
        }
        return registers;
    }

    /**
     * Writes the memory looked at. What is written is in RAM before anything of it is.
     *
     * @throws UnsupportedOperationException for an image
     */
    void write(long address, byte[] bytes) {
        if (live == null) {
            throw new CommandException("The target is an image and cannot be changed.");
        }
        TargetMemory space = memory();
        for (int done = 0; done < bytes.length; ) {
            long at = address + done;
            int count = (int) Math.min(bytes.length - done, Pages.SIZE - Pages.offset(at));
            long physical = space.translate(at);
            PageTableFormat.Step leaf = space.path(at).getLast();
            live.writePhysical(physical, Arrays.copyOfRange(bytes, done, done + count));
            boolean isWritableEntry = (leaf.entry() & X64PageTables.PRESENT) != 0
                    && (leaf.entry() & X64PageTables.WRITE) != 0
                    && (leaf.entry() & X64PageTables.DIRTY) == 0;
            if (isWritableEntry) {
                // As a write by a program would, so that the page is not taken for what its backing store holds.
                live.writePhysical(
                        leaf.entryPhysicalAddress(), new byte[] {(byte) (leaf.entry() | X64PageTables.DIRTY)});
            }
            done += count;
        }
    }

    /** Carries out commands in the middle of one. */
    void carryOut(String commands) {
        split(commands).forEach(this::executeOne);
    }

    /** {@code @$extret}. */
    void setExtensionResult(long value) {
        extensionResult = value;
    }

    /** The thread whose registers and stack are looked at: the one that stopped unless another was chosen. */
    public @Nullable Ethread thread() {
        return chosenThread == null ? runningThread() : chosenThread;
    }

    /** Looks at another thread, whose registers are those of its trap frame; null for the one that stopped. */
    void setThread(@Nullable Ethread thread) {
        Ethread running = runningThread();
        chosenThread = thread == null || running != null && running.address() == thread.address() ? null : thread;
    }

    // --- expressions and names ---

    /** Value of an expression. */
    public long evaluate(String expression) {
        return Expression.evaluate(expression, names);
    }

    /** {@code nt!KeBugCheckEx+0x10}, or null where no module is. */
    public @Nullable String nameOf(long address) {
        return modules.nameOf(address);
    }

    private final class SessionNames implements Expression.Names {
        @Override
        public long resolve(String name) {
            boolean marked = name.startsWith("@");
            String plain = marked ? name.substring(1) : name;
            if (plain.startsWith("$")) {
                return pseudo(plain.toLowerCase(Locale.ROOT));
            }
            Register register = Register.find(plain);
            if (register != null) {
                return registers().get(register);
            }
            if (!marked) {
                ModuleTable.Place place = modules.findSymbol(plain);
                if (place != null) {
                    return place.address();
                }
                Module module = modules.find(plain);
                if (module != null) {
                    return module.base();
                }
            }
            throw new CommandException("Couldn't resolve error at '" + name + "'");
        }

        private long pseudo(String name) {
            switch (name) {
                case "$ip":
                    return registers().get(Register.RIP);
                case "$csp":
                    return registers().get(Register.RSP);
                case "$retreg":
                    return registers().get(Register.RAX);
                case "$proc":
                    return requireProcess().address();
                case "$peb":
                    return requireProcess().peb();
                case "$extret":
                    return extensionResult;
                case "$thread":
                    Ethread thread = thread();
                    if (thread != null) {
                        return thread.address();
                    }
                    break;
                case "$teb":
                    Ethread looked = thread();
                    if (looked != null) {
                        return looked.teb();
                    }
                    break;
                case "$exentry":
                    long image = requireProcess().sectionBaseAddress();
                    if (image != 0) {
                        return image + PeImage.ofMapped(memory(), image).entryPoint();
                    }
                    break;
                default:
                    break;
            }
            throw new CommandException("Couldn't resolve error at '" + name + "'");
        }

        @Override
        public long read(long address, int sizeBytes) {
            return switch (sizeBytes) {
                case 1 -> memory().readUnsignedByte(address);
                case 2 -> memory().readUnsignedShort(address);
                case 4 -> memory().readUnsignedInt(address);
                default -> memory().readLong(address);
            };
        }

        @Override
        public int radix() {
            return radix;
        }
    }

    /** Processes of {@code PsActiveProcessHead}, as far as the list can be read. */
    public List<Eprocess> processes() {
        List<Eprocess> found = new ArrayList<>();
        long head = target.kernelAddress(KernelSymbols.PS_ACTIVE_PROCESS_HEAD);
        for (long link : Lists.readable(new org.vadose.nt.ListEntry(target.kernel(), head), 1 << 16)) {
            found.add(new Eprocess(target.kernel(), link - EprocessLayout.ACTIVE_PROCESS_LINKS));
        }
        return found;
    }
}
