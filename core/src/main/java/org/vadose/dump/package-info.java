/**
 * Files of physical memory: raw images (a byte's offset is its physical address) and 64-bit crash dumps (full and bitmap), read
 * through {@link org.vadose.dump.MemoryImage} without being copied, written by {@link org.vadose.dump.ImageWriter}. Headers are
 * not believed: what does not fit the file ends in {@link org.vadose.dump.DumpFormatException}. Uses {@code target}.
 */
@NullMarked
package org.vadose.dump;

import org.jspecify.annotations.NullMarked;
