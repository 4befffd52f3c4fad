/* Sensitive instructions of one class many times over, for whoever counts what they cost. Nothing changes by them. */
#include "kernel.h"
#include "machine.h"

#define PIC_MASK 0x21
#define UART_LINE_STATUS 0x3FD
#define UART_SCRATCH 0x3FF

static void repeat_flags(uint32_t class, uint32_t count) {
    while (count--) switch (class) {
        case 0: disable_interrupts(); break;
        case 1: enable_interrupts(); break;
        case 2: asm volatile("pushfl; addl $4, %%esp" ::: "memory", "cc"); break;
        default: asm volatile("pushl %0; popfl" ::"r"(0x202) : "memory", "cc");
        }
}

static void repeat_segment_moves(uint32_t count) {
    uint32_t selector;
    while (count--)
        asm volatile("movl %%es, %0; movl %0, %%es; pushl %%ds; popl %%ds; movl %%ss, %0; movl %0, %%ss"
                     : "=&r"(selector)::"memory");
}

static void repeat_iret(uint32_t count) {
    while (count--) asm volatile("pushfl; pushl %%cs; pushl $1f; iret; 1:" ::: "memory", "cc");
}

static void repeat_port(uint16_t from, uint16_t to, uint32_t count) {
    while (count--) out8(to, in8(from));
}

static void repeat_cpuid(uint32_t count) {
    while (count--) cpuid(count & 1);
}

/* Executes the instructions of a class `count` times, with interrupts on but where the class says otherwise. */
int repeat_class(uint32_t class, uint32_t count) {
    enable_interrupts();
    switch (class) {
    case 0: case 1: case 2: case 3: repeat_flags(class, count); break;
    case 4: repeat_segment_moves(count); break;
    case 5: repeat_iret(count); break;
    case 6: repeat_port(PIC_MASK, PIC_MASK, count); break;
    case 7: repeat_port(UART_LINE_STATUS, UART_SCRATCH, count); break;
    case 8: repeat_cpuid(count); break;
    default: return -1;
    }
    enable_interrupts();
    return 0;
}
