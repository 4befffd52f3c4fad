/* Property test of the shadow spaces: random stores to the guest's tables, some of them not at sites, random directories,
 * and after each architectural flush what an access gives is compared with a walk of the guest's tables by this file.
 * Three directories, eight tables and the frames behind them; the number of a frame stands in its first word.
 */
#include <stdio.h>
#include <stdlib.h>
#include "../front/front.h"
#include "../stub/stub.h"

#define DIRECTORIES 3
#define TABLES 8
#define FIRST_DIRECTORY 0x200
#define FIRST_TABLE 0x210
#define FIRST_DATA 0x300
#define DATA 64
#define LINEAR_MAP 0x80000000u

static uint32_t state;
static uint32_t next(uint32_t below) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state % below;
}

static uint32_t directory_frame, seed_shown;

/* The model: 1 and the frame, or 0. */
static int model(uint32_t linear, int write, uint32_t *frame) {
    uint32_t pde = stub_frame(directory_frame)[linear >> 22], pte;
    if (!(pde & 1)) return 0;
    pte = stub_frame(pde >> 12)[linear >> 12 & 1023];
    *frame = pte >> 12;
    return (pte & 1) && (!write || (pde & pte & 2));
}

/* Pages 16 to 31 of the user half, and 16 pages of the kernel half above the linear map. */
static uint32_t some_address(void) {
    uint32_t page = next(16);
    return next(2) ? (16 + page) << 12 : 0x90000000 + (page << 12);
}

static uint32_t frame_linear(uint32_t frame) { return LINEAR_MAP + (frame << 12); }

/* A store by the kernel through its linear map: at a site, as MOV and XCHG there go, or not at a site. */
static void store(uint32_t frame, uint32_t index, uint32_t value) {
    uint32_t linear = frame_linear(frame) + 4 * index, old, before = stub_frame(frame)[index];
    int done, kind = (int)next(8);
    if (kind && kind < 4 && !value) table_clear(linear);
    if (kind && kind < 6 && table_exchange(linear, value, &old)) {
        if (old != before) printf("not ok shadow spaces: seed %u: exchanged %08x is %08x\n", seed_shown, before, old), exit(1);
        return;
    }
    done = kind ? table_store(linear, value, 4) : guest_store32(linear, value);
    if (!done) printf("not ok shadow spaces: seed %u: the linear map is gone\n", seed_shown), exit(1);
}

static uint32_t some_entry(void) {
    if (next(4) == 0) return 0;
    uint32_t flags = 1 | (next(3) ? 2 : 0) | 4 | (next(2) ? 0x20 : 0) | (next(2) ? 0x40 : 0);
    /* Now and then a table itself is mapped. */
    uint32_t frame = next(12) == 0 ? FIRST_TABLE + next(TABLES) : FIRST_DATA + next(DATA);
    return frame << 12 | flags;
}

static void flush(void) {
    uint32_t other = FIRST_DIRECTORY + next(DIRECTORIES);
    if (next(3) == 0) directory_frame = other;
    vcpu.cr[3] = directory_frame << 12;
    if (next(4) == 0) shadow_flush();
    shadow_load();
}

static void compare(uint32_t round) {
    for (int i = 0; i < 6; i++) {
        uint32_t linear = some_address(), frame = 0, seen = 0;
        int write = next(3) == 0, expected = model(linear, write, &frame), got;
        /* Tables hold no number, and a store to one would change the model. */
        if (expected && frame < FIRST_DATA) continue;
        got = write ? guest_store32(linear + 8, round) : guest_load32(linear, &seen);
        if (got != expected || (got && (write ? stub_frame(frame)[2] != round : seen != frame))) {
            printf("not ok shadow spaces: seed %u round %u: %s %08x is %d frame %x, got %d %x\n", seed_shown, round,
                   write ? "store" : "load", linear, expected, frame, got, seen);
            exit(1);
        }
        /* Accessed and dirty bits are where the processor sets them. */
        if (!got) continue;
        uint32_t pde = stub_frame(directory_frame)[linear >> 22], pte = stub_frame(pde >> 12)[linear >> 12 & 1023];
        if (!(pte & 0x20) || (write && !(pte & 0x40))) {
            printf("not ok shadow spaces: seed %u: entry %08x of %08x lacks A or D\n", seed_shown, pte, linear);
            exit(1);
        }
    }
}

static void start_tables(void) {
    for (uint32_t i = 0; i < DATA; i++) stub_frame(FIRST_DATA + i)[0] = FIRST_DATA + i;
    /* The linear map: 4 MiB by a table of its own, in every directory; it also maps the code of these tests' sites. */
    for (uint32_t i = 0; i < 1024; i++) stub_frame(FIRST_DIRECTORY + 8)[i] = i << 12 | 0x63;
    for (uint32_t d = 0; d < DIRECTORIES; d++) {
        for (uint32_t i = 0; i < 1024; i++) stub_frame(FIRST_DIRECTORY + d)[i] = 0;
        stub_frame(FIRST_DIRECTORY + d)[LINEAR_MAP >> 22] = (FIRST_DIRECTORY + 8) << 12 | 0x63;
    }
    for (uint32_t t = 0; t < TABLES; t++)
        for (uint32_t i = 0; i < 1024; i++) stub_frame(FIRST_TABLE + t)[i] = 0;
}

void shadow_test(uint32_t seed) {
    seed_shown = seed;
    /* Tables are let go at every clearing, or now and then. */
    held_much = 1 + seed % 2 * 4;
    held_cleared = 1;
    state = seed * 2654435761u | 1;
    start_tables();
    directory_frame = FIRST_DIRECTORY;
    vcpu.cr[3] = directory_frame << 12;
    vcpu.cr[0] |= CR0_PG | CR0_WP;
    shadow_load();
    /* All directories have the same kernel half, as kernels have it. */
    for (uint32_t d = 0; d < DIRECTORIES; d++) store(FIRST_DIRECTORY + d, 0x90000000 >> 22, (FIRST_TABLE + 7) << 12 | 0x67);
    for (uint32_t round = 1; round < 4000; round++) {
        for (uint32_t i = next(6); i > 0; i--) {
            if (next(6) == 0) store(FIRST_DIRECTORY + next(DIRECTORIES), 0, next(5) ? (FIRST_TABLE + next(7)) << 12 | 0x67 : 0);
            else store(FIRST_TABLE + next(TABLES), next(2) ? 16 + next(16) : next(16), some_entry());
        }
        flush();
        compare(round);
    }
    printf("ok shadow spaces: %u fills, %u updates, %u tables given up\n", vcpu.shadow_fills, vcpu.shadow_updates,
           vcpu.shadow_untracked);
}
