package org.vadose.nt;

import org.vadose.layout.SepTokenPrivilegesLayout;
import org.vadose.layout.SidAndAttributesLayout;
import org.vadose.layout.SidLayout;
import org.vadose.layout.TokenLayout;
import org.vadose.memory.Memory;

/** An access token ({@code _TOKEN}). Privileges are bits of 64, a privilege's number being its LUID's low part. */
public record Token(Memory memory, long address) {
    /** {@code SeLockMemoryPrivilege}: large pages and physical pages of one's own. */
    public static final int SE_LOCK_MEMORY = 4;

    /** {@code SeIncreaseQuotaPrivilege}: limits of the system's file cache, among other things. */
    public static final int SE_INCREASE_QUOTA = 5;

    /** {@code SeProfileSingleProcessPrivilege}: combining pages, among other things. */
    public static final int SE_PROFILE_SINGLE_PROCESS = 13;

    /** {@code SeIncreaseBasePriorityPrivilege}: real-time priorities. */
    public static final int SE_INCREASE_BASE_PRIORITY = 14;

    private long privileges() {
        return address + TokenLayout.PRIVILEGES;
    }

    /** Privileges that can be enabled. */
    public long present() {
        return memory.readLong(privileges() + SepTokenPrivilegesLayout.PRESENT);
    }

    public long enabled() {
        return memory.readLong(privileges() + SepTokenPrivilegesLayout.ENABLED);
    }

    public long enabledByDefault() {
        return memory.readLong(privileges() + SepTokenPrivilegesLayout.ENABLED_BY_DEFAULT);
    }

    /** Whether a privilege is there and enabled; a process without token has none. */
    public boolean holds(int privilege) {
        return address != 0 && (present() & enabled() & 1L << privilege) != 0;
    }

    public void setEnabled(long mask) {
        memory.writeLong(privileges() + SepTokenPrivilegesLayout.ENABLED, mask & present());
    }

    /** Takes privileges away for good. */
    public void remove(long mask) {
        long at = privileges();
        for (long field : new long[] {
            SepTokenPrivilegesLayout.PRESENT,
            SepTokenPrivilegesLayout.ENABLED,
            SepTokenPrivilegesLayout.ENABLED_BY_DEFAULT
        }) {
            memory.writeLong(at + field, memory.readLong(at + field) & ~mask);
        }
    }

    /** Address of the {@code _SID} of the user (0) or a group. */
    public long groupSid(int index) {
        return memory.readLong(group(index) + SidAndAttributesLayout.SID);
    }

    public int groupAttributes(int index) {
        return memory.readInt(group(index) + SidAndAttributesLayout.ATTRIBUTES);
    }

    private long group(int index) {
        return memory.readLong(address + TokenLayout.USER_AND_GROUPS) + index * SidAndAttributesLayout.SIZE;
    }

    /** Which group is the integrity level. */
    public int integrityIndex() {
        return memory.readInt(address + TokenLayout.INTEGRITY_LEVEL_INDEX);
    }

    public int sessionId() {
        return memory.readInt(address + TokenLayout.SESSION_ID);
    }

    /** 1 primary, 2 for impersonation. */
    public int type() {
        return memory.readInt(address + TokenLayout.TOKEN_TYPE);
    }

    /** Bytes of a {@code _SID}. */
    public static int sidBytes(Memory memory, long sid) {
        return (int) SidLayout.SUB_AUTHORITY
                + Integer.BYTES * memory.readUnsignedByte(sid + SidLayout.SUB_AUTHORITY_COUNT);
    }
}
