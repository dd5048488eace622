/**
 * The guest's files. {@link org.vadose.io.GuestFileSystem} is a set of drives, each a tree of
 * {@link org.vadose.io.FileNode}s in Java memory, some of which stand for files of the host that a person granted;
 * {@link org.vadose.io.OpenFile} is one opened file, directory or stream.
 *
 * <p>What a guest writes stays in memory unless a folder was granted for writing. Host files are reached by walking down from a
 * granted folder, one plain directory entry at a time: dots, symbolic links, devices and other special files do not exist for
 * the guest. {@link org.vadose.io.IoSystem} makes the genuine driver, device and file objects. Uses {@code base}, {@code ob},
 * {@code ex}; {@code win32} makes handles of it.
 */
@NullMarked
package org.vadose.io;

import org.jspecify.annotations.NullMarked;
