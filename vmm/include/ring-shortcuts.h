/* The short ways between user mode and guest kernel for ring-entry.h: INT 0x80 of user code through the guest's interrupt
 * gate, and IRET of the kernel, where every descriptor on the way is the one that the long way has checked (shortcuts.c),
 * the kernel's stack is known to be writable and nothing else is to be done. Assembler text.
 */
#include "guest-access.h"

#define REGISTER(n) (VCPU_REGISTERS + 4 * (n))
#define SELECTOR(n) (VCPU_SELECTORS + 4 * (n))
/* The members of struct seen. */
#define SEEN_ADDRESS 4
#define SEEN_LOW 8
#define SEEN_HIGH 12
/* Bits of vmm_work (front.h). */
#define WORK_COMMIT 4
#define WORK_ASKED 8
/* TF, NT, RF, VM. */
#define FLAGS_CLEARED_BY_GATES 0x34100

    .text
    /* The descriptor behind `seen` is still the same. Changes EAX and ECX. */
    .macro unchanged seen, slow
    movl \seen + SEEN_ADDRESS, %ecx
    guest_access \slow, movl (%ecx), %eax
    cmpl %eax, \seen + SEEN_LOW
    jne \slow
    guest_access \slow, movl 4(%ecx), %eax
    cmpl %eax, \seen + SEEN_HIGH
    jne \slow
    .endm

    .macro same_selector register, index
    movl %\register, %eax
    cmpw %ax, %ss:user_selectors + 4 * \index
    jne software_long
    .endm

    /* On the VMM's stack: EIP, CS, EFLAGS, ESP, SS. */
ring_software:
    movl %eax, %ss:REGISTER(0)
    testb $USER_BIT, 4(%esp)
    jz software_long
    same_selector ds, SEGMENT_DS
    same_selector es, SEGMENT_ES
    same_selector fs, SEGMENT_FS
    same_selector gs, SEGMENT_GS
    movl $RING_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %ecx, REGISTER(1)
    unchanged gate_seen, software_restore
    unchanged kernel_code, software_restore
    unchanged kernel_stack, software_restore
    movl task_seen + SEEN_ADDRESS, %ecx
    guest_access software_restore, movl 8(%ecx), %eax
    cmpw %ax, task_seen
    jne software_restore
    guest_access software_restore, movl 4(%ecx), %eax
    /* All of the frame, and of an event's below it, in one page that is writable. */
    leal -1024(%eax), %ecx
    subl entry_page, %ecx
    cmpl $3072, %ecx
    ja software_restore
    /* IF set, IOPL 0. */
    cmpw $1, VCPU_INTERRUPT_FLAG
    jne software_restore
    movl 8(%esp), %ecx
    testl $FLAGS_CLEARED_BY_GATES, %ecx
    jnz software_restore
    movl %ecx, -12(%eax)
    movl (%esp), %ecx
    movl %ecx, -20(%eax)
    movzwl 4(%esp), %ecx
    movl %ecx, -16(%eax)
    movl 12(%esp), %ecx
    movl %ecx, -8(%eax)
    movzwl 16(%esp), %ecx
    movl %ecx, -4(%eax)
    movl kernel_code, %ecx
    movl %ecx, SELECTOR(SEGMENT_CS)
    movl kernel_stack, %ecx
    movl %ecx, SELECTOR(SEGMENT_SS)
    /* IF, IOPL, CPL, halted. */
    movl $0, VCPU_INTERRUPT_FLAG
    incl VCPU_DELIVERED + 4
    movl 8(%esp), %ecx
    leal -20(%eax), %esp
    /* Of the user's flags only the arithmetic ones have changed: set again without POPF, which is slow. */
    movl %ecx, %eax
    shrl $11, %eax
    andb $1, %al
    addb $0x7F, %al
    movb %cl, %ah
    sahf
    movl REGISTER(0), %eax
    movl REGISTER(1), %ecx
    jmp *gate_seen

software_restore:
    movl REGISTER(1), %ecx
    movl SELECTOR(SEGMENT_ES), %eax
    movl %eax, %es
    movl SELECTOR(SEGMENT_DS), %eax
    movl %eax, %ds
software_long:
    movl %ss:REGISTER(0), %eax
    pushl $0
    pushl $0x80
    jmp ring_trap

    /* On the guest's stack: return address (nothing of it is needed), EIP, CS, EFLAGS and, to user mode, ESP and SS. */
    .globl short_iret
