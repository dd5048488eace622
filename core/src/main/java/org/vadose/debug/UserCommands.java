package org.vadose.debug;

import java.nio.charset.StandardCharsets;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.ClientIdLayout;
import org.vadose.layout.CurdirLayout;
import org.vadose.layout.LdrDataTableEntryLayout;
import org.vadose.layout.NtTibLayout;
import org.vadose.layout.PebLayout;
import org.vadose.layout.PebLdrDataLayout;
import org.vadose.layout.RtlUserProcessParametersLayout;
import org.vadose.layout.TebLayout;
import org.vadose.nt.Ethread;
import org.vadose.nt.ListEntry;
import org.vadose.nt.UnicodeString;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !peb !teb}: what user mode knows of its process and thread. */
final class UserCommands {
    private static final int MAXIMUM_MODULES = 4096;
    private static final int MAXIMUM_ENVIRONMENT = 1 << 16;

    private final Printer out;
    private final TargetMemory memory;

    private UserCommands(Debugger debugger) {
        this.out = debugger.out();
        this.memory = debugger.memory();
    }

    static void register(CommandTable table) {
        table.add(
                "!peb",
                "[address]",
                "Show the process environment block",
                Argument.EXPRESSION,
                (d, a) ->
                        new UserCommands(d).peb(a.isEmpty() ? d.requireProcess().peb() : d.evaluate(a)));
        table.add(
                "!teb",
                "[address]",
                "Show the thread environment block",
                Argument.EXPRESSION,
                (d, a) -> new UserCommands(d).teb(a.isEmpty() ? currentTeb(d) : d.evaluate(a)));
    }

    private static long currentTeb(Debugger debugger) {
        Ethread thread = debugger.runningThread();
        return thread == null ? 0 : thread.teb();
    }

    private void peb(long peb) {
        if (peb == 0) {
            throw new CommandException("The process has no PEB.");
        }
        out.line("PEB at " + Hex.address(peb));
        row("InheritedAddressSpace:    ", yes(memory.readByte(peb + PebLayout.INHERITED_ADDRESS_SPACE)));
        row("ReadImageFileExecOptions: ", yes(memory.readByte(peb + PebLayout.READ_IMAGE_FILE_EXEC_OPTIONS)));
        row("BeingDebugged:            ", yes(memory.readByte(peb + PebLayout.BEING_DEBUGGED)));
        row("ImageBaseAddress:         ", pointer(peb + PebLayout.IMAGE_BASE_ADDRESS));
        row("NtGlobalFlag:             ", Hex.plain(memory.readUnsignedInt(peb + PebLayout.NT_GLOBAL_FLAG)));
        row("NtGlobalFlag2:            ", Hex.plain(memory.readUnsignedInt(peb + PebLayout.NT_GLOBAL_FLAG2)));
        long loader = memory.readLong(peb + PebLayout.LDR);
        row("Ldr                       ", Hex.address(loader));
        if (loader != 0) {
            guarded(() -> loader(loader));
        }
        row("SubSystemData:     ", pointer(peb + PebLayout.SUB_SYSTEM_DATA));
        row("ProcessHeap:       ", pointer(peb + PebLayout.PROCESS_HEAP));
        long parameters = memory.readLong(peb + PebLayout.PROCESS_PARAMETERS);
        row("ProcessParameters: ", Hex.address(parameters));
        if (parameters != 0) {
            guarded(() -> parameters(parameters));
        }
    }

    private void guarded(Runnable part) {
        try {
            part.run();
        } catch (UnreadableMemoryException e) {
            out.line("    *** unable to read " + Hex.address(e.address()) + ": " + e.reason());
        }
    }

    private void loader(long loader) {
        row("Ldr.Initialized:          ", yes(memory.readByte(loader + PebLdrDataLayout.INITIALIZED)));
        links("Ldr.InInitializationOrderModuleList: ", loader + PebLdrDataLayout.IN_INITIALIZATION_ORDER_MODULE_LIST);
        links("Ldr.InLoadOrderModuleList:           ", loader + PebLdrDataLayout.IN_LOAD_ORDER_MODULE_LIST);
        links("Ldr.InMemoryOrderModuleList:         ", loader + PebLdrDataLayout.IN_MEMORY_ORDER_MODULE_LIST);
        out.line("                    Base TimeStamp                     Module");
        ListEntry head = new ListEntry(memory, loader + PebLdrDataLayout.IN_LOAD_ORDER_MODULE_LIST);
        for (long entry : Lists.readable(head, MAXIMUM_MODULES)) {
            long at = entry - LdrDataTableEntryLayout.IN_LOAD_ORDER_LINKS;
            long stamp = memory.readUnsignedInt(at + LdrDataTableEntryLayout.TIME_DATE_STAMP);
            out.format(
                    "        %16x %08x %s %s",
                    memory.readLong(at + LdrDataTableEntryLayout.DLL_BASE),
                    stamp,
                    Times.stamp(stamp),
                    new UnicodeString(memory, at + LdrDataTableEntryLayout.FULL_DLL_NAME).text());
        }
    }

