// Address spaces as a multitasking kernel makes them: a table of pointers with a page directory of its own for slot 3,
// pinned, switched to, run in at ring 3, changed by batches, taken apart again; and descriptors for threads.
#include "kernel.h"

enum { SPACES = 3, ROUNDS = 40 };
#define USER 0x00400000u

static u64 roots[SPACES][512] ALIGNED, lows[SPACES][512] ALIGNED, highs[SPACES][512] ALIGNED, leaves[SPACES][512] ALIGNED;
static u64 empty[512] ALIGNED;
static u32 code[SPACES][1024] ALIGNED, stacks[SPACES][1024] ALIGNED;
static u64 gdt[512] ALIGNED;
static u32 calls[16 * 8];
static u64 updates[32];

/* The page directory for the last gigabyte that the domain was started with. */
static u64 *first_high(void)
{
    u64 *pointers = (u64 *)start->pt_base;
    for (u32 i = 1; i < start->nr_pt_frames; i++)
        if (mfn_of((void *)(start->pt_base + i * PAGE)) == pointers[3] / PAGE)
            return (u64 *)(start->pt_base + i * PAGE);
    return 0;
}

static u32 call_count, failures;
static void call(u32 number, u32 a, u32 b, u32 c, u32 d)
{
    u32 *entry = calls + 8 * call_count++;
    entry[0] = number, entry[2] = a, entry[3] = b, entry[4] = c, entry[5] = d;
}
static void flush_calls(void)
{
    failures += hypercall(13, (u32)calls, call_count, 0, 0, 0) != 0;
    for (u32 i = 0; i < call_count; i++)
        failures += calls[8 * i + 1] != 0;
    call_count = 0;
}
static void batch_protect(void *page, u32 flags)
{
    u64 entry = pte_of(page, flags);
    call(14, (u32)page, (u32)entry, (u32)(entry >> 32), 2);
}

/* mov $space * 16 + round, %eax; mov %gs:0, %edx; int $0x80 */
static void write_code(u32 space, u32 value)
{
    u8 *at = (u8 *)code[space];
    *at++ = 0xb8;
    *(u32 *)at = value, at += 4;
    static const u8 rest[] = {0x65, 0x8b, 0x15, 0, 0, 0, 0, 0xcd, 0x80};
    for (u32 i = 0; i < sizeof rest; i++)
        *at++ = rest[i];
}

static void make_space(u32 space)
{
    u64 *high = first_high();
    for (u32 i = 0; i < 512; i++)
        highs[space][i] = high[i], lows[space][i] = leaves[space][i] = roots[space][i] = 0;
    lows[space][USER >> 21] = pte_of(leaves[space], 0x67);
    leaves[space][0] = pte_of(code[space], 0x25);
    leaves[space][1] = pte_of(stacks[space], 0x67);
    roots[space][0] = pte_of(lows[space], 1);
    roots[space][1] = roots[space][2] = pte_of(empty, 1);
    roots[space][3] = pte_of(highs[space], 1);
    batch_protect(roots[space], 0x21);
    batch_protect(lows[space], 0x21);
    batch_protect(highs[space], 0x21);
    batch_protect(leaves[space], 0x21);
    flush_calls();
    failures += ext(2, mfn_of(roots[space]), 0) != 0;
}

static void destroy_space(u32 space)
{
    failures += ext(4, mfn_of(roots[space]), 0) != 0;
    batch_protect(roots[space], 0x63);
    batch_protect(lows[space], 0x63);
    batch_protect(highs[space], 0x63);
    batch_protect(leaves[space], 0x63);
    flush_calls();
}

void test_main(void)
{
    extern char stack_top[];
    u32 wrong = 0, refused = 0;
    map(empty, pte_of(empty, 0x21));
    /* Selector 0x0b: thread data of ring 3, moved at each switch. */
    map(gdt, pte_of(gdt, 0x21));
    args[0] = mfn_of(gdt);
    failures += hypercall(2, (u32)args, 512, 0, 0, 0) != 0;
    for (u32 round = 0; round < ROUNDS; round++) {
        for (u32 space = 0; space < SPACES; space++) {
            write_code(space, space << 16 | round);
            make_space(space);
        }
        for (u32 turn = 0; turn < 6; turn++) {
            u32 space = (turn + round) % SPACES;
            u32 base = USER + PAGE + 64 * space;
            static u32 operation[3];
            operation[0] = 5, operation[1] = mfn_of(roots[space]);
            call(26, (u32)operation, 1, 0, DOMID_SELF);
            call(10, (u32)maddr(&gdt[1]), 0, base << 16 | 0xffff, (base & 0xff000000) | 0x00cff200 | (base >> 16 & 0xff));
            call(3, 0xe021, (u32)stack_top - 8192, 0, 0);
            flush_calls();
            __asm__ volatile("mov %0, %%gs" ::"r"(0x0b));
            *(volatile u32 *)base = 1000 * space + turn;
            wrong += run_user((void *)USER, (void *)(USER + 2 * PAGE - 16)) != 1;
            wrong += last.vector != 0x80 || last.eax != (space << 16 | round) || last.edx != 1000 * space + turn;
            wrong += last.cs != 0xe02b && (last.cs & 0xffff) != 0xe02b;
        }
        /* A batch of updates: the stack's mapping goes and comes back; the entry's bits were set by the processor. */
        u32 space = (5 + round) % SPACES;
        u64 entry = maddr(&leaves[space][1]);
        wrong += (leaves[space][1] & 0x60) != 0x60;
        updates[0] = entry, updates[1] = 0, updates[2] = entry, updates[3] = pte_of(stacks[space], 0x25);
        failures += hypercall(1, (u32)updates, 2, 0, DOMID_SELF, 0) != 0;
        failures += ext(7, USER + PAGE, 0) != 0;
        /* Ring 0's write protection holds in ring 1 too. */
        wrong += run_user((void *)USER, (void *)(USER + 2 * PAGE - 16)) != 1;
        /* A table in use cannot be mapped writable. */
        refused += map(leaves[space], pte_of(leaves[space], 0x63)) == -16;
        failures += ext(5, mfn_of((void *)start->pt_base), 0) != 0;
        for (u32 i = 0; i < SPACES; i++)
            destroy_space(i);
    }
    fact("failures", failures);
    fact("wrong", wrong);
    fact("refused", refused);
}
