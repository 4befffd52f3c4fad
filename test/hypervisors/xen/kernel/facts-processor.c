// Prints what a domain finds at its start, what hypercalls answer that are not about memory, and what each privileged
// instruction does, a line for each fact. The expected values are those measured on a real Xen.
#include "kernel.h"

static void start_facts(void)
{
    fact("magic", start->magic[0] == 'x' && start->magic[14] == 'p');
    fact_hex("flags", start->flags);
    fact("pt_frames", start->nr_pt_frames);
    fact("pt_read_only", (u32)entry_of((void *)start->pt_base) != 0);
    fact("mask_at_start", shared[1]);
    fact("evtchn_mask_at_start", *(u32 *)(shared + 0x880));
    fact("time_version_even", *(u32 *)(shared + 32) % 2 == 0 && *(u32 *)(shared + 32) != 0);
    extern u8 hypercall_page[];
    fact_hex("stub_0", *(u32 *)hypercall_page);
    fact_hex("stub_0_end", *(u32 *)(hypercall_page + 4));
    fact_hex("stub_iret", *(u32 *)(hypercall_page + 32 * 23));
    fact_hex("stub_127", hypercall_page[32 * 127 + 1]);
}

static void table_facts(void)
{
    static const u8 unknown[] = {11, 43, 55, 60, 63, 200};
    for (u32 i = 0; i < sizeof unknown; i++)
        fact("unknown", direct_hypercall(unknown[i], 0, 0, 0, 0, 0));
    fact("unknown_minus_1", direct_hypercall(-1u, 0, 0, 0, 0, 0));
    fact("direct_version", direct_hypercall(17, 0, 0, 0, 0, 0));
    fact("bad_pointer", hypercall(17, 1, 0x1000, 0, 0, 0));
    fact("hole_pointer", hypercall(17, 1, 0xf5900000, 0, 0, 0));
    fact("bad_sched", call2(29, 99, 0, 0, 0, 0));
    fact("bad_evtchn", call2(32, 99, 0, 0, 0, 0));
    fact("bad_memory", call2(12, 40, 0, 0, 0, 0));
    fact("bad_gnttab", hypercall(20, 99, (u32)args, 1, 0, 0));
    fact("bad_physdev", call2(33, 99, 0, 0, 0, 0));
    fact("bad_mmuext_14", ext(14, 0, 0));
    fact("bad_mmuext_99", ext(99, 0, 0));
    fact("bad_console_io", hypercall(18, 9, 0, 0, 0, 0));
    args[0] = 33;
    fact("bad_callback", hypercall(30, 0, (u32)args, 0, 0, 0));
    fact("sysenter_callback", call2(30, 0, 5, 0xe019, VIRT_BASE, 0));
    fact("vm_assist_bad_type", hypercall(21, 0, 6, 0, 0, 0));
    fact("vm_assist_bad_command", hypercall(21, 7, 0, 0, 0, 0));
    for (u32 type = 0; type < 6; type++)
        fact("vm_assist", hypercall(21, 0, type, 0, 0, 0));
    hypercall(21, 1, 4, 0, 0, 0);
    fact("bad_version", hypercall(17, 99, (u32)args, 0, 0, 0));
    fact_hex("version", hypercall(17, 0, 0, 0, 0, 0));
    args[0] = 0;
    hypercall(17, 6, (u32)args, 0, 0, 0);
    fact_hex("features", args[1]);
    args[0] = 1;
    fact("features_1", hypercall(17, 6, (u32)args, 0, 0, 0));
    hypercall(17, 5, (u32)args, 0, 0, 0);
    fact_hex("virt_start", args[0]);
    fact("page_size", hypercall(17, 7, 0, 0, 0, 0));
    fact("segment_base", hypercall(25, 0, 0, 0, 0, 0));
}

