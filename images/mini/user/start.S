/* First instructions of the mini user program, its upcall entry, and its two ways into the kernel. */
    .section .text.start, "ax"
    .globl start
start:
    call user_main
    movl %eax, %ebx
    movl $1, %eax
    int $0x80

    .text
    /* The kernel enters here with EAX and ESP at the context. */
    .globl upcall_entry
upcall_entry:
    movl %eax, %ebx
    pushl %eax
    cld
    call upcall
    movl $14, %eax
    int $0x80

    /* system_call_by_interrupt(number, a, b, c) and system_call_by_sysenter(number, a, b, c) */
    .macro load_arguments
    pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
    movl 20(%esp), %eax
    movl 24(%esp), %ebx
    movl 28(%esp), %esi
    movl 32(%esp), %edi
    .endm

    .globl system_call_by_interrupt
system_call_by_interrupt:
    load_arguments
    int $0x80
1:  popl %ebp
    popl %edi
    popl %esi
    popl %ebx
    ret

    .globl system_call_by_sysenter
system_call_by_sysenter:
    load_arguments
    movl %esp, %ecx
    movl $1b, %edx
    sysenter

    .section .note.GNU-stack, "", @progbits
