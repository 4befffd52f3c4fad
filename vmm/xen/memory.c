/* Spaces and window by Xen's page tables (PAE: directories of 1 GiB, tables of 2 MiB). A space is one L3 with two user L2s,
 * the one kernel L2 that all spaces share in slot 2, and a private L2 in slot 3, which Xen wants for itself. Tables come
 * from a pool that is mapped read-only; updates are batched (mmu_update) until the next commit.
 */
#include "xen.h"
#include "ring-hiding.h"

#define PRESENT 1
#define WRITABLE 2
#define USER 4
#define ACCESSED_DIRTY 0x60
#define UPPER 0x67
#define ENTRIES 512
#define KERNEL_START 0x80000000u
#define QUEUE 512
#define NOWHERE 0xFFFFFFFFu
/* More pages than these are one flush of everything. */
#define FLUSHES 4
#define TABLES ((TABLE_POOL_END - TABLE_POOL) / 4096)

int xen_can_hide;
static uint32_t *p2m, first_guest_pfn, guest_frames, next_pfn, void_pfn, boot_free, boot_end;
static uint32_t kernel_l2_mfn;
static struct mmu_update queue[QUEUE];
static uint32_t queued;
/* Pages that the processor may still translate as they were before the batch; more than FLUSHES: any. */
static uint32_t stale[FLUSHES], stale_count, loaded_space;
/* Free tables by number, and those that are free after the next commit; dirty ones have been used and may hold entries:
 * they are mapped writable by that commit, and read-only again by the first one behind their next use. */
static uint16_t free_tables[TABLES], pending_tables[TABLES];
static uint32_t free_count, pending_count;
static uint8_t dirty[TABLES];
/* Machine frames of the window's tables that are made here, by 2 MiB from its start. */
static uint32_t window_table[32];

/* The tables of a space: an L3 with its user L2s and the private one of slot 3, and the L1 of each 2 MiB by its number plus
 * one. An L1 that has become empty stays: the next program is likely to need it at the same place. */
struct tables {
    uint16_t l3, l2[3], l1[1024];
};
static struct tables tables[SPACE_LIMIT];
/* By space, which of them are its own; then those of destroyed spaces: pinned, and nothing is mapped in their user half. */
static uint8_t tables_of[SPACE_LIMIT], spare[SPACE_LIMIT], unused[SPACE_LIMIT];
static uint32_t spare_count, unused_count;

/* The table that entries were looked for in last: its space and 2 MiB, and the machine address of its first entry. */
static uint32_t last_place = NOWHERE;
static uint64_t last_entries;

static uint32_t table_linear(uint32_t table) { return TABLE_POOL + table * 4096; }
static uint32_t table_pfn[TABLES];

uint32_t xen_mfn(const void *linear) { return p2m[((uint32_t)linear - WINDOW_START) >> 12]; }

static void update_va(uint32_t linear, uint64_t entry) {
    if (hypercall(HYPERCALL_UPDATE_VA_MAPPING, linear, (uint32_t)entry, (uint32_t)(entry >> 32), UVMF_INVLPG))
        xen_panic("update_va_mapping was refused");
}

static void flush_queue(void) {
    uint32_t done = 0;
    if (!queued) return;
    if (hypercall(HYPERCALL_MMU_UPDATE, (uint32_t)queue, queued, (uint32_t)&done, DOMID_SELF) || done != queued)
        xen_panic("mmu_update was refused");
    queued = 0;
}

static void update(uint64_t machine, uint64_t entry) {
    queue[queued++] = (struct mmu_update){machine, entry};
    if (queued == QUEUE) flush_queue();
}

/* Operations on the page tables, together with the batch before them: one entry into the hypervisor. */
static void extended_list(const struct mmuext_op *operations, uint32_t operation_count) {
    static struct multicall_entry calls[2];
    uint32_t done = 0, done_updates = 0, count = 0, updates = queued;
    if (queued) {
        calls[count++] = (struct multicall_entry){
            HYPERCALL_MMU_UPDATE, 0, {(uint32_t)queue, queued, (uint32_t)&done_updates, DOMID_SELF}};
        queued = 0;
    }
    calls[count++] = (struct multicall_entry){
        HYPERCALL_MMUEXT_OP, 0, {(uint32_t)operations, operation_count, (uint32_t)&done, DOMID_SELF}};
    if (hypercall(HYPERCALL_MULTICALL, (uint32_t)calls, count, 0, 0)) xen_panic("multicall was refused");
    if (done_updates != updates) xen_panic("mmu_update was refused");
    if (calls[count - 1].result) xen_panic("mmuext_op was refused");
}

