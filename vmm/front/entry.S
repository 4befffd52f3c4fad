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
#define VECTOR(number, name) .ifdef use_fast_##name; .long fast_##name; .else; .long enter_##name; .endif ;
    .set use_fast_sti, 1
    .set use_fast_mov_to_segment, 1
    .set use_fast_pop_segment, 1
    OPERATIONS(VECTOR)

    .text
#define ENTER(number, name) enter_##name: movl %eax, REGISTER(0); movl $number, %eax; jmp enter ;
    OPERATIONS(ENTER)

    /* The three commonest operations, where nothing is to be done but what one expects: in a few instructions, with the
     * guest's registers and stack in place. In other cases they go on as every operation does. */
fast_sti:
    movl %ecx, REGISTER(1)
    movb $1, VCPU_INTERRUPT_FLAG
    movl (%esp), %ecx
    jmp fast_done

    /* A selector that its register holds already, by a descriptor that is still the same. AX holds the selector, EDX the
     * register's number; the flags are on the stack. */
    .macro fast_segment slow
    cmpl VCPU_SELECTORS(,%edx,4), %eax
    jne \slow
    cmpl $SEGMENT_SS, %edx
    je \slow
    testl $0xFFFC, %eax
    jz 1f
    testl $4, %eax
    jnz \slow
    movl %eax, %ecx
    andl $0xFFF8, %ecx
    leal 7(%ecx), %eax
    cmpl VCPU_GDT_LIMIT, %eax
    ja \slow
    addl VCPU_GDT_BASE, %ecx
    movl segment_source(,%edx,8), %eax
9:  cmpl (%ecx), %eax
    .pushsection vmm_accesses, "a"
    .long 9b
    .popsection
    jne \slow
    movl segment_source+4(,%edx,8), %eax
9:  cmpl 4(%ecx), %eax
    .pushsection vmm_accesses, "a"
    .long 9b
    .popsection
    jne \slow
1:
    .endm

    /* ECX = the operand's place in its table, divided by 4; EAX, ECX and EDX are saved, the flags are pushed. */
    .macro fast_operand
    movl %eax, REGISTER(0)
    movl %ecx, REGISTER(1)
    movl %edx, REGISTER(2)
    pushfl
    movl 4(%esp), %ecx
    movzwl (%ecx), %ecx
    leal (%ecx,%ecx,4), %ecx
    movzbl OPERAND_TABLE+3(,%ecx,4), %edx
    .endm

fast_mov_to_segment:
    fast_operand
    movzbl OPERAND_TABLE+4(,%ecx,4), %eax
    cmpl $2, %eax
    ja slow_mov_to_segment
    movzwl VCPU_REGISTERS(,%eax,4), %eax
    fast_segment slow_mov_to_segment
    popfl
    movl REGISTER(0), %eax
    movl REGISTER(2), %edx
    movl (%esp), %ecx
    jmp fast_done
slow_mov_to_segment:
    movl $OPERATION_MOV_TO_SEGMENT, %eax
    jmp slow_segment

fast_pop_segment:
    fast_operand
    testb $OPERAND_16, OPERAND_TABLE+2(,%ecx,4)
    jnz slow_pop_segment
    movzwl 8(%esp), %eax
    fast_segment slow_pop_segment
    popfl
    movl REGISTER(0), %eax
    movl REGISTER(2), %edx
    movl (%esp), %ecx
    leal 4(%esp), %esp
    jmp fast_done
slow_pop_segment:
    movl $OPERATION_POP_SEGMENT, %eax
slow_segment:
    popfl
    movl REGISTER(1), %ecx
    movl REGISTER(2), %edx
    jmp enter

    /* To the end of a site of 8 bytes: ECX = return address, at ESP; its value is saved. What follows starts again when an
     * event comes, and changes no flag. */
fast_done:
    leal 2(%ecx), %ecx
    movl %ecx, VCPU_EIP
    leal 4(%esp), %esp
    .globl vmm_tail_start, vmm_tail_end
vmm_tail_start:
    movl VCPU_ATTENTION, %ecx
    jecxz 1f
    jmp fast_interrupted
1:  movl REGISTER(1), %ecx
    jmp *VCPU_EIP
vmm_tail_end:

    /* Something is to be done first: as if the operation had taken the long way. */
fast_interrupted:
    movl %eax, REGISTER(0)
    movl %edx, REGISTER(2)
    movl %ebx, REGISTER(3)
    movl %esp, REGISTER(4)
    movl %ebp, REGISTER(5)
    movl %esi, REGISTER(6)
    movl %edi, REGISTER(7)
    movl $vmm_stack_top, %esp
    pushfl
    popl VCPU_EFLAGS
    jmp vmm_resume

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
