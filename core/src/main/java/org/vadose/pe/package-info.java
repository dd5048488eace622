/**
 * Portable executable images for x64. {@link org.vadose.pe.PeImage} reads and validates one, from a file's bytes or from an image
 * mapped in a {@link org.vadose.memory.Memory}, distrusting every field; its parts come
 * as {@link org.vadose.pe.PeSection}, {@link org.vadose.pe.PeExports}, {@link org.vadose.pe.PeImports}. The format's source is Microsoft's "PE Format" specification; what Windows accepts beyond or below it is stated where it is checked. Uses
 * {@code base}, {@code layout} and {@code memory}; who maps images ({@code mm}, {@code win32.loader}) stands to the right.
 */
@NullMarked
package org.vadose.pe;

import org.jspecify.annotations.NullMarked;
