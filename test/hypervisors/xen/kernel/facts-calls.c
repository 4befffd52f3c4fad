// What hypercalls answer to arguments that are wrong or strange, a line for each fact.
#include "kernel.h"

/* Nothing is mapped there. */
#define NOWHERE 0x20000000u
enum { DOMAIN = 1, NOBODY = 99 };

static u8 page[PAGE] ALIGNED;

static void version_facts(void)
{
    fact("page_size_pointer", hypercall(17, 7, (u32)args, 0, 0, 0));
    fact("command_line", hypercall(17, 9, (u32)page, 0, 0, 0));
    fact("denied", page[0] == '<' && page[7] == '>' && page[8] == 0);
    fact("build_id", hypercall(17, 10, 0, 0, 0, 0));
    args[0] = 0;
    hypercall(17, 6, (u32)args, 0, 0, 0);
    fact("above_4gb", args[1] >> 4 & 1);
    hypercall(21, 1, 3, 0, 0, 0);
    hypercall(17, 6, (u32)args, 0, 0, 0);
    fact("above_4gb_off", args[1] >> 4 & 1);
    fact("assist_both_bad", hypercall(21, 7, 99, 0, 0, 0));
    fact("features_nowhere", hypercall(17, 6, NOWHERE, 0, 0, 0));
}

static void tool_facts(void)
{
    u32 *tool = (u32 *)page;
    fact("sysctl_nowhere", hypercall(35, NOWHERE, 0, 0, 0, 0));
    tool[1] = 0x14;
    fact("sysctl_old", hypercall(35, (u32)tool, 0, 0, 0, 0));
    tool[1] = 0x15;
    fact("sysctl", hypercall(35, (u32)tool, 0, 0, 0, 0));
    tool[0] = 3, tool[2] = DOMAIN;
    fact("domctl_own", hypercall(36, (u32)tool, 0, 0, 0, 0));
    tool[2] = NOBODY;
    fact("domctl_nobody", hypercall(36, (u32)tool, 0, 0, 0, 0));
    tool[0] = 5;
    fact("domctl_info_nobody", hypercall(36, (u32)tool, 0, 0, 0, 0));
    tool[1] = 1;
    fact("domctl_old", hypercall(36, (u32)tool, 0, 0, 0, 0));
    fact("platform_old", hypercall(7, (u32)tool, 0, 0, 0, 0));
    tool[1] = 0x03000001;
    fact("platform", hypercall(7, (u32)tool, 0, 0, 0, 0));
    fact("kexec", hypercall(37, 0, 0, 0, 0, 0));
    fact("hypfs", hypercall(42, 0, 0, 0, 0, 0));
}

static int event_call(u32 command, u32 a, u32 b)
{
    args[0] = a, args[1] = b;
    return hypercall(32, command, (u32)args, 0, 0, 0);
}
static void event_facts(void)
{
    fact("virq_vcpu_1", event_call(1, 0, 1));
    fact("global_virq_vcpu_1", event_call(1, 3, 1));
    fact("alloc_for_control", event_call(6, 0, 0));
    fact("alloc_for_nobody", event_call(6, NOBODY, 0));
    fact("bind_control", event_call(0, 0, 60));
    fact("bind_nobody", event_call(0, NOBODY, 1));
    fact("pirq", event_call(2, 3, 0));
    fact("pirq_large", event_call(2, 5000, 0));
    fact("unmask_0", event_call(9, 0, 0));
    fact("unmask_63", event_call(9, 63, 0));
    fact("unmask_64", event_call(9, 64, 0));
    fact("close_0", event_call(3, 0, 0));
    fact("send_0", event_call(4, 0, 0));
    fact("status_63", event_call(5, DOMID_SELF, 63));
    fact("status_64", event_call(5, DOMID_SELF, 64));
    fact("status_control", event_call(5, 0, 1));
    fact("bind_vcpu_free", event_call(8, 63, 0));
    fact("reset_nobody", event_call(10, NOBODY, 0));
    fact("events_nowhere", hypercall(32, 6, NOWHERE, 0, 0, 0));
}

