/**
 * The object manager: {@link org.vadose.ob.ObjectManager} makes, names, finds, references and deletes objects with genuine
 * headers; {@link org.vadose.ob.KnownType} is the list of types a machine boots with; {@link org.vadose.ob.ObjectNamespace}
 * holds the directories and symbolic links; {@link org.vadose.ob.HandleTables} and {@link org.vadose.ob.Handles} turn handles
 * into objects. Allocates from {@code ex}; {@code ps}, {@code io} and {@code win32} stand on it.
 */
@NullMarked
package org.vadose.ob;

import org.jspecify.annotations.NullMarked;
