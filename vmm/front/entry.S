/* The vectors, the way in from a site, and the way out to guest kernel code.
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
    /* A back end may have a shorter way for IRET. */
    .weak short_iret
    .set short_iret, enter_iret
    .irp name, store, in, out, rdtsc
    .set shorter_\name, 1
    .endr
#define VECTOR(number, name) .ifc name, iret; .long short_iret; .else; .ifdef shorter_##name; .long short_##name; .else; .long enter_##name; .endif; .endif ;
#define DIRECT_VECTOR(number, name, ...) .long direct_##name ;
    OPERATIONS(VECTOR)
    DIRECT_OPERATIONS(DIRECT_VECTOR)

    .text
    .globl enter_iret, enter_store, enter_in, enter_out, enter_rdtsc
#define ENTER(number, name) enter_##name: movl %eax, REGISTER(0); movl $number, %eax; jmp enter ;
    OPERATIONS(ENTER)

    /* The number of the operation in EAX, which is saved. */
    .globl enter
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
    /* Nothing to be done before kernel code goes on: nothing has happened, and the stack can take an event's frame. */
vmm_resume:
    cmpl $0, VCPU_ATTENTION
    jne 1f
    /* CPL 0, not halted. */
    testl $0xFFFF0000, VCPU_INTERRUPT_FLAG
    jne 1f
    testl $1, vmm_work
    jne 1f
    movl REGISTER(4), %eax
    leal -4(%eax), %ecx
    subl $1024, %eax
    /* The stack that user code is left on, most often. */
    movl %eax, %edx
    subl entry_page, %edx
    cmpl $3072, %edx
    jbe 3f
    shrl $12, %ecx
    shrl $12, %eax
    movl %ecx, %edx
    andl $15, %edx
    cmpl %ecx, shadow_writable(,%edx,4)
    jne 1f
    movl %eax, %edx
    andl $15, %edx
    cmpl %eax, shadow_writable(,%edx,4)
    jne 1f
3:  movl VCPU_EFLAGS, %eax
    andl $~0x37000, %eax
    orl $0x202, %eax
    movl %eax, VCPU_EFLAGS
    jmp vmm_exit_start
1:  movl $vmm_stack_top, %esp
    cld
    call vmm_before_resume

    .globl vmm_exit_start, vmm_exit_end
vmm_exit_start:
    testl $0x7FFFFFFF, VCPU_ATTENTION
    jnz vmm_resume
    cmpl $0, kernel_data
    jne 2f
1:  movl $vmm_stack_top, %esp
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
2:  movl kernel_data, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    jmp 1b
vmm_exit_end:

    .section .bss.stack, "aw", @nobits
    .balign 4096
    .skip 16384
    .globl vmm_stack_top
vmm_stack_top:

    .section .note.GNU-stack, "", @progbits
