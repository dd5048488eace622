/**
 * Validators that distrust every byte. Each walks structures in a {@link org.vadose.memory.Memory} (a live machine's or an
 * image's kernel address space), believes no length or link it has not bounded, and adds what is wrong to
 * {@link org.vadose.check.Findings}. Uses {@code nt}, {@code target}; never the manager it checks.
 */
@NullMarked
package org.vadose.check;

import org.jspecify.annotations.NullMarked;
