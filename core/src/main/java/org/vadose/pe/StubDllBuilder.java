package org.vadose.pe;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;

/**
 * Builds a DLL whose exported functions are system-call stubs:
 *
 * <pre>
 * 4C 8B D1         mov r10, rcx
 * B8 imm32         mov eax, number
 * 0F 05            syscall
 * C3               ret
 * </pre>
 *
 * <p>Besides stubs it takes pieces of real code with their unwind information, zeroed variables and forwarders. Nothing in it
 * depends on its address, so it needs no relocations. A {@link DllSkeleton} makes it take the shape of a genuine DLL: stubs and
 * variables then lie where that DLL has what they stand for.
 */
public final class StubDllBuilder {
    /** Length of a stub; the return instruction is its last byte. */
    public static final int STUB_BYTES = 11;

    /** Lets the builder choose. */
    public static final int ANY_ORDINAL = 0;

    private static final int ALIGNMENT = 16;
    private static final long IMAGE_BASE = 0x1_8000_0000L;
    private static final byte BREAKPOINT = (byte) 0xCC;
    private static final byte[] NOTHING = {};

    private final String dllName;
    private final @Nullable DllSkeleton skeleton;
    private final Map<String, Item> items = new LinkedHashMap<>();
    private final List<PeTables.Export> exports = new ArrayList<>();

    /** What has an address of its own. */
    private record Item(
            String name,
            int ordinal,
            byte[] bytes,
            boolean isExported,
            boolean isCode,
            Map<Integer, String> calls,
            byte[] unwind) {}

    private record Placed(Item item, long rva) {}

    /**
     * The result.
     *
     * @param file the image file
     * @param rvas where each function, piece of code and variable is
     */
    public record Built(byte[] file, Map<String, Long> rvas) {
        /** @throws IllegalArgumentException when the DLL has nothing of this name */
        public long rva(String name) {
            Long rva = rvas.get(name);
            if (rva == null) {
                throw new IllegalArgumentException("built-in DLL has no such name name=" + name);
            }
            return rva;
        }
    }

    /** @param dllName as its export directory shall name it */
    public StubDllBuilder(String dllName) {
        this(dllName, null);
    }

    public StubDllBuilder(String dllName, @Nullable DllSkeleton skeleton) {
        this.dllName = dllName;
        this.skeleton = skeleton;
    }

