/* Dispatch of exceptions, interrupts and system calls, and the exception table for kernel instructions that may fault. */
#include "kernel.h"
#include "machine.h"

/* Distances from the words themselves, as in Linux; the last word is unused. */
struct exception_entry {
    int32_t instruction, continuation, unused;
};
extern const struct exception_entry __start___ex_table[], __stop___ex_table[];

volatile int last_fault = -1;
volatile int self_check_interrupts;

static uint32_t find_continuation(uint32_t eip) {
    for (const struct exception_entry *entry = __start___ex_table; entry < __stop___ex_table; entry++)
        if ((uint32_t)&entry->instruction + (uint32_t)entry->instruction == eip)
            return (uint32_t)&entry->continuation + (uint32_t)entry->continuation;
    return 0;
}

static void exception(struct frame *frame) {
    int from_user = (frame->cs & 3) == 3;
    uint32_t address = 0;
    if (frame->vector == VECTOR_PAGE_FAULT) {
        address = read_cr2();
        if (current && user_range_ok(address, 1) && resolve_fault(current, address, frame->error)) return;
    }
    if (from_user) {
        if (!deliver_upcall(frame, (int)frame->vector, address, frame->error)) process_exit(128 + (int)frame->vector);
        return;
    }
    uint32_t continuation = find_continuation(frame->eip);
    if (!continuation) panic("exception in the kernel", frame);
    last_fault = (int)frame->vector;
    frame->eip = continuation;
}

void trap(struct frame *frame) {
    if (frame->vector == VECTOR_SYSTEM_CALL) {
        enable_interrupts();
        system_call(frame);
        disable_interrupts();
    } else if (frame->vector == VECTOR_SELF_CHECK) {
        self_check_interrupts++;
    } else if (frame->vector >= VECTOR_IRQ_BASE) {
        interrupt(frame->vector - VECTOR_IRQ_BASE);
    } else {
        exception(frame);
    }
    if ((frame->cs & 3) == 3) {
        if (frame->vector == VECTOR_IRQ_BASE) schedule();
        deliver_signals(frame);
    }
}

/* Returns 1 when SYSEXIT can take the process back to where it was. */
int sysenter_trap(struct frame *frame) {
    uint32_t eip = frame->eip, esp = frame->esp;
    trap(frame);
    return frame->eip == eip && frame->esp == esp && frame->cs == USER_CS;
}
