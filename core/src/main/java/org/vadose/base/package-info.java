/**
 * The smallest shared vocabulary: addresses, pages and ranges, {@link org.vadose.base.NtStatus}, hexadecimal text, seeded
 * randomness. Uses no other package of the project.
 */
@NullMarked
package org.vadose.base;

import org.jspecify.annotations.NullMarked;
