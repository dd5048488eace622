package org.vadose.win32.loader;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * API sets: names such as {@code api-ms-win-core-file-l1-2-0.dll} that stand for no file but for a host DLL. The hosts follow
 * Microsoft's list of umbrella libraries for Windows 10; where this machine has no such host the next in the list takes its place.
 */
final class ApiSets {
    private static final List<String> DEFAULT_HOSTS = List.of("kernelbase.dll", "kernel32.dll");
    private static final Map<String, List<String>> HOSTS = Map.of(
            "api-ms-win-crt-", List.of("ucrtbase.dll", "msvcrt.dll"),
            "api-ms-win-core-crt-", List.of("msvcrt.dll", "ntdll.dll"),
            "api-ms-win-core-com-", List.of("combase.dll", "ole32.dll"),
            "api-ms-win-core-rtlsupport-", List.of("ntdll.dll", "kernel32.dll"),
            "api-ms-win-core-winrt-", List.of("combase.dll"),
            "api-ms-win-security-", List.of("sechost.dll", "advapi32.dll", "kernelbase.dll"),
            "api-ms-win-eventing-", List.of("advapi32.dll", "kernelbase.dll"),
            "api-ms-win-service-", List.of("sechost.dll", "advapi32.dll"),
            "ext-ms-win-", List.of("kernelbase.dll", "kernel32.dll"));

    private ApiSets() {}

    static boolean isApiSet(String dllName) {
        String name = dllName.toLowerCase(Locale.ROOT);
        return name.startsWith("api-") || name.startsWith("ext-");
    }

    /** Host candidates for an API set, the genuine one first. */
    static List<String> hosts(String dllName) {
        String name = dllName.toLowerCase(Locale.ROOT);
        return HOSTS.entrySet().stream()
                .filter(entry -> name.startsWith(entry.getKey()))
                .max(Map.Entry.comparingByKey((a, b) -> Integer.compare(a.length(), b.length())))
                .map(Map.Entry::getValue)
                .orElse(DEFAULT_HOSTS);
    }
}
