/* Traps and the entry to user mode on a machine without a hypervisor. Everything runs in ring 0: guest kernel and VMM share
 * it, as they share ring 1 on xen; a trap out of either is pushed on the stack in use.
 */
#include "bare.h"
#include "virtual-cpu.h"

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
    jmp ring_trap
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
    jmp ring_software

    .macro FAULT_ADDRESS register
    movl %cr2, \register
    .endm
#define RING_DATA BARE_DS
#include "ring-entry.h"

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
