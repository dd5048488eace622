package org.vadose.mm;

import org.vadose.layout.MiAssignedRegionTypesValues;

/** Regions of system space, in the order of {@code _MI_ASSIGNED_REGION_TYPES}, which is that of {@code SystemVaRegions}. */
public enum SystemRegion {
    NON_PAGED_POOL(MiAssignedRegionTypesValues.ASSIGNED_REGION_NON_PAGED_POOL),
    PAGED_POOL(MiAssignedRegionTypesValues.ASSIGNED_REGION_PAGED_POOL),
    SYSTEM_CACHE(MiAssignedRegionTypesValues.ASSIGNED_REGION_SYSTEM_CACHE),
    SYSTEM_PTES(MiAssignedRegionTypesValues.ASSIGNED_REGION_SYSTEM_PTES),
    ULTRA_ZERO(MiAssignedRegionTypesValues.ASSIGNED_REGION_ULTRA_ZERO),
    PFN_DATABASE(MiAssignedRegionTypesValues.ASSIGNED_REGION_PFN_DATABASE),
    CFG(MiAssignedRegionTypesValues.ASSIGNED_REGION_CFG),
    HYPER_SPACE(MiAssignedRegionTypesValues.ASSIGNED_REGION_HYPER_SPACE),
    KERNEL_STACKS(MiAssignedRegionTypesValues.ASSIGNED_REGION_KERNEL_STACKS),
    PAGE_TABLES(MiAssignedRegionTypesValues.ASSIGNED_REGION_PAGE_TABLES),
    SESSION(MiAssignedRegionTypesValues.ASSIGNED_REGION_SESSION),
    SECURE_NON_PAGED_POOL(MiAssignedRegionTypesValues.ASSIGNED_REGION_SECURE_NON_PAGED_POOL),
    SYSTEM_IMAGES(MiAssignedRegionTypesValues.ASSIGNED_REGION_SYSTEM_IMAGES);

    private final int index;

    SystemRegion(int index) {
        this.index = index;
    }

    /** Index into {@code _MI_VISIBLE_STATE.SystemVaRegions}. */
    public int index() {
        return index;
    }
}
