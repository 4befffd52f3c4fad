/* The vectors, the way in from a site, the way out to guest kernel code, and accesses to guest memory that may fault.
 *
 * A site calls an operation through its vector: the return address names the site. Nothing of the VMM stays on the guest's
 * stack. The way out is a section that starts again when an event arrives in it (vmm_exit_start to vmm_exit_end): it only
 * reads virtual_cpu, and its last instruction enters the guest.
 */
#include "operations.h"
#include "virtual-cpu.h"

#define REGISTER(n) (VCPU_REGISTERS + 4 * (n))

    .section .vectors, "aw"
    .globl vmm_vectors
vmm_vectors:
#define VECTOR(number, name) .long enter_##name ;
    OPERATIONS(VECTOR)

    .text
#define ENTER(number, name) enter_##name: movl %eax, REGISTER(0); movl $number, %eax; jmp enter ;
    OPERATIONS(ENTER)

enter:
    movl %ecx, REGISTER(1)
    movl %edx, REGISTER(2)
    movl %ebx, REGISTER(3)
    movl %ebp, REGISTER(5)
    movl %esi, REGISTER(6)
    movl %edi, REGISTER(7)
    popl VCPU_EIP
    movl %esp, REGISTER(4)
    movl $vmm_stack_top, %esp
    pushfl
    popl VCPU_EFLAGS
    cld
    call vmm_operation
    .globl vmm_resume
vmm_resume:
    movl $vmm_stack_top, %esp
    cld
    call vmm_before_resume

    .globl vmm_exit_start, vmm_exit_end
vmm_exit_start:
    testl $0x7FFFFFFF, VCPU_ATTENTION
    jnz vmm_resume
    movl $vmm_stack_top, %esp
    pushl VCPU_EFLAGS
    popfl
    movl REGISTER(4), %esp
    movl REGISTER(1), %ecx
    movl REGISTER(2), %edx
    movl REGISTER(3), %ebx
    movl REGISTER(5), %ebp
    movl REGISTER(6), %esi
    movl REGISTER(7), %edi
    movl REGISTER(0), %eax
    jmp *VCPU_EIP
vmm_exit_end:

    /* Each access is one instruction at a label of the table below; a fault that the guest must see goes to access_failed. */
    .macro load name, move
    .globl guest_\name
guest_\name:
    movl 4(%esp), %ecx
9:  \move (%ecx), %eax
    .pushsection vmm_accesses, "a"
    .long 9b
    .popsection
    movl 8(%esp), %ecx
    .endm

    load load8, movzbl
    movb %al, (%ecx)
    jmp access_done
    load load16, movzwl
    movw %ax, (%ecx)
    jmp access_done
    load load32, movl
    movl %eax, (%ecx)
access_done:
    movl $1, %eax
    ret
    .globl access_failed
access_failed:
    xorl %eax, %eax
    ret

    .macro store name, instruction
    .globl guest_\name
guest_\name:
    movl 4(%esp), %ecx
    movl 8(%esp), %eax
9:  \instruction, (%ecx)
    .pushsection vmm_accesses, "a"
    .long 9b
    .popsection
    movl $1, %eax
    ret
    .endm

    store store8, "movb %al"
    store store16, "movw %ax"
    store store32, "movl %eax"

    .section .bss.stack, "aw", @nobits
    .balign 4096
    .skip 16384
    .globl vmm_stack_top
vmm_stack_top:

    .section .note.GNU-stack, "", @progbits
