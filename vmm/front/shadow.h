/* What shadow.c and tracking.c share: spaces by number, and what is known of each guest frame. */
#ifndef SHADOW_H
#define SHADOW_H

#include "front.h"

#define SLOTS 512
#define KERNEL_SLOT (KERNEL_START >> 22)
#define WINDOW_SLOT (WINDOW_START >> 22)
/* An entry: frame, and the rights below; 0 where nothing is mapped. */
#define ENTRY_PRESENT 8
/* The guest may write the page, and has; it is read-only because it is tracked. */
#define ENTRY_HELD 16
#define RIGHTS(entry) ((entry) & (MAP_WRITE | MAP_USER))

#define TRACKED_TABLE 1
#define TRACKED_DIRECTORY 2
#define MANY 0xFFFFFFFFu

struct space {
    uint32_t directory; /* guest frame; FRAME_NONE: paging off */
    uint32_t used, stamp, kernel_checked;
    uint32_t **tables;     /* by slot */
    uint32_t *table_frame; /* guest frame that the slot was filled from */
    uint16_t *live;        /* entries that are not 0 */
    uint32_t used_slots[SLOTS / 32];
};
extern struct space spaces[SPACE_LIMIT];
/* The space of CR3. */
extern uint32_t current;

void spaces_start(void);
/* Makes the directory's space the current one; makes it where there is none. */
uint32_t use_space(uint32_t directory);
/* 0 where there is none. */
uint32_t space_of_directory(uint32_t frame);
/* Not the one that the processor is in. */
void destroy(uint32_t space);
/* The space's directory is tracked no longer: it is about to be destroyed. */
void release_directory(uint32_t space);
void destroy_released(uint32_t space);
/* Nothing is mapped: most often the program has ended and its tables have been taken away. */
int space_ended(uint32_t space);
/* Drops the least recently used space that is not in use; returns 0 when there is none. */
int evict(void);
/* The slot is filled from `table`. */
void take_slot(uint32_t space, uint32_t slot, uint32_t table);
void drop_slot(uint32_t space, uint32_t slot);
void drop_slots(uint32_t space);
/* The first slot from `slot` on that has a table; SLOTS where there is none. */
uint32_t next_slot(uint32_t space, uint32_t slot);
/* The kernel half has changed since the last commit. */
extern uint32_t kernel_changed;
/* A page of the kernel half is writable no longer. */
void forget_writable(void);

/* By guest frame: TRACKED_* bits. */
extern uint8_t *tracked;

static inline uint32_t space_of(uint32_t linear) { return linear >= KERNEL_START ? SPACE_KERNEL : current; }
static inline uint32_t slot_of(uint32_t linear) { return linear >> 22 & (SLOTS - 1); }

void tracking_start(void);
static inline uint32_t *entry_of(uint32_t space, uint32_t linear) {
    uint32_t *table = spaces[space].tables[slot_of(linear)];
    return table ? &table[linear >> 12 & 1023] : 0;
}
void set_entry(uint32_t space, uint32_t linear, uint32_t entry, uint32_t why);
/* A writable mapping of the frame has been made. */
void note_another(uint32_t *map, uint32_t mine, uint32_t frame);
extern uint32_t *kernel_map, *user_map;
static inline void note_writable(uint32_t space, uint32_t linear, uint32_t frame) {
    uint32_t *map = space == SPACE_KERNEL ? &kernel_map[frame] : &user_map[frame];
    uint32_t mine = (linear & ~4095u) | (space == SPACE_KERNEL ? 1 : space);
    if (*map && *map != mine) note_another(map, mine, frame);
    else *map = mine;
}
/* From the next commit on the guest cannot write the frame but at sites. */
void track(uint32_t frame, uint8_t kind);
/* The table is in the directory's slot no longer: where nothing else is filled from it, the guest may write it again. */
void release_table(uint32_t frame, uint32_t space, uint32_t slot);
/* The frame is tracked no longer: the guest kernel may write it where it has it. */
void make_writable(uint32_t frame);
/* The entry of the kernel half as the guest's tables want it, touched or not. */
uint32_t wanted_kernel_entry(uint32_t linear);
/* What a guest entry would be shadowed as, touched or not: only what needs no accessed or dirty bit to be set. */
uint32_t wanted_entry(uint32_t pde, uint32_t pte, uint32_t space);
/* The kernel half as the directory has it: slots that differ are dropped. */
void check_kernel_half(struct space *s);
void shadow_commit(void);

/* The page of the kernel half that was stored to last at a site and is no tracked table: for direct.S; else NO_PAGE,
 * which no page number and no misplaced doubleword equals there. */
#define NO_PAGE 4
extern uint32_t store_page;
/* The tracked table of a user half that was stored to last at a site, for the stores behind it: where the guest kernel
 * has it, where it is shown, what is mapped by it, and how much; the space and the first page that it is for. `page` is
 * NO_PAGE where there is none. Offsets are direct.S's. */
extern struct held {
    uint32_t page;
    uint8_t *shown;
    uint32_t *known;
    uint16_t *live;
    uint32_t space, start;
} held;
/* The slot is filled from this table; to be said before track(). */
void own_table(uint32_t frame, uint32_t space, uint32_t slot);
/* Calls for each space and slot that was filled from the table; one is the rule. */
extern uint32_t *owner;
void for_each_owner(uint32_t frame, void (*call)(uint32_t space, uint32_t slot, uint32_t argument), uint32_t argument);
static inline void for_each_use(uint32_t frame, void (*call)(uint32_t space, uint32_t slot, uint32_t argument),
                                uint32_t argument) {
    uint32_t o = owner[frame], space = o >> 16, slot = o & 0x7FFF;
    if (o == MANY) for_each_owner(frame, call, argument);
    else if (spaces[space].used && spaces[space].table_frame[slot] == frame) call(space, slot, argument);
}

#endif
