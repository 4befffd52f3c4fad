/* The ways into the mini kernel and out of it: exception and interrupt stubs, the system call gate, SYSENTER, and the
 * switch from one kernel stack to another.
 *
 * Every entry builds `struct frame` of kernel.h (Intel SDM volume 3, 6.12.1 and 6.13). All gates are interrupt gates.
 */
#include "layout.h"

    .text
    .macro stub vector, has_error
    .balign 16
stub_\vector:
    .if \has_error == 0
    pushl $0
    .endif
    pushl $\vector
    jmp enter
    .endm

    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    stub \vector, 0
    .endr
    .irp vector, 8, 10, 11, 12, 13, 14, 17
    stub \vector, 1
    .endr
    .irp vector, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 128
    stub \vector, 0
    .endr

enter:
    pushal
    pushl %ds
    pushl %es
    pushl %gs
    movl $KERNEL_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
    movl %esp, %eax
    pushl %eax
    call trap
    addl $4, %esp

    .globl trap_return
trap_return:
1:  popl %gs
2:  popl %es
    popl %ds
    popal
    addl $8, %esp
    iretl

    /* A selector that no longer loads becomes the null selector. */
3:  movl $0, (%esp)
    jmp 1b
    .section __ex_table, "a"
    .long 1b - ., 3b - ., 0
    .text

    /* SYSENTER: ECX = user stack, EDX = where to return, EAX = number, EBX, ESI, EDI = arguments. */
    .globl sysenter_entry
sysenter_entry:
    movl (%esp), %esp
    pushl $USER_DS
    pushl %ecx
    pushl $(EFLAGS_IF | 2)
    pushl $USER_CS
    pushl %edx
    pushl $0
    pushl $VECTOR_SYSTEM_CALL
    pushal
    pushl %ds
    pushl %es
    pushl %gs
    movl $KERNEL_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
    movl %esp, %eax
    pushl %eax
    call sysenter_trap
    addl $4, %esp
    testl %eax, %eax
    jz trap_return
    popl %gs
    popl %es
    popl %ds
    popal
    addl $8, %esp
    movl (%esp), %edx
    movl 12(%esp), %ecx
    sti
    sysexit

    /* switch_stacks(uint32_t *saved_stack, uint32_t stack) */
    .globl switch_stacks
switch_stacks:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    pushfl
    movl 24(%esp), %eax
    movl 28(%esp), %edx
    movl %esp, (%eax)
    movl %edx, %esp
    popfl
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

    .section .rodata
    .globl exception_stubs
    .balign 4
exception_stubs:
    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .long stub_\vector
    .endr
    .irp vector, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48
    .long stub_\vector
    .endr
    .globl system_call_stub
system_call_stub:
    .long stub_128

    /* The user program, as a flat image that starts at USER_IMAGE_START. */
    .globl user_image_start, user_image_end
    .balign 4096
user_image_start:
    .incbin USER_IMAGE
user_image_end:

    .section .note.GNU-stack, "", @progbits
