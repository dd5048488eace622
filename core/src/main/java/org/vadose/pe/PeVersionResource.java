package org.vadose.pe;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Makes a resource section that holds one version resource (Microsoft, "VS_VERSIONINFO structure"). */
final class PeVersionResource {
    private static final int TYPE_VERSION = 16;
    private static final int LANGUAGE_ENGLISH_US = 0x409;
    private static final int CODE_PAGE_UNICODE = 1200;
    private static final int FIXED_SIGNATURE = 0xFEEF04BD;
    private static final int SUBDIRECTORY = 0x8000_0000;
    /** Three directories of one entry each, then the leaf. */
    private static final int DIRECTORY = PeFormat.RESOURCE_DIRECTORY_SIZE + PeFormat.RESOURCE_ENTRY_SIZE;

    private static final int LEAF = 3 * DIRECTORY;
    private static final int DATA = LEAF + 16;

    private final ByteBuffer out = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

    private PeVersionResource() {}

    /**
     * @param rva where the section will lie
     * @param version four numbers, major first
     * @param isDll a DLL rather than a program or driver
     * @param strings {@code FileDescription} and the like
     */
    static byte[] section(long rva, int[] version, boolean isDll, Map<String, String> strings) {
        PeVersionResource resource = new PeVersionResource();
        ByteBuffer out = resource.out;
        directory(out, 0, TYPE_VERSION, SUBDIRECTORY | DIRECTORY);
        directory(out, DIRECTORY, 1, SUBDIRECTORY | 2 * DIRECTORY);
        directory(out, 2 * DIRECTORY, LANGUAGE_ENGLISH_US, LEAF);
        out.position(DATA);
        resource.versionInfo(version, isDll, strings);
        int size = out.position() - DATA;
        out.putInt(LEAF, (int) rva + DATA).putInt(LEAF + 4, size);
        byte[] bytes = new byte[DATA + size];
        System.arraycopy(out.array(), 0, bytes, 0, bytes.length);
        return bytes;
    }

    private static void directory(ByteBuffer out, int at, int id, int target) {
        out.putShort(at + PeFormat.RESOURCE_IDS, (short) 1);
        out.putInt(at + PeFormat.RESOURCE_DIRECTORY_SIZE, id);
        out.putInt(at + PeFormat.RESOURCE_DIRECTORY_SIZE + 4, target);
    }

    private void versionInfo(int[] version, boolean isDll, Map<String, String> strings) {
        int root = begin("VS_VERSION_INFO", 52, false);
        int high = version[0] << 16 | version[1];
        int low = version[2] << 16 | version[3];
        out.putInt(FIXED_SIGNATURE).putInt(0x10000);
        out.putInt(high).putInt(low).putInt(high).putInt(low);
        out.putInt(0x3F)
                .putInt(0)
                .putInt(0x40004)
                .putInt(isDll ? 2 : 1)
                .putInt(0)
                .putInt(0)
                .putInt(0);
        int stringInfo = begin("StringFileInfo", 0, true);
        int table = begin("%04x%04x".formatted(LANGUAGE_ENGLISH_US, CODE_PAGE_UNICODE), 0, true);
        strings.forEach((key, value) -> {
            int entry = begin(key, value.length() + 1, true);
            text(value);
            end(entry);
        });
        end(table);
        end(stringInfo);
        int variables = begin("VarFileInfo", 0, true);
        int translation = begin("Translation", 4, false);
        out.putShort((short) LANGUAGE_ENGLISH_US).putShort((short) CODE_PAGE_UNICODE);
        end(translation);
        end(variables);
        end(root);
    }

    private int begin(String key, int valueLength, boolean isText) {
        align();
        int at = out.position();
        out.putShort((short) 0).putShort((short) valueLength).putShort((short) (isText ? 1 : 0));
        text(key);
        align();
        return at;
    }

    private void end(int at) {
        out.putShort(at, (short) (out.position() - at));
    }

    private void text(String text) {
        out.put(text.getBytes(StandardCharsets.UTF_16LE)).putShort((short) 0);
    }

    private void align() {
        while ((out.position() - DATA) % 4 != 0) {
            out.put((byte) 0);
        }
    }
}