    private void links(String name, long head) {
        ListEntry list = new ListEntry(memory, head);
        row(name, Hex.address(list.flink()) + " . " + Hex.address(list.blink()));
    }

    private void parameters(long at) {
        text("CurrentDirectory:  ", at + RtlUserProcessParametersLayout.CURRENT_DIRECTORY + CurdirLayout.DOS_PATH);
        text("WindowTitle:  ", at + RtlUserProcessParametersLayout.WINDOW_TITLE);
        text("ImageFile:    ", at + RtlUserProcessParametersLayout.IMAGE_PATH_NAME);
        text("CommandLine:  ", at + RtlUserProcessParametersLayout.COMMAND_LINE);
        text("DllPath:      ", at + RtlUserProcessParametersLayout.DLL_PATH);
        long environment = memory.readLong(at + RtlUserProcessParametersLayout.ENVIRONMENT);
        row("Environment:  ", Hex.address(environment));
        if (environment != 0) {
            environment(environment);
        }
    }

    private void text(String name, long string) {
        UnicodeString text = new UnicodeString(memory, string);
        row(name, "'" + (text.buffer() == 0 ? "< Name not readable >" : text.text()) + "'");
    }

    private void environment(long address) {
        String block = new String(memory.readUpTo(address, MAXIMUM_ENVIRONMENT), StandardCharsets.UTF_16LE);
        for (int start = 0; start < block.length() && block.charAt(start) != 0; ) {
            int end = block.indexOf('\0', start);
            end = end < 0 ? block.length() : end;
            out.line("        " + block.substring(start, end));
            start = end + 1;
        }
    }

    private void teb(long teb) {
        if (teb == 0) {
            throw new CommandException("The thread has no TEB.");
        }
        long tib = teb + TebLayout.NT_TIB;
        out.line("TEB at " + Hex.address(teb));
        row("ExceptionList:        ", pointer(tib + NtTibLayout.EXCEPTION_LIST));
        row("StackBase:            ", pointer(tib + NtTibLayout.STACK_BASE));
        row("StackLimit:           ", pointer(tib + NtTibLayout.STACK_LIMIT));
        row("SubSystemTib:         ", pointer(tib + NtTibLayout.SUB_SYSTEM_TIB));
        row("FiberData:            ", pointer(tib + NtTibLayout.FIBER_DATA));
        row("ArbitraryUserPointer: ", pointer(tib + NtTibLayout.ARBITRARY_USER_POINTER));
        row("Self:                 ", pointer(tib + NtTibLayout.SELF));
        row("EnvironmentPointer:   ", pointer(teb + TebLayout.ENVIRONMENT_POINTER));
        row(
                "ClientId:             ",
                pointer(teb + TebLayout.CLIENT_ID + ClientIdLayout.UNIQUE_PROCESS) + " . "
                        + pointer(teb + TebLayout.CLIENT_ID + ClientIdLayout.UNIQUE_THREAD));
        row("RpcHandle:            ", pointer(teb + TebLayout.ACTIVE_RPC_HANDLE));
        row("Tls Storage:          ", pointer(teb + TebLayout.THREAD_LOCAL_STORAGE_POINTER));
        row("PEB Address:          ", pointer(teb + TebLayout.PROCESS_ENVIRONMENT_BLOCK));
        row("LastErrorValue:       ", String.valueOf(memory.readUnsignedInt(teb + TebLayout.LAST_ERROR_VALUE)));
        row("LastStatusValue:      ", Hex.plain(memory.readUnsignedInt(teb + TebLayout.LAST_STATUS_VALUE)));
        row(
                "Count Owned Locks:    ",
                String.valueOf(memory.readUnsignedInt(teb + TebLayout.COUNT_OF_OWNED_CRITICAL_SECTIONS)));
        row("HardErrorMode:        ", String.valueOf(memory.readUnsignedInt(teb + TebLayout.HARD_ERROR_MODE)));
    }

    private void row(String name, String value) {
        out.line("    " + name + value);
    }

    private String pointer(long address) {
        return Hex.address(memory.readLong(address));
    }

    private static String yes(byte value) {
        return value == 0 ? "No" : "Yes";
    }
}
