package org.vadose;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The arrows between packages: each uses only what stands before it in the list, less what is forbidden by name. */
class ArchitectureTest {
    /** Left to right; packages in one string stand side by side and may use each other only where their docs say so. */
    private static final List<String> ORDER = List.of(
            "base", "layout", "memory", "nt", "pe", "cpu", "target", "dump", "rtl", "ke", "mm", "ex", "ob", "io", "cc",
            "ps", "win32", "machine", "check", "debug");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("org.vadose");

    @Test
    void packagesUseOnlyWhatStandsBeforeThem() {
        for (int i = 0; i < ORDER.size(); i++) {
            String[] later = ORDER.subList(i + 1, ORDER.size()).stream()
                    .map(p -> "org.vadose." + p + "..")
                    .toArray(String[]::new);
            if (later.length > 0) {
                forbid("org.vadose." + ORDER.get(i) + "..", later);
            }
        }
    }

    /** The debugger and the checker believe only bytes; the processor and the image reader know only memory. */
    @Test
    void whoLooksAtBytesNeverSeesTheManager() {
        String[] manager = of("ke", "mm", "ex", "ob", "ps", "cc", "io", "win32", "machine");
        for (String watcher : List.of("debug", "check", "target", "dump", "cpu", "pe")) {
            forbid("org.vadose." + watcher + "..", manager);
        }
    }

    /** What programs see of Windows stands on processes and threads, which know nothing of it. */
    @Test
    void processesAndThreadsDoNotSeeWhatServesThem() {
        noClasses()
                .that()
                .resideInAPackage("org.vadose.win32")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.vadose.win32.*..")
                .check(CLASSES);
    }

    @Test
    void coreUsesOnlyTheJdk() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.vadose.layoutgen..")
                .should()
                .dependOnClassesThat()
                .resideOutsideOfPackages("org.vadose..", "java..", "org.jspecify.annotations..")
                .check(CLASSES);
    }

    private static String[] of(String... packages) {
        return Arrays.stream(packages).map(p -> "org.vadose." + p + "..").toArray(String[]::new);
    }

    private static void forbid(String user, String... used) {
        noClasses()
                .that()
                .resideInAPackage(user)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(used)
                .allowEmptyShould(true)
                .check(CLASSES);
    }
}
