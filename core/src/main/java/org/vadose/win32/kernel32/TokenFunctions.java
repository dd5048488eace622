package org.vadose.win32.kernel32;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Token;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** Access tokens: who the process is, and which of its privileges are enabled. Names and numbers are those of {@code winnt.h}. */
final class TokenFunctions {
    private static final int ERROR_NOACCESS = 998;
    private static final int ERROR_NOT_ALL_ASSIGNED = 1300;
    private static final int ERROR_NO_SUCH_PRIVILEGE = 1313;
    private static final int ERROR_INSUFFICIENT_BUFFER = 122;
    private static final int RPC_S_SERVER_UNAVAILABLE = 1722;
    private static final int TOKEN_QUERY = 8;
    private static final int TOKEN_ADJUST_PRIVILEGES = 0x20;
    private static final long CURRENT_PROCESS_TOKEN = -4;
    private static final long CURRENT_EFFECTIVE_TOKEN = -6;
    private static final int ENABLED_BY_DEFAULT = 1;
    private static final int ENABLED = 2;
    private static final int REMOVED = 4;
    private static final int MOST_PRIVILEGES = 64;
    /** LUID and attributes. */
    private static final int ENTRY_BYTES = 12;

    /** From privilege 2 on, in the order of their numbers. */
    private static final List<String> NAMES = List.of(
            "SeCreateTokenPrivilege",
            "SeAssignPrimaryTokenPrivilege",
            "SeLockMemoryPrivilege",
            "SeIncreaseQuotaPrivilege",
            "SeMachineAccountPrivilege",
            "SeTcbPrivilege",
            "SeSecurityPrivilege",
            "SeTakeOwnershipPrivilege",
            "SeLoadDriverPrivilege",
            "SeSystemProfilePrivilege",
            "SeSystemtimePrivilege",
            "SeProfileSingleProcessPrivilege",
            "SeIncreaseBasePriorityPrivilege",
            "SeCreatePagefilePrivilege",
            "SeCreatePermanentPrivilege",
            "SeBackupPrivilege",
            "SeRestorePrivilege",
            "SeShutdownPrivilege",
            "SeDebugPrivilege",
            "SeAuditPrivilege",
            "SeSystemEnvironmentPrivilege",
            "SeChangeNotifyPrivilege",
            "SeRemoteShutdownPrivilege",
            "SeUndockPrivilege",
            "SeSyncAgentPrivilege",
            "SeEnableDelegationPrivilege",
            "SeManageVolumePrivilege",
            "SeImpersonatePrivilege",
            "SeCreateGlobalPrivilege",
            "SeTrustedCredManAccessPrivilege",
            "SeRelabelPrivilege",
            "SeIncreaseWorkingSetPrivilege",
            "SeTimeZonePrivilege",
            "SeCreateSymbolicLinkPrivilege",
            "SeDelegateSessionUserImpersonatePrivilege");

    private static final int FIRST = 2;

    private TokenFunctions() {}

