/**
 * What ntdll's loader does: {@link org.vadose.win32.loader.BuiltinDlls} makes the images of the DLLs that Java implements;
 * {@link org.vadose.win32.loader.Loader} maps a program and its DLLs, binds their imports, keeps the PEB's module lists, gives
 * threads their thread-local storage and runs DLL entry points and TLS callbacks in Windows' order; where DLLs are looked for is
 * {@link org.vadose.win32.loader.DllSearch}, how they are told of threads {@link org.vadose.win32.loader.EntryPoints}, control flow
 * guard {@link org.vadose.win32.loader.GuardBinding}. Images reach memory through {@link org.vadose.win32.loader.ImageMapper}. Uses {@code pe}, {@code nt} and {@code win32}.
 */
@NullMarked
package org.vadose.win32.loader;

import org.jspecify.annotations.NullMarked;
