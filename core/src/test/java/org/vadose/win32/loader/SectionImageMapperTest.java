package org.vadose.win32.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.PebLayout;
import org.vadose.layout.PebLdrDataLayout;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;
import org.vadose.memory.Memory;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ApiTable;
import org.vadose.win32.GuestClock;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.LoaderHeap;

/** The loader over the memory manager: real address spaces, image sections, protections. */
class SectionImageMapperTest {
    private static final int PAGE_READONLY = 0x02;
    private static final int PAGE_EXECUTE_READ = 0x20;
    private static final int PAGE_READWRITE = 0x04;
    private static final int PAGE_WRITECOPY = 0x08;

    private final Machine machine =
            Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64L << 20));
    private final ApiTable table = new ApiTable();
    private final BuiltinDlls builtin = new BuiltinDlls(table);
    private final ImageSectionCache cache = new ImageSectionCache(
            machine.memoryManager().sections(), machine.memoryManager().kernelMemory());

    SectionImageMapperTest() {
        machine.memoryManager().setPool(machine.pool());
        ApiModule ntdll = new ApiModule("ntdll.dll").function("RtlExitUserThread", call -> 0);
        Loader.addExports(ntdll);
        table.add(ntdll)
                .add(new ApiModule("kernel32.dll").function("ExitProcess", call -> 0))
                .add(new ApiModule("kernelbase.dll").function("VirtualAlloc", call -> 0))
                .add(new ApiModule("msvcrt.dll").data("_fmode", 4, null).function("puts", call -> 0));
    }

    @AfterEach
    void close() {
        machine.close();
    }

    private final class Program {
        final Eprocess process;
        final SectionImageMapper mapper;
        final Memory memory = machine.mmu().user();
        final Loader loader;
        final long peb;
        private long heap;

        Program(long id, String name) throws IOException {
            Memory kernel = machine.memoryManager().kernelMemory();
            long address = machine.pool().allocate(PoolType.NON_PAGED_POOL_NX, EprocessLayout.SIZE, PoolTag.of("Proc"));
            kernel.fill(address, EprocessLayout.SIZE, (byte) 0);
            kernel.writeLong(
                    address + KprocessLayout.DIRECTORY_TABLE_BASE,
                    machine.memoryManager().createAddressSpace());
            kernel.writeLong(address + EprocessLayout.UNIQUE_PROCESS_ID, id);
            process = new Eprocess(kernel, address);
            process.setUserEnd(machine.memoryManager().rules().userSpace().end());
            mapper = new SectionImageMapper(machine.memoryManager(), process, cache, path -> null);
            machine.memoryManager().switchTo(process);
            peb = mapper.allocate(0x1000, PAGE_READWRITE);
            GuestProcess guest = new GuestProcess(memory, table, new GuestClock(0), id, peb);
            heap = mapper.allocate(0x10000, PAGE_READWRITE);
            LoaderHeap loaderHeap = new LoaderHeap() {
                @Override
                public long allocate(long sizeBytes) {
                    long at = heap;
                    heap += sizeBytes + 15 & -16;
                    return at;
                }

                @Override
                public void free(long address) {}
            };
            LoaderFiles files = new LoaderFiles() {
                @Override
                public byte @Nullable [] read(String path) {
                    return null;
                }

                @Override
                public String fullPath(String path) {
                    return path;
                }

                @Override
                public List<String> searchDirectories() {
                    return List.of();
                }
            };
            loader = new Loader(guest, builtin, mapper, loaderHeap, files);
            loader.attach();
            loader.loadProgram("C:\\prog\\" + name, Files.readAllBytes(Path.of("..", "examples", name)), null, null);
        }

        int protection(long address) {
            VirtualMemoryServices.BasicInformation information = new VirtualMemoryServices.BasicInformation();
            assertEquals(
                    NtStatus.SUCCESS, machine.memoryManager().virtualMemory().query(process, address, information));
            return information.protect;
        }
    }

    @Test
    void programsShareCodeAndKeepTheirDataApart() throws IOException {
        Program first = new Program(8, "hello.exe");
        long ntdll = first.loader.ntdllAddress("RtlUserThreadStart");
        long lists = first.memory.readLong(first.peb + PebLayout.LDR);
        long code = machine.mmu().translateFetch(ntdll);
        long headOfFirst = first.memory.readLong(lists + PebLdrDataLayout.IN_LOAD_ORDER_MODULE_LIST);
        Program second = new Program(12, "hello.exe");
        assertEquals(ntdll, second.loader.ntdllAddress("RtlUserThreadStart"));
        assertEquals(code, machine.mmu().translateFetch(ntdll));
        second.memory.writeLong(lists + PebLdrDataLayout.IN_LOAD_ORDER_MODULE_LIST, 77);
        machine.memoryManager().switchTo(first.process);
        assertEquals(headOfFirst, first.memory.readLong(lists + PebLdrDataLayout.IN_LOAD_ORDER_MODULE_LIST));
    }

    @Test
    void sectionsHaveTheirProtectionsAndImportsAreBound() throws IOException {
        Program program = new Program(8, "hello.exe");
        LoadedImage exe = program.loader.program();
        assertNotEquals(0x1_4000_0000L, exe.base());
        assertEquals(PAGE_READONLY, program.protection(exe.base()));
        exe.image().sections().forEach(section -> {
            int protection = program.protection(exe.base() + section.rva());
            switch (section.name()) {
                case ".text" -> assertEquals(PAGE_EXECUTE_READ, protection);
                case ".rdata", ".pdata", ".reloc" -> assertEquals(PAGE_READONLY, protection);
                case ".CRT" -> assertEquals(PAGE_WRITECOPY, protection);
                // The loader wrote the program's TLS index there: the page is the process's own now.
                case ".bss" -> assertEquals(PAGE_READWRITE, protection);
                default -> {}
            }
        });
        List<Long> bound = new ArrayList<>();
        exe.image()
                .imports()
                .forEach(module -> module.forEach(symbol -> {
                    long value = program.memory.readLong(exe.base() + symbol.slotRva());
                    bound.add(value);
                    if ("_fmode".equals(symbol.name())) {
                        LoadedImage msvcrt = program.loader.find("msvcrt");
                        assertEquals(program.loader.procAddress(msvcrt == null ? 0 : msvcrt.base(), "_fmode"), value);
                    }
                }));
        assertEquals(37, bound.size());
        assertNull(program.loader.find("user32"));
        assertEquals(NtStatus.SUCCESS, program.loader.freeLibrary(exe.base(), (f, a) -> 1));
    }
}