    static void addTo(ApiModule dll) {
        dll.function("OpenProcessToken", Buffers.ofService(TokenFunctions::openProcessToken))
                .function("OpenThreadToken", call -> call.succeeded(openThreadToken(call)))
                .function("LookupPrivilegeValueA", call -> lookup(call, false))
                .function("LookupPrivilegeValueW", call -> lookup(call, true))
                .function("AdjustTokenPrivileges", TokenFunctions::adjust)
                .function("GetTokenInformation", TokenFunctions::information);
    }

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtOpenProcessToken", 0x128, call -> open(call, 2).code())
                .service("NtOpenProcessTokenEx", 0x30, call -> open(call, 3).code())
                .service(
                        "NtOpenThreadToken", 0x24, call -> openThreadToken(call).code())
                .service(
                        "NtOpenThreadTokenEx",
                        0x2F,
                        call -> openThreadToken(call).code())
                .service(
                        "NtAdjustPrivilegesToken",
                        0x41,
                        call -> adjust(call, token(call, TOKEN_ADJUST_PRIVILEGES))
                                .code())
                .service("NtQueryInformationToken", 0x21, call -> query(call).code());
    }

    // --- opening ---

    /** Puts a handle to the token of a process where an argument says. */
    private static NtStatus open(ApiCall call, int resultIndex) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_LIMITED_INFORMATION);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0));
        }
        call.memory().writeLong(call.arg(resultIndex), 0);
        int handle = call.process().objects().open(process.token(), call.intArg(1));
        call.memory().writeLong(call.arg(resultIndex), handle);
        return handle == 0 ? NtStatus.INSUFFICIENT_RESOURCES : NtStatus.SUCCESS;
    }

    private static long openProcessToken(ApiCall call) {
        return call.succeeded(open(call, 2));
    }

    /** No thread impersonates anybody. */
    private static NtStatus openThreadToken(ApiCall call) {
        return ProcessFunctions.ethread(call, call.arg(0)).address() == 0
                ? ProcessHandles.refusal(call, call.arg(0))
                : NtStatus.NO_TOKEN;
    }

    /** The token behind a handle that grants an access, or behind a pseudo handle; with the status why there is none. */
    private record Found(NtStatus status, @Nullable Token token) {}

    private static Found token(ApiCall call, int access) {
        long handle = call.arg(0);
        Memory kernel = call.process().kernel().objectManager().memory();
        if (handle <= CURRENT_PROCESS_TOKEN && handle >= CURRENT_EFFECTIVE_TOKEN) {
            // Pseudo handles may query, and nothing else.
            return access == TOKEN_QUERY
                    ? new Found(
                            NtStatus.SUCCESS,
                            new Token(kernel, call.process().eprocess().token()))
                    : new Found(NtStatus.ACCESS_DENIED, null);
        }
        long body = call.process().objects().body(handle, KnownType.TOKEN);
        if (body == 0) {
            boolean other = call.process().objects().body(handle) != 0;
            return new Found(other ? NtStatus.OBJECT_TYPE_MISMATCH : NtStatus.INVALID_HANDLE, null);
        }
        return (call.process().objects().grantedAccess(handle) & access) == access
                ? new Found(NtStatus.SUCCESS, new Token(kernel, body))
                : new Found(NtStatus.ACCESS_DENIED, null);
    }

    // --- privileges ---

    /** Arguments: machine, null for this one, and there is no other; name; where the number goes. */
    private static long lookup(ApiCall call, boolean wide) {
        String machine = Texts.readOrEmpty(call, call.arg(0), wide);
        if (!machine.isEmpty() && !machine.equalsIgnoreCase(SystemInformation.COMPUTER)) {
            return call.fail(RPC_S_SERVER_UNAVAILABLE);
        }
        if (call.arg(1) == 0) {
            return call.fail(ERROR_NO_SUCH_PRIVILEGE);
        }
        String name = wide ? call.wide(call.arg(1)) : call.ansi(call.arg(1));
        for (int i = 0; i < NAMES.size(); i++) {
            if (NAMES.get(i).equalsIgnoreCase(name)) {
                call.memory().writeLong(call.arg(2), FIRST + i);
                return 1;
            }
        }
        return call.fail(ERROR_NO_SUCH_PRIVILEGE);
    }

    private static long adjust(ApiCall call) {
        try {
            NtStatus status = adjust(call, token(call, TOKEN_ADJUST_PRIVILEGES));
            if (status.isSuccess()) {
                // It succeeds even if not all privileges could be set: the last error tells.
                call.setLastError(status == NtStatus.NOT_ALL_ASSIGNED ? ERROR_NOT_ALL_ASSIGNED : 0);
                return 1;
            }
            return call.fail(status);
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }

    /** Arguments: token, whether to disable all, new state, size of the previous state's buffer, that buffer, size needed. */
    private static NtStatus adjust(ApiCall call, Found found) {
        Token token = found.token();
        if (token == null) {
            return found.status();
        }
        Memory memory = call.memory();
        boolean disableAll = (call.intArg(1) & 0xFF) != 0;
        long before = token.enabled();
        long enabled = before;
        long removed = 0;
        boolean missing = false;
        if (disableAll) {
            enabled = 0;
        } else {
            long state = call.arg(2);
            if (state == 0) {
                return NtStatus.INVALID_PARAMETER;
            }
            int count = memory.readInt(state);
            if (count < 0 || count > MOST_PRIVILEGES) {
                return NtStatus.INVALID_PARAMETER;
            }
            for (int i = 0; i < count; i++) {
                long entry = state + 4 + (long) i * ENTRY_BYTES;
                long luid = memory.readUnsignedInt(entry) | (long) memory.readInt(entry + 4) << 32;
                int attributes = memory.readInt(entry + 8);
                if (luid < 0 || luid >= Long.SIZE || (token.present() >>> luid & 1) == 0) {
                    missing = true;
                } else if ((attributes & REMOVED) != 0) {
                    removed |= 1L << luid;
                } else {
                    enabled = (attributes & ENABLED) != 0 ? enabled | 1L << luid : enabled & ~(1L << luid);
                }
            }
        }
        long changed = (before ^ enabled) & ~removed;
        if (call.arg(4) != 0) {
            if (token(call, TOKEN_QUERY).token() == null) {
                return NtStatus.ACCESS_DENIED;
            }
            int needed = 4 + Long.bitCount(changed) * ENTRY_BYTES;
            memory.writeInt(call.arg(5), needed);
            if (call.unsignedIntArg(3) < needed) {
                return NtStatus.BUFFER_TOO_SMALL;
            }
            write(memory, call.arg(4), changed, before, token.enabledByDefault());
        }
        token.setEnabled(enabled);
        token.remove(removed);
        return missing ? NtStatus.NOT_ALL_ASSIGNED : NtStatus.SUCCESS;
    }

    /** TOKEN_PRIVILEGES. */
    private static void write(Memory memory, long at, long which, long enabled, long byDefault) {
        memory.writeInt(at, Long.bitCount(which));
        long entry = at + 4;
        for (int privilege = 0; privilege < Long.SIZE; privilege++) {
            if ((which >>> privilege & 1) != 0) {
                memory.writeInt(entry, privilege);
                memory.writeInt(entry + 4, 0);
                memory.writeInt(
                        entry + 8,
                        ((enabled >>> privilege & 1) != 0 ? ENABLED : 0)
                                | ((byDefault >>> privilege & 1) != 0 ? ENABLED_BY_DEFAULT : 0));
                entry += ENTRY_BYTES;
            }
        }
    }

    // --- queries ---

    private static long information(ApiCall call) {
        try {
            NtStatus status = query(call);
            return status == NtStatus.BUFFER_TOO_SMALL ? call.fail(ERROR_INSUFFICIENT_BUFFER) : call.succeeded(status);
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
    }

    /** Arguments: token, class, buffer, its size, size needed. */
    private static NtStatus query(ApiCall call) {
        Found found = token(call, TOKEN_QUERY);
        Token token = found.token();
        if (token == null) {
            return found.status();
        }
        int informationClass = call.intArg(1);
        int needed = switch (informationClass) {
            // TokenUser, TokenIntegrityLevel: an identifier and its attributes.
            case 1 -> 16 + Token.sidBytes(token.memory(), token.groupSid(0));
            case 25 -> 16 + Token.sidBytes(token.memory(), token.groupSid(token.integrityIndex()));
            // TokenPrivileges
            case 3 -> 4 + Long.bitCount(token.present()) * ENTRY_BYTES;
            // TokenType, TokenSessionId, TokenElevationType, TokenElevation
            case 8, 12, 18, 20 -> 4;
            default -> -1;
        };
        if (needed < 0) {
            return NtStatus.INVALID_INFO_CLASS;
        }
        Memory memory = call.memory();
        memory.writeInt(call.arg(4), needed);
        if (call.arg(2) == 0 || call.unsignedIntArg(3) < needed) {
            return NtStatus.BUFFER_TOO_SMALL;
        }
        long at = call.arg(2);
        switch (informationClass) {
            case 1 -> writeSid(memory, at, token, 0);
            case 25 -> writeSid(memory, at, token, token.integrityIndex());
            case 3 -> write(memory, at, token.present(), token.enabled(), token.enabledByDefault());
            case 8 -> memory.writeInt(at, token.type());
            case 12 -> memory.writeInt(at, token.sessionId());
            // TokenElevationTypeDefault
            case 18 -> memory.writeInt(at, 1);
            default -> memory.writeInt(at, 0);
        }
        return NtStatus.SUCCESS;
    }

    private static void writeSid(Memory memory, long at, Token token, int group) {
        long sid = token.groupSid(group);
        byte[] bytes = new byte[Token.sidBytes(token.memory(), sid)];
        token.memory().read(sid, bytes, 0, bytes.length);
        memory.writeLong(at, at + 16);
        memory.writeLong(at + 8, token.groupAttributes(group) & 0xFFFF_FFFFL);
        memory.write(at + 16, bytes);
    }
}
