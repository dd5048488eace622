package org.vadose.ps;

import org.vadose.nt.Eprocess;

/**
 * A user-mode process as it is before its first thread.
 *
 * @param peb address of its PEB
 * @param imageBase where its program is mapped
 * @param imageRelocated whether the program's pages are relocated for that base
 * @param ntdllBase where ntdll is mapped
 */
public record UserProcess(Eprocess process, long peb, long imageBase, boolean imageRelocated, long ntdllBase) {}