static void processor_calls(void)
{
    args[0] = 0, args[1] = 0;
    fact("info_offset", (args[2] = 4096 - 60, hypercall(24, 10, 0, (u32)args, 0, 0)));
    fact("info_unaligned", (args[2] = 2, hypercall(24, 10, 0, (u32)args, 0, 0)));
    fact("initialise", hypercall(24, 0, 0, (u32)page, 0, 0));
    fact("initialise_nowhere", hypercall(24, 0, 0, NOWHERE, 0, 0));
    fact("single_shot_past", (args[0] = 1, args[1] = 0, args[2] = 1, hypercall(24, 8, 0, (u32)args, 0, 0)));
    fact("nmi_argument", hypercall(24, 11, 0, 4, 0, 0));
    fact("callback_command", hypercall(30, 7, (u32)args, 0, 0, 0));
    fact("callback_nowhere", hypercall(30, 0, NOWHERE, 0, 0, 0));
    args[0] = 3;
    fact("callback_3", hypercall(30, 0, (u32)args, 0, 0, 0));
    args[0] = 0;
    fact("callback_unregister", hypercall(30, 1, (u32)args, 0, 0, 0));
    args[0] = 4;
    fact("callback_nmi_unregister", hypercall(30, 1, (u32)args, 0, 0, 0));
    fact("debug_8", hypercall(8, 8, 0, 0, 0, 0));
    fact("debug_read_8", hypercall(9, 8, 0, 0, 0, 0));
    fact("debug_high_address", hypercall(8, 0, 0xf5800000, 0, 0, 0));
    fact("debug_detect", hypercall(8, 7, 0x2000, 0, 0, 0));
    fact("debug_port_off", hypercall(8, 7, 0x20000, 0, 0, 0));
    fact("debug_port", hypercall(8, 7, 0x20002, 0, 0, 0));
    fact_hex("debug_5", hypercall(9, 5, 0, 0, 0, 0));
    hypercall(8, 7, 0, 0, 0, 0);
    hypercall(8, 0, 0, 0, 0, 0);
}

static void scheduling_calls(void)
{
    args[0] = NOBODY, args[1] = 0;
    fact("shut_nobody", hypercall(29, 4, (u32)args, 0, 0, 0));
    args[0] = 0;
    fact("shut_control", hypercall(29, 4, (u32)args, 0, 0, 0));
    args[0] = DOMAIN;
    fact("shut_own", hypercall(29, 4, (u32)args, 0, 0, 0));
    fact("watchdog_3", call2(29, 6, 3, 1, 0, 0));
    fact("watchdog_1_unused", call2(29, 6, 1, 1, 0, 0));
    fact("watchdog", call2(29, 6, 0, 10, 0, 0));
    fact("watchdog_second", call2(29, 6, 0, 10, 0, 0));
    fact("watchdog_third", call2(29, 6, 0, 10, 0, 0));
    fact("watchdog_again", call2(29, 6, 2, 20, 0, 0));
    fact("watchdog_off", call2(29, 6, 2, 0, 0, 0));
    fact("watchdog_off_again", call2(29, 6, 2, 0, 0, 0));
    call2(29, 6, 1, 0, 0, 0);
    fact("poll_many", call2(29, 3, (u32)args, 129, 0, 0));
    fact("console_read", hypercall(18, 1, 4, (u32)page, 0, 0));
}

static void device_calls(void)
{
    args[0] = 3, args[1] = 77;
    fact("irq_status", hypercall(33, 5, (u32)args, 0, 0, 0));
    fact("irq_flags", args[1]);
    fact("eoi", call2(33, 12, 3, 0, 0, 0));
    fact("bitmap_hole", call2(33, 7, 0xf5800000, 16, 0, 0));
    fact("bitmap_ports", call2(33, 7, (u32)page, 65537, 0, 0));
    fact("apic_nowhere", hypercall(33, 8, NOWHERE, 0, 0, 0));
    fact("apic", hypercall(33, 8, (u32)args, 0, 0, 0));
    fact("unmask_notify", hypercall(33, 4, 0, 0, 0, 0));
    args[0] = 6, args[1] = 4;
    fact("compat_iopl_4", hypercall(19, (u32)args, 0, 0, 0, 0));
}

