package org.vadose.layout;

/**
 * Which build's symbols these are: what an image's RSDS record names.
 *
 * @param file {@code ntkrnlmp.pdb}
 * @param guid 32 hexadecimal digits, in the order in which symbol servers write them
 */
public record PdbIdentity(String file, String guid, int age) {}
