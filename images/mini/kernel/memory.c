/* Page frames: a free list and a share count for each, over the memory between the kernel's end and 16 MiB. */
#include "kernel.h"

extern char kernel_end[];

static uint16_t shares[FRAME_COUNT];
static uint16_t free_list[FRAME_COUNT];
static uint32_t free_count;

void memory_start(uint32_t bytes) {
    uint32_t last = bytes / 4096;
    uint32_t first = physical_address(kernel_end) / 4096;
    if (last > FRAME_COUNT) last = FRAME_COUNT;
    if (first + 256 > last) panic("too little memory, 4 MiB are needed", 0);
    while (last > first) free_list[free_count++] = (uint16_t)--last;
}

/* A zeroed frame, shared once. */
uint32_t allocate_frame(void) {
    if (free_count == 0) panic("out of memory", 0);
    uint32_t frame = free_list[--free_count];
    shares[frame] = 1;
    memset(linear_address(frame * 4096), 0, 4096);
    return frame * 4096;
}

void share_frame(uint32_t physical) { shares[physical / 4096]++; }

void release_frame(uint32_t physical) {
    uint32_t frame = physical / 4096;
    if (--shares[frame] == 0) free_list[free_count++] = (uint16_t)frame;
}

int frame_shares(uint32_t physical) { return shares[physical / 4096]; }

uint32_t free_frames(void) { return free_count; }
