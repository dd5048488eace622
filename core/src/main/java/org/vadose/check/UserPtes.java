package org.vadose.check;

import java.util.Arrays;

/** The PTEs of a process's user half that are not zero, in ascending order of what they map. */
final class UserPtes {
    private static final int FIELDS = 3;

    private long[] fields = new long[FIELDS * 256];
    private int size;

    void add(long address, long pte, long table) {
        int at = size * FIELDS;
        if (at == fields.length) {
            fields = Arrays.copyOf(fields, 2 * at);
        }
        fields[at] = address;
        fields[at + 1] = pte;
        fields[at + 2] = table;
        size++;
    }

    int size() {
        return size;
    }

    long address(int index) {
        return fields[index * FIELDS];
    }

    long pte(int index) {
        return fields[index * FIELDS + 1];
    }

    /** Frame of the table the PTE is in. */
    long table(int index) {
        return fields[index * FIELDS + 2];
    }
}
