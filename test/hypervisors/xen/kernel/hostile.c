// A kernel that means harm: random hypercalls with arguments that are nearly right, stores to page tables, privileged
// instructions. The command line is the seed. It goes on for as long as it lives.
#include "kernel.h"

static u8 pages[24][PAGE] ALIGNED;
static u32 words[64], where[4], seed, number_now, arguments[5];

static u32 next(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}
static u32 below(u32 n) { return next() % n; }

/* A frame: mostly of our own pages, sometimes of a table in use, or of anybody. */
static u32 any_frame(void)
{
    switch (below(24)) {
    case 0:
        return mfn_of((void *)(start->pt_base + below(start->nr_pt_frames) * PAGE));
    case 1:
        return below(3) ? 0x800 + below(0x1000) : next();
    default:
        return mfn_of(pages[below(24)]);
    }
}
static u32 any_flags(void)
{
    static const u16 flags[] = {0, 1, 3, 7, 0x21, 0x63, 0x67, 0x81, 0x103};
    return flags[below(9)];
}
static u32 any_word(void)
{
    switch (below(9)) {
    case 0:
        return any_frame();
    case 1:
        return any_frame() * PAGE | any_flags();
    case 2:
        return any_frame() * PAGE | below(512) * 8 | below(4);
    case 3:
        return (u32)pages[below(24)] + below(2) * below(PAGE);
    case 4:
        return DOMID_SELF;
    case 5:
        return below(20);
    case 6:
        return (u32)words + below(64) * 4;
    case 7:
        return next() << 8;
    default:
        return 1;
    }
}

/* Calls that would end or block us, or take our entries away. */
static int harmless(u32 number)
{
    return number != 0 && number != 3 && number != 4 && number != 6 && number != 15 && number != 18 && number != 23 &&
           number != 24 && number != 29 && number != 30;
}

static void make_call(void)
{
    direct_hypercall(number_now, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]);
}
static void store(void) { *(volatile u32 *)where[0] = where[1]; }
static void store_pair(void)
{
    *(volatile u64 *)where[0] = (u64)where[1];
    __asm__ volatile("lock xchg %0, (%1)" : "+r"(where[1]) : "r"(where[0]) : "memory");
}
CODE(ring0_gate, "int $0x20")
CODE(bad_far, "lcall $0xe008, $0")
CODE(load_everything, "xor %%ecx, %%ecx; 1: mov %%ecx, %%es; add $8, %%ecx; cmp $0xe060, %%ecx; jb 1b", "ecx")
CODE(halt_flags, "pushl $0x3ad7; popf; pushl $2; popf")
CODE(ports, "mov $0x80, %%dx; inb %%dx, %%al", "eax", "edx")

static void (*const tricks[])(void) = {ring0_gate, bad_far, load_everything, halt_flags, ports};

void test_main(void)
{
    for (char *digit = start->cmd_line; *digit >= '0' && *digit <= '9'; digit++)
        seed = seed * 10 + *digit - '0';
    hypercall(24, 7, 0, 0, 0, 0);
    for (u32 round = 0; round < 2500; round++) {
        for (u32 i = 0; i < 64; i++)
            words[i] = any_word();
        where[0] = (u32)pages[below(24)] + below(512) * 8;
        where[1] = any_word();
        switch (below(10)) {
        case 0:
            probe(store);
            break;
        case 1:
            probe(store_pair);
            break;
        case 2:
            probe(tricks[below(5)]);
            break;
        case 3:
            /* A page of ours becomes read-only, or writable again. */
            map(pages[below(24)], pte_of(pages[below(24)], below(2) ? 0x21 : 0x63));
            break;
        case 4:
            ext(below(3) ? below(6) : below(21), any_frame(), any_frame());
            break;
        case 5:
            mmu((u64)any_frame() * PAGE + below(512) * 8 + below(4), (u64)any_frame() * PAGE | any_flags());
            break;
        default:
            do
                number_now = below(3) ? (u32[]){1, 2, 10, 12, 13, 14, 20, 26, 32}[below(9)] : below(64);
            while (!harmless(number_now));
            for (u32 i = 0; i < 5; i++)
                arguments[i] = below(3) ? (u32)words : any_word();
            if (number_now == 1 || number_now == 26)
                arguments[1] = 1 + below(4), arguments[2] = 0, arguments[3] = DOMID_SELF;
            if (number_now == 14 || number_now == 22)
                arguments[0] = (u32)pages[below(24)], arguments[1] = any_frame() * PAGE | any_flags(), arguments[2] = 0;
            if (number_now == 13)
                arguments[0] = (u32)words, arguments[1] = below(3), words[0] = below(2) ? 1 : 26, words[8] = below(2) ? 10 : 20;
            if (number_now == 12 || number_now == 20 || number_now == 32)
                arguments[0] = below(16), arguments[2] = below(3);
            probe(make_call);
        }
    }
    fact("survived", 1);
}
