/* Traps and the entry to user mode for back ends in which guest kernel and VMM share a ring above 3 and the processor (or the
 * hypervisor) pushes the usual frame: vector and error code, EIP, CS, EFLAGS and, from user mode, ESP and SS. Assembler text,
 * included once by such a back end after it has defined
 *   RING_DATA        its flat data selector
 *   FAULT_ADDRESS    a macro: loads the address of the last page fault into its operand
 * Its stubs push the vector, below the error code, and jump to ring_trap; that of INT 0x80 is ring_software. In C it defines
 * backend_from_kernel and backend_from_user(vector, error, address), which do not return, and backend_from_window(eip,
 * vector, error, address, stack), which returns the EIP to go on at.
 */
#include "virtual-cpu.h"
/* RPL 3, and neither 0 nor 1. */
#define USER_BIT 2
#include "ring-shortcuts.h"

    .text
ring_trap:
    testl $USER_BIT, 12(%esp)
    jnz from_user
    cmpl $WINDOW_START, 8(%esp)
    jae from_window

    /* Same ring: no stack switch. */
    movl %eax, REGISTER(0)
    leal 20(%esp), %eax
    movl %eax, REGISTER(4)
    movl 8(%esp), %eax
    movl %eax, VCPU_EIP
    movl 16(%esp), %eax
    movl %eax, VCPU_EFLAGS
    movl %ecx, REGISTER(1)
    movl %edx, REGISTER(2)
    movl %ebx, REGISTER(3)
    movl %ebp, REGISTER(5)
    movl %esi, REGISTER(6)
    movl %edi, REGISTER(7)
    movl (%esp), %eax
    movl 4(%esp), %edx
    movl $vmm_stack_top, %esp
    cld
    FAULT_ADDRESS %ecx
    pushl %ecx
    pushl %edx
    pushl %eax
    call backend_from_kernel

from_user:
    movl %eax, %ss:REGISTER(0)
    movl %ecx, %ss:REGISTER(1)
    movl %edx, %ss:REGISTER(2)
    movl %ebx, %ss:REGISTER(3)
    movl %ebp, %ss:REGISTER(5)
    movl %esi, %ss:REGISTER(6)
    movl %edi, %ss:REGISTER(7)
    movl %ds, %ecx
    movl $RING_DATA, %eax
    movl %eax, %ds
    movzwl %cx, %ecx
    movl %ecx, SELECTOR(SEGMENT_DS)
    movl %es, %ecx
    movzwl %cx, %ecx
    movl %ecx, SELECTOR(SEGMENT_ES)
    movl %eax, %es
    movl %fs, %ecx
    movzwl %cx, %ecx
    movl %ecx, SELECTOR(SEGMENT_FS)
    movl %gs, %ecx
    movzwl %cx, %ecx
    movl %ecx, SELECTOR(SEGMENT_GS)
    popl %eax
    popl %edx
    popl VCPU_EIP
    popl %ecx
    movzwl %cx, %ecx
    movl %ecx, SELECTOR(SEGMENT_CS)
    popl VCPU_EFLAGS
    popl REGISTER(4)
    popl %ecx
    movzwl %cx, %ecx
    movl %ecx, SELECTOR(SEGMENT_SS)
    cld
    FAULT_ADDRESS %ecx
    pushl %ecx
    pushl %edx
    pushl %eax
    call backend_from_user

    /* DS and ES may be the user's: on the way in, which goes on as it was, or on the way out, which starts again. */
from_window:
    pushal
    pushl %ds
    pushl %es
    movl $RING_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
    FAULT_ADDRESS %eax
    leal 60(%esp), %ecx
    pushl %ecx
    pushl %eax
    pushl 52(%esp)
    pushl 52(%esp)
    pushl 64(%esp)
    call backend_from_window
    addl $20, %esp
    cmpl %eax, 48(%esp)
    jne 1f
    popl %es
    popl %ds
    popal
    addl $8, %esp
    iret
    /* The user's segments are loaded again on the way out. */
1:  movl %eax, 48(%esp)
    popl %ecx
    popl %edx
    testl $USER_BIT, %ecx
    jnz 2f
    movl %ecx, %es
2:  testl $USER_BIT, %edx
    jnz 3f
    movl %edx, %ds
3:  popal
    addl $8, %esp
    iret

    .globl backend_enter_user
backend_enter_user:
    call backend_commit
    movl $0, kernel_data
    .globl backend_exit_start, backend_exit_end
backend_exit_start:
    testl $0x7FFFFFFF, VCPU_ATTENTION
    jnz exit_later
    movl $vmm_stack_top, %esp
    pushl SELECTOR(SEGMENT_SS)
    pushl REGISTER(4)
    pushl VCPU_EFLAGS
    pushl SELECTOR(SEGMENT_CS)
    pushl VCPU_EIP
    movl SELECTOR(SEGMENT_FS), %eax
    movl %eax, %fs
    movl SELECTOR(SEGMENT_GS), %eax
    movl %eax, %gs
    movl REGISTER(1), %ecx
    movl REGISTER(2), %edx
    movl REGISTER(3), %ebx
    movl REGISTER(5), %ebp
    movl REGISTER(6), %esi
    movl REGISTER(7), %edi
    movl SELECTOR(SEGMENT_ES), %eax
    movl %eax, %es
    movl SELECTOR(SEGMENT_DS), %eax
    movl %eax, %ds
    movl %ss:REGISTER(0), %eax
    iret
backend_exit_end:
    /* The guest may be interrupted first: the next way out, a short one perhaps, still has these FS and GS to load. */
exit_later:
    orl $WORK_COMMIT, vmm_work
    jmp vmm_resume
