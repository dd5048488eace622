package org.vadose.ob;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.check.Findings;
import org.vadose.check.ObjectCheck;
import org.vadose.check.PoolCheck;
import org.vadose.ex.PlainPages;
import org.vadose.ex.PoolAllocator;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.HandleTable;
import org.vadose.nt.HandleTableEntry;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.ObjectType;

class ObjectManagerTest {
    private static final long KERNEL_BASE = 0x100_0000;

    private PhysicalMemory memory;
    private PlainPages pages;
    private ObjectManager objects;
    private HandleTable table;

    @BeforeEach
    void manager() {
        memory = new PhysicalMemory(512L << 20);
        pages = new PlainPages(memory, 64L << 20);
        PoolAllocator pool = new PoolAllocator(memory, pages, KERNEL_BASE);
        pool.initialize();
        objects = new ObjectManager(memory, pool, KERNEL_BASE);
        objects.initialize(1);
        table = objects.handleTables().create(0, 4);
    }

    @AfterEach
    void check() {
        Findings findings = new Findings();
        new PoolCheck(memory, KERNEL_BASE, findings).run(pages.of(false), pages.of(true));
        new ObjectCheck(memory, KERNEL_BASE, findings).run();
        memory.close();
        assertTrue(findings.isEmpty(), findings::toString);
    }

    @Test
    void typesHaveTheirIndexesAndAreListedInTheNamespace() {
        ObjectNamespace.Lookup found = objects.namespace().lookup("\\objecttypes\\file");
        ObjectType file = new ObjectType(memory, found.body());
        assertEquals("File", file.name());
        assertEquals(37, file.index());
        assertEquals(7, KnownType.PROCESS.index());
        ObjectType type = new ObjectType(memory, objects.typeBody(KnownType.TYPE));
        assertEquals(KnownType.values().length, type.objectCount());
        assertEquals("Type", objects.header(type.address()).type(KERNEL_BASE).name());
    }

    @Test
    void namesAreFoundThroughLinksWhateverTheirCase() {
        ObjectNamespace names = objects.namespace();
        long device = names.createDirectory(names.root(), "Device");
        long global = names.createDirectory(names.root(), "GLOBAL??");
        long volume = objects.create(KnownType.DEVICE, 0x150, "HarddiskVolume2", 0, 0);
        names.insert(device, volume);
        names.createLink(global, "C:", "\\Device\\HarddiskVolume2", 0);
        ObjectNamespace.Lookup found = names.lookup("\\??\\c:\\Windows\\System32");
        assertEquals(volume, found.body());
        assertEquals("\\Windows\\System32", found.rest());
        assertEquals("\\Device\\HarddiskVolume2", names.path(volume));
        assertEquals(
                NtStatus.OBJECT_PATH_NOT_FOUND, names.lookup("\\Nowhere\\x").status());
        assertEquals(NtStatus.OBJECT_NAME_NOT_FOUND, names.lookup("\\Nowhere").status());
        long second = objects.create(KnownType.DEVICE, 0x150, "HarddiskVolume2", 0, 0);
        assertEquals(NtStatus.OBJECT_NAME_COLLISION, names.insert(device, second));
        objects.dereference(second);
        long third = objects.create(KnownType.DEVICE, 0x150, "harddiskvolume2", 0, 0);
        assertEquals(NtStatus.SUCCESS, names.insert(device, third));
        assertEquals(volume, names.findExact(device, "HarddiskVolume2"));
        assertEquals(third, names.findExact(device, "harddiskvolume2"));
        assertEquals(0, names.findExact(device, "HARDDISKVOLUME2"));
    }

