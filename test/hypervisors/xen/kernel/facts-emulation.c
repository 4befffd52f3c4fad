// Instructions and registers that the hypervisor emulates, and its ways of entering the guest, a line for each fact.
#include "kernel.h"

static u8 user_stack[PAGE] ALIGNED;

CODE(do_hlt, "hlt")
CODE(do_nested_return, "pushf; orl $0x4000, (%%esp); popf; iret")
CODE(do_undefined, "ud2")
CODE(do_breakpoint, "int3")
CODE(do_interrupt, "int $0x90")
CODE(do_invd, "invd")
CODE(do_wbinvd, "wbinvd")
CODE(do_rdtsc, "rdtsc", "eax", "edx")
CODE(do_cr3_same, "mov %%cr3, %%eax; mov %%eax, %%cr3", "eax")
CODE(do_cr3_bad, "mov $0x100000, %%eax; mov %%eax, %%cr3", "eax")
CODE(do_cr4_debug, "mov %%cr4, %%eax; or $8, %%eax; mov %%eax, %%cr4", "eax")
CODE(do_cr4_plain, "mov %%cr4, %%eax; and $~12, %%eax; mov %%eax, %%cr4", "eax")
CODE(do_cr4_no_tsc, "mov %%cr4, %%eax; or $4, %%eax; mov %%eax, %%cr4", "eax")
CODE(do_dr4, "mov %%dr4, %%eax", "eax")
CODE(do_dr5, "xor %%eax, %%eax; mov %%eax, %%dr5", "eax")
CODE(do_dr7_detect, "mov $0x2000, %%eax; mov %%eax, %%dr7", "eax")

static u32 msr, low, high;
CODE(read_msr, "mov msr, %%ecx; rdmsr; mov %%eax, low; mov %%edx, high", "eax", "ecx", "edx")
CODE(write_msr, "mov msr, %%ecx; mov low, %%eax; mov high, %%edx; wrmsr", "eax", "ecx", "edx")
__attribute__((used)) static u32 *const kept[] = {&msr, &low, &high};

static void msr_read(const char *name, u32 number)
{
    msr = number, low = high = 0;
    if (probe(read_msr)) {
        fact(name, -(int)last.vector);
        return;
    }
    print(name);
    print(" ");
    fact_hex("high", high);
    fact_hex("low", low);
}
static void msr_write(const char *name, u32 number, u32 value)
{
    msr = number, low = value, high = 0;
    fact(name, probe(write_msr) ? -(int)last.vector : 0);
}

static void register_facts(void)
{
    instruction("hlt", do_hlt);
    instruction("invd", do_invd);
    instruction("wbinvd", do_wbinvd);
    instruction("cr3_same", do_cr3_same);
    instruction("cr3_bad", do_cr3_bad);
    instruction("dr4", do_dr4);
    instruction("dr5", do_dr5);
    instruction("cr4_debug", do_cr4_debug);
    instruction("dr4_extended", do_dr4);
    instruction("dr5_extended", do_dr5);
    instruction("dr7_detect", do_dr7_detect);
    instruction("cr4_plain", do_cr4_plain);
    msr_read("efer", 0xc0000080);
    msr_read("pat", 0x277);
    msr_read("feature_control", 0x3a);
    msr_read("check_capabilities", 0x179);
    msr_read("bank_1_control", 0x404);
    msr_read("bank_2_control", 0x408);
    msr_read("counter", 0xc1);
    msr_read("perf_capabilities", 0x345);
    msr_read("fs_base", 0xc0000100);
    msr_read("hypercalls", 0x40000000);
    msr_read("behind_hypercalls", 0x40000001);
    msr_read("local_apic", 0x802);
    msr_write("efer_same", 0xc0000080, 0);
    msr_write("efer_other", 0xc0000080, 1);
    msr_write("pat_write", 0x277, 0x00070406);
    msr_write("counter_write", 0x186, 77);
    msr_write("microcode_0", 0x8b, 0);
    msr_write("microcode_1", 0x8b, 1);
    static u8 stubs[PAGE] ALIGNED;
    msr_write("hypercalls_index", 0x40000000, mfn_of(stubs) << 12 | 1);
    msr_write("hypercalls_page", 0x40000000, mfn_of(stubs) << 12);
    fact_hex("hypercalls_stub", *(u32 *)(stubs + 32 * 17));
    msr_write("hypercalls_table", 0x40000000, mfn_of((void *)start->pt_base) << 12);
}

