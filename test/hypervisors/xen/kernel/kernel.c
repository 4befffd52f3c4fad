// The part that all the small paravirtual kernels of the tests have: console, traps, events, mapping.
#include "kernel.h"

struct start_info *start;
u8 *shared;
struct frame last;
u32 last_cr2, traps_seen;
void (*on_event)(u32 port);
struct frame upcall;
extern u32 probe_stack;
extern char probe_out[];
extern char hypercall_page[];

static u8 shared_page[PAGE] ALIGNED;
static u8 ring_page[PAGE] ALIGNED;

int hypercall(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e)
{
    int result;
    __asm__ volatile("call *%%eax" : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e)
                     : "0"(hypercall_page + 32 * number) : "memory");
    return result;
}

int direct_hypercall(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e)
{
    int result;
    __asm__ volatile("int $0x82" : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e) : "0"(number) : "memory");
    return result;
}

void print(const char *text)
{
    u32 length = 0;
    while (text[length])
        length++;
    hypercall(18, 0, length, (u32)text, 0, 0);
}

static void number(char *out, u32 value, u32 base)
{
    char digits[12];
    int n = 0;
    do
        digits[n++] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    while (n > 0)
        *out++ = digits[--n];
    *out = 0;
}

void print_number(u32 value)
{
    char text[12];
    number(text, value, 10);
    print(text);
}

void fact(const char *name, int value)
{
    char text[12];
    print(name);
    print(value < 0 ? " -" : " ");
    number(text, value < 0 ? -value : value, 10);
    print(text);
    print("\n");
}

void fact_hex(const char *name, u32 value)
{
    char text[12];
    print(name);
    print(" 0x");
    number(text, value, 16);
    print(text);
    print("\n");
}

u32 mfn_of(const void *address)
{
    return ((u32 *)start->mfn_list)[((u32)address - VIRT_BASE) / PAGE];
}

u64 pte_of(const void *address, u32 flags)
{
    return (u64)mfn_of(address) * PAGE | flags;
}

int map(const void *address, u64 pte)
{
    return hypercall(14, (u32)address, (u32)pte, (u32)(pte >> 32), 2, 0);
}

/* Output by the shared ring. */
void ring_print(const char *text)
{
    static u8 *ring;
    if (!ring) {
        map(ring_page, (u64)start->console_mfn * PAGE | 7);
        ring = ring_page;
    }
    volatile u32 *consumer = (u32 *)(ring + 3080), *producer = (u32 *)(ring + 3084);
    for (; *text; text++) {
        while (*producer - *consumer >= 2048)
            hypercall(29, 0, 0, 0, 0, 0);
        ring[1024 + *producer % 2048] = *text;
        __asm__ volatile("" ::: "memory");
        ++*producer;
    }
    u32 port = start->console_evtchn;
    hypercall(32, 4, (u32)&port, 0, 0, 0);
}

#define STUB(n) extern char trap_##n[];
STUB(0) STUB(1) STUB(3) STUB(4) STUB(6) STUB(7) STUB(10) STUB(11) STUB(12) STUB(13) STUB(14) STUB(0x80) STUB(0x90)
STUB(0xff)
extern char event_entry[], failsafe_entry[];

static struct {
    u8 vector, flags;
    u16 cs;
    char *address;
} table[] = {
    {0, 0, 0xe019, trap_0},      {1, 0, 0xe019, trap_1},         {3, 3, 0xe019, trap_3},     {4, 3, 0xe019, trap_4},
    {6, 0, 0xe019, trap_6},      {7, 0, 0xe019, trap_7},         {10, 0, 0xe019, trap_10},   {11, 0, 0xe019, trap_11},
    {12, 0, 0xe019, trap_12},    {13, 0, 0xe019, trap_13},       {14, 4, 0xe019, trap_14},   {0x80, 3, 0xe019, trap_0x80},
    {0x90, 1, 0xe019, trap_0x90}, {0xff, 0, 0xe019, trap_0xff}, {0, 0, 0, 0},
};

void setup_traps(void)
{
    extern char stack_top[];
    map(shared_page, (u64)start->shared_info | 7);
    shared = shared_page;
    hypercall(0, (u32)table, 0, 0, 0, 0);
    hypercall(4, 0xe019, (u32)event_entry, 0xe019, (u32)failsafe_entry, 0);
    hypercall(3, 0xe021, (u32)stack_top - 8192, 0, 0, 0);
}

static void events(void)
{
    volatile u32 *selector = (u32 *)(shared + 4), *pending = (u32 *)(shared + 0x800), *mask = (u32 *)(shared + 0x880);
    shared[0] = 0;
    for (u32 words = __atomic_exchange_n(selector, 0, 5), word = 0; word < 32; word++)
        for (u32 bit = 0; (words >> word & 1) && bit < 32; bit++)
            if (pending[word] & ~mask[word] & 1u << bit) {
                __atomic_and_fetch(&pending[word], ~(1u << bit), 5);
                if (on_event)
                    on_event(word * 32 + bit);
            }
}

void trap(struct frame *frame)
{
    traps_seen++;
    if (frame->vector == TRAP_EVENT) {
        upcall = *frame;
        events();
        shared[1] = 0;
        if ((frame->cs & 3) == 1)
            return;
    }
    last = *frame;
    last_cr2 = *(u32 *)(shared + 8);
    shared[1] = frame->cs >> 16;
    if (!probe_eip) {
        print("unexpected trap\n");
        fact_hex("vector", frame->vector);
        fact_hex("eip", frame->eip);
        fact_hex("error", frame->error);
        fact_hex("cr2", last_cr2);
        u32 crash = 3;
        hypercall(29, 2, (u32)&crash, 0, 0, 0);
    }
    /* Back into the middle of probe(): it fetches its own stack. */
    frame->eax = 1;
    /* No more single steps. */
    frame->eflags &= ~0x100u;
    frame->eip = (u32)probe_out;
    if ((frame->cs & 3) != 1) {
        frame->cs = 0xe019;
        __asm__ volatile("mov %0, %%esp; jmp *%1" ::"r"(probe_stack), "r"(probe_eip), "a"(1));
    }
    frame->cs &= 0xffff;
}

void power_off(void)
{
    u32 reason = 0;
    hypercall(29, 2, (u32)&reason, 0, 0, 0);
}

void test_main(void);

void kernel_main(struct start_info *info, u32 stack)
{
    start = info;
    fact_hex("first_stack", stack);
    setup_traps();
    test_main();
    power_off();
}