short_iret:
    movl %eax, REGISTER(0)
    movl %ecx, REGISTER(1)
    pushfl
    testl $FLAGS_CLEARED_BY_GATES, (%esp)
    jnz iret_long
    movl 12(%esp), %eax
    cmpw %ax, user_code
    jne iret_kernel
    movl 16(%esp), %eax
    testl %eax, unusual_flags
    jnz iret_long
    testl $0x200, %eax
    jz iret_long
    movl 24(%esp), %eax
    cmpw %ax, user_stack
    jne iret_long
    unchanged user_code, iret_long
    unchanged user_stack, iret_long
    cmpl $0, vmm_work
    jne iret_work
iret_settled:
    cmpl $0, watched_count
    jne iret_watched
iret_user:
    /* From here on the guest is in user mode; its state is the frame. */
    movl user_code, %eax
    movl %eax, SELECTOR(SEGMENT_CS)
    movl user_stack, %eax
    movl %eax, SELECTOR(SEGMENT_SS)
    /* IF, IOPL, CPL, halted. */
    movl $0x00030001, VCPU_INTERRUPT_FLAG
    leal 8(%esp), %esp
    .globl short_exit_start, short_exit_end
short_exit_start:
    cmpl $0, VCPU_ATTENTION
    jne iret_attention
    movl REGISTER(1), %ecx
    movl SELECTOR(SEGMENT_ES), %eax
    movl %eax, %es
    movl SELECTOR(SEGMENT_DS), %eax
    movl %eax, %ds
    movl %ss:REGISTER(0), %eax
    iret
short_exit_end:

    /* Something is to be done first: the frame and the registers become the state of the guest. */
iret_attention:
    movl %edx, REGISTER(2)
    movl %ebx, REGISTER(3)
    movl %ebp, REGISTER(5)
    movl %esi, REGISTER(6)
    movl %edi, REGISTER(7)
    popl VCPU_EIP
    popl %eax
    popl VCPU_EFLAGS
    popl REGISTER(4)
    movl $vmm_stack_top, %esp
    jmp vmm_resume

    /* Page tables are to be committed, and nothing else. FS and GS may have been hidden with the user half. */
iret_work:
    testl $~(WORK_COMMIT | WORK_ASKED), vmm_work
    jnz iret_long
    movl %edx, REGISTER(2)
    movl %esp, VCPU_SCRATCH
    movl $vmm_stack_top, %esp
    cld
    call vmm_settle
    movl VCPU_SCRATCH, %esp
    movl REGISTER(2), %edx
    movl SELECTOR(SEGMENT_FS), %eax
    movl %eax, %fs
    movl SELECTOR(SEGMENT_GS), %eax
    movl %eax, %gs
    jmp iret_settled

iret_long:
    popfl
    movl REGISTER(0), %eax
    movl REGISTER(1), %ecx
    jmp enter_iret

    /* Descriptors that user code may load. */
iret_watched:
    movl %edx, REGISTER(2)
    movl watched_count, %edx
    shll $4, %edx
1:  subl $16, %edx
    movl watched + SEEN_ADDRESS(%edx), %ecx
    guest_access iret_watched_long, movl (%ecx), %eax
    cmpl %eax, watched + SEEN_LOW(%edx)
    jne iret_watched_long
    guest_access iret_watched_long, movl 4(%ecx), %eax
    cmpl %eax, watched + SEEN_HIGH(%edx)
    jne iret_watched_long
    testl %edx, %edx
    jnz 1b
    movl REGISTER(2), %edx
    jmp iret_user
iret_watched_long:
    movl REGISTER(2), %edx
    jmp iret_long

    /* To kernel code. */
iret_kernel:
    cmpw %ax, kernel_code
    jne iret_long
    movl 16(%esp), %eax
    testl %eax, unusual_flags
    jnz iret_long
    cmpw $0, VCPU_IOPL
    jne iret_long
    unchanged kernel_code, iret_long
    movl 16(%esp), %eax
    movl %eax, %ecx
    shrl $9, %ecx
    andl $1, %ecx
    movb %cl, VCPU_INTERRUPT_FLAG
    movl 8(%esp), %ecx
    movl %ecx, VCPU_EIP
    orl $0x200, %eax
    movl %eax, 16(%esp)
    movl REGISTER(0), %eax
    leal 16(%esp), %esp
    popfl
    jmp vmm_tail_start
