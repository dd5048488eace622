package org.vadose.win32.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vadose.base.NtStatus;
import org.vadose.cpu.BlockCache;
import org.vadose.layout.PebLayout;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;
import org.vadose.memory.Memory;
import org.vadose.nt.WaitReason;
import org.vadose.pe.PeImage;
import org.vadose.ps.Account;
import org.vadose.ps.ProcessManager;
import org.vadose.ps.ProcessSpec;
import org.vadose.ps.UserProcess;
import org.vadose.ps.UserProcessSpec;
import org.vadose.ps.UserThread;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ApiTable;
import org.vadose.win32.GuestClock;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;
import org.vadose.win32.LoaderHeap;
import org.vadose.win32.ProcessEnded;
import org.vadose.win32.ProcessorState;

/** A program and its DLLs from LdrInitializeThunk to ExitProcess, their code run by the interpreter. */
class RunProgramTest {
    private static final int PAGE_READWRITE = 0x04;
    private static final String PROGRAM = "C:\\prog\\program.exe";
    private static final String NTDLL = "C:\\Windows\\System32\\ntdll.dll";

    private final Machine machine =
            Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64L << 20));
    private final ApiTable table = new ApiTable();
    private final Memory memory = machine.mmu().user();

    @AfterEach
    void close() {
        machine.close();
    }

    private static byte @Nullable [] resource(String name) {
        try (InputStream in = RunProgramTest.class.getResourceAsStream(name)) {
            return in == null ? null : in.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private GuestProcess start(ApiModule kernel32) {
        ApiModule ntdll = new ApiModule("ntdll.dll").function("RtlExitUserThread", call -> {
            call.process().end(call.intArg(0), "thread ended");
            throw new ProcessEnded();
        });
        Loader.addExports(ntdll);
        table.add(ntdll).add(kernel32);
        byte[] program = resource("program.exe");
        assertNotNull(program);
        BuiltinDlls builtin = new BuiltinDlls(table);
        byte[] ntdllFile = builtin.file("ntdll.dll");
        assertNotNull(ntdllFile);
        PeImage image = PeImage.ofFile(program);
        ImageSectionCache cache = new ImageSectionCache(
                machine.memoryManager().sections(), machine.memoryManager().kernelMemory());
        long programArea = cache.area(PROGRAM, image, null);
        long ntdllArea = cache.area(NTDLL, PeImage.ofFile(ntdllFile), null);
        ProcessManager processes = machine.processManager();
        UserProcess made = processes.createUserProcess(new UserProcessSpec(
                PROGRAM,
                "\\Device\\HarddiskVolume2\\prog\\program.exe",
                "program",
                "C:\\prog\\",
                List.of("PATH=C:\\Windows"),
                4,
                ProcessSpec.NO_SESSION,
                Account.USER,
                8,
                image,
                programArea,
                0,
                ntdllArea));
        machine.memoryManager().switchTo(made.process());
        SectionImageMapper mapper =
                new SectionImageMapper(machine.memoryManager(), made.process(), cache, path -> null);
        GuestProcess process = new GuestProcess(
                memory, table, new GuestClock(0), made.process().uniqueProcessId(), made.peb());
        long heap = mapper.allocate(0x20000, PAGE_READWRITE);
        Loader loader = new Loader(process, builtin, mapper, new Bump(heap), new Files());
        loader.attach();
        loader.loadProgram(
                PROGRAM,
                program,
                mapper.viewAt(made.imageBase(), programArea),
                mapper.viewAt(made.ntdllBase(), ntdllArea));
        assertEquals(loader.program().base(), memory.readLong(made.peb() + PebLayout.IMAGE_BASE_ADDRESS));
        UserThread thread = processes.createUserThread(
                made.process(), loader.threadStart(), loader.entryPoint(), 0x40000, 0x1000, WaitReason.EXECUTIVE, 0);
        ProcessorState cpu = new ProcessorState(machine.mmu(), new BlockCache(machine.mmu()), thread.teb());
        loader.prepareThread(cpu, thread.stackBase(), loader.entryPoint(), made.peb());
        process.start(new GuestThread(process, cpu, thread.thread()));
        return process;
    }

    private static final class Bump implements LoaderHeap {
        private long next;

        Bump(long start) {
            next = start;
        }

        @Override
        public long allocate(long sizeBytes) {
            long at = next;
            next += sizeBytes + 15 & -16;
            return at;
        }

        @Override
        public void free(long address) {}
    }

    private static final class Files implements LoaderFiles {
        @Override
        public byte @Nullable [] read(String path) {
            return path.startsWith("C:\\prog\\") ? resource(path.substring(8).toLowerCase(Locale.ROOT)) : null;
        }

        @Override
        public String fullPath(String path) {
            return path;
        }

        @Override
        public List<String> searchDirectories() {
            return List.of();
        }
    }

    @Test
    @Timeout(20)
    void programCallsItsDllsAndExitsWithTheirSum() throws InterruptedException {
        ApiModule kernel32 = new ApiModule("kernel32.dll")
                .function("NotImplementedAnywhere", call -> 100)
                .function("ExitProcess", call -> {
                    Loader.of(call.process()).exitProcess(call.thread());
                    call.process().end(call.intArg(0), null);
                    throw new ProcessEnded();
                });
        GuestProcess process = start(kernel32);
        assertEquals(42 + 42 + 100, process.awaitEnd(), String.valueOf(process.endReason()));
    }

    @Test
    @Timeout(20)
    void callOfWhatNobodyImplementsNamesIt() throws InterruptedException {
        GuestProcess process = start(new ApiModule("kernel32.dll"));
        assertEquals(NtStatus.ENTRYPOINT_NOT_FOUND.code(), process.awaitEnd());
        String reason = process.endReason();
        assertTrue(reason != null && reason.contains("kernel32!NotImplementedAnywhere"), reason);
    }
}
