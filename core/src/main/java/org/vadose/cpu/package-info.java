/**
 * The x86-64 processor: {@link org.vadose.cpu.Decoder} turns bytes into an {@link org.vadose.cpu.Instruction} (with
 * {@link org.vadose.cpu.Mnemonic} and {@link org.vadose.cpu.Operand}s), {@link org.vadose.cpu.InstructionFormatter} prints one as
 * the debugger's {@code u} does, and the interpreter runs them over {@code memory}. The arithmetic of vector and floating-point
 * instructions is in classes of its own, checked against results recorded on a real processor. Uses {@code base} and
 * {@code memory}; never sees the memory manager.
 */
@NullMarked
package org.vadose.cpu;

import org.jspecify.annotations.NullMarked;
