package org.vadose.win32.exception;

import org.vadose.layout.ContextLayout;
import org.vadose.layout.ExceptionRecordLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ContextRecord;
import org.vadose.nt.ExceptionRecord;
import org.vadose.pe.RuntimeFunctions;
import org.vadose.pe.VirtualUnwind;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestCpu;
import org.vadose.win32.GuestThread;
import org.vadose.win32.GuestUnwind;
import org.vadose.win32.LoadedModules;

/** The exported functions about exceptions, unwinding and long jumps. */
public final class ExceptionFunctions {
    private static final int NT_CONTINUE = 0x43;
    /** Frames a back trace looks at. */
    private static final int LONGEST_TRACE = 0xFFFF;

    private ExceptionFunctions() {}

    /** What ntdll exports. */
    public static void addToNtdll(ApiModule ntdll) {
        ntdll.function(
                        "RtlAddVectoredExceptionHandler",
                        call -> addVectored(call, dispatcher(call).exceptionHandlers()))
                .function(
                        "RtlAddVectoredContinueHandler",
                        call -> addVectored(call, dispatcher(call).continueHandlers()))
                .function(
                        "RtlRemoveVectoredExceptionHandler",
                        call -> dispatcher(call).exceptionHandlers().remove(call.arg(0)) ? 1 : 0)
                .function(
                        "RtlRemoveVectoredContinueHandler",
                        call -> dispatcher(call).continueHandlers().remove(call.arg(0)) ? 1 : 0)
                .function("RtlLookupFunctionEntry", ExceptionFunctions::lookupFunctionEntry)
                .function("RtlVirtualUnwind", ExceptionFunctions::virtualUnwind)
                .function("RtlUnwindEx", ExceptionFunctions::unwindEx)
                .function("RtlUnwind", ExceptionFunctions::unwind)
                .function("RtlCaptureContext", ExceptionFunctions::captureContext)
                .function("RtlRestoreContext", ExceptionFunctions::restoreContext)
                .function("RtlRaiseException", ExceptionFunctions::rtlRaiseException)
                .function("RtlRaiseStatus", ExceptionFunctions::raiseStatus)
                .function("RtlAddFunctionTable", ExceptionFunctions::addFunctionTable)
                .function(
                        "RtlDeleteFunctionTable",
                        call -> dispatcher(call).tables().delete(call.arg(0)) ? 1 : 0)
                .function("RtlPcToFileHeader", ExceptionFunctions::pcToFileHeader)
                .function("RtlCaptureStackBackTrace", ExceptionFunctions::captureStackBackTrace)
                .function("__C_specific_handler", SpecificHandler::handle)
                .function("_setjmp", ExceptionFunctions::setjmp)
                .function("_setjmpex", ExceptionFunctions::setjmp)
                .function("longjmp", ExceptionFunctions::longjmp)
                .service("NtContinue", NT_CONTINUE, ExceptionFunctions::ntContinue);
    }

    /** What kernel32 and kernelbase export. */
    public static void addToKernel32(ApiModule kernel32) {
        kernel32.forward("AddVectoredExceptionHandler", "NTDLL.RtlAddVectoredExceptionHandler")
                .forward("AddVectoredContinueHandler", "NTDLL.RtlAddVectoredContinueHandler")
                .forward("RemoveVectoredExceptionHandler", "NTDLL.RtlRemoveVectoredExceptionHandler")
                .forward("RemoveVectoredContinueHandler", "NTDLL.RtlRemoveVectoredContinueHandler")
                .forward("RtlLookupFunctionEntry", "NTDLL.RtlLookupFunctionEntry")
                .forward("RtlVirtualUnwind", "NTDLL.RtlVirtualUnwind")
                .forward("RtlUnwindEx", "NTDLL.RtlUnwindEx")
                .forward("RtlUnwind", "NTDLL.RtlUnwind")
                .forward("RtlCaptureContext", "NTDLL.RtlCaptureContext")
                .forward("RtlRestoreContext", "NTDLL.RtlRestoreContext")
                .forward("RtlRaiseException", "NTDLL.RtlRaiseException")
                .forward("RtlAddFunctionTable", "NTDLL.RtlAddFunctionTable")
                .forward("RtlDeleteFunctionTable", "NTDLL.RtlDeleteFunctionTable")
                .forward("RtlPcToFileHeader", "NTDLL.RtlPcToFileHeader")
                .forward("RtlCaptureStackBackTrace", "NTDLL.RtlCaptureStackBackTrace")
                .forward("__C_specific_handler", "NTDLL.__C_specific_handler")
                .function("RaiseException", ExceptionFunctions::raiseException)
                .function("SetUnhandledExceptionFilter", ExceptionFunctions::setUnhandledExceptionFilter)
                .function(
                        "UnhandledExceptionFilter",
                        call -> dispatcher(call).unhandledExceptionFilter(call.thread(), call.arg(0)));
    }

