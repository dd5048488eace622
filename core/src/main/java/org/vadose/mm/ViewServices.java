package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.base.VpnRange;
import org.vadose.layout.FileObjectLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Section;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;

/**
 * {@code NtMapViewOfSection}, {@code NtUnmapViewOfSection}, {@code NtFlushVirtualMemory} and {@code NtAreMappedFilesTheSame} behind
 * their handles. Sections come from {@link SectionServices}; statuses are those of the WDK's pages on these calls and of what
 * programs see on Windows.
 */
public final class ViewServices {
    /** {@code ViewShare}: child processes have the view, too. */
    public static final int VIEW_SHARE = 1;
    /** {@code ViewUnmap}. */
    public static final int VIEW_UNMAP = 2;

    private static final int MAP_TYPES = VirtualMemoryServices.MEM_TOP_DOWN
            | VirtualMemoryServices.MEM_RESERVE
            | VirtualMemoryServices.MEM_LARGE_PAGES
            | VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER
            | SectionServices.SEC_NO_CHANGE;

    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final SectionViews views;
    private final Memory memory;

    ViewServices(MemoryManager manager, AddressSpaces spaces, SectionViews views) {
        this.manager = manager;
        this.spaces = spaces;
        this.views = views;
        this.memory = manager.kernelMemory();
    }

    /** Where a view is and what it shows, in and out; all in bytes. */
    public static final class View {
        public long base;
        public long sizeBytes;
        public long offsetBytes;
    }

    /**
     * {@code NtMapViewOfSection}.
     *
     * @param view its place and size, 0 for the system's choice and the rest of the section; what was done comes back
     * @param zeroBits as {@link VirtualMemoryServices#allocate} has them
     * @param commitBytes of a SEC_RESERVE section, from the view's start on
     * @param inheritDisposition {@link #VIEW_SHARE} or {@link #VIEW_UNMAP}
     */
    public NtStatus map(
            long body,
            Eprocess process,
            View view,
            long zeroBits,
            long commitBytes,
            int inheritDisposition,
            int type,
            int pageProtection) {
        return (type & VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER) != 0
                ? NtStatus.INVALID_PARAMETER_9
                : map(body, process, view, zeroBits, null, commitBytes, inheritDisposition, type, pageProtection);
    }

    /**
     * {@code NtMapViewOfSectionEx}: also in a placeholder's stead, or at an address that meets requirements.
     *
     * @param placement null for none; with one, {@code view.base} is 0
     */
    public NtStatus mapEx(
            long body, Eprocess process, View view, @Nullable Placement placement, int type, int pageProtection) {
        boolean replaces = (type & VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER) != 0;
        if (placement != null && (view.base != 0 || replaces)
                || replaces && (type != VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER || view.base == 0)) {
            return NtStatus.INVALID_PARAMETER;
        }
        return map(body, process, view, 0, placement, 0, VIEW_UNMAP, type, pageProtection);
    }

