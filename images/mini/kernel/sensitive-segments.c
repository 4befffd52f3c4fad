/* The self-check, second part: segment registers, descriptor tables, far transfers, and FPU state.
 *
 * Intel SDM volume 2 for each instruction; the descriptors that the checks load are the kernel's own.
 */
#include "kernel.h"
#include "machine.h"
#include "probe.h"

#define FEATURE_FXSR 0x01000000
#define FEATURE_SSE 0x02000000
#define LDT_DATA 0x0C
#define ADJUST_RPL_ZF "arpl %w2, %w0; setz %b1"

int check_tables(void) {
    struct table_register read_gdt, read_idt;
    uint32_t task, table;
    asm volatile("sgdt %0" : "=m"(read_gdt));
    asm volatile("sidt %0" : "=m"(read_idt));
    asm volatile("str %w0" : "=r"(task));
    int ok = read_gdt.base == (uint32_t)gdt && read_gdt.limit == 63;
    ok = ok && read_idt.base == (uint32_t)idt && read_idt.limit == 2047 && (task & 0xFFFF) == TSS_SELECTOR;
    uint32_t flags = save_and_disable_interrupts();
    load_gdt(&read_gdt);
    load_idt(&read_idt);
    ok = ok && PROBE("ltr %%ax", TSS_SELECTOR, 0, 0) == VECTOR_GENERAL_PROTECTION;
    clear_task_busy();
    load_task_register(TSS_SELECTOR);
    load_ldt(LDT_SELECTOR);
    asm volatile("sldt %w0" : "=r"(table));
    ok = ok && (table & 0xFFFF) == LDT_SELECTOR && PROBE("movl %%eax, %%gs", LDT_DATA, 0, 0) < 0;
    ok = ok && PROBE("movl %%eax, %%gs", 0, 0, 0) < 0;
    load_ldt(0);
    asm volatile("sldt %w0" : "=r"(table));
    ok = ok && (table & 0xFFFF) == 0 && PROBE("movl %%eax, %%gs", LDT_DATA, 0, 0) == VECTOR_GENERAL_PROTECTION;
    write_flags(flags);
    return ok;
}

int check_segment_moves(void) {
    uint32_t code, data, stack, extra, value;
    uint16_t word = 0;
    asm volatile("movl %%cs, %0" : "=r"(code));
    asm volatile("movl %%ss, %0" : "=r"(stack));
    asm volatile("movw %%ds, %0" : "=m"(word));
    asm volatile("pushl %%es; popl %0" : "=r"(extra));
    int ok = code == KERNEL_CS && stack == KERNEL_DS && word == KERNEL_DS && extra == KERNEL_DS;
    asm volatile("movl %1, %%fs; pushl %%fs; popl %0; pushl $0; popl %%fs" : "=r"(data) : "r"(USER_DS));
    asm volatile("movl %%fs, %0" : "=r"(value));
    ok = ok && data == USER_DS && value == 0;
    asm volatile("pushl %%cs; popl %0" : "=r"(code));
    asm volatile("pushl %%ss; popl %%ss; pushl %%ds; popl %%ds; pushl %%gs; popl %%gs" ::: "memory");
    uint32_t selector = KERNEL_DS;
    asm volatile("pushl %0; popl %%es" ::"r"(selector) : "memory");
    asm volatile("movw %0, %%ds" ::"m"(selector) : "memory");
    return ok && code == KERNEL_CS && PROBE("movl %%eax, %%gs", 0x7F8, 0, 0) == VECTOR_GENERAL_PROTECTION;
}

int check_far_pointers(void) {
    struct {
        uint32_t offset;
        uint16_t selector;
    } __attribute__((packed)) far = {0x1234, KERNEL_DS};
    uint32_t ds, es, fs, gs, stack, flags = save_and_disable_interrupts();
    asm volatile("lds %1, %0" : "=r"(ds) : "m"(far));
    asm volatile("les %1, %0" : "=r"(es) : "m"(far));
    asm volatile("lfs %1, %0" : "=r"(fs) : "m"(far));
    asm volatile("lgs %1, %0" : "=r"(gs) : "m"(far));
    asm volatile("lss %1, %0" : "=r"(stack) : "m"(far));
    asm volatile("movl %0, %%fs; movl %0, %%gs" ::"r"(0));
    write_flags(flags);
    return (ds & es & fs & gs & stack) == 0x1234 && (ds | es | fs | gs | stack) == 0x1234;
}

