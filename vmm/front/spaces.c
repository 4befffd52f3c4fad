/* The shadow spaces: by guest directory, with their slots; made when a directory is loaded first, dropped when memory runs
 * out (the least recently used one) or when the directory is given up.
 */
#include "shadow.h"

struct space spaces[SPACE_LIMIT];
uint32_t current;

static uint32_t ticks;
/* By guest frame: the space whose directory it is, or 0. */
static uint8_t *space_by_directory;
static uint32_t without_paging;

void drop_slot(uint32_t space, uint32_t slot) {
    struct space *s = &spaces[space];
    if (!s->tables[slot]) return;
    if (space == SPACE_KERNEL) {
        forget_writable();
        kernel_changed = 1;
    }
    held.page = NO_PAGE;
    vmm_work |= WORK_COMMIT;
    backend_unmap_slot(space, slot + (space == SPACE_KERNEL ? KERNEL_SLOT : 0), !s->live[slot]);
    page_free(s->tables[slot], !s->live[slot]);
    s->tables[slot] = 0;
    s->live[slot] = 0;
    s->table_frame[slot] = FRAME_NONE;
    s->used_slots[slot / 32] &= ~(1u << slot % 32);
}

uint32_t next_slot(uint32_t space, uint32_t slot) {
    const uint32_t *words = spaces[space].used_slots;
    uint32_t word = slot / 32, bits = slot < SLOTS ? words[word] >> slot % 32 << slot % 32 : 0;
    if (slot >= SLOTS) return SLOTS;
    while (!bits && ++word < SLOTS / 32) bits = words[word];
    return bits ? word * 32 + (uint32_t)__builtin_ctz(bits) : SLOTS;
}

void drop_slots(uint32_t space) {
    for (uint32_t slot = next_slot(space, 0); slot < SLOTS; slot = next_slot(space, slot + 1)) drop_slot(space, slot);
}

void take_slot(uint32_t space, uint32_t slot, uint32_t table) {
    struct space *s = &spaces[space];
    s->table_frame[slot] = table;
    if (s->tables[slot]) return;
    while (!(s->tables[slot] = page_allocate()))
        if (!evict()) crash("no memory for shadow tables");
    s->used_slots[slot / 32] |= 1u << slot % 32;
}

uint32_t space_of_directory(uint32_t frame) { return frame == FRAME_NONE ? without_paging : space_by_directory[frame]; }

static void set_space_of_directory(uint32_t frame, uint32_t space) {
    if (frame == FRAME_NONE) without_paging = space;
    else space_by_directory[frame] = (uint8_t)space;
}

void destroy(uint32_t space) {
    uint32_t directory = spaces[space].directory;
    drop_slots(space);
    set_space_of_directory(directory, 0);
    if (directory != FRAME_NONE) tracked[directory] &= ~TRACKED_DIRECTORY;
    backend_space_destroy(space);
    spaces[space].used = 0;
}

void release_directory(uint32_t space) {
    uint32_t directory = spaces[space].directory;
    tracked[directory] &= ~TRACKED_DIRECTORY;
    if (!tracked[directory]) make_writable(directory);
}

void destroy_released(uint32_t space) {
    release_directory(space);
    destroy(space);
}

int space_ended(uint32_t space) {
    return spaces[space].used && spaces[space].directory != FRAME_NONE && next_slot(space, 0) == SLOTS;
}

/* Drops the least recently used space that is not in use; returns 0 when there is none. */
int evict(void) {
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < SPACE_LIMIT; i++)
        if (spaces[i].used && i != current && (!oldest || spaces[i].stamp < spaces[oldest].stamp)) oldest = i;
    if (!oldest) return 0;
    vcpu.shadow_evictions++;
    destroy(oldest);
    backend_commit();
    return 1;
}

static void make_arrays(struct space *s) {
    s->tables = pool_take(SLOTS * sizeof *s->tables);
    s->table_frame = pool_take(SLOTS * sizeof *s->table_frame);
    s->live = pool_take(SLOTS * sizeof *s->live);
    for (uint32_t slot = 0; slot < SLOTS; slot++) s->table_frame[slot] = FRAME_NONE;
}

static uint32_t new_space(uint32_t directory) {
    uint32_t space;
    for (;;) {
        for (space = 1; space < SPACE_LIMIT && spaces[space].used; space++) {}
        if (space < SPACE_LIMIT && backend_space_create(space)) break;
        if (!evict()) crash("no room for a space");
    }
    struct space *s = &spaces[space];
    if (!s->tables) make_arrays(s);
    s->directory = directory;
    s->used = 1;
    s->kernel_checked = 0;
    set_space_of_directory(directory, space);
    return space;
}

uint32_t use_space(uint32_t directory) {
    uint32_t found = space_of_directory(directory);
    current = found;
    if (!found) current = found = new_space(directory);
    spaces[found].stamp = ++ticks;
    return found;
}

void spaces_start(void) {
    space_by_directory = pool_take(platform.guest_frames);
    spaces[SPACE_KERNEL].used = 1;
    spaces[SPACE_KERNEL].directory = FRAME_NONE;
    make_arrays(&spaces[SPACE_KERNEL]);
}