extern char user_tsc[];
extern char user_sysenter[];
__asm__(".balign 4096\nuser_tsc: rdtsc\nint $0x80\n.balign 16\nuser_sysenter: sysenter\n.balign 4096");
CODE(do_sysenter, "sysenter")
static void leaf(const char *name, u32 number, u32 part)
{
    u32 a = number, b, c = part, d;
    __asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    fact_hex(name, a);
    fact_hex("b", b);
    fact_hex("c", c);
    fact_hex("d", d);
}
static void leaf_facts(void)
{
    leaf("leaves", 0x40000000, 0);
    leaf("features", 0x40000002, 0);
    leaf("scale", 0x40000003, 1);
    leaf("of_hvm", 0x40000004, 0);
    leaf("address_bits", 0x40000005, 0);
    leaf("behind", 0x40000100, 0);
}

static void tsc_facts(void)
{
    map(user_tsc, pte_of(user_tsc, 0x67));
    map(user_stack, pte_of(user_stack, 0x67));
    instruction("no_tsc", do_cr4_no_tsc);
    instruction("rdtsc_kernel", do_rdtsc);
    run_user(user_tsc, user_stack + PAGE - 16);
    fact("rdtsc_user", last.vector);
    instruction("tsc_again", do_cr4_plain);
    run_user(user_tsc, user_stack + PAGE - 16);
    fact_hex("rdtsc_user_again", last.vector);
}

static void sysenter_frame(const char *name)
{
    fact(name, last.vector);
    fact_hex("cs", last.cs & 0xffff);
    fact_hex("eip", last.eip);
    fact_hex("ss", last.ss);
    fact_hex("esp", last.esp);
}
static void frame_facts(void)
{
    run_user(user_sysenter, user_stack + PAGE - 16);
    sysenter_frame("sysenter_user");
    probe(do_sysenter);
    sysenter_frame("sysenter_kernel");
    instruction("return_nested", do_nested_return);
    __asm__ volatile("pushf; andl $~0x4000, (%esp); popf");
    /* Faults show RF, traps do not; INT n comes by way of a fault. */
    instruction("undefined", do_undefined);
    fact_hex("undefined_flags", last.eflags & 0x10200);
    instruction("breakpoint", do_breakpoint);
    fact_hex("breakpoint_flags", last.eflags & 0x10200);
    instruction("interrupt", do_interrupt);
    fact_hex("interrupt_flags", last.eflags & 0x10200);
}

static u32 string_bytes;
CODE(do_ins, "mov $0xf5800000, %%edi; mov $0x3f0, %%edx; insl", "edi", "edx")
CODE(do_outs, "mov $0x20000000, %%esi; mov $0x3f0, %%edx; outsb", "esi", "edx")
static void port_facts(void)
{
    u32 value;
    args[0] = 1;
    hypercall(33, 6, (u32)args, 0, 0, 0);
    __asm__ volatile("outl %0, %w1" ::"a"(0x80001234), "d"(0xcf8));
    __asm__ volatile("inl %w1, %0" : "=a"(value) : "d"(0xcf8));
    fact_hex("pci_address", value);
    __asm__ volatile("inw %w1, %w0" : "=a"(value) : "d"(0xcf8), "0"(0x55555555));
    fact_hex("half_of_it", value);
    __asm__ volatile("outb %b0, %w1" ::"a"(0x77), "d"(0x70));
    __asm__ volatile("inl %w1, %0" : "=a"(value) : "d"(0x6f));
    fact_hex("clock_index", value);
    instruction("ins_hole", do_ins);
    fact_hex("ins_hole_cr2", last_cr2);
    instruction("outs_nowhere", do_outs);
    u32 *to = &string_bytes, times = 3;
    __asm__ volatile("rep insb" : "+D"(to), "+c"(times) : "d"(0x70) : "memory");
    fact_hex("string", string_bytes);
    args[0] = 0;
    hypercall(33, 6, (u32)args, 0, 0, 0);
    /* A bitmap that lets two ports through. */
    static u8 bitmap[8192];
    for (u32 i = 0; i < sizeof bitmap; i++)
        bitmap[i] = 0xff;
    bitmap[0x70 / 8] = 0xfc;
    args[0] = (u32)bitmap, args[1] = 0x72;
    hypercall(33, 7, (u32)args, 0, 0, 0);
    __asm__ volatile("inw %w1, %w0" : "=a"(value) : "d"(0x70), "0"(0));
    fact_hex("bitmap_half", value);
    instruction("bitmap_word", ({ void code(void) { __asm__ volatile("inl $0x70, %%eax" ::: "eax"); } code; }));
}