CODE(do_cli, "cli")
CODE(do_sti, "sti")
CODE(do_invlpg, "invlpg 0")
CODE(do_in, "in $0x80, %%al", "eax")
CODE(do_out, "out %%al, $0x80")
CODE(do_lgdt, "lgdt 0xc0000000")
CODE(do_ltr, "mov $8, %%eax; ltr %%ax", "eax")
CODE(do_lmsw, "smsw %%ax; lmsw %%ax", "eax")
CODE(do_rdpmc, "rdpmc", "eax", "edx")
CODE(do_rdmsr_bad, "mov $0x1234567, %%ecx; rdmsr", "eax", "ecx", "edx")
CODE(do_wrmsr, "mov $0x1b, %%ecx; wrmsr", "ecx")
CODE(do_rdmsr, "mov $0x1b, %%ecx; rdmsr", "eax", "ecx", "edx")
CODE(do_rdmsr_revision, "mov $0x8b, %%ecx; rdmsr", "eax", "ecx", "edx")
CODE(do_wrmsr_revision, "mov $0x8b, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr", "eax", "ecx", "edx")
CODE(do_wrmsr_revision_1, "mov $0x8b, %%ecx; mov $1, %%eax; xor %%edx, %%edx; wrmsr", "eax", "ecx", "edx")
CODE(do_wrmsr_misc, "mov $0x1a0, %%ecx; wrmsr", "ecx")
CODE(do_wrmsr_attributes, "mov $0x277, %%ecx; rdmsr; wrmsr", "eax", "ecx", "edx")
CODE(do_wrmsr_efer, "mov $0xc0000080, %%ecx; rdmsr; wrmsr", "eax", "ecx", "edx")
CODE(do_rdtsc, "rdtsc", "eax", "edx")
CODE(do_clts, "clts")
CODE(do_wbinvd, "wbinvd")
CODE(do_cr4_same, "mov %%cr4, %%eax; mov %%eax, %%cr4", "eax")
CODE(do_cr0_same, "mov %%cr0, %%eax; mov %%eax, %%cr0", "eax")
CODE(do_cr0_paging, "mov %%cr0, %%eax; btc $31, %%eax; mov %%eax, %%cr0", "eax")
CODE(do_cr3_same, "mov %%cr3, %%eax; mov %%eax, %%cr3", "eax")
CODE(do_cr3_foreign, "mov $0x100000, %%eax; mov %%eax, %%cr3", "eax")
CODE(do_dr, "mov %%dr7, %%eax; mov %%eax, %%dr7", "eax")
CODE(do_int90, "int $0x90")
CODE(do_int91, "int $0x91")
CODE(do_int80, "int $0x80")
CODE(do_int3, "int3")
CODE(do_intff, "int $0xff")
CODE(do_ud2, "ud2")
CODE(do_fpu, "fnop")
CODE(do_read_unmapped, "movl 0x20000000, %%eax", "eax")
CODE(do_write_hole, "movl $0, 0xf5800000")
CODE(do_divide, "xor %%ecx, %%ecx; mov $1, %%eax; cdq; idiv %%ecx", "eax", "ecx", "edx")

