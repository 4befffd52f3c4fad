// System calls of ring 3 while another domain runs in between: with the command line "1" the kernel has an entry for vector
// 0x80, otherwise none. Counts what each of many calls has met.
#include "kernel.h"

#define CALLS 200

struct trap_entry {
    u8 vector, flags;
    u16 cs;
    char *address;
};
extern char trap_13[], trap_14[], trap_0x80[], user_code[];
static u8 user_stack[PAGE] ALIGNED;
__asm__(".balign 4096\nuser_code: int $0x80\n.balign 4096");

void test_main(void)
{
    static struct trap_entry table[] = {{13, 0, 0xe019, trap_13}, {14, 4, 0xe019, trap_14}, {0, 0, 0, 0}, {0, 0, 0, 0}};
    u32 calls = 0, refusals = 0;
    shared[1] = 0;
    map(user_code, pte_of(user_code, 0x67));
    map(user_stack, pte_of(user_stack, 0x67));
    hypercall(0, 0, 0, 0, 0, 0);
    if (start->cmd_line[0] == '1')
        table[2] = (struct trap_entry){0x80, 3, 0xe019, trap_0x80};
    hypercall(0, (u32)table, 0, 0, 0, 0);
    for (u32 i = 0; i < CALLS; i++) {
        run_user(user_code, user_stack + PAGE - 16);
        calls += last.vector == 0x80;
        refusals += last.vector == 13 && last.error == 0x402;
        /* Yields. */
        hypercall(29, 0, 0, 0, 0, 0);
    }
    fact("calls", (int)calls);
    fact("refusals", (int)refusals);
}
