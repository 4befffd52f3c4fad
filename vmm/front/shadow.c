/* Shadow spaces: one for each guest page directory, and the kernel half, which all share.
 *
 * What is shadowed is at all times what the guest's tables say, or less. For that every guest table that a shadow was
 * filled from is *tracked*: the guest kernel cannot write it except at a site, which updates the shadow at once. Any other
 * store faults; the table is then given up (counted) and what came from it is dropped, in the kernel half as soon as
 * the architecture allows it to be stale no longer. So CR3 loads and INVLPG cost nothing of themselves.
 * Accessed and dirty bits: a user page is filled when it is touched, and read-only until it is written; the kernel's own
 * pages are filled table by table, and their bits are set by faults only.
 */
#include "shadow.h"

uint32_t shadow_writable[SHADOW_WRITABLE];
/* The kernel half has changed since the last commit. */
uint32_t kernel_changed;

static uint32_t directory_loose, kernel_loose, user_loose, kernel_generation = 1;
static uint8_t slot_loose[SLOTS];

void forget_writable(void) {
    for (uint32_t i = 0; i < SHADOW_WRITABLE; i++) shadow_writable[i] = 0;
    entry_page = 0;
    store_page = NO_PAGE;
}

void set_entry(uint32_t space, uint32_t linear, uint32_t entry, uint32_t why) {
    uint32_t *e = entry_of(space, linear);
    if (*e == entry) return;
    spaces[space].live[slot_of(linear)] += !!entry - !!*e;
    *e = entry;
    if (space == SPACE_KERNEL) {
        kernel_changed = 1;
        held.page = NO_PAGE;
    }
    if (space == SPACE_KERNEL && !(entry & MAP_WRITE)) forget_writable();
    vmm_work |= WORK_COMMIT;
    if (!entry) {
        backend_unmap(space, linear);
        return;
    }
    if (entry & MAP_WRITE && entry >> 12 < platform.guest_frames) note_writable(space, linear, entry >> 12);
    while (!backend_map(space, linear & ~4095u, entry >> 12, RIGHTS(entry) | why))
        if (!evict()) crash("no memory for page tables");
}

static void give_up_slot(uint32_t space, uint32_t slot, uint32_t argument) {
    (void)argument;
    if (space != SPACE_KERNEL) {
        drop_slot(space, slot);
    } else {
        /* The kernel's stack may be here: stale until the next flush, as the SDM allows. */
        slot_loose[slot] = 1;
        kernel_loose = 1;
    }
}

static void untrack(uint32_t frame) {
    uint8_t kind = tracked[frame];
    vcpu.shadow_untracked++;
    tracked[frame] = 0;
    held.page = NO_PAGE;
    if (kind & TRACKED_TABLE) for_each_use(frame, give_up_slot, 0);
    if (kind & TRACKED_DIRECTORY) {
        uint32_t i = space_of_directory(frame);
        spaces[i].kernel_checked = 0;
        if (i != current) {
            destroy(i);
        } else {
            drop_slots(i);
            /* The tables of the kernel half are still tracked; which of them are in use is looked at again. */
            directory_loose = 1;
        }
    }
}

/* What a guest entry is shadowed as, whose bits of both levels are `both`. */
static inline uint32_t shadow_of(uint32_t both, uint32_t pte, int at_once) {
    uint32_t rights = ENTRY_PRESENT | (both & 4 ? MAP_USER : 0);
    if (both & 2 && (pte & 0x40 || at_once)) rights |= tracked[pte >> 12] ? ENTRY_HELD : MAP_WRITE;
    return (pte & ~4095u) | rights;
}

/* What a guest entry would be shadowed as, touched or not: only what needs no accessed or dirty bit to be set. Those of
 * the kernel's own pages are not waited for: any of them may become the stack that an exception is pushed on. */
static inline uint32_t wanted_of(uint32_t pde, uint32_t pte, uint32_t space, uint32_t frames) {
    uint32_t both = pde & pte;
    int at_once = space == SPACE_KERNEL && !(both & 4);
    if (!(both & 1) || !(both & 0x20 || at_once) || pte >> 12 >= frames) return 0;
    return shadow_of(both, pte, at_once);
}

