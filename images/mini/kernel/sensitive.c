/* The self-check of sensitive instructions: every class is executed at least once and its effect compared with what
 * Intel SDM volume 2 says, or with the exception that the processor's own CPUID calls for.
 *
 * Each check is one bit of the result, 0 when it passed; so the result is the same on every processor and path.
 */
#include "kernel.h"
#include "machine.h"
#include "probe.h"

#define FEATURE_MSR 0x20
#define FEATURE_SEP 0x800

static int check_interrupt_flag(void) {
    uint32_t flags = read_flags();
    disable_interrupts();
    int ok = !(read_flags() & EFLAGS_IF);
    enable_interrupts();
    ok = ok && (read_flags() & EFLAGS_IF);
    write_flags(flags & ~(uint32_t)EFLAGS_IF);
    ok = ok && !(read_flags() & EFLAGS_IF);
    write_flags(flags | EFLAGS_CF);
    ok = ok && (read_flags() & EFLAGS_CF);
    write_flags(flags);
    return ok;
}

/* CLI, STI, moves and I/O leave the arithmetic flags alone. */
static int check_flags_survive(void) {
    uint8_t carry, zero;
    asm volatile(
        "xorl %%eax, %%eax\n"
        "stc\n"
        "cli\n"
        "movl %%cr3, %%eax\n"
        "movl %%eax, %%cr3\n"
        "outb %%al, $0x80\n"
        "sti\n"
        "setc %0\n"
        "setz %1"
        : "=&q"(carry), "=&q"(zero)::"eax", "memory", "cc");
    return carry && zero;
}

static int check_halt(void) {
    uint32_t flags = save_and_disable_interrupts(), before = ticks;
    wait_for_interrupt();
    int ok = ticks != before;
    before = ticks;
    enable_interrupts();
    asm volatile("hlt" ::: "memory");
    ok = ok && ticks != before;
    write_flags(flags);
    return ok;
}

static int check_ports(void) {
    static const uint8_t pattern[4] = {1, 2, 3, 4};
    uint8_t mask = in8(0x21), read[4] = {0, 0, 0, 0};
    const void *from = pattern;
    void *to = read;
    uint32_t count = 4, count_in = 4;
    uint32_t flags = save_and_disable_interrupts();
    asm volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(0x80) : "memory");
    asm volatile("rep insb" : "+D"(to), "+c"(count_in) : "d"(0x21) : "memory");
    asm volatile("outb %%al, $0x80; inb $0x61, %%al" ::: "eax");
    write_flags(flags);
    return count == 0 && count_in == 0 && read[0] == mask && read[1] == mask && read[2] == mask && read[3] == mask;
}

static int check_control_registers(void) {
    uint32_t cr0 = read_cr0(), cr4 = read_cr4(), value, flags = save_and_disable_interrupts();
    write_cr0(cr0 | CR0_TS);
    asm volatile("smsww %w0" : "=r"(value));
    int ok = (value & CR0_TS) && (read_cr0() & CR0_TS);
    asm volatile("clts");
    ok = ok && !(read_cr0() & CR0_TS);
    value = (cr0 & 0xFFFF) | CR0_TS;
    asm volatile("lmsw %w0" ::"r"(value));
    ok = ok && (read_cr0() & CR0_TS);
    write_cr0(cr0);
    write_cr4(cr4);
    write_cr2(0x12345678);
    ok = ok && read_cr2() == 0x12345678 && read_cr0() == cr0 && read_cr4() == cr4 && read_cr3() == current->directory;
    write_flags(flags);
    return ok;
}

static int check_debug_registers(void) {
    uint32_t value, control, status;
    asm volatile("movl %1, %%db0; movl %%db0, %0" : "=r"(value) : "r"(0x80123456));
    asm volatile("movl %0, %%db7" ::"r"(0x400));
    asm volatile("movl %%db7, %0" : "=r"(control));
    asm volatile("movl %%db6, %0" : "=r"(status));
    asm volatile("movl %0, %%db0" ::"r"(0));
    return value == 0x80123456 && control == 0x400 && (status & 0xFFFF0FF0) == 0xFFFF0FF0;
}

