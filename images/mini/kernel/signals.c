/* Upcalls: the kernel calls a process back for signals and for its own exceptions.
 *
 * The context goes on the user's stack; the process's one entry point gets its address and returns through the
 * system call `signal_return`, with registers that it may have changed.
 */
#include "kernel.h"
#include "machine.h"

/* As user/system-calls.h declares it. */
struct context {
    uint32_t signal, address, error;
    uint32_t edi, esi, ebp, ebx, edx, ecx, eax, eip, eflags, esp;
};

void send_signal(struct process *process, int signal) {
    process->pending_signals |= 1u << signal;
    if (process->state == WAITING) process->state = READY;
}

/* Copies between kernel and user memory; returns 0 when the user's range cannot be reached. */
static int copy_words(uint32_t *to, const uint32_t *from, uint32_t count) {
    int saved = last_fault, fault;
    last_fault = -1;
    asm volatile(
        "1: rep movsl\n"
        "2:\n"
        ".pushsection __ex_table, \"a\"\n"
        ".long 1b - ., 2b - ., 0\n"
        ".popsection"
        : "+D"(to), "+S"(from), "+c"(count)::"memory");
    fault = last_fault;
    last_fault = saved;
    return fault < 0;
}

int deliver_upcall(struct frame *frame, int signal, uint32_t address, uint32_t error) {
    struct context context = {(uint32_t)signal, address, error, frame->edi, frame->esi, frame->ebp, frame->ebx,
                              frame->edx, frame->ecx, frame->eax, frame->eip, frame->eflags, frame->esp};
    uint32_t place = (frame->esp - sizeof context) & ~15u;
    if (!current->signal_entry || !user_range_ok(place, sizeof context)) return 0;
    if (!copy_words((uint32_t *)place, (const uint32_t *)&context, sizeof context / 4)) return 0;
    frame->eax = place;
    frame->esp = place;
    frame->eip = current->signal_entry;
    frame->eflags = EFLAGS_IF | 2;
    return 1;
}

void deliver_signals(struct frame *frame) {
    while (current->pending_signals) {
        int signal = __builtin_ctz(current->pending_signals);
        current->pending_signals &= ~(1u << signal);
        if (!deliver_upcall(frame, signal, 0, 0)) process_exit(128 + signal);
    }
}

int signal_return(struct frame *frame, uint32_t place) {
    struct context context;
    if (!user_range_ok(place, sizeof context)) return 0;
    if (!copy_words((uint32_t *)&context, (const uint32_t *)place, sizeof context / 4)) return 0;
    frame->edi = context.edi;
    frame->esi = context.esi;
    frame->ebp = context.ebp;
    frame->ebx = context.ebx;
    frame->edx = context.edx;
    frame->ecx = context.ecx;
    frame->eax = context.eax;
    frame->eip = context.eip;
    frame->esp = context.esp;
    frame->eflags = (context.eflags & EFLAGS_USER) | EFLAGS_IF | 2;
    return 1;
}
