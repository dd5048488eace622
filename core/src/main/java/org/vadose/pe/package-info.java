/**
 * Portable executable images for x64. {@link org.vadose.pe.PeImage} reads and validates one, from a file's bytes or from an image
 * mapped in a {@link org.vadose.memory.Memory}, distrusting every field; {@link org.vadose.pe.PeBuilder} with
 * {@link org.vadose.pe.PeTables} writes one. {@link org.vadose.pe.KernelImage} is the kernel's, {@link org.vadose.pe.StubDllBuilder}
 * makes the DLLs that Java implements. The format's source is Microsoft's "PE Format" specification; what Windows accepts beyond
 * or below it is stated where it is checked. Uses {@code base}, {@code layout} and {@code memory}; who maps images ({@code mm},
 * {@code win32.loader}) stands to the right.
 */
@NullMarked
package org.vadose.pe;

import org.jspecify.annotations.NullMarked;