int check_selector_queries(void) {
    uint32_t rights = 0, limit = 0, adjusted = 0x08, result;
    uint8_t seen, readable, writable, code_writable, raised;
    asm volatile("larl %2, %0; setz %1" : "+r"(rights), "=q"(seen) : "r"(KERNEL_DS) : "cc");
    asm volatile("lsll %1, %0" : "+r"(limit) : "r"(KERNEL_DS) : "cc");
    asm volatile("verr %w1; setz %0" : "=q"(readable) : "r"(USER_DS) : "cc");
    asm volatile("verw %w1; setz %0" : "=q"(writable) : "r"(USER_DS) : "cc");
    asm volatile("verw %w1; setz %0" : "=q"(code_writable) : "r"(KERNEL_CS) : "cc");
    asm volatile(ADJUST_RPL_ZF : "+r"(adjusted), "=q"(raised) : "r"(3) : "cc");
    asm volatile("xorl %0, %0; larl %1, %0; setz %b0" : "=&q"(result) : "r"(0x7F8) : "cc");
    return seen && (rights & 0xF0FE00) == 0xC09200 && limit == 0xFFFFFFFF && readable && writable && !code_writable &&
           raised && adjusted == 0x0B && (result & 0xFF) == 0;
}

int check_far_transfers(void) {
    uint32_t count = 0;
    asm volatile(
        "ljmp $0x08, $1f\n"
        "1: incl %0\n"
        "lcall $0x08, $2f\n"
        "incl %0\n"
        "jmp 3f\n"
        "2: incl %0\n"
        "lret\n"
        "3:"
        : "+r"(count)::"memory", "cc");
    asm volatile("pushfl; pushl $0x08; pushl $1f; iretl; 1: incl %0" : "+r"(count)::"memory", "cc");
    return count == 4;
}

static int check_x87(void) {
    static uint32_t image[27], environment[7];
    uint16_t control, rounding = 0x0F7F, status;
    uint64_t value = 0;
    asm volatile("fninit; fnstcw %0" : "=m"(control));
    int ok = control == 0x037F;
    asm volatile("fldcw %1; fnstcw %0" : "=m"(control) : "m"(rounding));
    ok = ok && control == rounding;
    asm volatile("fld1; fldpi; fnstsw %0" : "=a"(status));
    ok = ok && (status >> 11 & 7) == 6;
    asm volatile("fnsave %0; fwait" : "=m"(image)::"memory");
    asm volatile("fnstsw %0" : "=m"(status));
    ok = ok && (status >> 11 & 7) == 0 && (image[1] >> 11 & 7) == 6;
    asm volatile("frstor %1; fstp %%st(0); fstpl %0" : "=m"(value) : "m"(image));
    ok = ok && value == 0x3FF0000000000000;
    asm volatile("fnstenv %0; fldenv %0; fnclex" : "+m"(environment));
    asm volatile("fninit");
    return ok;
}

static int check_sse_state(void) {
    static uint8_t image[512] __attribute__((aligned(16)));
    uint32_t control = 0x1F80, read = 0;
    if (!(processor_features & FEATURE_FXSR)) return 1;
    asm volatile("fxsave %0; fxrstor %0" : "+m"(image));
    if (processor_features & FEATURE_SSE) asm volatile("ldmxcsr %1; stmxcsr %0" : "=m"(read) : "m"(control));
    return !(processor_features & FEATURE_SSE) || read == control;
}

int check_fpu_instructions(void) {
    uint32_t flags = save_and_disable_interrupts();
    fpu_save(current);
    int ok = check_x87() && check_sse_state();
    fpu_restore(current);
    write_flags(flags);
    return ok;
}