    /** What the C runtimes export. */
    public static void addToRuntime(ApiModule msvcrt) {
        msvcrt.function("_setjmp", ExceptionFunctions::setjmp)
                .function("_setjmpex", ExceptionFunctions::setjmp)
                .function("longjmp", ExceptionFunctions::longjmp)
                .function("__C_specific_handler", SpecificHandler::handle);
    }

    private static Dispatcher dispatcher(ApiCall call) {
        return (Dispatcher) call.process().exceptions();
    }

    private static Unwinder unwinder(ApiCall call) {
        return new Unwinder(call.thread(), dispatcher(call).tables());
    }

    private static long addVectored(ApiCall call, VectoredHandlers handlers) {
        long handle = call.process().newCookie();
        handlers.add(call.boolArg(0), handle, call.arg(1));
        return handle;
    }

    private static long setUnhandledExceptionFilter(ApiCall call) {
        Dispatcher dispatcher = dispatcher(call);
        long old = dispatcher.unhandledFilter();
        dispatcher.setUnhandledFilter(call.arg(0));
        return old;
    }

    private static long lookupFunctionEntry(ApiCall call) {
        RuntimeFunctions.Entry entry = dispatcher(call).tables().find(call.arg(0));
        if (entry == null) {
            return 0;
        }
        call.memory().writeLong(call.arg(1), entry.imageBase());
        return entry.address();
    }

    private static long virtualUnwind(ApiCall call) {
        ContextRecord context = new ContextRecord(call.memory(), call.arg(4));
        VirtualUnwind.Frame frame = call.arg(3) == 0
                ? VirtualUnwind.unwindLeaf(context)
                : VirtualUnwind.unwind(call.intArg(0), call.arg(1), call.arg(2), call.arg(3), context);
        call.memory().writeLong(call.arg(6), frame.establisherFrame());
        if (frame.handler() != 0) {
            call.memory().writeLong(call.arg(5), frame.handlerData());
        }
        return frame.handler();
    }

    private static long unwindEx(ApiCall call) {
        return unwindFromHere(call, call.arg(0), call.arg(1), call.arg(2), call.arg(3), call.arg(5));
    }

    private static long unwind(ApiCall call) {
        return unwindFromHere(call, call.arg(0), call.arg(1), call.arg(2), call.arg(3), 0);
    }

    /** Unwinds from the caller of a function; see {@link Unwinder#unwind}. Does not return. */
    static long unwindFromHere(
            ApiCall call, long targetFrame, long targetIp, long record, long returnValue, long historyTable) {
        ContextRecord start =
                new ContextRecord(call.memory(), new GuestStack(call.thread()).allocate(ContextLayout.SIZE));
        saveCaller(call, start);
        unwinder(call).unwind(start, targetFrame, targetIp, record, returnValue, historyTable);
        return 0;
    }

    /** The registers as they will be when the function has returned. */
    private static void saveCaller(ApiCall call, ContextRecord context) {
        ContextTransfer.save(call.thread().cpu(), context);
        context.setRegister(GuestCpu.RCX, call.arg(0));
        context.setRip(call.returnAddress());
        context.setRsp(call.stackPointer() + 8);
    }

    private static long captureContext(ApiCall call) {
        saveCaller(call, new ContextRecord(call.memory(), call.arg(0)));
        return 0;
    }

    private static long restoreContext(ApiCall call) {
        Memory memory = call.memory();
        unwinder(call).restore(new ContextRecord(memory, call.arg(0)), new ExceptionRecord(memory, call.arg(1)));
        return 0;
    }

