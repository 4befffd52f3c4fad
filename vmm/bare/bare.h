/* What the test harness hands to the VMM on a machine without a hypervisor, and the selectors of its GDT. At the entry
 * paging is on, the window is mapped, EAX holds the address of struct bare_boot, segments are flat, interrupts off.
 */
#ifndef BARE_H
#define BARE_H

#define BARE_HIDING 0x1FD8
#define BARE_CS 0x1FE0
#define BARE_DS 0x1FE8
#define BARE_TSS 0x1FF0
#define BARE_LDT 0x1FF8
#define BARE_GDT_ENTRIES 1024

#ifndef __ASSEMBLER__
#include <stdint.h>

struct bare_boot {
    uint32_t guest_frames;
    /* Machine frame of the window's first page, and how many bytes of it are memory: image, pools, page tables. */
    uint32_t window_frame, window_bytes;
    /* Page directory in use (in the window), and the tables of WINDOW_FRAMES, one behind the other. */
    uint32_t directory, frame_tables;
    /* First byte behind what the image and the pools may use. */
    uint32_t pool_end;
    uint32_t entry_eip, entry_esi, entry_esp, cpu_model;
};
#endif

#endif