static void instruction_facts(void)
{
    instruction("cli", do_cli);
    instruction("sti", do_sti);
    instruction("invlpg", do_invlpg);
    instruction("in", do_in);
    instruction("out", do_out);
    instruction("lgdt", do_lgdt);
    instruction("ltr", do_ltr);
    instruction("lmsw", do_lmsw);
    instruction("rdpmc", do_rdpmc);
    instruction("rdmsr_unknown", do_rdmsr_bad);
    instruction("wrmsr", do_wrmsr);
    instruction("rdmsr", do_rdmsr);
    instruction("rdmsr_revision", do_rdmsr_revision);
    instruction("wrmsr_revision", do_wrmsr_revision);
    instruction("wrmsr_revision_1", do_wrmsr_revision_1);
    instruction("wrmsr_misc", do_wrmsr_misc);
    instruction("wrmsr_attributes", do_wrmsr_attributes);
    instruction("wrmsr_efer", do_wrmsr_efer);
    instruction("rdtsc", do_rdtsc);
    instruction("clts", do_clts);
    instruction("wbinvd", do_wbinvd);
    instruction("cr4_same", do_cr4_same);
    instruction("cr0_same", do_cr0_same);
    instruction("cr0_paging", do_cr0_paging);
    instruction("cr3_same", do_cr3_same);
    instruction("cr3_foreign", do_cr3_foreign);
    instruction("dr", do_dr);
    instruction("int90", do_int90);
    instruction("int91", do_int91);
    instruction("int80", do_int80);
    instruction("int3", do_int3);
    instruction("intff", do_intff);
    instruction("ud2", do_ud2);
    instruction("divide", do_divide);
    instruction("read_unmapped", do_read_unmapped);
    fact_hex("read_unmapped_cr2", last_cr2);
    instruction("write_hole", do_write_hole);
    hypercall(5, 1, 0, 0, 0, 0);
    instruction("fpu_switched", do_fpu);
    instruction("fpu_again", do_fpu);

    u32 value, flags, a, b, c, d;
    __asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(0x277));
    fact_hex("attributes", a);
    fact_hex("attributes_high", d);
    static u8 stubs[PAGE] ALIGNED;
    value = mfn_of(stubs) * PAGE;
    __asm__ volatile("wrmsr" :: "a"(value), "d"(0), "c"(0x40000000));
    fact_hex("placed_stub_0", *(u32 *)stubs);
    fact_hex("placed_stub_iret", *(u32 *)(stubs + 32 * 23));
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    fact_hex("cr0", value);
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    fact_hex("cr4", value);
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    fact("cr3", value == mfn_of((void *)start->pt_base) << 12);
    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    fact_hex("pushf", flags & 0x3200);
    __asm__ volatile("push $0x3002; popf; pushf; pop %0" : "=r"(flags));
    fact_hex("popf_kept", flags & 0x3200);
    __asm__ volatile("str %0" : "=r"(value));
    fact_hex("str", value & 0xffff);
    __asm__ volatile("smsw %0" : "=r"(value));
    fact_hex("smsw", value);
    struct { u16 limit; u32 base; } __attribute__((packed)) gdtr;
    __asm__ volatile("sgdt %0" : "=m"(gdtr));
    fact_hex("sgdt_limit", gdtr.limit);
    __asm__ volatile("mov %%cs, %%eax; lsl %%eax, %0" : "=r"(value) :: "eax");
    fact_hex("cs_limit", value);
    __asm__ volatile("mov %%cs, %%eax; lar %%eax, %0" : "=r"(value) :: "eax");
    fact_hex("cs_rights", value);
    __asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "0"(0x40000000));
    fact_hex("forced_cpuid", b);
    fact_hex("forced_cpuid_c", c);
    fact_hex("forced_cpuid_d", d);
    fact("iopl_4", call2(33, 6, 4, 0, 0, 0));
    fact("iopl_1", call2(33, 6, 1, 0, 0, 0));
    instruction("in_with_iopl", do_in);
    instruction("cli_with_iopl", do_cli);
    u32 words[3] = {0, 0, 0}, *to = words, times = 2;
    __asm__ volatile("rep insw" : "+D"(to), "+c"(times) : "d"(0x1f0) : "memory");
    fact_hex("rep_insw", words[0]);
    fact("rep_insw_end", to == words + 1 && times == 0 && words[1] == 0);
    u32 value32;
    __asm__ volatile("inl %%dx, %0" : "=a"(value32) : "d"(0xcf8));
    fact_hex("inl", value32);
    call2(33, 6, 0, 0, 0, 0);
    /* Architectural IOPL: the kernel counts as ring 0, and frames show the privilege. */
    hypercall(21, 0, 4, 0, 0, 0);
    instruction("in_architectural", do_in);
    call2(33, 6, 2, 0, 0, 0);
    instruction("ud2_architectural", do_ud2);
    fact_hex("frame_iopl", last.eflags & 0x3000);
    hypercall(21, 1, 4, 0, 0, 0);
    call2(33, 6, 0, 0, 0, 0);
    instruction("in_again", do_in);
}