    private static long ntContinue(ApiCall call) {
        ContextTransfer.load(call.thread().cpu(), new ContextRecord(call.memory(), call.arg(0)));
        throw new GuestUnwind();
    }

    private static long raiseException(ApiCall call) {
        long[] parameters = new long[call.arg(3) == 0 ? 0 : Math.clamp(call.intArg(2), 0, 15)];
        for (int i = 0; i < parameters.length; i++) {
            parameters[i] = call.memory().readLong(call.arg(3) + 8L * i);
        }
        GuestThread thread = call.thread();
        // As on Windows only "noncontinuable" comes from the caller, and bit 28 of a code is the system's.
        dispatcher(call)
                .raise(
                        thread,
                        call.intArg(0) & ~0x10000000,
                        call.intArg(1) & ExceptionRecord.NONCONTINUABLE,
                        thread.cpu().rip(),
                        parameters);
        return 0;
    }

    private static long rtlRaiseException(ApiCall call) {
        ContextRecord context =
                new ContextRecord(call.memory(), new GuestStack(call.thread()).allocate(ContextLayout.SIZE));
        saveCaller(call, context);
        ExceptionRecord record = new ExceptionRecord(call.memory(), call.arg(0));
        record.setExceptionAddress(call.returnAddress());
        dispatcher(call).dispatch(call.thread(), record, context, true);
        return 0;
    }

    private static long raiseStatus(ApiCall call) {
        dispatcher(call)
                .raise(
                        call.thread(),
                        call.intArg(0),
                        ExceptionRecord.NONCONTINUABLE,
                        call.thread().cpu().rip());
        return 0;
    }

    private static long addFunctionTable(ApiCall call) {
        dispatcher(call).tables().add(call.arg(0), call.intArg(1), call.arg(2));
        return 1;
    }

    private static long pcToFileHeader(ApiCall call) {
        LoadedModules.Module module = call.process().modules().at(call.arg(0));
        long base = module == null ? 0 : module.base();
        call.memory().writeLong(call.arg(1), base);
        return base;
    }

    private static long captureStackBackTrace(ApiCall call) {
        int skip = call.intArg(0);
        int wanted = Math.clamp(call.intArg(1), 0, LONGEST_TRACE);
        long hash = 0;
        int found = 0;
        GuestStack stack = new GuestStack(call.thread());
        ContextRecord context = new ContextRecord(call.memory(), stack.allocate(ContextLayout.SIZE));
        saveCaller(call, context);
        StackWalk walk = new StackWalk(call.thread(), dispatcher(call).tables(), context);
        for (int i = 0; found < wanted && walk.step(0); i++) {
            if (i >= skip) {
                call.memory().writeLong(call.arg(2) + 8L * found++, walk.controlPc());
                hash += walk.controlPc();
            }
        }
        stack.release();
        if (call.arg(3) != 0) {
            call.memory().writeInt(call.arg(3), (int) hash);
        }
        return found;
    }

    private static long setjmp(ApiCall call) {
        new JumpBuffer(call.memory(), call.arg(0))
                .save(call.thread().cpu(), call.arg(1), call.returnAddress(), call.stackPointer() + 8);
        return 0;
    }

    private static long longjmp(ApiCall call) {
        JumpBuffer buffer = new JumpBuffer(call.memory(), call.arg(0));
        int value = call.intArg(1) == 0 ? 1 : call.intArg(1);
        GuestStack stack = new GuestStack(call.thread());
        if (buffer.frame() == 0) {
            ContextRecord context = new ContextRecord(call.memory(), stack.allocate(ContextLayout.SIZE));
            saveCaller(call, context);
            buffer.restore(context);
            context.setRegister(GuestCpu.RAX, value);
            ContextTransfer.load(call.thread().cpu(), context);
            throw new GuestUnwind();
        }
        ExceptionRecord record = new ExceptionRecord(call.memory(), stack.allocate(ExceptionRecordLayout.SIZE));
        record.write(Unwinder.LONGJUMP, 0, call.returnAddress(), buffer.address());
        return unwindFromHere(call, buffer.frame(), buffer.rip(), record.address(), value, 0);
    }
}
