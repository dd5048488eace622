/**
 * The run-time library's memory allocators, and its compression ({@link org.vadose.rtl.Xpress}, {@link org.vadose.rtl.Lznt1}).
 * {@link org.vadose.rtl.NtHeap} is the NT heap's back end in the structures of user-mode Windows ({@code _HEAP} and kin): the
 * process heap, private heaps and everything in the C run-time that allocates stand on it.
 *
 * <p>Glossary. A <i>unit</i> is 16 bytes, the granularity of sizes in headers. A <i>block</i> is a header ({@code _HEAP_ENTRY},
 * 16 bytes) and what follows it up to the next header. A <i>segment</i> is one reservation cut into blocks. An <i>uncommitted
 * range</i> is a hole in a segment; the block right below it, its <i>range block</i>, holds the descriptor of the hole. A
 * <i>large block</i> has a reservation of its own.
 *
 * <p>All state is in the heap's memory, reached through {@link org.vadose.memory.Memory}; pages come and go through
 * {@link org.vadose.rtl.HeapPages}, which {@code win32} implements over the memory manager's services and tests over plain memory.
 */
@NullMarked
package org.vadose.rtl;

import org.jspecify.annotations.NullMarked;