    /** The bytes of a stub. */
    public static byte[] stubBytes(int number) {
        return ByteBuffer.allocate(STUB_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) 0x4C)
                .put((byte) 0x8B)
                .put((byte) 0xD1)
                .put((byte) 0xB8)
                .putInt(number)
                .put((byte) 0x0F)
                .put((byte) 0x05)
                .put((byte) 0xC3)
                .array();
    }

    /** Exports a function that enters Java with this number in EAX. */
    public StubDllBuilder stub(String name, int ordinal, int number) {
        return add(new Item(name, ordinal, stubBytes(number), true, true, Map.of(), NOTHING));
    }

    /**
     * Exports a piece of code.
     *
     * @param calls offsets of {@code rel32} operands, each with the name in this DLL it shall reach
     * @param unwindInfo an {@code UNWIND_INFO}, or empty for a leaf function
     */
    public StubDllBuilder code(String name, byte[] code, Map<Integer, String> calls, byte[] unwindInfo) {
        return add(new Item(name, ANY_ORDINAL, code, true, true, Map.copyOf(calls), unwindInfo));
    }

    /** A piece of code that nobody imports: a leaf function. */
    public StubDllBuilder hiddenCode(String name, byte[] code, Map<Integer, String> calls) {
        return add(new Item(name, ANY_ORDINAL, code, false, true, Map.copyOf(calls), NOTHING));
    }

    /** Exports a variable of zeros. */
    public StubDllBuilder data(String name, int ordinal, int sizeBytes) {
        return add(new Item(name, ordinal, new byte[sizeBytes], true, false, Map.of(), NOTHING));
    }

    /** A variable of zeros that code of this DLL uses and nobody imports. */
    public StubDllBuilder hiddenData(String name, int sizeBytes) {
        return add(new Item(name, ANY_ORDINAL, new byte[sizeBytes], false, false, Map.of(), NOTHING));
    }

    /** Exports what another DLL has: {@code NTDLL.RtlAllocateHeap}. */
    public StubDllBuilder forward(String name, int ordinal, String target) {
        exports.add(new PeTables.Export(name, ordinal, 0, target));
        return this;
    }

    private StubDllBuilder add(Item item) {
        items.put(item.name(), item);
        return this;
    }

    /** Names under which something is exported so far, forwarders aside. */
    public boolean has(String name) {
        return items.containsKey(name);
    }

    public Built build() {
        DllSkeleton shape =
                skeleton != null ? skeleton : DllSkeleton.fitting(dllName, codeBytes(), dataBytes(), tableBytes());
        List<Placed> placed = place(shape);
        Map<String, Long> rvas = new LinkedHashMap<>();
        placed.forEach(p -> rvas.put(p.item().name(), p.rva()));
        List<PeBuilder.Part> parts = new ArrayList<>();
        List<PeImage.RuntimeFunction> functions = new ArrayList<>();
        long unwind = shape.unwindRva();
        for (Placed at : placed) {
            Item item = at.item();
            long rva = at.rva();
            if (item.isExported()) {
                exports.add(new PeTables.Export(item.name(), item.ordinal(), rva, null));
            }
            if (!item.isCode()) {
                continue;
            }
            parts.add(new PeBuilder.Part(rva, linked(item, rva, rvas)));
            if (item.unwind().length > 0) {
                parts.add(new PeBuilder.Part(unwind, item.unwind()));
                functions.add(new PeImage.RuntimeFunction(rva, rva + item.bytes().length, unwind));
                unwind += Pages.alignUp(item.unwind().length, 4);
            }
        }
        return new Built(write(shape, parts, functions), Map.copyOf(rvas));
    }

    private byte[] write(DllSkeleton shape, List<PeBuilder.Part> parts, List<PeImage.RuntimeFunction> functions) {
        PeBuilder builder = new PeBuilder(IMAGE_BASE, shape.sections().size())
                .dll()
                .timeDateStamp(shape.timeDateStamp())
                .dllCharacteristics(PeFormat.DLL_HIGH_ENTROPY_VA
                        | PeFormat.DLL_DYNAMIC_BASE
                        | PeFormat.DLL_NX_COMPAT
                        | PeFormat.DLL_GUARD_CF);
        byte[] table = PeTables.exports(shape.exportRva(), dllName, exports, shape.timeDateStamp());
        parts.add(new PeBuilder.Part(shape.exportRva(), table));
        builder.directory(PeFormat.DIRECTORY_EXPORT, shape.exportRva(), table.length);
        if (!functions.isEmpty()) {
            byte[] runtime = PeTables.runtimeFunctions(functions);
            parts.add(new PeBuilder.Part(shape.runtimeFunctionRva(), runtime));
            builder.directory(PeFormat.DIRECTORY_EXCEPTION, shape.runtimeFunctionRva(), runtime.length);
        }
        for (int i = 0; i < shape.sections().size(); i++) {
            DllSkeleton.Section section = shape.sections().get(i);
            List<PeBuilder.Part> inside = new ArrayList<>();
            for (PeBuilder.Part part : parts) {
                if (part.rva() >= section.rva() && part.rva() < section.end()) {
                    inside.add(part);
                }
            }
            addDirectoryParts(shape, section, builder, inside);
            boolean code = (section.characteristics() & PeFormat.SCN_CNT_CODE) != 0;
            if (builder.nextRva() != section.rva()) {
                throw new IllegalStateException("sections are out of order section=" + section.name());
            }
            builder.add(
                    section.name(),
                    section.characteristics(),
                    section.end() - section.rva(),
                    code ? BREAKPOINT : 0,
                    inside);
        }
        return builder.toFile();
    }

    private void addDirectoryParts(
            DllSkeleton shape, DllSkeleton.Section section, PeBuilder builder, List<PeBuilder.Part> inside) {
        DllSkeleton.Debug debug = shape.debug();
        if (debug != null && debug.rva() >= section.rva() && debug.rva() < section.end()) {
            long fileOffset = builder.nextFileOffset() + debug.rva() - section.rva();
            inside.add(new PeBuilder.Part(
                    debug.rva(),
                    PeTables.debug(
                            debug.rva(),
                            fileOffset,
                            debug.guid(),
                            debug.age(),
                            debug.pdbName(),
                            shape.timeDateStamp())));
            builder.directory(PeFormat.DIRECTORY_DEBUG, debug.rva(), PeTables.debugDirectorySize());
        }
        if (section.name().equals(".rsrc")) {
            Map<String, String> strings = new LinkedHashMap<>();
            strings.put("FileDescription", dllName);
            strings.put("FileVersion", "10.0.19041.3570");
            strings.put("InternalName", dllName);
            strings.put("OriginalFilename", dllName);
            strings.put("ProductVersion", "10.0.19041.3570");
            byte[] version = PeVersionResource.section(section.rva(), new int[] {10, 0, 19041, 3570}, true, strings);
            inside.add(new PeBuilder.Part(section.rva(), version));
            builder.directory(PeFormat.DIRECTORY_RESOURCE, section.rva(), version.length);
        }
    }

    /** The code with its {@code rel32} operands filled in. */
    private static byte[] linked(Item item, long rva, Map<String, Long> rvas) {
        byte[] code = item.bytes().clone();
        ByteBuffer out = ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN);
        item.calls().forEach((offset, target) -> {
            Long to = rvas.get(target);
            if (to == null) {
                throw new IllegalStateException("code calls an absent name from=" + item.name() + " to=" + target);
            }
            out.putInt(offset, (int) (to - (rva + offset + 4)));
        });
        return code;
    }

    /** Genuine places where the skeleton knows them and nothing lies there yet, the spare areas otherwise. */
    private List<Placed> place(DllSkeleton shape) {
        List<Placed> placed = new ArrayList<>();
        TreeMap<Long, Item> taken = new TreeMap<>();
        long spareCode = shape.spareCodeRva();
        long spareData = shape.spareDataRva();
        // Code with a shape of its own first: it must not lose its place to a stub.
        List<Item> ordered = new ArrayList<>(items.values());
        ordered.sort((a, b) -> Boolean.compare(isStub(a), isStub(b)));
        for (Item item : ordered) {
            long wished = shape.genuineRva(item.name());
            long size = item.bytes().length;
            if (wished != 0 && isFree(taken, wished, item) && shape.suits(wished, item.isCode())) {
                taken.put(wished, item);
                placed.add(new Placed(item, wished));
            } else if (item.isCode()) {
                placed.add(new Placed(item, spareCode));
                spareCode = Pages.alignUp(spareCode + size, ALIGNMENT);
            } else {
                placed.add(new Placed(item, spareData));
                spareData = Pages.alignUp(spareData + size, ALIGNMENT);
            }
        }
        return placed;
    }

    private static boolean isStub(Item item) {
        return item.isCode() && item.unwind().length == 0 && item.calls().isEmpty();
    }

    /** Free, or taken by the very same stub: one function under two names. */
    private static boolean isFree(TreeMap<Long, Item> taken, long rva, Item item) {
        Map.Entry<Long, Item> before = taken.floorEntry(rva + item.bytes().length - 1);
        if (before == null || before.getKey() + before.getValue().bytes().length <= rva) {
            return true;
        }
        return before.getKey() == rva
                && isStub(item)
                && Arrays.equals(before.getValue().bytes(), item.bytes());
    }

    private long codeBytes() {
        return total(true);
    }

    private long dataBytes() {
        return total(false);
    }

    private long total(boolean code) {
        long sum = 0;
        for (Item item : items.values()) {
            if (item.isCode() == code) {
                sum += Pages.alignUp(item.bytes().length, ALIGNMENT);
            }
        }
        return sum;
    }

    /** Room for the export directory and unwind information. */
    private long tableBytes() {
        long sum = PeFormat.EXPORT_SIZE + dllName.length() + 1;
        int largestOrdinal = 0;
        for (Item item : items.values()) {
            sum += item.name().length() + 1 + 10 + Pages.alignUp(item.unwind().length, 4);
            largestOrdinal = Math.max(largestOrdinal, item.ordinal());
        }
        for (PeTables.Export export : exports) {
            String name = export.name() == null ? "" : export.name();
            String target = export.forwarder() == null ? "" : export.forwarder();
            sum += name.length() + target.length() + 2 + 10;
            largestOrdinal = Math.max(largestOrdinal, export.ordinal());
        }
        return Pages.alignUp(sum + 4L * largestOrdinal, ALIGNMENT);
    }
}