static void extended(uint32_t command, uint32_t mfn) {
    const struct mmuext_op operation = {command, mfn, 0};
    extended_list(&operation, 1);
}

static void flush_stale(void) {
    struct mmuext_op operations[FLUSHES];
    if (stale_count > FLUSHES) {
        extended(MMUEXT_TLB_FLUSH_LOCAL, 0);
        return;
    }
    for (uint32_t i = 0; i < stale_count; i++) operations[i] = (struct mmuext_op){MMUEXT_INVLPG_LOCAL, stale[i], 0};
    extended_list(operations, stale_count);
}

/* A page, or with `all` more than one, is no longer what it was. Nothing is known of spaces that are not loaded. */
static void note_stale(uint32_t space, uint32_t linear, int all) {
    if (space != SPACE_KERNEL && space != loaded_space) return;
    if (all) stale_count = FLUSHES + 1;
    else if (stale_count < FLUSHES) stale[stale_count++] = linear & ~4095u;
    else stale_count = FLUSHES + 1;
}

void backend_commit_later(void) {
    if (!queued && !stale_count) return;
    if (xen_can_hide) ring_hide();
    else backend_commit();
}

void backend_commit(void) {
    if (stale_count) flush_stale();
    else flush_queue();
    stale_count = 0;
    ring_show();
    while (pending_count) {
        uint32_t table = pending_tables[--pending_count], at = table_linear(table), count = dirty[table] ? 1024 : 0;
        asm volatile("rep stosl" : "+D"(at), "+c"(count) : "a"(0) : "memory");
        free_tables[free_count++] = (uint16_t)table;
    }
}

static uint64_t table_machine(uint32_t table) { return (uint64_t)p2m[table_pfn[table]] << 12; }

/* Shows the table writable, or read-only, from the next commit on. */
static void show_table(uint32_t table, uint32_t writable) {
    uint32_t linear = table_linear(table);
    update(((uint64_t)window_table[(linear - WINDOW_START) >> 21] << 12) + 8 * (linear >> 12 & 511),
           table_machine(table) | PRESENT | ACCESSED_DIRTY | writable);
    note_stale(SPACE_KERNEL, linear, 0);
}

/* Nothing refers to the table from the next commit on. */
static void give_table(uint32_t table, int empty) {
    last_place = NOWHERE;
    dirty[table] = !empty;
    pending_tables[pending_count++] = (uint16_t)table;
    if (!empty) show_table(table, WRITABLE);
}

/* All tables of a destroyed space return to the pool. */
static void dismantle(uint32_t number) {
    struct tables *t = &tables[number];
    extended(MMUEXT_UNPIN, (uint32_t)(table_machine(t->l3) >> 12));
    for (uint32_t i = 0, any[2] = {0}; i < 1024; i++) {
        if (t->l1[i]) {
            give_table(t->l1[i] - 1, 1);
            any[i / ENTRIES] = 1;
        }
        t->l1[i] = 0;
        if (i % ENTRIES == ENTRIES - 1) give_table(t->l2[i / ENTRIES], !any[i / ENTRIES]);
    }
    give_table(t->l2[2], 0);
    give_table(t->l3, 0);
    unused[unused_count++] = (uint8_t)number;
}

/* A table of zeroes, for use from the next commit on. Returns 0, or its number plus one. */
static uint32_t take_table(void) {
    if (!free_count && !pending_count && spare_count) dismantle(spare[--spare_count]);
    if (!free_count) backend_commit();
    if (!free_count) return 0;
    uint32_t table = free_tables[--free_count];
    if (dirty[table]) show_table(table, 0);
    dirty[table] = 0;
    return table + 1;
}

