/* Tracked guest tables: which frames they are, what was filled from them, and where else they are mapped writable. Of each
 * frame one writable mapping in the kernel half and one in a user half is known; where there are more, all are looked at.
 */
#include "shadow.h"

/* By guest frame. */
uint8_t *tracked;
uint32_t *owner;               /* of a table: space and slot, or MANY */
uint32_t *kernel_map;          /* linear page | 1 of a writable mapping in the kernel half, or MANY */
uint32_t *user_map;            /* the same for user halves: linear page | space */

void note_another(uint32_t *map, uint32_t mine, uint32_t frame) {
    /* Is the other mapping still there? */
    uint32_t *e = *map == MANY ? 0 : entry_of(map == &kernel_map[frame] ? SPACE_KERNEL : *map & 4095, *map & ~4095u);
    if (*map == MANY || (e && *e && *e >> 12 == frame && *e & MAP_WRITE)) mine = MANY;
    *map = mine;
}

static void protect_in(uint32_t space, uint32_t linear, uint32_t frame) {
    uint32_t *e = entry_of(space, linear);
    if (e && *e && *e >> 12 == frame && *e & MAP_WRITE) set_entry(space, linear, (*e & ~(uint32_t)MAP_WRITE) | ENTRY_HELD, 0);
}

static void protect_everywhere(uint32_t from, uint32_t to, uint32_t frame) {
    for (uint32_t space = from; space < to; space++)
        for (uint32_t slot = next_slot(space, 0); spaces[space].used && slot < SLOTS; slot = next_slot(space, slot + 1))
            for (uint32_t i = 0; i < 1024; i++) protect_in(space, (slot + (space ? 0 : KERNEL_SLOT)) << 22 | i << 12, frame);
}

void track(uint32_t frame, uint8_t kind) {
    if ((tracked[frame] & kind) == kind) return;
    held.page = NO_PAGE;
    if (!tracked[frame]) {
        uint32_t k = kernel_map[frame], u = user_map[frame];
        if (k == MANY) protect_everywhere(0, 1, frame);
        else if (k) protect_in(SPACE_KERNEL, k & ~4095u, frame);
        if (u == MANY) protect_everywhere(1, SPACE_LIMIT, frame);
        else if (u) protect_in(u & 4095, u & ~4095u, frame);
        user_map[frame] = 0;
    }
    tracked[frame] |= kind;
}

void release_table(uint32_t frame, uint32_t space, uint32_t slot) {
    if (tracked[frame] != TRACKED_TABLE || owner[frame] != (space << 16 | slot | 0x8000)) return;
    tracked[frame] = 0;
    make_writable(frame);
}

void make_writable(uint32_t frame) {
    uint32_t k = kernel_map[frame];
    if (!k || k == MANY) return;
    uint32_t *e = entry_of(SPACE_KERNEL, k & ~4095u);
    uint32_t wanted = e && *e >> 12 == frame ? wanted_kernel_entry(k & ~4095u) : 0;
    if (wanted >> 12 == frame) set_entry(SPACE_KERNEL, k & ~4095u, wanted, MAP_FOR_KERNEL);
}

/* All uses of the table with more than one that was looked for last: tables are written entry after entry. */
#define LISTED 4
static uint32_t listed_frame = FRAME_NONE, listed[LISTED + 1];

static int is_use(uint32_t frame, uint32_t use) {
    return spaces[use >> 16].used && spaces[use >> 16].table_frame[use & 0x7FFF] == frame;
}

void own_table(uint32_t frame, uint32_t space, uint32_t slot) {
    uint32_t mine = space << 16 | slot | 0x8000, old = owner[frame];
    if (old != mine) held.page = NO_PAGE;
    int other = tracked[frame] & TRACKED_TABLE && old != mine && (old == MANY || is_use(frame, old));
    owner[frame] = other ? MANY : mine;
    if (listed_frame == frame) listed_frame = FRAME_NONE;
}

/* Lists the uses, with 0 behind the last. Returns 0 where they are too many. */
static int list_uses(uint32_t frame) {
    uint32_t count = 0;
    listed_frame = FRAME_NONE;
    for (uint32_t space = 0; space < SPACE_LIMIT; space++)
        for (uint32_t slot = next_slot(space, 0); spaces[space].used && slot < SLOTS; slot = next_slot(space, slot + 1)) {
            if (spaces[space].table_frame[slot] != frame) continue;
            if (count == LISTED) return 0;
            listed[count++] = space << 16 | slot | 0x8000;
        }
    listed[count] = 0;
    listed_frame = frame;
    return 1;
}

void for_each_owner(uint32_t frame, void (*call)(uint32_t space, uint32_t slot, uint32_t argument), uint32_t argument) {
    if (listed_frame == frame || list_uses(frame)) {
        /* The list may be another one after a call. */
        uint32_t uses[LISTED + 1];
        for (uint32_t i = 0; i <= LISTED; i++) uses[i] = listed[i];
        for (const uint32_t *use = uses; *use; use++)
            if (is_use(frame, *use)) call(*use >> 16, *use & 0x7FFF, argument);
    } else {
        for (uint32_t space = 0; space < SPACE_LIMIT; space++)
            for (uint32_t slot = next_slot(space, 0); spaces[space].used && slot < SLOTS; slot = next_slot(space, slot + 1))
                if (spaces[space].table_frame[slot] == frame) call(space, slot, argument);
    }
}

void tracking_start(void) {
    uint32_t frames = platform.guest_frames;
    tracked = pool_take(frames);
    owner = pool_take(frames * 4);
    kernel_map = pool_take(frames * 4);
    user_map = pool_take(frames * 4);
}