    private NtStatus map(
            long body,
            Eprocess process,
            View view,
            long zeroBits,
            @Nullable Placement placement,
            long commitBytes,
            int inheritDisposition,
            int type,
            int pageProtection) {
        if (zeroBits > 21 && zeroBits < 32) {
            return NtStatus.INVALID_PARAMETER_4;
        }
        if (inheritDisposition != VIEW_SHARE && inheritDisposition != VIEW_UNMAP) {
            return NtStatus.INVALID_PARAMETER_8;
        }
        if ((type & ~MAP_TYPES) != 0) {
            return NtStatus.INVALID_PARAMETER_9;
        }
        int protection = PageProtection.toMask(pageProtection);
        if (protection == PageProtection.INVALID) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if (Long.compareUnsigned(view.base, process.userEnd()) >= 0) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        if (Long.compareUnsigned(view.sizeBytes, process.userEnd() - view.base) > 0) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        long highest = VirtualMemoryServices.highestAddress(process.userEnd() - 1, zeroBits);
        if (view.base != 0 && Long.compareUnsigned(view.base + Math.max(view.sizeBytes, 1) - 1, highest) > 0) {
            return NtStatus.INVALID_PARAMETER_4;
        }
        Section section = new Section(memory, body);
        if (!SectionRules.allowsView(PageProtection.toMask(section.pageProtection()), protection)) {
            return NtStatus.SECTION_PROTECTION;
        }
        if (process.isExiting()) {
            return NtStatus.PROCESS_IS_TERMINATING;
        }
        ControlArea area = section.controlArea();
        if (area.isImage() && (type & VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER) != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (area.isImage() && (type & VirtualMemoryServices.MEM_LARGE_PAGES) != 0) {
            return NtStatus.INVALID_PARAMETER_9;
        }
        long before = spaces.enter(process);
        try {
            return area.isImage()
                    ? mapImage(spaces.entered(), area, view, placement)
                    : mapData(
                            spaces.entered(),
                            section,
                            view,
                            new Request(
                                    highest,
                                    placement,
                                    commitBytes,
                                    inheritDisposition == VIEW_SHARE,
                                    type,
                                    protection));
        } finally {
            spaces.leave(before);
        }
    }

    private NtStatus mapImage(ProcessSpace space, ControlArea area, View view, @Nullable Placement placement) {
        if (placement != null) {
            view.base = placement.find(space.vads(), area.segment().sizeBytes(), false);
            if (view.base == 0) {
                return NtStatus.NO_MEMORY;
            }
        }
        ImageSections.View mapped = manager.sections().mapEntered(space, area, view.base);
        if (mapped.status().isSuccess()) {
            view.base = mapped.base();
            view.sizeBytes = area.segment().sizeBytes();
            view.offsetBytes = 0;
        }
        return mapped.status();
    }

    /** What is wanted of a view besides its place. */
    private record Request(
            long highest, @Nullable Placement placement, long commitBytes, boolean inherit, int type, int protection) {
        boolean has(int flag) {
            return (type & flag) != 0;
        }
    }

    private NtStatus mapData(ProcessSpace space, Section section, View view, Request request) {
        boolean replaces = request.has(VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER);
        NtStatus status = checkPart(section, view, request);
        if (!status.isSuccess()) {
            return status;
        }
        ControlArea area = section.controlArea();
        long rest = section.sizeBytes() - view.offsetBytes;
        long sizeBytes = Pages.up(view.sizeBytes == 0 ? rest : view.sizeBytes);
        if (sizeBytes > space.highest()) {
            return NtStatus.INVALID_VIEW_SIZE;
        }
        if (request.has(VirtualMemoryServices.MEM_LARGE_PAGES)) {
            status = LargeSections.validate(area, view.base, view.offsetBytes, sizeBytes, request.protection());
            if (!status.isSuccess()) {
                return status;
            }
        }
        long base = view.base;
        if (base == 0) {
            base = find(space, sizeBytes, request);
            if (base == 0) {
                return NtStatus.NO_MEMORY;
            }
        } else if (base < VirtualMemoryServices.LOWEST_USER
                || sizeBytes > space.highest() + 1 - base
                || !replaces && space.vads().overlaps(Pages.vpn(base), Pages.vpn(base + sizeBytes - 1))) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        if (!manager.canGrowPools()) {
            return NtStatus.INSUFFICIENT_RESOURCES;
        }
        Vad placeholder = replaces ? manager.placeholders().take(space, base, base + sizeBytes - 1) : null;
        if (replaces && placeholder == null) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        status = mapAt(space, section, VpnRange.covering(base, sizeBytes), view.offsetBytes, request);
        if (!status.isSuccess()) {
            space.holes().freed(base, base + sizeBytes);
            if (placeholder != null) {
                manager.placeholders().putBack(space, placeholder);
            }
            return status;
        }
        if (placeholder != null) {
            manager.placeholders()
                    .replacedBy(placeholder, new Vad(memory, space.vads().find(Pages.vpn(base))));
        }
        view.base = base;
        view.sizeBytes = sizeBytes;
        return NtStatus.SUCCESS;
    }

    /** Whether the section has the part that is to be seen. */
    private static NtStatus checkPart(Section section, View view, Request request) {
        long granularity = request.has(VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER) ? Pages.SIZE : Pages.GRANULARITY;
        if (Pages.alignDown(view.base, granularity) != view.base
                || Pages.alignDown(view.offsetBytes, granularity) != view.offsetBytes) {
            return NtStatus.MAPPED_ALIGNMENT;
        }
        boolean isFile = section.controlArea().isFile();
        long rest = section.sizeBytes() - view.offsetBytes;
        // A view of a file does not go beyond the section's last byte, even where its page does.
        long most = isFile ? rest : Pages.up(rest);
        boolean mayGrow = request.has(VirtualMemoryServices.MEM_RESERVE);
        if (mayGrow && !isFile) {
            return NtStatus.INVALID_PARAMETER_9;
        }
        boolean isThere = view.offsetBytes >= 0
                && rest > 0
                && (mayGrow || Long.compareUnsigned(view.sizeBytes, most) <= 0)
                && Long.compareUnsigned(request.commitBytes(), Pages.up(rest)) <= 0;
        return isThere ? NtStatus.SUCCESS : NtStatus.INVALID_VIEW_SIZE;
    }

    /** A free place for a view, 0 when there is none. */
    private static long find(ProcessSpace space, long sizeBytes, Request request) {
        boolean topDown = request.has(VirtualMemoryServices.MEM_TOP_DOWN);
        boolean large = request.has(VirtualMemoryServices.MEM_LARGE_PAGES);
        Placement placement = request.placement();
        if (placement == null && !large) {
            return topDown
                    ? space.holes().findDown(sizeBytes, request.highest())
                    : space.holes().findUp(sizeBytes, request.highest());
        }
        Placement wanted = placement != null
                ? placement
                : new Placement(space.holes().start(), request.highest(), Pages.LARGE_SIZE);
        long alignment = large ? Math.max(wanted.alignment(), Pages.LARGE_SIZE) : wanted.alignment();
        return new Placement(wanted.lowest(), wanted.highest(), alignment).find(space.vads(), sizeBytes, topDown);
    }

    /** Maps a view where nothing is; when it fails, nothing is there again. */
    private NtStatus mapAt(ProcessSpace space, Section section, VpnRange range, long offsetBytes, Request request) {
        ControlArea area = section.controlArea();
        NtStatus status = commitAtOnce(area, offsetBytes, request.commitBytes());
        if (!status.isSuccess()) {
            return status;
        }
        int protection = request.protection();
        int cached = protection & ~PageProtection.WRITECOMBINE
                | area.segment().defaultProtection() & PageProtection.WRITECOMBINE;
        int given = PageProtection.isAccessible(protection) ? withCaching(protection, cached, area) : protection;
        boolean noChange =
                (section.flags() & ControlArea.FLAG_NO_CHANGE) != 0 || request.has(SectionServices.SEC_NO_CHANGE);
        boolean large = request.has(VirtualMemoryServices.MEM_LARGE_PAGES);
        try {
            status = views.map(space, area, range, offsetBytes / Pages.SIZE, given, noChange, request.inherit(), large);
        } catch (ResourcesException exhausted) {
            return exhausted.status();
        }
        if (status.isSuccess() && PageProtection.isExecutable(protection)) {
            VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
            region.base = range.startAddress();
            region.sizeBytes = range.sizeBytes();
            status = manager.controlFlowGuard().executable(space.process(), region, true);
            if (!status.isSuccess()) {
                views.unmap(space, new Vad(memory, space.vads().find(range.first())));
            }
        }
        return status;
    }

    private static int withCaching(int protection, int cached, ControlArea area) {
        return area.isFile() || (cached & PageProtection.WRITECOMBINE) == 0 ? protection : cached;
    }

    private NtStatus commitAtOnce(ControlArea area, long offsetBytes, long commitBytes) {
        if (commitBytes == 0 || area.isFile()) {
            return NtStatus.SUCCESS;
        }
        long first = area.firstSubsection().base() + offsetBytes / Pages.SIZE * Long.BYTES;
        return views.commitPages(
                area.segment(), first, Pages.count(commitBytes), area.segment().defaultProtection());
    }

    /** {@code NtUnmapViewOfSection}: unmaps the view that holds an address. */
    public NtStatus unmap(Eprocess process, long address) {
        return unmap(process, address, false);
    }

    /**
     * {@code NtUnmapViewOfSectionEx}.
     *
     * @param preserve whether a placeholder, which the view must have replaced, stays behind; CONFLICTING_ADDRESSES when it replaced
     *     none
     */
    public NtStatus unmap(Eprocess process, long address, boolean preserve) {
        if (Long.compareUnsigned(address, process.userEnd()) >= 0) {
            return NtStatus.NOT_MAPPED_VIEW;
        }
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            long node = space.vads().find(Pages.vpn(address));
            if (node == 0 || new Vad(memory, node).isPrivate()) {
                return NtStatus.NOT_MAPPED_VIEW;
            }
            Vad vad = new Vad(memory, node);
            if (preserve && !manager.placeholders().isReplacement(vad)) {
                return NtStatus.CONFLICTING_ADDRESSES;
            }
            Vad placeholder = preserve ? manager.placeholders().prepare(vad.startingVpn(), vad.endingVpn()) : null;
            views.unmap(space, vad);
            if (placeholder != null) {
                manager.placeholders().putBack(space, placeholder);
            }
            return NtStatus.SUCCESS;
        } finally {
            spaces.leave(before);
        }
    }