static void memory_calls(void)
{
    fact("increase_nowhere", hypercall(12, 0, NOWHERE, 0, 0, 0));
    fact("decrease_from_3", hypercall(12, 3 << 6 | 1, NOWHERE, 0, 0, 0));
    args[0] = 0, args[1] = 1, args[2] = 0, args[3] = 0, args[4] = NOBODY;
    fact("populate_nobody", hypercall(12, 6, (u32)args, 0, 0, 0));
    args[2] = 40, args[4] = DOMID_SELF;
    fact("populate_order_40", hypercall(12, 6, (u32)args, 0, 0, 0));
    static u32 exchange[11] = {0, 1, 10, 0, DOMID_SELF, 0, 1, 10, 0, DOMID_SELF, 0};
    fact("exchange_order_10", hypercall(12, 11, (u32)exchange, 0, 0, 0));
    exchange[2] = exchange[7] = 0, exchange[9] = 0;
    fact("exchange_two_domains", hypercall(12, 11, (u32)exchange, 0, 0, 0));
    exchange[4] = 0;
    fact("exchange_control", hypercall(12, 11, (u32)exchange, 0, 0, 0));
    exchange[4] = exchange[9] = NOBODY;
    fact("exchange_nobody", hypercall(12, 11, (u32)exchange, 0, 0, 0));
    exchange[10] = 1;
    fact("exchange_done", hypercall(12, 11, (u32)exchange, 0, 0, 0));
    exchange[10] = 2;
    fact("exchange_overdone", hypercall(12, 11, (u32)exchange, 0, 0, 0));
    fact("current_control", call2(12, 3, 0, 0, 0, 0));
    fact("current_nobody", call2(12, 3, NOBODY, 0, 0, 0));
    *(u32 *)(shared + 0x90c) = 1000;
    fact("maximum_gpfn", call2(12, 14, DOMID_SELF, 0, 0, 0));
    fact("add_to_physmap", call2(12, 7, DOMID_SELF, 0, 0, 0));
    fact("remove_from_physmap", call2(12, 15, DOMID_SELF, 0, 0, 0));
    fact("nodes", call2(12, 26, DOMID_SELF, 0, 0, 0));
    fact("ldt_none_unaligned", ext(13, 0x1234, 0));
    fact("update_control", hypercall(1, (u32)args, 1, 0, 0, 0));
    fact("update_tables_of_nobody", hypercall(1, (u32)args, 1, 0, 100 << 16 | DOMID_SELF, 0));
    fact("va_mask", hypercall(14, (u32)page, (u32)pte_of(page, 0x63), 0, 2 | (u32)args, 0));
    fact("va_mask_nowhere", hypercall(14, (u32)page, (u32)pte_of(page, 0x63), 0, 2 | NOWHERE, 0));
}

static void many_calls(void)
{
    static u32 calls[2 * 8];
    u32 eax, scratch;
    calls[0] = 23, calls[8] = 17, calls[9] = 77;
    __asm__ volatile("pushf; push %%cs; push $1f; push $4711; int $0x82; mov $1, %%eax; 1:"
                     : "=a"(eax), "=b"(scratch), "=c"(scratch) : "0"(13), "1"(calls), "2"(2) : "memory");
    fact("iret_among_many", eax);
    fact("iret_result", calls[1]);
    fact("calls_behind_it", calls[9]);
}

void test_main(void)
{
    version_facts();
    tool_facts();
    event_facts();
    processor_calls();
    scheduling_calls();
    device_calls();
    memory_calls();
    many_calls();
}
