/* Traps and the entry to user mode on a machine without a hypervisor. Everything runs in ring 0: guest kernel and VMM share
 * it, as they share ring 1 on xen; a trap out of either is pushed on the stack in use.
 */
#include "bare.h"
#include "virtual-cpu.h"

#define REGISTER(n) (VCPU_REGISTERS + 4 * (n))
#define SELECTOR(n) (VCPU_SELECTORS + 4 * (n))

    .text
    .globl vmm_entry
vmm_entry:
    movl $vmm_stack_top, %esp
    cld
    pushl %eax
    call bare_start

    .globl bare_load_tables
    /* bare_load_tables(gdt register, idt register) */
bare_load_tables:
    movl 4(%esp), %eax
    lgdt (%eax)
    movl 8(%esp), %eax
    lidt (%eax)
    ljmp $BARE_CS, $1f
1:  movl $BARE_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $BARE_LDT, %eax
    lldt %ax
    movl $BARE_TSS, %eax
    ltr %ax
    ret

    .macro stub vector
    .balign 16
    .if (\vector != 8) && (\vector != 10) && (\vector != 11) && (\vector != 12) && (\vector != 13) && (\vector != 14) && (\vector != 17)
    pushl $0
    .endif
    pushl $\vector
    jmp trap
    .endm

    .balign 16
    .globl bare_stubs
bare_stubs:
    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23
    stub \vector
    .endr
    .irp vector, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47
    stub \vector
    .endr
    .globl bare_stub_80
    .balign 16
bare_stub_80:
    pushl $0
    pushl $0x80
    jmp trap

    /* vector, error code, EIP, CS, EFLAGS and, from user mode, ESP and SS. DS may be anything. */
trap:
    testl $3, 12(%esp)
    jnz from_user
    cmpl $WINDOW_START, 8(%esp)
    jae from_window

from_kernel:
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
    movl %cr2, %ecx
    pushl %ecx
    pushl %edx
    pushl %eax
    call bare_from_kernel

from_user:
    movl %eax, %ss:REGISTER(0)
    movl %ecx, %ss:REGISTER(1)
    movl %edx, %ss:REGISTER(2)
    movl %ebx, %ss:REGISTER(3)
    movl %ebp, %ss:REGISTER(5)
    movl %esi, %ss:REGISTER(6)
    movl %edi, %ss:REGISTER(7)
    movl %ds, %ecx
    movl $BARE_DS, %eax
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
    popl SELECTOR(SEGMENT_CS)
    popl VCPU_EFLAGS
    popl REGISTER(4)
    popl SELECTOR(SEGMENT_SS)
    cld
    movl %cr2, %ecx
    pushl %ecx
    pushl %edx
    pushl %eax
    call bare_from_user

    /* DS may be the user's: the way out was interrupted; it starts again and loads it again. */
from_window:
    pushal
    movl $BARE_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
    movl %cr2, %eax
    pushl %eax
    pushl 40(%esp)
    pushl 40(%esp)
    pushl 52(%esp)
    call bare_from_window
    addl $16, %esp
    movl %eax, 40(%esp)
    popal
    addl $8, %esp
    iret

    .globl backend_enter_user
backend_enter_user:
    call backend_commit
    .globl backend_exit_start, backend_exit_end
backend_exit_start:
    testl $0x7FFFFFFF, VCPU_ATTENTION
    jnz vmm_resume
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

    .globl backend_idle
backend_idle:
    cli
    cmpl $0, VCPU_ATTENTION
    jne 1f
    sti
    hlt
1:  sti
    ret

    .section .note.GNU-stack, "", @progbits