uint32_t wanted_entry(uint32_t pde, uint32_t pte, uint32_t space) {
    return wanted_of(pde, pte, space, platform.guest_frames);
}

uint32_t wanted_kernel_entry(uint32_t linear) {
    uint32_t pde = *window_entry(vcpu.cr[3] >> 12, linear >> 22), table = pde >> 12;
    if (!(pde & 1) || table >= platform.guest_frames) return 0;
    return wanted_entry(pde, *window_entry(table, linear >> 12 & 1023), SPACE_KERNEL);
}

/* Fills a whole slot in which nothing is mapped: of the kernel half, or, without paging, of all of memory. */
static void fill_ahead(uint32_t space, uint32_t slot, const struct walk *w) {
    uint32_t *entries = spaces[space].tables[slot], start = (slot + (space ? 0 : KERNEL_SLOT)) << 22, live = 0;
    const uint32_t *guest = paging() ? window(w->table) : 0;
    uint32_t frames = platform.guest_frames, pde = w->pde;
    for (uint32_t i = 0, linear = start; i < 1024; i++, linear += 4096) {
        uint32_t wanted = 0;
        if (!guest) wanted = linear >> 12 < frames ? linear | ENTRY_PRESENT | MAP_WRITE : 0;
        else if (guest[i] & 1) wanted = wanted_of(pde, guest[i], space, frames);
        if (!wanted) continue;
        entries[i] = wanted;
        live++;
        if (wanted & MAP_WRITE) note_writable(space, linear, wanted >> 12);
    }
    spaces[space].live[slot] = (uint16_t)live;
    vmm_work |= WORK_COMMIT;
    while (!backend_map_slot(space, start, entries, MAP_FOR_KERNEL))
        if (!evict()) crash("no memory for page tables");
}

/* What user code touches next is often nearby: maps it with the page itself, as far as nothing is mapped there and the
 * guest's entries are as an access leaves them; that of the directory is. */
#define AROUND 16

static void fill_around(uint32_t space, uint32_t linear, const struct walk *w) {
    uint32_t slot = linear >> 22, first = w->index & ~(AROUND - 1u), start = slot << 22 | first << 12, live = 0, run[AROUND];
    const uint32_t *entries = (const uint32_t *)window(w->table) + first;
    uint32_t *known = spaces[space].tables[slot] + first, end = platform.guest_frames << 12, pde = w->pde;
    for (uint32_t i = 0; i < AROUND; i++) {
        uint32_t pte = entries[i], entry = 0;
        if ((pte & 0x21) == 0x21 && !known[i] && pte < end) {
            entry = known[i] = shadow_of(pde & pte, pte, 0);
            live++;
            if (entry & MAP_WRITE) note_writable(space, start | i << 12, pte >> 12);
        }
        run[i] = entry;
    }
    if (!live) return;
    spaces[space].live[slot] += live;
    vmm_work |= WORK_COMMIT;
    while (!backend_map_run(space, start, run, AROUND))
        if (!evict()) crash("no memory for page tables");
}

/* Brings a kernel slot in line with the guest's tables without unmapping what is still right. */
static void resynchronise(uint32_t slot) {
    struct space *k = &spaces[SPACE_KERNEL];
    uint32_t pde = paging() ? *window_entry(vcpu.cr[3] >> 12, slot + KERNEL_SLOT) : 0;
    slot_loose[slot] = 0;
    if (!k->tables[slot]) return;
    if (!(pde & 1) || pde >> 12 >= platform.guest_frames) {
        drop_slot(SPACE_KERNEL, slot);
        return;
    }
    uint32_t table = pde >> 12;
    own_table(table, SPACE_KERNEL, slot);
    track(table, TRACKED_TABLE);
    k->table_frame[slot] = table;
    for (uint32_t i = 0; i < 1024; i++) {
        uint32_t linear = (slot + KERNEL_SLOT) << 22 | i << 12, *e = &k->tables[slot][i];
        if (!*e) continue;
        uint32_t wanted = wanted_entry(pde, *window_entry(table, i), SPACE_KERNEL);
        if (wanted >> 12 != *e >> 12) wanted = 0;
        set_entry(SPACE_KERNEL, linear, wanted, MAP_FOR_KERNEL);
    }
}

