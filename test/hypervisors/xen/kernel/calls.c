// Hypercalls on memory as the fact kernels make them, one operation at a time.
#include "kernel.h"

u32 args[16];
static u64 request[2];

int mmu(u64 ptr, u64 value)
{
    request[0] = ptr, request[1] = value;
    return hypercall(1, (u32)request, 1, 0, DOMID_SELF, 0);
}
int ext(u32 command, u32 first, u32 second)
{
    args[0] = command, args[1] = first, args[2] = second;
    return hypercall(26, (u32)args, 1, 0, DOMID_SELF, 0);
}
int call2(u32 number, u32 command, u32 a, u32 b, u32 c, u32 d)
{
    args[0] = a, args[1] = b, args[2] = c, args[3] = d;
    return hypercall(number, command, (u32)args, 0, 0, 0);
}
u64 maddr(const void *address) { return (u64)mfn_of(address) * PAGE + (u32)address % PAGE; }
int read_only(const void *page) { return map(page, pte_of(page, 0x21)); }
int read_write(const void *page) { return map(page, pte_of(page, 0x63)); }
u64 entry_of(const void *address)
{
    u32 linear = (u32)address, base = start->pt_base;
    u64 *pointers = (u64 *)base;
    u32 l2_mfn = pointers[linear >> 30] / PAGE;
    for (u32 i = 0; i < start->nr_pt_frames; i++)
        if (mfn_of((void *)(base + i * PAGE)) == l2_mfn) {
            u64 *directory = (u64 *)(base + i * PAGE);
            return (directory[linear >> 21 & 511] & ~0xfffull) + (linear >> 12 & 511) * 8;
        }
    return 0;
}

void instruction(const char *name, void (*code)(void))
{
    traps_seen = 0;
    u32 length = probe(code);
    print(name);
    if (!length) {
        print(" 0\n");
        return;
    }
    print(" trap ");
    print_number(last.vector);
    print(" error");
    fact_hex("", last.error);
}

