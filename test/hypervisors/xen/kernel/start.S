/* Entry of a small paravirtual kernel: notes, stack, the page of hypercalls, and a frame for each trap. */
    .section .note.Xen, "a", @note
.macro note type, desc:vararg
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \desc
2:  .balign 4
.endm
    note 6, .asciz "test"
    note 5, .asciz "xen-3.0"
    note 8, .asciz "generic"
    note 9, .asciz "yes"
    note 3, .long VIRT_BASE
    note 4, .long 0
    note 1, .long _start
    note 2, .long hypercall_page

    .section .text
    .globl _start
_start:
    movl %esp, %ebx
    movl $stack_top, %esp
    pushl %ebx
    pushl %esi
    call kernel_main
1:  jmp 1b

    .balign 4096
    .globl hypercall_page
hypercall_page:
    .skip 4096

/* Stubs of traps: the handler gets the frame; a trap without error code has 0 there. */
.macro stub vector
    .globl trap_\vector
trap_\vector:
    pushl $0
    pushl $\vector
    jmp common
.endm
.macro stub_error vector
    .globl trap_\vector
trap_\vector:
    pushl $\vector
    jmp common
.endm
    stub 0
    stub 1
    stub 3
    stub 4
    stub 6
    stub 7
    stub_error 10
    stub_error 11
    stub_error 12
    stub_error 13
    stub_error 14
    stub 0x80
    stub 0x90
    stub 0xff

    .globl event_entry
event_entry:
    pushl $0
    pushl $0x100
    jmp common
    .globl failsafe_entry
failsafe_entry:
    addl $16, %esp
    pushl $0
    pushl $0x101
    jmp common

common:
    cld
    pusha
    pushl %ds
    pushl %es
    movl $0xe021, %eax
    movl %eax, %ds
    movl %eax, %es
    pushl %esp
    call trap
    addl $4, %esp
    popl %es
    popl %ds
    popa
    addl $8, %esp
    iret

/* int probe(code): calls code with a way out; what a trap handler returns here is in EAX. */
    .globl probe
probe:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %esp, probe_stack
    movl $probe_out, probe_eip
    call *20(%esp)
    xorl %eax, %eax
    .globl probe_out
probe_out:
    movl probe_stack, %esp
    movl $0, probe_eip
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

/* int user(eip, esp): runs ring 3 until it traps. */
    .globl run_user
run_user:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %esp, probe_stack
    movl $probe_out, probe_eip
    movl 20(%esp), %eax
    movl 24(%esp), %edx
    pushl $0xe033
    pushl %edx
    pushl $0x202
    pushl $0xe02b
    pushl %eax
    movl $0xe033, %eax
    movl %eax, %ds
    movl %eax, %es
    iret

    .section .bss
    .balign 4096
    .skip 16384
    .globl stack_top
stack_top:
    .globl probe_stack, probe_eip
probe_stack: .long 0
probe_eip: .long 0
    .section .note.GNU-stack, "", @progbits
