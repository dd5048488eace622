package org.vadose.win32;

import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.ResourcesException;
import org.vadose.memory.MemoryFault;
import org.vadose.rtl.HeapException;

/** Serves SYSCALL instructions: finds the function by the number in EAX, calls it, puts its result in RAX. */
final class SystemCalls {
    /** What the stub ends with after SYSCALL takes the guest back; before it stand {@code mov r10,rcx; mov eax,imm32; syscall}. */
    private static final int STUB_BYTES_BEFORE_RETURN = 10;

    private final ApiTable table;

    SystemCalls(ApiTable table) {
        this.table = table;
    }

    void serve(GuestThread thread) {
        GuestCpu cpu = thread.cpu();
        thread.process().stopPoint(thread);
        int number = (int) cpu.register(GuestCpu.RAX);
        ApiTable.Entry entry = table.entry(number);
        if (entry == null) {
            cpu.setRegister(GuestCpu.RAX, NtStatus.INVALID_SYSTEM_SERVICE.code());
            return;
        }
        ApiFunction body = entry.body();
        if (body == null) {
            thread.process()
                    .end(
                            NtStatus.ENTRYPOINT_NOT_FOUND.code(),
                            "the program called " + entry + ", which is not implemented");
            throw new ProcessEnded();
        }
        ApiCall call = new ApiCall(thread);
        thread.setEntryStackPointer(call.stackPointer());
        long result;
        try {
            result = body.call(call);
        } catch (MemoryFault fault) {
            if (!entry.isService()) {
                restartable(cpu, call);
                thread.process().exceptions().raise(thread, fault);
                return;
            }
            result = fault.status().code();
        } catch (HeapException damaged) {
            thread.process().exceptions().raise(thread, damaged);
            return;
        } catch (RaisedStatus raised) {
            // A handler that lets the program go on finds the failure as the result.
            if (!entry.isService()) {
                thread.setLastError(raised.status().win32Error());
            }
            cpu.setRegister(GuestCpu.RSP, call.stackPointer());
            cpu.setRegister(GuestCpu.RAX, entry.isService() ? raised.status().code() : 0);
            thread.process().exceptions().raise(thread, raised.status().code(), 0, cpu.rip());
            return;
        } catch (ArithmeticException division) {
            thread.process().exceptions().raise(thread, NtStatus.INTEGER_DIVIDE_BY_ZERO.code(), 0, cpu.rip());
            return;
        } catch (ResourcesException exhausted) {
            if (!entry.isService()) {
                thread.setLastError(exhausted.status().win32Error());
            }
            result = entry.isService() ? exhausted.status().code() : 0;
        } catch (OutOfMemoryError noHostMemory) {
            thread.process().exceptions().raise(thread, NtStatus.NO_MEMORY.code(), 0, cpu.rip());
            return;
        } catch (GuestUnwind | ProcessEnded passing) {
            throw passing;
        } catch (RuntimeException | StackOverflowError problem) {
            throw new IllegalStateException(
                    "internal error in " + entry + " called from 0x"
                            + Hex.digits(thread.process().memory().readLong(call.stackPointer()), 16),
                    problem);
        }
        // A function may have put things on the guest's stack.
        cpu.setRegister(GuestCpu.RSP, call.stackPointer());
        cpu.setRegister(GuestCpu.RAX, result);
    }

    /** Makes the processor stand at the stub's first instruction, so that a handler that says "continue" calls again. */
    private static void restartable(GuestCpu cpu, ApiCall call) {
        cpu.setRip(cpu.rip() - STUB_BYTES_BEFORE_RETURN);
        cpu.setRegister(GuestCpu.RCX, call.arg(0));
        cpu.setRegister(GuestCpu.RSP, call.stackPointer());
    }
}
