package org.vadose.ps;

import org.vadose.layout.KernelSymbols;
import org.vadose.layout.LuidLayout;
import org.vadose.layout.SepTokenPrivilegesLayout;
import org.vadose.layout.SidAndAttributesLayout;
import org.vadose.layout.SidLayout;
import org.vadose.layout.TokenLayout;
import org.vadose.layout.TokenSourceLayout;
import org.vadose.memory.Memory;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;

/**
 * Makes primary access tokens: who a process runs as, its groups and privileges. The identifiers follow in the token's variable
 * part, each an array entry pointing at a {@code _SID}.
 */
final class TokenFactory {
    /** Mandatory, enabled by default, enabled. */
    private static final int GROUP = 7;

    private static final int INTEGRITY = 0x60;
    private static final int TOKEN_PRIMARY = 1;
    /** Every privilege the build defines, SeCreateToken (2) to SeDelegateSessionUserImpersonate (36). */
    private static final long ALL_PRIVILEGES = 0x1F_FFFF_FFFCL;
    /** SeChangeNotify (23), SeShutdown (19), SeUndock (25), SeIncreaseWorkingSet (33), SeTimeZone (34). */
    private static final long USER_PRIVILEGES = 1L << 23 | 1L << 19 | 1L << 25 | 1L << 33 | 1L << 34;

    private static final long CHANGE_NOTIFY = 1L << 23;
    private static final int SID_BYTES = 32;

    private final Memory memory;
    private final ObjectManager objects;
    private final long kernelBase;
    private final int[] machineSid;
    private long userPrivileges = USER_PRIVILEGES;
    private int nextLuid = 0x10000;

    /** @param machineSid the three numbers that make a machine's accounts its own */
    TokenFactory(ObjectManager objects, int[] machineSid) {
        this.memory = objects.memory();
        this.objects = objects;
        this.kernelBase = objects.kernelBase();
        this.machineSid = machineSid;
    }

    /** More for the person logged on, disabled at first. */
    void grantToUsers(long privileges) {
        userPrivileges |= privileges;
    }

    /** @return the token, with one reference */
    long create(Account account, int sessionId) {
        int[][] groups = groups(account);
        int bytes = groups.length * ((int) SidAndAttributesLayout.SIZE + SID_BYTES);
        long token = objects.create(KnownType.TOKEN, TokenLayout.VARIABLE_PART + bytes);
        long source = token + TokenLayout.TOKEN_SOURCE + TokenSourceLayout.SOURCE_NAME;
        for (int i = 0; i < account.source.length(); i++) {
            memory.writeByte(source + i, (byte) account.source.charAt(i));
        }
        long tokenId = nextLuid += 0x2E;
        memory.writeLong(token + TokenLayout.TOKEN_ID, tokenId);
        memory.writeLong(token + TokenLayout.MODIFIED_ID, tokenId);
        memory.writeInt(token + TokenLayout.AUTHENTICATION_ID + LuidLayout.LOW_PART, account.logonId);
        memory.writeLong(token + TokenLayout.EXPIRATION_TIME, Long.MAX_VALUE);
        boolean all = account == Account.SYSTEM;
        long present = all ? ALL_PRIVILEGES : account == Account.USER ? userPrivileges : USER_PRIVILEGES;
        long privileges = token + TokenLayout.PRIVILEGES;
        memory.writeLong(privileges + SepTokenPrivilegesLayout.PRESENT, present);
        memory.writeLong(privileges + SepTokenPrivilegesLayout.ENABLED, all ? present : CHANGE_NOTIFY);
        memory.writeLong(privileges + SepTokenPrivilegesLayout.ENABLED_BY_DEFAULT, all ? present : CHANGE_NOTIFY);
        memory.writeInt(token + TokenLayout.SESSION_ID, sessionId);
        memory.writeInt(token + TokenLayout.USER_AND_GROUP_COUNT, groups.length);
        memory.writeInt(token + TokenLayout.VARIABLE_LENGTH, bytes);
        memory.writeInt(token + TokenLayout.TOKEN_TYPE, TOKEN_PRIMARY);
        memory.writeInt(token + TokenLayout.INTEGRITY_LEVEL_INDEX, groups.length - 1);
        memory.writeInt(token + TokenLayout.MANDATORY_POLICY, 3);
        memory.writeByte(token + TokenLayout.TOKEN_IN_USE, (byte) 1);
        long array = token + TokenLayout.VARIABLE_PART;
        long sids = array + groups.length * SidAndAttributesLayout.SIZE;
        memory.writeLong(token + TokenLayout.USER_AND_GROUPS, array);
        for (int i = 0; i < groups.length; i++) {
            long entry = array + i * SidAndAttributesLayout.SIZE;
            long sid = sids + (long) i * SID_BYTES;
            memory.writeLong(entry + SidAndAttributesLayout.SID, sid);
            int attributes = i == 0 ? 0 : i == groups.length - 1 ? INTEGRITY : GROUP;
            memory.writeInt(entry + SidAndAttributesLayout.ATTRIBUTES, attributes);
            writeSid(sid, groups[i]);
        }
        memory.writeLong(token + TokenLayout.PRIMARY_GROUP, sids);
        memory.writeLong(token + TokenLayout.INTEGRITY_LEVEL_SID_VALUE, sids + (groups.length - 1L) * SID_BYTES);
        return token;
    }

    /** User first, integrity level last; each an authority followed by its parts. */
    private int[][] groups(Account account) {
        int[] integrity = {16, account.integrity};
        int[] everyone = {1, 0};
        int[] authenticated = {5, 11};
        if (account == Account.USER) {
            int[] user = {5, 21, machineSid[0], machineSid[1], machineSid[2], 1001};
            int[] none = {5, 21, machineSid[0], machineSid[1], machineSid[2], 513};
            return new int[][] {user, none, everyone, {5, 32, 545}, {5, 4}, authenticated, {2, 0}, integrity};
        }
        int[] user = account.identifier();
        return account == Account.SYSTEM
                ? new int[][] {user, {5, 32, 544}, everyone, authenticated, integrity}
                : new int[][] {user, everyone, {5, 32, 545}, {5, 6}, authenticated, integrity};
    }

    private void writeSid(long sid, int[] authorityAndParts) {
        memory.writeByte(sid + SidLayout.REVISION, (byte) 1);
        memory.writeByte(sid + SidLayout.SUB_AUTHORITY_COUNT, (byte) (authorityAndParts.length - 1));
        // Six bytes, most significant first.
        memory.writeByte(sid + SidLayout.IDENTIFIER_AUTHORITY + 5, (byte) authorityAndParts[0]);
        for (int i = 1; i < authorityAndParts.length; i++) {
            memory.writeInt(sid + SidLayout.SUB_AUTHORITY + 4L * (i - 1), authorityAndParts[i]);
        }
    }

    /** Names System's token where the security monitor does. */
    void publishSystemToken(long token) {
        memory.writeLong(kernelBase + KernelSymbols.PSP_BOOT_ACCESS_TOKEN, token);
    }
}
