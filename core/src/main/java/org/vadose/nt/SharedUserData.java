package org.vadose.nt;

import org.vadose.layout.KsystemTimeLayout;
import org.vadose.layout.KuserSharedDataLayout;
import org.vadose.memory.Memory;

/** The page that every process reads ({@code _KUSER_SHARED_DATA}), at the same two addresses in all of them. */
public record SharedUserData(Memory memory, long address) {
    public static final long KERNEL_ADDRESS = 0xFFFF_F780_0000_0000L;
    public static final long USER_ADDRESS = 0x7FFE_0000L;

    public static SharedUserData kernel(Memory memory) {
        return new SharedUserData(memory, KERNEL_ADDRESS);
    }

    /** 100 ns units since 1601, UTC. */
    public long systemTime() {
        return time(KuserSharedDataLayout.SYSTEM_TIME);
    }

    /** 100 ns units since boot. */
    public long interruptTime() {
        return time(KuserSharedDataLayout.INTERRUPT_TIME);
    }

    /** Clock ticks since boot, 15.625 ms each. */
    public long tickCount() {
        return time(KuserSharedDataLayout.TICK_COUNT);
    }

    /** The {@code nx} option the machine was booted with. */
    public NxPolicy nxPolicy() {
        int policies = memory.readUnsignedByte(address + KuserSharedDataLayout.MITIGATION_POLICIES);
        return NxPolicy.values()[policies & (int) KuserSharedDataLayout.NX_SUPPORT_POLICY_MASK];
    }

    /** Frames of RAM. */
    public long physicalPages() {
        return memory.readUnsignedInt(address + KuserSharedDataLayout.NUMBER_OF_PHYSICAL_PAGES);
    }

    public void setSystemTime(long value) {
        setTime(KuserSharedDataLayout.SYSTEM_TIME, value);
    }

    public void setInterruptTime(long value) {
        setTime(KuserSharedDataLayout.INTERRUPT_TIME, value);
    }

    public void setTickCount(long value) {
        setTime(KuserSharedDataLayout.TICK_COUNT, value);
    }

    private long time(long field) {
        return memory.readUnsignedInt(address + field + KsystemTimeLayout.LOW_PART)
                | memory.readUnsignedInt(address + field + KsystemTimeLayout.HIGH1_TIME) << 32;
    }

    /** High2 first and High1 last, so that a reader who finds them equal has read one value. */
    private void setTime(long field, long value) {
        memory.writeInt(address + field + KsystemTimeLayout.HIGH2_TIME, (int) (value >>> 32));
        memory.writeInt(address + field + KsystemTimeLayout.LOW_PART, (int) value);
        memory.writeInt(address + field + KsystemTimeLayout.HIGH1_TIME, (int) (value >>> 32));
    }
}
