package org.vadose.nt;

import org.vadose.layout.ObjectTypeLayout;
import org.vadose.memory.Memory;

/** The kind of an object ({@code _OBJECT_TYPE}), itself an object of type Type. */
public record ObjectType(Memory memory, long address) {
    public String name() {
        return new UnicodeString(memory, address + ObjectTypeLayout.NAME).text();
    }

    public int index() {
        return memory.readUnsignedByte(address + ObjectTypeLayout.INDEX);
    }

    /** The pool tag of objects of this type. */
    public int key() {
        return memory.readInt(address + ObjectTypeLayout.KEY);
    }

    public long objectCount() {
        return memory.readUnsignedInt(address + ObjectTypeLayout.TOTAL_NUMBER_OF_OBJECTS);
    }

    public long handleCount() {
        return memory.readUnsignedInt(address + ObjectTypeLayout.TOTAL_NUMBER_OF_HANDLES);
    }

    /** Changes the number of objects, and the high-water mark with it. */
    public void addObjects(int delta) {
        add(ObjectTypeLayout.TOTAL_NUMBER_OF_OBJECTS, ObjectTypeLayout.HIGH_WATER_NUMBER_OF_OBJECTS, delta);
    }

    public void addHandles(int delta) {
        add(ObjectTypeLayout.TOTAL_NUMBER_OF_HANDLES, ObjectTypeLayout.HIGH_WATER_NUMBER_OF_HANDLES, delta);
    }

    private void add(long count, long highWater, int delta) {
        int now = memory.getAndAddInt(address + count, delta) + delta;
        if (now > memory.readInt(address + highWater)) {
            memory.writeInt(address + highWater, now);
        }
    }
}
