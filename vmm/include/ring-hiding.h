/* The user half hidden from the guest kernel until the page tables are committed, for back ends in which both share a ring
 * above user code: the kernel goes on with an expand-down data segment that begins at KERNEL_START, so that its next access
 * to user memory is an exception, which commits. One batch of updates then does for all that the kernel invalidates before
 * user code runs. Left out: reads through CS.
 *
 * Included once in C, after RING_DATA and RING_HIDING, the selectors of the flat segment and of the other.
 */
#include "backend.h"

/* Descriptor of the hiding segment but for its DPL: a limit of 2 GiB, expand-down, writable, 32 bits, accessed. */
#define HIDING_LOW 0x0000FFFF
#define HIDING_HIGH 0x00C79700

/* Before the kernel goes on: the user half is hidden. */
static inline void ring_hide(void) { kernel_data = RING_HIDING; }

/* The batch has been committed. */
static inline void ring_show(void) {
    if (kernel_data) kernel_data = RING_DATA;
}

/* An exception may have come from hiding: commits and returns 1 when so; the instruction is executed again. `stack` is that
 * of code in the window whose segments ring_trap has saved below, or null. */
static inline int ring_was_hidden(uint32_t vector, uint32_t *stack) {
    uint32_t ss;
    asm volatile("movl %%ss, %0" : "=r"(ss));
    if ((vector != 12 && vector != 13) || (ss & 0xFFFF) != RING_HIDING) return 0;
    backend_commit();
    kernel_data = RING_DATA;
    if (stack) {
        stack[-14] = stack[-15] = RING_DATA;
        asm volatile("movl %0, %%ss" ::"r"(RING_DATA));
    }
    return 1;
}