    /**
     * {@code NtFlushVirtualMemory}: writes a part of a view back to its file.
     *
     * @param region size 0 means up to the end of the view; rounded to pages afterwards
     */
    public NtStatus flush(Eprocess process, VirtualMemoryServices.Region region) {
        if (Long.compareUnsigned(region.base, process.userEnd()) >= 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        if (Long.compareUnsigned(region.sizeBytes, process.userEnd() - region.base) > 0) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            long first = Pages.down(region.base);
            long node = space.vads().find(Pages.vpn(first));
            if (node == 0) {
                return NtStatus.NOT_MAPPED_VIEW;
            }
            Vad vad = new Vad(memory, node);
            long end = vad.endingVpn() + 1 << Pages.SHIFT;
            long last = region.sizeBytes == 0 ? end - 1 : region.base + region.sizeBytes - 1 | Pages.OFFSET_MASK;
            if (vad.isPrivate() || last >= end) {
                return NtStatus.NOT_MAPPED_VIEW;
            }
            region.base = first;
            region.sizeBytes = last - first + 1;
            return views.flush(space, vad, first, last);
        } finally {
            spaces.leave(before);
        }
    }

    /** {@code NtAreMappedFilesTheSame}: whether two addresses are in views of one file, one of them its image. */
    public NtStatus areTheSame(Eprocess process, long first, long second) {
        long before = spaces.enter(process);
        try {
            long one = spaces.entered().vads().find(Pages.vpn(first));
            long two = spaces.entered().vads().find(Pages.vpn(second));
            if (one == 0 || two == 0) {
                return NtStatus.INVALID_ADDRESS;
            }
            Vad a = new Vad(memory, one);
            Vad b = new Vad(memory, two);
            if (a.isPrivate() || b.isPrivate()) {
                return NtStatus.CONFLICTING_ADDRESSES;
            }
            if (one == two) {
                return NtStatus.SUCCESS;
            }
            long fileA = new Subsection(memory, a.subsection()).controlArea().fileObject();
            long fileB = new Subsection(memory, b.subsection()).controlArea().fileObject();
            boolean same = fileA != 0
                    && fileB != 0
                    && (a.isImage() || b.isImage())
                    && memory.readLong(fileA + FileObjectLayout.SECTION_OBJECT_POINTER)
                            == memory.readLong(fileB + FileObjectLayout.SECTION_OBJECT_POINTER);
            return same ? NtStatus.SUCCESS : NtStatus.NOT_SAME_DEVICE;
        } finally {
            spaces.leave(before);
        }
    }
}