/* The kernel half as the directory has it: slots that differ are dropped. */
void check_kernel_half(struct space *s) {
    if (s->kernel_checked == kernel_generation) return;
    const uint32_t *directory = window(s->directory);
    for (uint32_t slot = next_slot(SPACE_KERNEL, 0); slot < SLOTS; slot = next_slot(SPACE_KERNEL, slot + 1)) {
        uint32_t pde = directory[slot + KERNEL_SLOT];
        if (pde & 1 && pde >> 12 != spaces[SPACE_KERNEL].table_frame[slot]) drop_slot(SPACE_KERNEL, slot);
    }
    s->kernel_checked = kernel_generation;
}

/* What was left stale until the next flush. */
static void resynchronise_all(void) {
    if (user_loose && spaces[user_loose].used) drop_slots(user_loose);
    user_loose = 0;
    if (directory_loose && paging() && spaces[current].directory == vcpu.cr[3] >> 12) {
        track(spaces[current].directory, TRACKED_DIRECTORY);
        check_kernel_half(&spaces[current]);
    }
    directory_loose = 0;
    if (kernel_loose) {
        kernel_loose = 0;
        if (paging()) track(vcpu.cr[3] >> 12, TRACKED_DIRECTORY);
        for (uint32_t slot = 0; slot < WINDOW_SLOT - KERNEL_SLOT; slot++)
            if (slot_loose[slot]) resynchronise(slot);
    }
}

void shadow_commit(void) {
    backend_commit();
    kernel_changed = 0;
}

/* A TLB flush by the guest: nothing may be stale any longer, and what was taken away holds. */
void shadow_flush(void) {
    resynchronise_all();
    shadow_commit();
}

/* INVLPG: as a flush, but for what concerns user code and the kernel's accesses to its memory only. */
void shadow_invalidate(uint32_t linear) {
    resynchronise_all();
    if (linear < KERNEL_START && !kernel_changed) backend_commit_later();
    else shadow_commit();
}

/* Drops all user halves and looks at every kernel entry again: the meaning of entries has changed (CR0.WP). */
void shadow_reset(void) {
    for (uint32_t i = 1; i < SPACE_LIMIT; i++)
        if (spaces[i].used) drop_slots(i);
    for (uint32_t slot = 0; slot < WINDOW_SLOT - KERNEL_SLOT; slot++) slot_loose[slot] = 1;
    kernel_loose = 1;
    shadow_flush();
}

/* CR3 or CR0.PG has been written: makes the space of the directory the current one. */
void shadow_load(void) {
    uint32_t directory = paging() ? vcpu.cr[3] >> 12 : FRAME_NONE;
    if (paging() && directory >= platform.guest_frames) crash("CR3 outside memory");
    uint32_t last = current, space = use_space(directory);
    int ended = last != space && space_ended(last);
    if (ended) release_directory(last);
    if (paging()) {
        track(directory, TRACKED_DIRECTORY);
        check_kernel_half(&spaces[space]);
    }
    resynchronise_all();
    backend_space_switch(space);
    if (ended) destroy(last);
    kernel_changed = 0;
    for (uint32_t slot = 0; !paging() && slot << 10 < platform.guest_frames; slot++) shadow_fill(slot << 22, ERROR_WRITE);
    /* Who has just turned paging on moves its stack to the kernel half by plain instructions. */
    if (paging() && ESP < KERNEL_START) shadow_fill(KERNEL_START + ESP - 4, ERROR_WRITE);
}

static uint32_t ensure_page(uint32_t page) {
    uint32_t linear = page << 12, *known = &shadow_writable[page & (SHADOW_WRITABLE - 1)];
    if (*known == page || linear >= WINDOW_START) return page;
    if (!shadow_is_writable(linear)) shadow_fill(linear, ERROR_WRITE);
    if (linear >= KERNEL_START && shadow_is_writable(linear)) *known = page;
    return page;
}

uint32_t shadow_ensure_stack(uint32_t esp) {
    uint32_t top = ensure_page((esp - 4) >> 12), low = (esp - 1024) >> 12;
    if (low != top) ensure_page(low);
    return shadow_writable[low & (SHADOW_WRITABLE - 1)] == low ? low << 12 : 0;
}

int shadow_is_writable(uint32_t linear) {
    uint32_t *e = entry_of(space_of(linear), linear);
    return e && *e & MAP_WRITE;
}