/* MAP_WRITE and MAP_USER are WRITABLE and USER, one bit further down. */
static inline uint64_t entry_for(uint32_t mfn, uint32_t rights) {
    return (uint64_t)mfn << 12 | PRESENT | ACCESSED_DIRTY | (rights & (MAP_WRITE | MAP_USER)) << 1;
}
static uint64_t frame_entry(uint32_t frame, uint32_t rights) {
    return entry_for(p2m[frame < guest_frames ? first_guest_pfn + frame : void_pfn], rights);
}

void backend_window(uint32_t slot, uint32_t frame) { update_va(WINDOW_FRAMES + slot * 4096, frame_entry(frame, MAP_WRITE)); }
void xen_map_machine(uint32_t linear, uint32_t mfn, uint32_t flags) {
    update_va(linear, (uint64_t)mfn << 12 | PRESENT | ACCESSED_DIRTY | flags);
}

/* Machine address of the entry for the 2 MiB with number `index` of the space's half. */
static uint64_t directory_entry(uint32_t space, uint32_t index) {
    if (space == SPACE_KERNEL) return ((uint64_t)kernel_l2_mfn << 12) + 8 * index;
    return table_machine(tables[tables_of[space]].l2[index / ENTRIES]) + 8 * (index % ENTRIES);
}

/* The table of the 2 MiB with this number, plus one; 0 where there is none. */
static uint16_t *table_at(uint32_t space, uint32_t index) { return &tables[tables_of[space]].l1[index]; }

int backend_space_create(uint32_t space) {
    uint32_t taken[4];
    last_place = NOWHERE;
    /* No slot of it is mapped. */
    if (spare_count) {
        tables_of[space] = spare[--spare_count];
        return 1;
    }
    for (uint32_t i = 0; i < 4; i++) {
        taken[i] = take_table();
        if (taken[i]) continue;
        while (i) give_table(taken[--i] - 1, 1);
        return 0;
    }
    tables_of[space] = unused[--unused_count];
    struct tables *t = &tables[tables_of[space]];
    for (uint32_t i = 0; i < 3; i++) t->l2[i] = (uint16_t)(taken[i] - 1);
    t->l3 = (uint16_t)(taken[3] - 1);
    /* Xen takes stores to what is no table yet. */
    uint64_t l3 = table_machine(t->l3);
    update(l3, table_machine(t->l2[0]) | PRESENT);
    update(l3 + 8, table_machine(t->l2[1]) | PRESENT);
    update(l3 + 16, (uint64_t)kernel_l2_mfn << 12 | PRESENT);
    update(l3 + 24, table_machine(t->l2[2]) | PRESENT);
    extended(MMUEXT_PIN_L3, (uint32_t)(l3 >> 12));
    return 1;
}

void backend_space_destroy(uint32_t space) { spare[spare_count++] = tables_of[space]; }

void backend_space_switch(uint32_t space) {
    stale_count = 0;
    loaded_space = space;
    extended(MMUEXT_NEW_BASEPTR, (uint32_t)(table_machine(tables[tables_of[space]].l3) >> 12));
    backend_commit();
}

static uint32_t index_of(uint32_t linear) { return linear >> 21 & 1023 & (linear >= KERNEL_START ? 511 : 1023); }

static __attribute__((noinline)) int find_table(uint32_t space, uint32_t linear) {
    uint32_t table = *table_at(space, index_of(linear));
    if (!table) return 0;
    last_place = space << 11 | linear >> 21;
    last_entries = table_machine(table - 1);
    return 1;
}
/* The page's table is the last one; returns 0 where it has none. */
static inline int to_table(uint32_t space, uint32_t linear) {
    return (space << 11 | linear >> 21) == last_place || find_table(space, linear);
}
static inline uint32_t entry_offset(uint32_t linear) { return linear >> 9 & 0xFF8; }

/* Number plus one of the page's table, which is made where there is none; 0 where it cannot be. */
static uint32_t table_for(uint32_t space, uint32_t linear) {
    uint32_t index = index_of(linear), table = *table_at(space, index);
    if (table) return table;
    table = take_table();
    if (!table) return 0;
    *table_at(space, index) = (uint16_t)table;
    update(directory_entry(space, index), table_machine(table - 1) | UPPER);
    return table;
}

