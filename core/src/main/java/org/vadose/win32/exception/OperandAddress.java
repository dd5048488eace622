package org.vadose.win32.exception;

import org.vadose.cpu.Operand;
import org.vadose.cpu.Registers;
import org.vadose.win32.GuestCpu;

/** The address that a memory operand means, with a processor's present registers. */
final class OperandAddress {
    private OperandAddress() {}

    /** Without the base of FS or GS. */
    static long of(Operand operand, GuestCpu cpu) {
        long address = operand.value();
        if (operand.base() != Registers.NONE) {
            address += cpu.register(operand.base());
        }
        if (operand.index() != Registers.NONE) {
            address += cpu.register(operand.index()) * operand.scale();
        }
        return address;
    }
}