static void event_facts(void)
{
    fact("virq_24", call2(32, 1, 24, 0, 0, 0));
    fact("bind_virq", call2(32, 1, 1, 0, 0, 0));
    u32 port = args[2];
    fact("bind_virq_twice", call2(32, 1, 1, 0, 0, 0));
    args[0] = DOMID_SELF, args[1] = port;
    fact("status", hypercall(32, 5, (u32)args, 0, 0, 0));
    fact("status_virq", args[2]);
    fact("send_bad", call2(32, 4, 999, 0, 0, 0));
    fact("close", call2(32, 3, port, 0, 0, 0));
    fact("close_twice", call2(32, 3, port, 0, 0, 0));
    args[0] = DOMID_SELF | DOMID_SELF << 16;
    fact("alloc_unbound", hypercall(32, 6, (u32)args, 0, 0, 0));
    fact("lowest_port", args[1] == port);
    u32 unbound = args[1];
    args[0] = DOMID_SELF, args[1] = unbound;
    fact("bind_interdomain", hypercall(32, 0, (u32)args, 0, 0, 0));
    u32 bound = args[2];
    *(u32 *)(shared + 0x800) = 0;
    fact("send", call2(32, 4, bound, 0, 0, 0));
    fact("send_pending", *(u32 *)(shared + 0x800) >> unbound & 1);
    fact("bind_ipi", call2(32, 7, 0, 0, 0, 0));
    fact("is_up", hypercall(24, 3, 0, 0, 0, 0));
    fact("is_up_1", hypercall(24, 3, 1, 0, 0, 0));
    args[0] = 100000, args[1] = 0;
    fact("periodic_too_short", hypercall(24, 6, 0, (u32)args, 0, 0));
    fact("stop_periodic", hypercall(24, 7, 0, 0, 0, 0));
    fact("yield", hypercall(29, 0, 0, 0, 0, 0));
    static u32 calls[3 * 8];
    calls[0] = 17, calls[2] = 0, calls[8] = 13, calls[16] = 200;
    fact("multicall", hypercall(13, (u32)calls, 3, 0, 0, 0));
    fact_hex("multicall_0", calls[1]);
    fact("multicall_nested", calls[9]);
    fact("multicall_unknown", calls[17]);
}

static u8 user_stack[PAGE] ALIGNED;
extern char user_code[], user_int82[];
__asm__(".balign 4096\nuser_code: mov $0x55, %eax; int $0x80\n.balign 16\nuser_int82: int $0x82\n.balign 4096");
static void user_facts(void)
{
    void *stack = user_stack + PAGE - 16;
    fact("user_refused", run_user(user_code, stack));
    fact("user_refused_trap", last.vector);
    fact_hex("user_refused_error", last.error);
    map(user_code, pte_of(user_code, 0x67));
    map(user_stack, pte_of(user_stack, 0x67));
    /* Directories of a new domain let ring 3 through already. */
    fact("user_int80", run_user(user_code, stack));
    fact_hex("user_vector", last.vector);
    fact_hex("user_eax", last.eax);
    fact_hex("user_cs", last.cs & 0xffff);
    fact_hex("user_ss", last.ss);
    fact("user_esp", last.esp == (u32)stack);
    fact("user_eip", last.eip - (u32)user_code);
    fact("user_int82", run_user(user_int82, stack));
    fact("user_int82_trap", last.vector);
    fact_hex("user_int82_error", last.error);
}

void test_main(void)
{
    start_facts();
    table_facts();
    instruction_facts();
    event_facts();
    user_facts();
    ring_print("ring: done\n");
}