static void debug_facts(void)
{
    u32 status;
    __asm__ volatile("mov %0, %%dr6" ::"r"(0xffff0ff0));
    /* CLTS is emulated: the step is over behind it. */
    fact("step", probe(({ void code(void) { __asm__ volatile("pushf; orl $0x100, (%%esp); popf; clts; nop; nop" ::: "memory"); } code; })));
    fact("step_vector", last.vector);
    __asm__ volatile("mov %%dr6, %0" : "=r"(status));
    fact_hex("step_status", status);
    /* What was met before stays until the guest clears it. */
    static u32 watched;
    __asm__ volatile("mov %0, %%dr0" ::"r"(&watched));
    __asm__ volatile("mov %0, %%dr7" ::"r"(0xd0002));
    fact("watch", probe(({ void code(void) { watched = 1; } code; })));
    __asm__ volatile("mov %0, %%dr7" ::"r"(0));
    __asm__ volatile("mov %%dr6, %0" : "=r"(status));
    fact_hex("watch_status", status);
    /* One that MOV SS holds back comes to the hypervisor when the next instruction calls it. */
    static u16 selector;
    __asm__ volatile("mov %%ss, %0" : "=m"(selector));
    __asm__ volatile("mov %0, %%dr0; mov %1, %%dr6" ::"r"(&selector), "r"(0xffff0ff0));
    __asm__ volatile("mov %0, %%dr7" ::"r"(0xf0002));
    fact("held", probe(({ void code(void) { __asm__ volatile("mov %0, %%ss; int3" ::"m"(selector)); } code; })));
    fact("held_vector", last.vector);
    __asm__ volatile("mov %0, %%dr7" ::"r"(0));
    __asm__ volatile("mov %%dr6, %0" : "=r"(status));
    fact_hex("held_status", status);
}

static void return_to_vm86(void)
{
    __asm__ volatile("push $5; push $6; push $7; push $8; push $0x2222; push $0x1111; push $0x20202; push $0x3333; push $0x4444; push $9;"
                     "mov $23, %%eax; int $0x82" ::: "eax", "memory");
}
static void entry_facts(void)
{
    fact("vm86", probe(return_to_vm86));
    fact("vm86_vector", last.vector);
    fact_hex("vm86_eip", last.eip);
    fact_hex("vm86_cs", last.cs & 0xffff);
    fact_hex("vm86_esp", last.esp);
    fact("vm86_flag", last.eflags >> 17 & 1);
    args[0] = 4, args[1] = 0xe019;
    extern char trap_0xff[];
    args[2] = (u32)trap_0xff;
    fact("nmi_register", hypercall(30, 0, (u32)args, 0, 0, 0));
    fact("nmi", probe(({ void code(void) { hypercall(24, 11, 0, 0, 0, 0); } code; })));
    fact_hex("nmi_vector", last.vector);
    /* The handler has left without hypercall iret: the next one waits. */
    fact("nmi_waits", probe(({ void code(void) { hypercall(24, 11, 0, 0, 0, 0); } code; })));
    fact("nmi_after_iret", probe(({ void code(void) {
        __asm__ volatile("pushf; push %%cs; push $1f; push $0; mov $23, %%eax; int $0x82; 1:" ::: "eax", "memory");
    } code; })));
    fact_hex("nmi_after_vector", last.vector);
}

void test_main(void)
{
    register_facts();
    leaf_facts();
    tsc_facts();
    frame_facts();
    port_facts();
    debug_facts();
    entry_facts();
    /* An event, and nobody to take it. */
    if (start->cmd_line[0] == '1') {
        shared[1] = 1;
        u32 zero = 0;
        hypercall(4, 0, zero, 0, 0, 0);
        shared[0] = 1, shared[1] = 0;
        hypercall(17, 0, 0, 0, 0, 0);
        fact("went_on", 1);
    }
}
