/* GDT, IDT, LDT and the task-state segment (Intel SDM volume 3, 3.4.5, 6.11 and 7.2). One TSS; processes are switched
 * by software, which changes ESP0 in it, the SYSENTER stack with it, and the TLS descriptor.
 */
#include "kernel.h"
#include "machine.h"
#include "sites.h"

#define TSS_ESP0 1
#define TSS_SS0 2
#define TSS_IO_MAP 25
#define GATE_INTERRUPT 0x8E00
#define GATE_USER 0x6000
#define TYPE_TSS_AVAILABLE 0x8900
#define TYPE_TSS_BUSY_BIT 0x0200
#define TYPE_LDT 0x8200

#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176
#define FEATURE_SEP 0x800

extern const uint32_t exception_stubs[], system_call_stub;
extern void sysenter_entry(void);

uint32_t gdt[16] __attribute__((aligned(8))) = {
    0, 0, 0x0000FFFF, 0x00CF9A00, 0x0000FFFF, 0x00CF9200,
};
uint32_t idt[512] __attribute__((aligned(8)));
uint32_t ldt[4] __attribute__((aligned(8)));
uint32_t task_state[26];

static void set_gate(uint32_t vector, uint32_t offset, uint32_t rights) {
    write_idt_word(&idt[vector * 2], KERNEL_CS << 16 | (offset & 0xFFFF));
    write_idt_word(&idt[vector * 2 + 1], (offset & 0xFFFF0000) | rights);
}

static void set_flat_descriptor(uint32_t selector, uint32_t rights) {
    uint32_t *words = &gdt[selector / 8 * 2];
    write_gdt_word(&words[0], 0x0000FFFF);
    write_gdt_word(&words[1], 0x00CF0000 | rights);
}

static void set_system_descriptor(uint32_t selector, const void *base, uint32_t limit, uint32_t type) {
    uint32_t *words = &gdt[selector / 8 * 2], address = (uint32_t)base;
    write_system_descriptor_word(&words[0], (address & 0xFFFF) << 16 | (limit & 0xFFFF));
    write_system_descriptor_word(&words[1], (address & 0xFF000000) | (address >> 16 & 0xFF) | type);
}

void clear_task_busy(void) {
    uint32_t *word = &gdt[TSS_SELECTOR / 8 * 2 + 1];
    write_system_descriptor_word(word, *word & ~(uint32_t)TYPE_TSS_BUSY_BIT);
}

void load_process_descriptors(const struct process *process) {
    uint32_t top = (uint32_t)process->stack + 4096, base = process->tls_base;
    uint32_t *tls = &gdt[TLS_SELECTOR / 8 * 2];
    task_state[TSS_ESP0] = top;
    write_tls_word(&tls[0], (base & 0xFFFF) << 16 | 0xFFFF);
    write_tls_word(&tls[1], base ? (base & 0xFF000000) | (base >> 16 & 0xFF) | 0x00CFF200 : 0);
    /* The last process's selector must not outlive its descriptor: an interrupt of the kernel saves and loads it. */
    asm volatile("movl %0, %%gs" ::"r"(0));
}

void descriptors_start(void) {
    struct table_register gdt_register = {sizeof gdt - 1, (uint32_t)gdt};
    struct table_register idt_register = {sizeof idt - 1, (uint32_t)idt};
    for (uint32_t vector = 0; vector <= VECTOR_SELF_CHECK; vector++)
        set_gate(vector, exception_stubs[vector], GATE_INTERRUPT | (vector == 3 || vector == 4 ? GATE_USER : 0));
    set_gate(VECTOR_SYSTEM_CALL, system_call_stub, GATE_INTERRUPT | GATE_USER);
    task_state[TSS_SS0] = KERNEL_DS;
    task_state[TSS_IO_MAP] = sizeof task_state << 16;
    set_system_descriptor(TSS_SELECTOR, task_state, sizeof task_state - 1, TYPE_TSS_AVAILABLE);
    set_system_descriptor(LDT_SELECTOR, ldt, sizeof ldt - 1, TYPE_LDT);
    write_ldt_word(&ldt[2], 0x0000FFFF);
    write_ldt_word(&ldt[3], 0x00CF9200);
    load_gdt(&gdt_register);
    set_flat_descriptor(USER_CS, 0xFA00);
    set_flat_descriptor(USER_DS, 0xF200);
    load_idt(&idt_register);
    load_ldt(0);
    load_task_register(TSS_SELECTOR);
    if (processor_features & FEATURE_SEP) {
        write_msr(MSR_SYSENTER_CS, KERNEL_CS);
        write_msr(MSR_SYSENTER_ESP, (uint32_t)&task_state[TSS_ESP0]);
        write_msr(MSR_SYSENTER_EIP, (uint32_t)sysenter_entry);
    }
}
