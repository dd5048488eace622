package org.vadose.layout;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The symbols of one image by name and by address. Addresses are relative to the image's base, below 4 GB. The text stays as it
 * was loaded ({@code RVA-in-hex NAME} a line, ascending); three arrays of numbers find things in it, and no string is made for a
 * symbol nobody asks for.
 */
public final class SymbolTable {
    private static final Map<String, SymbolTable> LOADED = new ConcurrentHashMap<>();

    private final TableText text;
    private final int count;
    /** Unsigned, ascending. */
    private final int[] rvas;
    /** Where each name starts in the text; it runs to the end of the line. */
    private final int[] names;
    /** Open addressing over the case-folded name; symbol number + 1, 0 for empty. */
    private final int[] buckets;

    /** @param rva bytes from the image's base */
    public record Symbol(String name, long rva) {}

    private SymbolTable(TableText text) {
        this.text = text;
        byte[] bytes = text.bytes();
        int lines = 0;
        for (int i = text.bodyStart(); i < bytes.length; i++) {
            lines += bytes[i] == '\n' ? 1 : 0;
        }
        rvas = new int[lines];
        names = new int[lines];
        buckets = new int[Integer.highestOneBit(Math.max(lines, 1)) * 4];
        int n = 0;
        for (int at = text.bodyStart(); n < lines; n++) {
            int rva = 0;
            for (; bytes[at] != ' '; at++) {
                rva = rva << 4 | Character.digit(bytes[at], 16);
            }
            rvas[n] = rva;
            names[n] = ++at;
            int hash = 0;
            for (; bytes[at] != '\n'; at++) {
                hash = hash * 31 + fold(bytes[at]);
            }
            at++;
            int bucket = spread(hash);
            while (buckets[bucket] != 0) {
                bucket = (bucket + 1) & (buckets.length - 1);
            }
            buckets[bucket] = n + 1;
        }
        count = n;
    }

    /** The kernel's symbols (ntkrnlmp, module {@code nt}). */
    public static SymbolTable kernel() {
        return ofResource("ntkrnlmp");
    }

    /** The symbols of the genuine 64-bit ntdll. They fit an image only if its RSDS record names {@link #identity()}. */
    public static SymbolTable ntdll() {
        return ofResource("ntdll");
    }

    private static SymbolTable ofResource(String name) {
        return LOADED.computeIfAbsent(name, n -> new SymbolTable(TableText.ofResource(n + ".symbols")));
    }

    /** A table of these symbols, of an image's exports say. */
    public static SymbolTable of(PdbIdentity identity, Collection<Symbol> symbols) {
        StringBuilder lines = new StringBuilder();
        lines.append("pdb ").append(identity.file().replace(' ', '_')).append(' ');
        lines.append(identity.guid()).append(' ').append(identity.age()).append('\n');
        symbols.stream()
                .sorted(Comparator.comparingLong(Symbol::rva).thenComparing(Symbol::name))
                .forEach(s -> lines.append(Long.toHexString(s.rva() & 0xFFFF_FFFFL))
                        .append(' ')
                        .append(s.name().replace('\n', '?'))
                        .append('\n'));
        return new SymbolTable(TableText.of(lines.toString().getBytes(StandardCharsets.ISO_8859_1)));
    }

    public PdbIdentity identity() {
        return text.identity();
    }

    public int count() {
        return count;
    }

    /** The symbol of this name, exactly or else without regard to case. */
    public @Nullable Symbol find(String name) {
        int hash = 0;
        for (int i = 0; i < name.length(); i++) {
            hash = hash * 31 + fold((byte) name.charAt(i));
        }
        Symbol otherCase = null;
        for (int bucket = spread(hash); buckets[bucket] != 0; bucket = (bucket + 1) & (buckets.length - 1)) {
            Symbol symbol = symbol(buckets[bucket] - 1);
            if (symbol.name().equals(name)) {
                return symbol;
            }
            if (otherCase == null && symbol.name().equalsIgnoreCase(name)) {
                otherCase = symbol;
            }
        }
        return otherCase;
    }

    /** The last symbol at or below the address; of several at one address the first by name. */
    public @Nullable Symbol atOrBelow(long rva) {
        int n = indexAbove(rva) - 1;
        while (n > 0 && rvas[n - 1] == rvas[n]) {
            n--;
        }
        return n < 0 ? null : symbol(n);
    }

    /** The first symbol above the address. */
    public @Nullable Symbol above(long rva) {
        int n = indexAbove(rva);
        return n == count ? null : symbol(n);
    }

    /** Symbols whose names match, by address. */
    public List<Symbol> matching(Wildcard wildcard) {
        List<Symbol> found = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            Symbol symbol = symbol(n);
            if (wildcard.matches(symbol.name())) {
                found.add(symbol);
            }
        }
        return found;
    }

    private int indexAbove(long rva) {
        if (rva < 0) {
            return 0;
        }
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if ((rvas[middle] & 0xFFFF_FFFFL) <= rva) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private Symbol symbol(int n) {
        byte[] bytes = text.bytes();
        return new Symbol(TableText.text(bytes, names[n], TableText.lineEnd(bytes, names[n])), rvas[n] & 0xFFFF_FFFFL);
    }

    private int spread(int hash) {
        return (hash ^ hash >>> 15) * 0x9e3779b9 >>> 8 & (buckets.length - 1);
    }

    private static int fold(byte b) {
        return b >= 'A' && b <= 'Z' ? b + 32 : b & 0xFF;
    }
}