int shadow_fill(uint32_t linear, uint32_t error) {
    struct walk w;
    uint32_t space = space_of(linear), slot = slot_of(linear), rights = ENTRY_PRESENT;
    if (linear >= WINDOW_START) {
        pending_fault = (struct pending_fault){PF, error & (ERROR_WRITE | ERROR_USER), linear};
        return 0;
    }
    if (!guest_walk(linear, error, &w)) return 0;
    vcpu.shadow_fills++;
    struct space *s = &spaces[space];
    /* A store, not at a site, to a table that translates its own address: until the next flush the page cannot be tracked. */
    int own = paging() && error & ERROR_WRITE && (w.frame == w.directory || w.frame == w.table);
    if (own) {
        if (tracked[w.frame]) untrack(w.frame);
        if (space == SPACE_KERNEL) give_up_slot(SPACE_KERNEL, slot, 0);
        else user_loose = space;
    } else if (paging()) {
        track(w.directory, TRACKED_DIRECTORY);
        own_table(w.table, space, slot);
        track(w.table, TRACKED_TABLE);
    }
    /* Frames that do not exist read as all ones: the frame behind the last one. */
    uint32_t frame = w.frame < platform.guest_frames ? w.frame : platform.guest_frames, both = w.pde & w.pte;
    if (error & ERROR_WRITE && w.frame < platform.guest_frames && tracked[frame]) {
        untrack(frame);
        return shadow_fill(linear, error);
    }
    if (s->table_frame[slot] != w.table && s->tables[slot]) drop_slot(space, slot);
    int first = !s->tables[slot];
    take_slot(space, slot, w.table);
    /* Other directories have not been compared with this slot yet. */
    if (first && space == SPACE_KERNEL) spaces[current].kernel_checked = ++kernel_generation;
    if (first && (space == SPACE_KERNEL || !paging())) fill_ahead(space, slot, &w);
    int write_by_kernel = error & ERROR_WRITE && !(both & 2);
    if (both & 4 && !write_by_kernel) rights |= MAP_USER;
    if (w.frame < platform.guest_frames && (write_by_kernel || (both & 2 && w.pte & 0x40)))
        rights |= tracked[frame] ? ENTRY_HELD : MAP_WRITE;
    if (error & ERROR_USER && paging()) fill_around(space, linear, &w);
    set_entry(space, linear, frame << 12 | rights, error & ERROR_USER ? 0 : MAP_FOR_KERNEL);
    shadow_commit();
    return 1;
}

void shadow_fill_kernel(void) {
    const uint32_t *directory = window(vcpu.cr[3] >> 12);
    for (uint32_t slot = 0; paging() && slot < WINDOW_SLOT - KERNEL_SLOT; slot++) {
        uint32_t linear = (slot + KERNEL_SLOT) << 22;
        if (!spaces[SPACE_KERNEL].tables[slot] && directory[slot + KERNEL_SLOT] & 1 && wanted_kernel_entry(linear))
            shadow_fill(linear, 0);
    }
}

void shadow_ahead(uint32_t linear, uint32_t error) {
    uint32_t *e = linear < KERNEL_START ? entry_of(current, linear) : 0, rights = MAP_USER | (error & ERROR_WRITE ? MAP_WRITE : 0);
    if (!paging() || linear >= KERNEL_START || (e && (*e & rights) == rights)) return;
    struct walk w = {.slot = linear >> 22, .index = linear >> 12 & 1023};
    w.pde = *window_entry(vcpu.cr[3] >> 12, w.slot);
    w.table = w.pde >> 12;
    if (!(w.pde & 1) || w.table >= platform.guest_frames) return;
    /* As it is: an access that may not come sets no bits. */
    uint32_t entry = wanted_entry(w.pde, *window_entry(w.table, w.index), current);
    if ((entry & rights) != rights) return;
    if (!e || spaces[current].table_frame[w.slot] != w.table || !(tracked[w.table] & TRACKED_TABLE)) {
        shadow_fill(linear, error);
        return;
    }
    vcpu.shadow_updates++;
    fill_around(current, linear, &w);
    if (*e != entry) set_entry(current, linear, entry, 0);
}

void shadow_start(void) {
    tracking_start();
    spaces_start();
    shadow_load();
}
