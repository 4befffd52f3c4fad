// Events, upcalls and time: what comes when, with which frame, at ring 1 and ring 3. A line for each fact.
#include "kernel.h"

static volatile u32 ticks, last_port;
static u32 timer_port;
static u8 user_stack[PAGE] ALIGNED;

static void seen(u32 port)
{
    last_port = port;
    ticks++;
}

/* Nanoseconds since boot, as a guest computes them. */
static u64 now(void)
{
    volatile u32 *time = (u32 *)(shared + 32);
    u32 version, low, high;
    u64 system, delta;
    do {
        version = time[0];
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        delta = (((u64)high << 32 | low) - (time[2] | (u64)time[3] << 32));
        signed char shift = (signed char)((u8 *)time)[28];
        delta = shift < 0 ? delta >> -shift : delta << shift;
        system = (time[4] | (u64)time[5] << 32) + (delta * (u64)time[6] >> 32);
    } while ((version & 1) || version != time[0]);
    return system;
}

static void set_timer(u64 at) { hypercall(15, (u32)at, (u32)(at >> 32), 0, 0, 0); }
static int block(void) { return hypercall(29, 1, 0, 0, 0, 0); }

static void time_facts(void)
{
    args[0] = 0, args[1] = 0;
    fact("bind_timer", hypercall(32, 1, (u32)args, 0, 0, 0));
    timer_port = args[2];
    on_event = seen;
    /* The tick of 100 Hz that every virtual CPU starts with. */
    u64 from = now();
    ticks = 0;
    while (ticks < 5)
        block();
    u32 each = (u32)(now() - from) / 5;
    fact("tick_10_ms", each > 7900000 && each < 10100000);
    hypercall(24, 7, 0, 0, 0, 0);
    from = now();
    set_timer(from + 20000000);
    ticks = 0;
    block();
    u32 took = (u32)(now() - from);
    fact("block_20_ms", took >= 20000000 && took < 20100000);
    fact("one_tick", ticks);
    fact("timer_port", last_port == timer_port);
    ticks = 0;
    set_timer(1);
    fact("past_fires_at_once", ticks);
    set_timer(now() + 1000000);
    set_timer(0);
    from = now();
    args[0] = 0, args[1] = 0, args[2] = (u32)(from + 5000000), args[3] = 0;
    fact("poll", hypercall(29, 3, (u32)args, 0, 0, 0));
    took = (u32)(now() - from);
    fact("poll_timeout", took >= 5000000 && took < 5100000);
    fact("cancelled", ticks);
    args[0] = 2000000, args[1] = 0;
    fact("set_periodic", hypercall(24, 6, 0, (u32)args, 0, 0));
    ticks = 0, from = now();
    while (ticks < 10)
        block();
    took = (u32)(now() - from);
    fact("periodic_2_ms", took >= 19900000 && took < 20100000);
    hypercall(24, 7, 0, 0, 0, 0);
    /* Run states: running since boot, blocked for as long as we were. */
    static u32 states[11], again[11];
    args[0] = (u32)states;
    fact("register_runstate", hypercall(24, 5, 0, (u32)args, 0, 0));
    fact("running", states[0]);
    hypercall(24, 4, 0, (u32)again, 0, 0);
    u64 blocked = *(u64 *)&again[7], running = *(u64 *)&again[3];
    set_timer(now() + 7000000);
    block();
    fact("still_running", states[0]);
    blocked = *(u64 *)&states[7] - blocked;
    fact("blocked_7_ms", blocked >= 6990000 && blocked < 7100000);
    hypercall(24, 4, 0, (u32)again, 0, 0);
    fact("ran_since", *(u64 *)&again[3] > running && *(u64 *)&again[3] + *(u64 *)&again[7] <= now());
    /* A tick while the guest runs without hypercalls. */
    ticks = 0;
    set_timer(now() + 100000);
    for (u32 i = 0; i < 1000000 && !ticks; i++)
        __asm__ volatile("" ::: "memory");
    fact("preempted", ticks);
}

