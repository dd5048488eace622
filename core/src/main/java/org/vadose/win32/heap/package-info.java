/**
 * The heap functions a guest imports: {@code Rtl*Heap} of ntdll, {@code Heap*}, {@code Local*} and {@code Global*} of kernel32, over
 * {@link org.vadose.rtl.NtHeap}. {@link org.vadose.win32.heap.GuestHeaps} is a process's heaps, listed in its PEB.
 */
@NullMarked
package org.vadose.win32.heap;

import org.jspecify.annotations.NullMarked;