int backend_map(uint32_t space, uint32_t linear, uint32_t frame, uint32_t rights) {
    uint32_t table = table_for(space, linear);
    if (!table) return 0;
    uint64_t old = ((const uint64_t *)table_linear(table - 1))[linear >> 12 & 511];
    if (old & PRESENT) note_stale(space, linear, 0);
    update(table_machine(table - 1) + 8 * (linear >> 12 & 511), frame_entry(frame, rights));
    return 1;
}

int backend_map_run(uint32_t space, uint32_t linear, const uint32_t *entries, uint32_t count) {
    if (!to_table(space, linear) && (!table_for(space, linear) || !find_table(space, linear))) return 0;
    if (queued + count >= QUEUE) flush_queue();
    const uint32_t *mfns = p2m + first_guest_pfn, *end = entries + count;
    uint32_t high = (uint32_t)(last_entries >> 32), low = (uint32_t)last_entries | entry_offset(linear), frames = guest_frames;
    /* struct mmu_update by halves: arithmetic in 64 bits is slow here. */
    struct halves { uint32_t low, high, entry, upper; } *to = (struct halves *)&queue[queued];
    for (; entries < end; entries++, low += 8) {
        if (!*entries) continue;
        uint32_t mfn = *entries >> 12 < frames ? mfns[*entries >> 12] : p2m[void_pfn];
        *to++ = (struct halves){low, high, (uint32_t)entry_for(mfn, *entries), mfn >> 20};
    }
    queued = (uint32_t)((struct mmu_update *)to - queue);
    return 1;
}

int backend_map_slot(uint32_t space, uint32_t linear, const uint32_t *entries, uint32_t why) {
    for (uint32_t half = 0; half < 2; half++, linear += ENTRIES << 12, entries += ENTRIES) {
        uint32_t index = index_of(linear), table = *table_at(space, index), first = 0;
        while (first < ENTRIES && !entries[first]) first++;
        if (first == ENTRIES) continue;
        if (table) {
            /* It is left of what was mapped here before. */
            for (uint32_t i = 0; i < ENTRIES; i++)
                if (entries[i]) backend_map(space, linear + (i << 12), entries[i] >> 12, entries[i] | why);
            continue;
        }
        table = take_table();
        if (!table) return 0;
        uint64_t *to = (uint64_t *)table_linear(table - 1), machine = table_machine(table - 1);
        update_va((uint32_t)to, machine | PRESENT | WRITABLE | ACCESSED_DIRTY);
        const uint32_t *mfns = p2m + first_guest_pfn;
        for (uint32_t i = first, frames = guest_frames, none = p2m[void_pfn]; i < ENTRIES; i++) {
            uint32_t entry = entries[i], frame = entry >> 12;
            if (entry) to[i] = entry_for(frame < frames ? mfns[frame] : none, entry);
        }
        update_va((uint32_t)to, machine | PRESENT | ACCESSED_DIRTY);
        *table_at(space, index) = (uint16_t)table;
        update(directory_entry(space, index), machine | UPPER);
    }
    return 1;
}

void backend_unmap(uint32_t space, uint32_t linear) {
    if (to_table(space, linear)) {
        queue[queued++] = (struct mmu_update){last_entries | entry_offset(linear), 0};
        if (queued == QUEUE) flush_queue();
    }
    note_stale(space, linear, 0);
}

void backend_unmap_slot(uint32_t space, uint32_t slot, int empty) {
    if (empty) return;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t index = index_of(slot << 22) + i, table = *table_at(space, index);
        if (!table) continue;
        update(directory_entry(space, index), 0);
        *table_at(space, index) = 0;
        give_table(table - 1, 0);
    }
    note_stale(space, 0, 1);
}

/* A page of the domain builder's padding: mapped, writable. */
static uint32_t boot_page(void) {
    if (boot_free + 4096 > boot_end) xen_panic("no room behind the boot data");
    return (boot_free += 4096) - 4096;
}