static void mask_facts(void)
{
    args[0] = DOMID_SELF | DOMID_SELF << 16;
    hypercall(32, 6, (u32)args, 0, 0, 0);
    u32 unbound = args[1];
    args[0] = DOMID_SELF, args[1] = unbound;
    hypercall(32, 0, (u32)args, 0, 0, 0);
    u32 bound = args[2];
    ticks = 0;
    shared[1] = 1;
    args[0] = bound;
    hypercall(32, 4, (u32)args, 0, 0, 0);
    fact("masked", ticks);
    fact("pending_flag", shared[0]);
    shared[1] = 0;
    for (volatile u32 i = 0; i < 1000; i++)
        ;
    fact("store_of_mask_delivers", ticks);
    hypercall(17, 0, 0, 0, 0, 0);
    fact("next_hypercall_delivers", ticks);
    fact("upcall_cs", upcall.cs == 0xe019);
    fact_hex("upcall_eflags", upcall.eflags & 0x3300);
    /* A masked port is pending, and raises no upcall until it is unmasked. */
    u32 *mask = (u32 *)(shared + 0x880);
    ticks = 0;
    mask[0] |= 1u << unbound;
    args[0] = bound;
    hypercall(32, 4, (u32)args, 0, 0, 0);
    fact("masked_port", ticks);
    args[0] = unbound;
    fact("unmask", hypercall(32, 9, (u32)args, 0, 0, 0));
    fact("unmasked_port", ticks);
    shared[1] = 1;
    args[0] = bound;
    hypercall(32, 4, (u32)args, 0, 0, 0);
    ticks = 0;
    args[0] = (u32)&unbound, args[1] = 1, args[2] = 0, args[3] = 0;
    fact("poll_pending", hypercall(29, 3, (u32)args, 0, 0, 0));
    fact("mask_kept", shared[1]);
    block();
    fact("block_unmasks", ticks);
    fact("mask_after_block", shared[1]);
}

static void trap_here(void) { __asm__ volatile("ud2"); }
static void frame_facts(void)
{
    shared[1] = 1;
    probe(trap_here);
    fact_hex("saved_mask_1", last.cs >> 16);
    fact_hex("flags_masked", last.eflags & 0x200);
    shared[1] = 0;
    probe(trap_here);
    fact_hex("saved_mask_0", last.cs >> 16);
    fact_hex("flags_unmasked", last.eflags & 0x200);
    /* Hypercall iret: to ring 1 with events masked, and back. */
    u32 eax;
    __asm__ volatile("pushf; andl $~0x200, (%%esp); push %%cs; push $1f; push $4711; mov $23, %%eax; int $0x82; 1:"
                     : "=a"(eax)::"memory");
    fact("iret_eax", eax);
    fact("iret_masks", shared[1]);
    __asm__ volatile("pushf; orl $0x200, (%%esp); push %%cs; push $1f; push $1; mov $23, %%eax; int $0x82; 1:"
                     : "=a"(eax)::"memory");
    fact("iret_unmasks", shared[1]);
}

extern char user_loop[], user_store[];
__asm__(".balign 4096\nuser_loop: incl %ecx; jmp user_loop\n"
        ".balign 16\nuser_store: movl $0, 0xf5800000\n.balign 4096");
static void bad_return(void)
{
    __asm__ volatile("push $0xe033; push $0x1234; push $0x202; push $0x13; push $0x5678; push $9; mov $23, %%eax; int $0x82" ::: "eax");
}
static void return_facts(void)
{
    fact("bad_return", probe(bad_return));
    fact_hex("bad_return_vector", last.vector);
    fact_hex("bad_return_error", last.error);
    fact_hex("bad_return_eip", last.eip);
    fact_hex("bad_return_cs", last.cs & 0xffff);
    fact_hex("bad_return_esp", last.esp);
}

static void user_facts(void)
{
    map(user_loop, pte_of(user_loop, 0x67));
    map(user_stack, pte_of(user_stack, 0x67));
    ticks = 0;
    set_timer(now() + 200000);
    fact("user_preempted", run_user(user_loop, user_stack + PAGE));
    fact_hex("user_vector", last.vector);
    fact_hex("user_cs", last.cs & 0xffff);
    fact("user_tick", ticks);
    fact("user_hole", run_user(user_store, user_stack + PAGE));
    fact("user_hole_trap", last.vector);
    fact_hex("user_hole_error", last.error);
    fact_hex("user_hole_cr2", last_cr2);
}

void test_main(void)
{
    shared[1] = 0;
    time_facts();
    mask_facts();
    frame_facts();
    return_facts();
    user_facts();
}
