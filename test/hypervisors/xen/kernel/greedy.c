// Takes as many frames as it can get: gives up pages that it goes on mapping, asks for others in their place, and for the
// largest grant table.
#include "kernel.h"

#define PAGES 64

static u8 pages[PAGES][PAGE] ALIGNED;
static u32 frame, kept[PAGES], list[64];

static int reservation(u32 command, u32 *frames)
{
    args[0] = (u32)frames, args[1] = 1, args[2] = 0, args[3] = 0, args[4] = DOMID_SELF;
    return hypercall(12, command, (u32)args, 0, 0, 0);
}

void test_main(void)
{
    u32 taken = 0, again = 0;
    shared[1] = 0;
    for (u32 i = 0; i < PAGES; i++) {
        kept[i] = mfn_of(pages[i]);
        frame = kept[i];
        reservation(1, &frame);
        frame = 0;
        taken += reservation(6, &frame) == 1;
    }
    fact("taken_while_mapped", (int)taken);
    for (u32 i = 0; i < PAGES; i++)
        map(pages[i], 0);
    for (u32 i = 0; i < PAGES; i++) {
        frame = 0;
        again += reservation(6, &frame) == 1;
    }
    fact("taken_when_free", (int)again);
    args[0] = DOMID_SELF, args[1] = 64, args[2] = 0, args[3] = (u32)list;
    hypercall(20, 2, (u32)args, 1, 0, 0);
    fact("grant_frames", (short)args[2]);
}
