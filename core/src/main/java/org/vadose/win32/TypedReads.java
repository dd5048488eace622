package org.vadose.win32;

import java.io.IOException;
import org.vadose.base.NtStatus;
import org.vadose.io.FileException;
import org.vadose.io.OpenFile;
import org.vadose.io.TypedInput;
import org.vadose.ke.Waits;

/**
 * Reads files for guest threads. What a person types is waited for: the thread waits for the event of the file object
 * ({@code _FILE_OBJECT.Event}), as Windows' synchronous reads do, and the others go on. Everything else is there at once.
 */
public final class TypedReads {
    private TypedReads() {}

    /**
     * {@link OpenFile#read}, on behalf of the calling thread. While it waits other threads may close the handle or free the memory that
     * the bytes are for.
     *
     * @param handle of the file
     * @throws FileException if the file cannot be read
     */
    public static int read(
            ApiCall call, long handle, OpenFile file, long position, byte[] target, int offset, int length) {
        TypedInput typed = file instanceof OpenFile.Stream stream ? stream.typed() : null;
        GuestProcess process = call.process();
        WaitObject object = typed == null || length == 0 || !process.hasKernel()
                ? null
                : process.objects().waitObject(handle);
        if (typed == null || object == null) {
            return file.read(position, target, offset, length);
        }
        process.objects().reference(object);
        try {
            return await(call.thread(), object, typed, target, offset, length);
        } catch (IOException e) {
            throw new FileException(NtStatus.PIPE_BROKEN);
        } finally {
            process.objects().dereference(object);
        }
    }

    private static int await(
            GuestThread thread, WaitObject object, TypedInput typed, byte[] target, int offset, int length)
            throws IOException {
        Scheduler scheduler = thread.process().scheduler();
        Waits waits = thread.process().kernel().processManager().waits();
        int count = typed.take(target, offset, length);
        while (count == TypedInput.NOTHING_YET) {
            waits.reset(object.address());
            typed.want(length, scheduler.onArrival());
            int status = scheduler.awaitOutside(thread, object.address(), typed::hasArrived);
            if (status == NtStatus.ALERTED.code()) {
                thread.process().stopPoint(thread);
            } else if (status != NtStatus.SUCCESS.code()) {
                throw new FileException(NtStatus.of(status));
            }
            count = typed.take(target, offset, length);
        }
        waits.signal(object.address());
        return count;
    }
}
