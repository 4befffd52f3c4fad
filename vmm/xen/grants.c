/* Grants of pages of the VMM to the control domain, whose drivers read and write them (xen/include/public/grant_table.h,
 * version 1). A grant lasts as long as the domain: its page serves many requests. */
#include "xen.h"

#define GRANT_FRAMES 2
#define FIRST_REFERENCE 8 /* those below belong to Xen's tools */
#define REFERENCES (GRANT_FRAMES * 4096 / sizeof(struct grant_entry))

#define entries ((volatile struct grant_entry *)GRANT_TABLE)

static uint32_t next;

static int start(void) {
    static uint32_t frames[GRANT_FRAMES];
    struct {
        uint16_t domain, pad;
        uint32_t count;
        int16_t status, pad2;
        uint32_t list;
    } setup = {DOMID_SELF, 0, GRANT_FRAMES, 0, 0, (uint32_t)frames};
    if (hypercall(HYPERCALL_GRANT_TABLE_OP, GNTTABOP_SETUP_TABLE, (uint32_t)&setup, 1, 0) || setup.status) return 0;
    for (uint32_t i = 0; i < GRANT_FRAMES; i++) xen_map_machine(GRANT_TABLE + i * 4096, frames[i], XEN_MAP_WRITABLE);
    next = FIRST_REFERENCE;
    return 1;
}

uint32_t xen_grant(const void *page) {
    if ((!next && !start()) || next >= REFERENCES) return 0;
    entries[next].domain = 0;
    entries[next].frame = xen_mfn(page);
    asm volatile("" ::: "memory");
    entries[next].flags = GRANT_PERMIT_ACCESS;
    return next++;
}