    @Test
    void anObjectDiesWithItsLastReferenceAndANameWithItsLastHandle() {
        List<Long> deleted = new ArrayList<>();
        objects.onDelete(KnownType.EVENT, deleted::add);
        long event = objects.create(KnownType.EVENT, 24, "Ready", 0, 0);
        objects.namespace().insert(objects.namespace().root(), event);
        int handle = objects.handles().open(table, event, 0, 0x1f0003);
        objects.dereference(event);
        assertEquals(32769, objects.header(event).pointerCount());
        assertEquals(event, objects.handles().reference(table, handle));
        objects.dereference(event);
        assertEquals(NtStatus.SUCCESS, objects.handles().close(table, handle));
        assertEquals(List.of(event), deleted);
        assertEquals(0, objects.namespace().find(objects.namespace().root(), "Ready"));
        assertEquals(NtStatus.INVALID_HANDLE, objects.handles().close(table, handle));
        assertEquals(NtStatus.INVALID_HANDLE, objects.handles().close(table, 0));
        assertEquals(NtStatus.INVALID_HANDLE, objects.handles().close(table, 0x7fff_fffcL));
    }

    @Test
    void headerHasItsOptionalHeadersInOrder() {
        long body = objects.create(KnownType.MUTANT, 56, "M", ObjectHeader.CREATOR_INFO | ObjectHeader.QUOTA_INFO, 0);
        ObjectHeader header = objects.header(body);
        assertEquals(header.address() - 0x20, header.info(ObjectHeader.CREATOR_INFO));
        assertEquals(header.address() - 0x40, header.info(ObjectHeader.NAME_INFO));
        assertEquals(header.address() - 0x60, header.info(ObjectHeader.QUOTA_INFO));
        assertEquals(0, header.info(ObjectHeader.HANDLE_INFO));
        assertEquals(header.address() - 0x60, header.start());
        assertNotEquals(0, header.pointerCount());
        objects.dereference(body);
    }

    @Test
    void manyHandlesGrowTheTableToThreeLevels() {
        long event = objects.create(KnownType.EVENT, 24);
        int count = 140_000;
        for (int i = 1; i <= count; i++) {
            int value = objects.handles().open(table, event, 0, 3);
            // Every 256th entry is skipped.
            assertEquals((i + (i - 1) / 255) * 4, value);
        }
        assertEquals(2, table.level());
        assertEquals(event, objects.handles().peek(table, 4));
        assertEquals(count, table.handleCount());
        objects.handles().destroy(table);
        assertEquals(1, objects.header(event).pointerCount());
        objects.dereference(event);
        table = objects.handleTables().create(0, 4);
    }

    @Test
    void strictTablesReuseTheOldestValue() {
        HandleTable strict = objects.handleTables().createStrict();
        int a = objects.handleTables().insert(strict, 0x1000, 0, 0, 0);
        assertEquals(4, a);
        objects.handleTables().remove(strict, new HandleTableEntry(memory, strict.entryAddress(a)));
        for (int i = 0; i < 254; i++) {
            assertNotEquals(4, objects.handleTables().insert(strict, 0x2000, 0, 0, 0));
        }
        assertEquals(4, objects.handleTables().insert(strict, 0x2000, 0, 0, 0));
        objects.handleTables().destroy(strict);
    }

    @Test
    void randomHandlesStayTrue() {
        long seed = 7;
        System.out.println("ObjectManagerTest seed=" + seed);
        Random random = new Random(seed);
        long[] events = new long[20];
        for (int i = 0; i < events.length; i++) {
            events[i] = objects.create(KnownType.EVENT, 24);
        }
        Map<Integer, Long> open = new HashMap<>();
        for (int step = 0; step < 20_000; step++) {
            if (random.nextInt(5) < 3) {
                long event = events[random.nextInt(events.length)];
                Long old = open.put(objects.handles().open(table, event, 0, 1), event);
                assertEquals(null, old);
            } else if (!open.isEmpty()) {
                int value = open.keySet().iterator().next();
                assertEquals(open.remove(value), objects.handles().peek(table, value));
                assertEquals(NtStatus.SUCCESS, objects.handles().close(table, value));
            }
        }
        assertEquals(open.size(), table.handleCount());
    }
}
