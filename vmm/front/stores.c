/* Stores of the guest kernel to its page tables, which reach the shadow at once (shadow.c): at sites, whatever instruction
 * does them. What they map in the user half waits for its touch where it has not been written yet: most of it is never
 * touched, or has been asked for by a fault, at whose end it is filled in with its neighbours.
 */
#include "shadow.h"

#define DIRTY 0x40

uint32_t store_page = NO_PAGE;
struct held held = {.page = NO_PAGE};
static uint32_t changed_index, awaited = FRAME_NONE;

void shadow_await(uint32_t linear) {
    awaited = linear & ~4095u;
    held.page = NO_PAGE;
    vmm_work |= WORK_COMMIT;
}

void shadow_await_nothing(void) { awaited = FRAME_NONE; }

void shadow_recycle(uint32_t linear) {
    uint32_t *e = linear >= KERNEL_START && linear < WINDOW_START ? entry_of(SPACE_KERNEL, linear) : 0;
    uint32_t frame = e && *e & ENTRY_HELD ? *e >> 12 : FRAME_NONE;
    if (frame == FRAME_NONE || tracked[frame] != TRACKED_DIRECTORY || space_of_directory(frame) == current) return;
    destroy_released(space_of_directory(frame));
    shadow_commit();
}

static void update_use(uint32_t space, uint32_t slot, uint32_t pte) {
    uint32_t linear = (slot + (space ? 0 : KERNEL_SLOT)) << 22 | changed_index << 12, wanted = 0;
    if (!spaces[space].tables[slot]) return;
    uint32_t *e = &spaces[space].tables[slot][changed_index];
    if (!*e && space && (space != current || (linear != awaited && !(pte & DIRTY)))) return;
    /* Its table may be held from now on. */
    if (space && linear == awaited) awaited = FRAME_NONE;
    if (pte & 1) wanted = wanted_entry(*window_entry(spaces[space ? space : current].directory, linear >> 22), pte, space);
    if (wanted == *e) return;
    vcpu.shadow_updates++;
    set_entry(space, linear, wanted, MAP_FOR_KERNEL);
}

static void directory_changed(uint32_t frame, uint32_t slot, uint32_t pde) {
    uint32_t i = space_of_directory(frame), table;
    struct space *s = &spaces[i];
    if (slot < KERNEL_SLOT) {
        if (!s->tables[slot] || ((pde & 7) == 7 && pde >> 12 == s->table_frame[slot])) return;
        table = s->table_frame[slot];
        drop_slot(i, slot);
        if (pde & 1) return;
        release_table(table, i, slot);
        if (i != current && space_ended(i)) destroy_released(i);
    } else if (slot < WINDOW_SLOT) {
        s->kernel_checked = 0;
        if (i == current) check_kernel_half(s);
        if (i == current && !(pde & 1)) drop_slot(SPACE_KERNEL, slot - KERNEL_SLOT);
    }
}

/* A new value of an entry in a tracked frame. */
static void store_entry(uint32_t frame, uint32_t index, uint32_t value) {
    uint32_t *entry = window_entry(frame, index);
    if (*entry == value) return;
    *entry = value;
    if (tracked[frame] & TRACKED_DIRECTORY) directory_changed(frame, index, value);
    if (tracked[frame] & TRACKED_TABLE) {
        changed_index = index;
        for_each_use(frame, update_use, value);
    }
}

/* A store of the guest kernel that may hit a table. Returns 0 with pending_fault. */
int table_store(uint32_t linear, uint32_t value, uint32_t size) {
    struct walk w;
    uint32_t *e = linear >= WINDOW_START ? 0 : entry_of(space_of(linear), linear), offset = linear & 4095;
    if (e && *e & MAP_WRITE) return guest_store(linear, size, value);
    if (offset + size > 4096 || linear >= WINDOW_START) return guest_store(linear, size, value);
    if (!guest_walk(linear, ERROR_WRITE, &w)) return 0;
    if (w.frame >= platform.guest_frames || !tracked[w.frame]) return guest_store(linear, size, value);
    uint32_t *entry = window_entry(w.frame, offset / 4), shift = 8 * (offset & 3);
    uint32_t mask = size == 4 ? 0xFFFFFFFF : ((1u << 8 * size) - 1) << shift;
    if (shift + 8 * size > 32) return guest_store(linear, size, value);
    store_entry(w.frame, offset / 4, (*entry & ~mask) | (value << shift & mask));
    return 1;
}

/* The table that is written is likely to be written again: see held. */
static void hold(uint32_t page, uint32_t frame) {
    uint32_t use = owner[frame], space = use >> 16, slot = use & 0x7FFF;
    if (tracked[frame] != TRACKED_TABLE || use == MANY || space == SPACE_KERNEL || slot == awaited >> 22) return;
    if (!spaces[space].used || spaces[space].table_frame[slot] != frame || !spaces[space].tables[slot]) return;
    held = (struct held){page, window(frame), spaces[space].tables[slot], &spaces[space].live[slot], space, slot << 22};
}

/* Where so many entries of a table by which much is mapped are cleared one behind the other, the rest is likely to follow:
 * the table is let go at once. */
uint32_t held_cleared = 8, held_much = 64;
static uint32_t cleared;

void table_clear(uint32_t linear) {
    if ((linear & ~4095u) != held.page || *held.live < held_much || ++cleared < held_cleared) return;
    static uint32_t nothing[1024];
    struct held empty = held;
    uint32_t slot = held.start >> 22, frame = spaces[held.space].table_frame[slot];
    drop_slot(held.space, slot);
    release_table(frame, held.space, slot);
    empty.known = nothing;
    held = empty;
}

int table_exchange(uint32_t linear, uint32_t value, uint32_t *old) {
    uint32_t index = linear >> 2 & 1023, page = linear & ~4095u, *e, *entry;
    if (value & 1) cleared = 0;
    if (linear >= WINDOW_START || linear & 3) return 0;
    if (page == held.page && (!(value & 1) || (!held.known[index] && !(value & DIRTY)))) {
        entry = (uint32_t *)held.shown + index;
        *old = *entry;
        *entry = value;
        if (!held.known[index]) return 1;
        held.known[index] = 0;
        --*held.live;
        vcpu.shadow_updates++;
        vmm_work |= WORK_COMMIT;
        backend_unmap(held.space, held.start | index << 12);
        return 1;
    }
    e = entry_of(space_of(linear), linear);
    if (!e || !(*e & (MAP_WRITE | ENTRY_HELD))) return 0;
    if (*e & MAP_WRITE) {
        if (linear >= KERNEL_START) store_page = page;
        return guest_load32(linear, old) && guest_store32(linear, value);
    }
    uint32_t frame = *e >> 12;
    *old = *window_entry(frame, index);
    store_entry(frame, index, value);
    if (linear >= KERNEL_START && tracked[frame]) hold(page, frame);
    return 1;
}
