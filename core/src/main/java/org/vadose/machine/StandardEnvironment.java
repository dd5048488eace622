package org.vadose.machine;

import java.util.ArrayList;
import java.util.List;
import org.vadose.ps.Account;

/** The environment a new process finds: what a freshly installed machine sets for everybody, and what depends on the account. */
public final class StandardEnvironment {
    /** Name of the person logged on. */
    public static final String USER_NAME = "user";

    public static final String COMPUTER_NAME = "DESKTOP-VADOSE1";

    private StandardEnvironment() {}

    /** Entries {@code NAME=value}, sorted by name as the system sorts them. */
    public static List<String> of(Account account, int processors) {
        boolean user = account == Account.USER;
        String profile = user ? "C:\\Users\\".concat(USER_NAME) : "C:\\Windows\\system32\\config\\systemprofile";
        String temp = user ? profile.concat("\\AppData\\Local\\Temp") : "C:\\Windows\\TEMP";
        List<String> entries = new ArrayList<>();
        entries.add("ALLUSERSPROFILE=C:\\ProgramData");
        entries.add("APPDATA=".concat(profile).concat("\\AppData\\Roaming"));
        entries.add("CommonProgramFiles=C:\\Program Files\\Common Files");
        entries.add("COMPUTERNAME=".concat(COMPUTER_NAME));
        entries.add("ComSpec=C:\\Windows\\system32\\cmd.exe");
        if (user) {
            entries.add("HOMEDRIVE=C:");
            entries.add("HOMEPATH=\\Users\\".concat(USER_NAME));
        }
        entries.add("LOCALAPPDATA=".concat(profile).concat("\\AppData\\Local"));
        entries.add("NUMBER_OF_PROCESSORS=".concat(Integer.toString(processors)));
        entries.add("OS=Windows_NT");
        entries.add("Path=C:\\Windows\\system32;C:\\Windows;C:\\Windows\\System32\\Wbem");
        entries.add("PATHEXT=.COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC");
        entries.add("PROCESSOR_ARCHITECTURE=AMD64");
        entries.add("ProgramData=C:\\ProgramData");
        entries.add("ProgramFiles=C:\\Program Files");
        entries.add("PUBLIC=C:\\Users\\Public");
        entries.add("SystemDrive=C:");
        entries.add("SystemRoot=C:\\Windows");
        entries.add("TEMP=".concat(temp));
        entries.add("TMP=".concat(temp));
        entries.add("USERDOMAIN=".concat(user ? COMPUTER_NAME : "WORKGROUP"));
        entries.add("USERNAME=".concat(user ? USER_NAME : COMPUTER_NAME.concat("$")));
        entries.add("USERPROFILE=".concat(profile));
        entries.add("windir=C:\\Windows");
        return entries;
    }
}
