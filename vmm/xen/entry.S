/* The notes of the image, its entry, the trap stubs and the event callback. The VMM runs in ring 1 with the guest kernel;
 * every trap of either arrives on the stack in use, and those of user code on the VMM's own (stack_switch).
 */
#include "xen-abi.h"
#include "virtual-cpu.h"

    .macro note type, value:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \value
2:  .balign 4
    .popsection
    .endm

    note 1, .long vmm_entry
    note 3, .long WINDOW_START
    note 4, .long WINDOW_START
    note 5, .asciz "xen-3.0"
    note 6, .asciz "previrt"
    note 8, .asciz "generic"
    note 9, .asciz "yes"

    .text
    .globl vmm_entry
vmm_entry:
    movl $vmm_stack_top, %esp
    cld
    pushl %esi
    call xen_start

    .macro stub vector
    .balign 16
    .if (\vector != 8) && (\vector != 10) && (\vector != 11) && (\vector != 12) && (\vector != 13) && (\vector != 14) && (\vector != 17)
    pushl $0
    .endif
    pushl $\vector
    jmp ring_trap
    .endm

    .balign 16
    .globl xen_stubs
xen_stubs:
    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19
    stub \vector
    .endr
    .globl xen_stub_80, xen_event, xen_failsafe
    .balign 16
xen_stub_80:
    jmp ring_software
    /* No exception has this number: an event. */
    .balign 16
xen_event:
    pushl $0
    pushl $0x20
    jmp ring_trap
    /* A selector could not be loaded on the way to user mode: DS, ES, FS and GS lie below the frame. */
xen_failsafe:
    addl $16, %esp
    pushl $0
    pushl $0x21
    jmp ring_trap

    .macro FAULT_ADDRESS register
    movl WINDOW_BACKEND + 8, \register
    .endm
#define RING_DATA XEN_DS
#include "ring-entry.h"

    .section .note.GNU-stack, "", @progbits
