package org.vadose.pe;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.layout.ImageDebugDirectoryLayout;

/** Makes the contents of data directories, each for a given address in the image to come. */
public final class PeTables {
    private static final int DEBUG_DIRECTORY_SIZE = (int) ImageDebugDirectoryLayout.SIZE;
    private static final long PAGE = Pages.SIZE;

    private PeTables() {}

    /**
     * What to export.
     *
     * @param name {@code null} to export by number alone
     * @param ordinal its number, or zero to give it the next free one in order of names
     * @param rva where it is; ignored when forwarded
     * @param forwarder {@code DLL.Name} when another DLL has it
     */
    public record Export(
            @Nullable String name,
            int ordinal,
            long rva,
            @Nullable String forwarder) {
        public static Export named(String name, long rva) {
            return new Export(name, 0, rva, null);
        }

        public static Export forwarded(String name, String forwarder) {
            return new Export(name, 0, 0, forwarder);
        }
    }

    /** An export directory with its tables, names and forwarders; the directory's size is the array's length. */
    public static byte[] exports(long rva, String dllName, Collection<Export> exports, int timeDateStamp) {
        List<Export> sorted = new ArrayList<>(exports);
        sorted.sort(Comparator.comparing(e -> e.name() == null ? "" : e.name()));
        int[] ordinals = assignOrdinals(sorted);
        int base = Math.max(1, Arrays.stream(ordinals).min().orElse(1));
        int slots = Math.max(0, Arrays.stream(ordinals).max().orElse(0) - base + 1);
        int names = (int) sorted.stream().filter(e -> e.name() != null).count();
        int functions = PeFormat.EXPORT_SIZE;
        int nameTable = functions + 4 * slots;
        int ordinalTable = nameTable + 4 * names;
        int text = ordinalTable + 2 * names;
        int size = text + dllName.length() + 1;
        for (Export export : sorted) {
            size += length(export.name()) + length(export.forwarder());
        }
        Text strings = new Text(ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN), text, rva);
        ByteBuffer out = strings.out;
        out.putInt(4, timeDateStamp);
        out.putInt(PeFormat.EXPORT_NAME, strings.add(dllName));
        out.putInt(PeFormat.EXPORT_BASE, base);
        out.putInt(PeFormat.EXPORT_FUNCTION_COUNT, slots);
        out.putInt(PeFormat.EXPORT_NAME_COUNT, names);
        out.putInt(PeFormat.EXPORT_FUNCTIONS, (int) rva + functions);
        out.putInt(PeFormat.EXPORT_NAMES, (int) rva + nameTable);
        out.putInt(PeFormat.EXPORT_ORDINALS, (int) rva + ordinalTable);
        int named = 0;
        for (int i = 0; i < sorted.size(); i++) {
            Export export = sorted.get(i);
            int slot = ordinals[i] - base;
            String forwarder = export.forwarder();
            out.putInt(functions + 4 * slot, forwarder != null ? strings.add(forwarder) : (int) export.rva());
            String name = export.name();
            if (name != null) {
                out.putInt(nameTable + 4 * named, strings.add(name));
                out.putShort(ordinalTable + 2 * named, (short) slot);
                named++;
            }
        }
        return out.array();
    }

    private static int length(@Nullable String text) {
        return text == null ? 0 : text.length() + 1;
    }

    /** Explicit numbers stay; the others take the lowest free ones in order. */
    private static int[] assignOrdinals(List<Export> exports) {
        int[] ordinals = new int[exports.size()];
        BitSet taken = new BitSet();
        for (int i = 0; i < ordinals.length; i++) {
            ordinals[i] = exports.get(i).ordinal();
            if (ordinals[i] != 0) {
                taken.set(ordinals[i]);
            }
        }
        int next = 1;
        for (int i = 0; i < ordinals.length; i++) {
            if (ordinals[i] == 0) {
                next = taken.nextClearBit(next);
                ordinals[i] = next++;
            }
        }
        return ordinals;
    }

    private static final class Text {
        final ByteBuffer out;
        private final long rva;
        private int next;

        Text(ByteBuffer out, int next, long rva) {
            this.out = out;
            this.next = next;
            this.rva = rva;
        }

        int add(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
            out.put(next, bytes);
            int at = (int) rva + next;
            next += bytes.length + 1;
            return at;
        }
    }

    /** A relocation table of 64-bit addresses at these places. */
    public static byte[] relocations(Collection<Long> rvas) {
        List<Long> sorted = rvas.stream().sorted().toList();
        ByteBuffer out = ByteBuffer.allocate(sorted.size() * 12 + 16).order(ByteOrder.LITTLE_ENDIAN);
        int i = 0;
        while (i < sorted.size()) {
            long page = sorted.get(i) & -PAGE;
            int block = out.position();
            out.putInt((int) page).putInt(0);
            while (i < sorted.size() && (sorted.get(i) & -PAGE) == page) {
                out.putShort((short) (PeFormat.REL_DIR64 << 12 | (int) (sorted.get(i++) & (PAGE - 1))));
            }
            if (out.position() % 4 != 0) {
                out.putShort((short) 0);
            }
            out.putInt(block + 4, out.position() - block);
        }
        return Arrays.copyOf(out.array(), out.position());
    }

    /**
     * A debug directory of one entry with its CodeView {@code RSDS} record right behind it; the directory itself is the first
     * {@link #debugDirectorySize} bytes.
     *
     * @param fileOffset where these bytes will lie in the file
     * @param guid 32 hexadecimal digits as symbol servers write it
     */
    public static byte[] debug(long rva, long fileOffset, String guid, int age, String pdbName, int timeDateStamp) {
        byte[] name = pdbName.getBytes(StandardCharsets.UTF_8);
        int record = 24 + name.length + 1;
        ByteBuffer out = ByteBuffer.allocate(DEBUG_DIRECTORY_SIZE + record).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt((int) ImageDebugDirectoryLayout.TIME_DATE_STAMP, timeDateStamp);
        out.putInt((int) ImageDebugDirectoryLayout.TYPE, PeFormat.DEBUG_TYPE_CODEVIEW);
        out.putInt((int) ImageDebugDirectoryLayout.SIZE_OF_DATA, record);
        out.putInt((int) ImageDebugDirectoryLayout.ADDRESS_OF_RAW_DATA, (int) rva + DEBUG_DIRECTORY_SIZE);
        out.putInt((int) ImageDebugDirectoryLayout.POINTER_TO_RAW_DATA, (int) fileOffset + DEBUG_DIRECTORY_SIZE);
        out.position(DEBUG_DIRECTORY_SIZE);
        out.putInt(PeFormat.RSDS_SIGNATURE);
        byte[] digits = HexFormat.of().parseHex(guid);
        ByteBuffer bigEndian = ByteBuffer.wrap(digits);
        out.putInt(bigEndian.getInt()).putShort(bigEndian.getShort()).putShort(bigEndian.getShort());
        out.put(digits, 8, 8);
        out.putInt(age).put(name);
        return out.array();
    }

    /** How much of {@link #debug} is the directory. */
    public static int debugDirectorySize() {
        return DEBUG_DIRECTORY_SIZE;
    }

    /** {@code .pdata}: the functions sorted by address, twelve bytes each. */
    public static byte[] runtimeFunctions(Collection<PeImage.RuntimeFunction> functions) {
        ByteBuffer out = ByteBuffer.allocate(functions.size() * (int) PeUnwind.RUNTIME_FUNCTION_SIZE)
                .order(ByteOrder.LITTLE_ENDIAN);
        functions.stream()
                .sorted(Comparator.comparingLong(PeImage.RuntimeFunction::begin))
                .forEach(f -> out.putInt((int) f.begin()).putInt((int) f.end()).putInt((int) f.unwindInfo()));
        return out.array();
    }
}