/* What is mapped in the window from the start on: the pools, by pages of their own. */
static uint64_t pool_entry(uint32_t linear) {
    if (linear < TABLE_POOL || linear >= FRONT_POOL_END) return 0;
    uint32_t pfn = next_pfn++;
    if (linear < TABLE_POOL_END) {
        table_pfn[(linear - TABLE_POOL) >> 12] = pfn;
        free_tables[free_count++] = (uint16_t)((linear - TABLE_POOL) >> 12);
    }
    return entry_for(p2m[pfn], linear < TABLE_POOL_END ? 0 : MAP_WRITE);
}

/* What a domain is given holds what was there before: a control domain's memory has not been cleared by anybody. No multicall:
 * one that is interrupted may lose what is beyond the 341 operations that Xen translates at once. */
static void clear_pages(uint32_t pfn, uint32_t count) {
    static struct mmuext_op operations[ENTRIES];
    uint32_t done = 0;
    for (uint32_t i = 0; i < count; i++) operations[i] = (struct mmuext_op){MMUEXT_CLEAR_PAGE, p2m[pfn + i], 0};
    if (count && (hypercall(HYPERCALL_MMUEXT_OP, (uint32_t)operations, count, (uint32_t)&done, DOMID_SELF) || done != count))
        xen_panic("pages were not cleared");
}

/* Tables for a part of the window that the domain builder has not mapped, filled in while they are no tables yet. */
static void window_tables(uint32_t from, uint32_t to) {
    for (uint32_t linear = from & ~0x1FFFFFu; linear < to; linear += 0x200000) {
        uint32_t page = boot_page(), first = next_pfn;
        for (uint32_t i = 0; i < ENTRIES; i++) ((uint64_t *)page)[i] = pool_entry(linear + (i << 12));
        clear_pages(first, next_pfn - first);
        update_va(page, (uint64_t)xen_mfn((void *)page) << 12 | PRESENT | ACCESSED_DIRTY);
        update(((uint64_t)kernel_l2_mfn << 12) + 8 * index_of(linear), (uint64_t)xen_mfn((void *)page) << 12 | UPPER);
        window_table[(linear - WINDOW_START) >> 21] = xen_mfn((void *)page);
    }
    flush_queue();
}

void backend_window_ahead(uint32_t slot, uint32_t frame) {
    uint32_t linear = WINDOW_FRAMES + slot * 4096;
    uint64_t table = (uint64_t)window_table[(linear - WINDOW_START) >> 21] << 12;
    update(table + 8 * (linear >> 12 & 511), frame_entry(frame, MAP_WRITE));
}

uint32_t xen_memory_start(uint32_t wanted) {
    /* The builder's region: tables, then the first stack, then at least 512 KiB up to a boundary of 4 MiB. */
    uint32_t tables_end = start_info->pt_base + start_info->nr_pt_frames * 4096;
    p2m = (uint32_t *)start_info->mfn_list;
    boot_free = tables_end + 4096;
    boot_end = (boot_free + (512 << 10) + (4 << 20) - 1) & ~((4u << 20) - 1);
    kernel_l2_mfn = (uint32_t)(((const uint64_t *)start_info->pt_base)[2] >> 12);
    for (uint32_t space = SPACE_LIMIT - 1; space; space--) unused[unused_count++] = (uint8_t)space;
    if (boot_end > TABLE_POOL) xen_panic("previrt: the image and the list of the domain's pages fill the window: give the domain less memory");
    first_guest_pfn = (boot_end - WINDOW_START) >> 12;
    uint32_t pools = (TABLE_POOL_END - TABLE_POOL + FRONT_POOL_END - FRONT_POOL) >> 12;
    if (start_info->nr_pages < first_guest_pfn + pools + 2) xen_panic("too little memory for the domain");
    guest_frames = start_info->nr_pages - first_guest_pfn - pools - 1;
    if (guest_frames > wanted) guest_frames = wanted;
    vcpu.first_page = first_guest_pfn;
    vcpu.guest_pages = guest_frames;
    next_pfn = first_guest_pfn + guest_frames;
    void_pfn = next_pfn++;
    window_tables(TABLE_POOL, WINDOW_FRAMES + WINDOW_SLOTS * 4096);
    window_tables(SHARED_INFO, SHARED_INFO + 4096);
    return guest_frames;
}
