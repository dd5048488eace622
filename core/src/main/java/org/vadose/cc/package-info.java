/**
 * The cache manager: what programs read and write goes through views of their files in the system cache, whose pages are those that
 * views in processes show. {@link org.vadose.cc.CacheManager} is its face; {@code io}'s files call it through
 * {@link org.vadose.io.FileCache}. It keeps the genuine structures ({@code _SHARED_CACHE_MAP}, {@code _VACB},
 * {@code _PRIVATE_CACHE_MAP}, {@code _MBCB}, {@code _CC_PARTITION}) and asks {@link org.vadose.mm.SystemCache} for the views
 * themselves. Uses {@code mm}, {@code ob}, {@code ex}, {@code io}.
 */
@NullMarked
package org.vadose.cc;

import org.jspecify.annotations.NullMarked;
