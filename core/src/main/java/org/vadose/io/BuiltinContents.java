package org.vadose.io;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A file of the system, made when somebody first looks at it. */
final class BuiltinContents implements Contents {
    private final Supplier<byte[]> maker;
    private final AtomicLong budget;
    private @Nullable MemoryContents made;

    BuiltinContents(Supplier<byte[]> maker, AtomicLong budget) {
        this.maker = maker;
        this.budget = budget;
    }

    private synchronized MemoryContents made() {
        MemoryContents there = made;
        if (there == null) {
            there = new MemoryContents(maker.get(), budget);
            made = there;
        }
        return there;
    }

    @Override
    public long size() {
        return made().size();
    }

    @Override
    public int read(long position, byte[] target, int offset, int length) {
        return made().read(position, target, offset, length);
    }

    @Override
    public void write(long position, byte[] source, int offset, int length) {
        made().write(position, source, offset, length);
    }

    @Override
    public void setSize(long size) {
        made().setSize(size);
    }
}
