/* One inline function for each sensitive instruction that the mini kernel uses in more than one place.
 *
 * Names and operands follow Intel SDM volume 2. Nothing here checks privilege: the kernel runs at CPL 0, or believes so.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

struct table_register {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

static inline void out8(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void out16(uint16_t port, uint16_t value) { asm volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void disable_interrupts(void) { asm volatile("cli" ::: "memory"); }
static inline void enable_interrupts(void) { asm volatile("sti" ::: "memory"); }
/* Waits for an interrupt with no window between enabling and halting. */
static inline void wait_for_interrupt(void) { asm volatile("sti; hlt" ::: "memory"); }
static inline uint32_t read_flags(void) {
    uint32_t flags;
    asm volatile("pushfl; popl %0" : "=rm"(flags)::"memory");
    return flags;
}
static inline void write_flags(uint32_t flags) { asm volatile("pushl %0; popfl" ::"g"(flags) : "memory", "cc"); }
static inline uint32_t save_and_disable_interrupts(void) {
    uint32_t flags = read_flags();
    disable_interrupts();
    return flags;
}

static inline uint32_t read_cr0(void) {
    uint32_t value;
    asm volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}
static inline void write_cr0(uint32_t value) { asm volatile("movl %0, %%cr0" ::"r"(value) : "memory"); }
static inline uint32_t read_cr2(void) {
    uint32_t value;
    asm volatile("movl %%cr2, %0" : "=r"(value));
    return value;
}
static inline void write_cr2(uint32_t value) { asm volatile("movl %0, %%cr2" ::"r"(value)); }
static inline uint32_t read_cr3(void) {
    uint32_t value;
    asm volatile("movl %%cr3, %0" : "=r"(value));
    return value;
}
static inline void write_cr3(uint32_t value) { asm volatile("movl %0, %%cr3" ::"r"(value) : "memory"); }
static inline uint32_t read_cr4(void) {
    uint32_t value;
    asm volatile("movl %%cr4, %0" : "=r"(value));
    return value;
}
static inline void write_cr4(uint32_t value) { asm volatile("movl %0, %%cr4" ::"r"(value) : "memory"); }
static inline void invalidate_page(uint32_t linear) {
    asm volatile("invlpg %0" ::"m"(*(const char *)linear) : "memory");
}

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid_result cpuid(uint32_t leaf) {
    struct cpuid_result r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
    return r;
}
static inline uint64_t read_timestamp(void) {
    uint64_t value;
    asm volatile("rdtsc" : "=A"(value));
    return value;
}
static inline void write_msr(uint32_t index, uint64_t value) { asm volatile("wrmsr" ::"c"(index), "A"(value)); }
static inline uint64_t read_msr(uint32_t index) {
    uint64_t value;
    asm volatile("rdmsr" : "=A"(value) : "c"(index));
    return value;
}

static inline void load_gdt(const struct table_register *r) { asm volatile("lgdt %0" ::"m"(*r)); }
static inline void load_idt(const struct table_register *r) { asm volatile("lidt %0" ::"m"(*r)); }
static inline void load_ldt(uint16_t selector) { asm volatile("lldt %0" ::"r"(selector)); }
static inline void load_task_register(uint16_t selector) { asm volatile("ltr %0" ::"r"(selector)); }

#endif