static int check_identification(void) {
    uint64_t first = read_timestamp(), second = read_timestamp();
    struct cpuid_result leaf = cpuid(0);
    int ok = leaf.eax >= 1 && (cpuid(1).edx & 1) && second > first;
    if (processor_features & FEATURE_MSR) {
        /* Some emulators read this MSR as 0. */
        uint64_t msr = read_msr(0x10);
        ok = ok && (msr == 0 || msr > first);
    }
    if (processor_features & FEATURE_SEP) ok = ok && (read_msr(0x174) & 0xFFFF) == KERNEL_CS;
    int fault = PROBE("rdmsr", 0, 0x0BADC0DE, 0);
    ok = ok && (fault == VECTOR_GENERAL_PROTECTION || fault < 0);
    if (processor_features & FEATURE_MSR) {
        fault = PROBE("wrmsr", 0, 0x0BADC0DE, 0);
        ok = ok && (fault == VECTOR_GENERAL_PROTECTION || fault < 0);
    }
    fault = PROBE("rdpmc", 0, 0, 0);
    return ok && (fault < 0 || fault == VECTOR_GENERAL_PROTECTION || fault == VECTOR_INVALID_OPCODE);
}

/* Instructions that need a feature: without it they raise #UD, with it they work. */
static int check_newer_instructions(void) {
    uint32_t extended = cpuid(0x80000000).eax >= 0x80000001 ? cpuid(0x80000001).edx : 0;
    struct cpuid_result one = cpuid(1), seven = {0, 0, 0, 0};
    static uint64_t invalidation[2];
    if (cpuid(0).eax >= 7) seven = cpuid(7);
    int ok = expect(PROBE("rdtscp", 0, 0, 0), extended >> 27 & 1);
    ok &= expect(PROBE("clac", 0, 0, 0), seven.ebx >> 20 & 1);
    ok &= expect(PROBE("stac", 0, 0, 0), seven.ebx >> 20 & 1);
    ok &= expect(PROBE("invpcid (%%edx), %%ecx", 0, 2, invalidation), seven.ebx >> 10 & 1);
    ok &= expect(PROBE("xgetbv", 0, 0, 0), 0);
    ok &= expect(PROBE("xsetbv", 0, 0, 0), 0);
    ok &= expect(PROBE("xsave (%%edx)", 0, 0, current->fpu), 0);
    ok &= expect(PROBE("xrstor (%%edx)", 0, 0, current->fpu), 0);
    ok &= expect(PROBE("xsaves (%%edx)", 0, 0, current->fpu), 0);
    ok &= expect(PROBE("xrstors (%%edx)", 0, 0, current->fpu), 0);
    ok &= expect(PROBE("rsm", 0, 0, 0), 0);
    ok &= expect(PROBE("monitor %%eax, %%ecx, %%edx", current, 0, 0), one.ecx >> 3 & 1);
    if (one.ecx >> 3 & 1) {
        asm volatile("sti; mwait" ::"a"(0), "c"(0) : "memory");
    } else {
        ok &= expect(PROBE("mwait %%eax, %%ecx", 0, 0, 0), 0);
    }
    return ok;
}

static int check_caches(void) {
    uint32_t flags = save_and_disable_interrupts();
    asm volatile("wbinvd" ::: "memory");
    /* Some emulators do not know INVD. */
    int fault = PROBE("invd", 0, 0, 0);
    write_flags(flags);
    return (fault < 0 || fault == VECTOR_INVALID_OPCODE) && check_invalidation();
}

static int check_software_interrupts(void) {
    int before = self_check_interrupts;
    asm volatile("int $0x30" ::: "memory");
    asm volatile("xorl %%eax, %%eax; into" ::: "eax", "cc", "memory");
    return self_check_interrupts == before + 1;
}

/* Returns 0, or one bit for each check that failed. */
int check_sensitive(void) {
    int (*const checks[])(void) = {
        check_interrupt_flag,    check_flags_survive,   check_halt,           check_ports,
        check_control_registers, check_debug_registers, check_identification, check_newer_instructions,
        check_caches,            check_software_interrupts, check_tables,     check_segment_moves,
        check_far_pointers,      check_selector_queries, check_far_transfers, check_fpu_instructions,
    };
    int failed = 0;
    for (uint32_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (!checks[i]()) failed |= 1 << i;
    return failed;
}
