package org.vadose.nt;

import org.vadose.base.NtStatus;
import org.vadose.layout.KexecuteOptionsLayout;
import org.vadose.layout.KprocessLayout;

/** A process's data execution prevention ({@code _KPROCESS.Flags}, a {@code _KEXECUTE_OPTIONS}). */
public record ExecuteOptions(Eprocess process) {
    /** {@code MEM_EXECUTE_OPTION_DISABLE}: memory that is not marked executable is not executed. */
    public static final int DISABLE = 1 << KexecuteOptionsLayout.EXECUTE_DISABLE_SHIFT;
    /** {@code MEM_EXECUTE_OPTION_ENABLE}: it is. */
    public static final int ENABLE = 1 << KexecuteOptionsLayout.EXECUTE_ENABLE_SHIFT;
    /** {@code MEM_EXECUTE_OPTION_DISABLE_THUNK_EMULATION}: nor is it for old code of the Active Template Library. */
    public static final int DISABLE_THUNK_EMULATION = 1 << KexecuteOptionsLayout.DISABLE_THUNK_EMULATION_SHIFT;
    /** {@code MEM_EXECUTE_OPTION_PERMANENT}: so it stays for the life of the process. */
    public static final int PERMANENT = 1 << KexecuteOptionsLayout.PERMANENT_SHIFT;

    /** Exception handlers and images outside what is executable: what goes with {@link #ENABLE}. */
    private static final int DISPATCH = 1 << KexecuteOptionsLayout.EXECUTE_DISPATCH_ENABLE_SHIFT
            | 1 << KexecuteOptionsLayout.IMAGE_DISPATCH_ENABLE_SHIFT;

    private static final int SETTABLE = DISABLE | ENABLE | DISABLE_THUNK_EMULATION | PERMANENT | DISPATCH;

    /** What a list of processes says of one, as the column "DEP" of Process Explorer does. */
    public enum Status {
        /** No protection; the column is empty. */
        OFF(""),
        /** Protected, and free to give it up. */
        ON("DEP"),
        PERMANENTLY_ON("DEP (permanent)");

        private final String text;

        Status(String text) {
            this.text = text;
        }

        public String text() {
            return text;
        }
    }

    /** The bits, as {@code ProcessExecuteFlags} tells and takes them. */
    public int flags() {
        return process.memory().readUnsignedByte(process.address() + KprocessLayout.FLAGS);
    }

    private void write(int flags) {
        process.memory().writeByte(process.address() + KprocessLayout.FLAGS, (byte) flags);
    }

    /** Once, when the process is made: what the boot option gives a program. */
    public void initialize(NxPolicy policy, boolean is64Bit, boolean isNxCompatible) {
        write(initialFlags(policy, is64Bit, isNxCompatible));
    }

    /**
     * What the boot option gives a program ("Data Execution Prevention", Microsoft).
     *
     * @param isNxCompatible whether its image has {@code IMAGE_DLLCHARACTERISTICS_NX_COMPAT}, or it is one of Windows' own
     */
    public static int initialFlags(NxPolicy policy, boolean is64Bit, boolean isNxCompatible) {
        int on = DISABLE | DISABLE_THUNK_EMULATION;
        return switch (policy) {
            case ALWAYS_ON -> on | PERMANENT;
            case ALWAYS_OFF -> ENABLE | DISPATCH | PERMANENT;
            case OPT_IN -> is64Bit || isNxCompatible ? on | PERMANENT : ENABLE | DISPATCH;
            // With OptOut a program that says nothing is protected until it says otherwise.
            case OPT_OUT -> is64Bit || isNxCompatible ? on | PERMANENT : DISABLE;
        };
    }

    public boolean isEnabled() {
        return (flags() & DISABLE) != 0;
    }

    public boolean isPermanent() {
        return (flags() & PERMANENT) != 0;
    }

    public Status status() {
        return !isEnabled() ? Status.OFF : isPermanent() ? Status.PERMANENTLY_ON : Status.ON;
    }

    /** {@code NtSetInformationProcess(ProcessExecuteFlags)}; for 32-bit processes only, and only as long as nothing is permanent. */
    public NtStatus set(int flags) {
        boolean both = (flags & (DISABLE | ENABLE)) == (DISABLE | ENABLE);
        if (!process.is32Bit() || both || (flags & ~SETTABLE) != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (isPermanent()) {
            return NtStatus.ACCESS_DENIED;
        }
        write((flags & ENABLE) != 0 ? flags | DISPATCH : flags);
        return NtStatus.SUCCESS;
    }
}
