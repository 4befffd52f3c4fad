/* What shadow.c and tracking.c share: spaces by number, and what is known of each guest frame. */
#ifndef SHADOW_H
#define SHADOW_H

#include "front.h"

#define SLOTS 512
#define KERNEL_SLOT (KERNEL_START >> 22)
#define WINDOW_SLOT (WINDOW_START >> 22)
/* An entry: frame, and the rights below; 0 where nothing is mapped. */
#define ENTRY_PRESENT 8
#define RIGHTS(entry) ((entry) & (MAP_WRITE | MAP_USER))

#define TRACKED_TABLE 1
#define TRACKED_DIRECTORY 2
#define MANY 0xFFFFFFFFu

struct space {
    uint32_t directory; /* guest frame; FRAME_NONE: paging off */
    uint32_t used, stamp, kernel_checked;
    uint32_t **tables;     /* by slot */
    uint32_t *table_frame; /* guest frame that the slot was filled from */
};
extern struct space spaces[SPACE_LIMIT];

/* By guest frame: TRACKED_* bits. */
extern uint8_t *tracked;

static inline uint32_t slot_of(uint32_t linear) { return linear >> 22 & (SLOTS - 1); }

void tracking_start(void);
uint32_t *entry_of(uint32_t space, uint32_t linear);
void set_entry(uint32_t space, uint32_t linear, uint32_t entry, uint32_t why);
/* A writable mapping of the frame has been made. */
void note_writable(uint32_t space, uint32_t linear, uint32_t frame);
/* From now on the guest cannot write the frame but at sites. */
void track(uint32_t frame, uint8_t kind);
/* The slot is filled from this table; to be said before track(). */
void own_table(uint32_t frame, uint32_t space, uint32_t slot);
/* Calls for each space and slot that was filled from the table. */
void for_each_use(uint32_t frame, void (*call)(uint32_t space, uint32_t slot, uint32_t argument), uint32_t argument);

#endif
