/* The commonest operations of kernels, each with an operand of its own (DIRECT_OPERATIONS): where nothing is to be done but
 * what one expects, in a few instructions, with the guest's registers and stack in place; else they go on as every
 * operation does. The return address is the site's end.
 *
 * The last look at attention and what follows it is a tail: an event that comes in between must be seen (vmm_resume_point
 * starts the tail again or, at its end, sends its RET to direct_interrupted).
 */
#include "guest-access.h"
#include "operations.h"
#include "virtual-cpu.h"

#define REGISTER(n) (VCPU_REGISTERS + 4 * (n))
#define SAVED_FLAGS (VCPU_SCRATCH + 4)
/* The members of struct operand. */
#define OPERAND_REG 2
#define OPERAND_BASE 3
/* Flags, ModRM operand, index and scale: a doubleword. */
#define OPERAND_FORM 4
#define OPERAND_OPCODE 8
#define OPERAND_DISPLACEMENT 12
#define OPERAND_IMMEDIATE 16
/* The members of struct held. */
#define HELD_SHOWN 4
#define HELD_KNOWN 8
#define HELD_LIVE 12
#define HELD_SPACE 16
#define HELD_START 20
/* Bits of table entries, and of vmm_work (front.h). */
#define PRESENT 1
#define DIRTY 0x40
#define WORK_COMMIT 4

    .text
    /* The arithmetic flags, which are all that comparing changes, without PUSHF and POPF, which are slow. */
    .macro save_flags
    movl %eax, REGISTER(0)
    lahf
    seto %al
    movl %eax, SAVED_FLAGS
    .endm
    .macro restore_flags
    movl SAVED_FLAGS, %eax
    addb $0x7F, %al
    sahf
    movl REGISTER(0), %eax
    .endm

    /* EAX and the flags are saved. On the stack: return address and `bytes` that the instruction takes away. */
    .macro tail bytes
8:  cmpl $0, VCPU_ATTENTION
    jne interrupted_\bytes
    restore_flags
7:  ret $\bytes
    .pushsection vmm_tails, "a"
    .long 8b, 7b
    .popsection
    .endm

interrupted_0:
    restore_flags
    popl VCPU_EIP
    .globl direct_interrupted
direct_interrupted:
    movl %ecx, REGISTER(1)
    jmp fast_interrupted
interrupted_4:
    restore_flags
    popl VCPU_EIP
    leal 4(%esp), %esp
    jmp direct_interrupted

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

#define LONG(number, name, ...) long_##name: restore_flags; enter_##name: movl %eax, REGISTER(0); movl $number, %eax; jmp enter ;
    DIRECT_OPERATIONS(LONG)

    .globl direct_vectors
#define ENTRY(number, name, ...) .globl direct_##name ;
    DIRECT_OPERATIONS(ENTRY)

direct_sti_direct:
    save_flags
    movb $1, VCPU_INTERRUPT_FLAG
    tail 0

    /* The result takes the place of the return address. IF is always set in the real flags. */
direct_pushf_direct:
    save_flags
    movl %ecx, REGISTER(1)
    pushfl
    popl %eax
    cmpb $0, VCPU_IOPL
    jne long_pushf_direct
    movzbl VCPU_INTERRUPT_FLAG, %ecx
    andl $~0x33200, %eax
    shll $9, %ecx
    orl %ecx, %eax
    movl (%esp), %ecx
    movl %eax, (%esp)
    movl %ecx, VCPU_EIP
    restore_flags
    jmp vmm_tail_start

direct_popf_direct:
    save_flags
    movl %ecx, REGISTER(1)
    cmpb $0, VCPU_IOPL
    jne long_popf_direct
    movl 4(%esp), %eax
    testl %eax, unusual_flags
    jne long_popf_direct
    movl (%esp), %ecx
    movl %ecx, VCPU_EIP
    movl %eax, %ecx
    shrl $9, %ecx
    andl $1, %ecx
    movb %cl, VCPU_INTERRUPT_FLAG
    orl $0x200, %eax
    movl %eax, 4(%esp)
    leal 4(%esp), %esp
    popfl
    movl REGISTER(0), %eax
    .globl vmm_tail_start, vmm_tail_end
    /* EAX and all flags are the guest's; ECX is saved. */
vmm_tail_start:
    movl VCPU_ATTENTION, %ecx
    jecxz 1f
    jmp fast_interrupted
1:  movl REGISTER(1), %ecx
    jmp *VCPU_EIP
vmm_tail_end:

    /* EAX is the return address: the site's end takes its place. Changes ECX. */
    .macro to_site_end
    movzbl (%ecx), %ecx
    leal -6(%eax,%ecx), %eax
    movl %eax, (%esp)
    .endm

    /* A store to a table. The number of the operand lies behind the return address. MOV and XCHG of a doubleword are done
     * here in the page that such a store has hit last and that turned out to be no table in use. */
    .globl short_store
short_store:
    save_flags
    movl %ecx, REGISTER(1)
    movl %edx, REGISTER(2)
    movl %ebx, REGISTER(3)
    leal 4(%esp), %eax
    movl %ebp, REGISTER(5)
    movl %eax, REGISTER(4)
    movl %esi, REGISTER(6)
    movl (%esp), %eax
    movl %edi, REGISTER(7)
    movzwl (%eax), %ecx
    leal (%ecx,%ecx,4), %ecx
    leal OPERAND_TABLE(,%ecx,4), %ecx
    /* Memory by a base register, or none, and no index; no prefix. */
    cmpl $OPERAND_NONE << 16 | OPERAND_MEMORY << 8, OPERAND_FORM(%ecx)
    jne 2f
    movzbl OPERAND_BASE(%ecx), %ebx
    movl OPERAND_DISPLACEMENT(%ecx), %edx
    testb %bl, %bl
    js 1f
    addl VCPU_REGISTERS(,%ebx,4), %edx
1:  movl %edx, %ebx
    andl $0xFFFFF003, %ebx
    cmpl %ebx, store_page
    jne 4f
    cmpl $0x89, OPERAND_OPCODE(%ecx)
    jne 3f
    movzbl OPERAND_REG(%ecx), %ebx
    movl VCPU_REGISTERS(,%ebx,4), %ebx
1:  movl %ebx, (%edx)
    to_site_end
    movl REGISTER(1), %ecx
    movl REGISTER(2), %edx
    movl REGISTER(3), %ebx
    tail 0
3:  movl OPERAND_IMMEDIATE(%ecx), %ebx
    cmpl $0xC7, OPERAND_OPCODE(%ecx)
    je 1b
    movl REGISTER(0), %ebx
    cmpl $0xA3, OPERAND_OPCODE(%ecx)
    je 1b
    cmpl $0x87, OPERAND_OPCODE(%ecx)
    jne 2f
    movzbl OPERAND_REG(%ecx), %esi
    movl VCPU_REGISTERS(,%esi,4), %ebx
    xchgl %ebx, (%edx)
    movl %ebx, VCPU_REGISTERS(,%esi,4)
    to_site_end
    jmp store_done
    /* EBX and the entry at EDX change places. Changes ESI and EBP. */
    .macro exchange
    movzbl OPERAND_REG(%ecx), %esi
    movl (%edx), %ebp
    movl %ebp, VCPU_REGISTERS(,%esi,4)
    movl %ebx, (%edx)
    .endm

    /* In the tracked table that was stored to last, EBX to the entry at offset EDX. */
4:  cmpl %ebx, held
    jne 2f
    andl $0xFFC, %edx
    movl OPERAND_IMMEDIATE(%ecx), %ebx
    cmpl $0xC7, OPERAND_OPCODE(%ecx)
    je 5f
    movzbl OPERAND_REG(%ecx), %ebx
    movl VCPU_REGISTERS(,%ebx,4), %ebx
    cmpl $0x89, OPERAND_OPCODE(%ecx)
    je 5f
    cmpl $0x87, OPERAND_OPCODE(%ecx)
    jne 2f
5:  movl held + HELD_KNOWN, %edi
    cmpl $0, (%edi,%edx)
    jne 6f
    /* Nothing is mapped by it, and it stays so unless it is dirty. */
    testb $DIRTY, %bl
    jnz 2f
    addl held + HELD_SHOWN, %edx
    cmpl $0x87, OPERAND_OPCODE(%ecx)
    je 5f
    movl %ebx, (%edx)
    to_site_end
    movl REGISTER(1), %ecx
    movl REGISTER(2), %edx
    movl REGISTER(3), %ebx
    movl REGISTER(7), %edi
    tail 0
5:  exchange
    to_site_end
    jmp store_done
    /* What is mapped by it is taken away. */
6:  testb $PRESENT, %bl
    jnz 2f
    cmpl $0xC7, OPERAND_OPCODE(%ecx)
    jne 5f
    movl held + HELD_LIVE, %ebp
    movzwl (%ebp), %ebp
    cmpl held_much, %ebp
    jae 2f
5:  movl $0, (%edi,%edx)
    movl %edx, %edi
    shll $10, %edi
    orl held + HELD_START, %edi
    addl held + HELD_SHOWN, %edx
    cmpl $0x87, OPERAND_OPCODE(%ecx)
    je 5f
    movl %ebx, (%edx)
    jmp 7f
5:  exchange
7:  to_site_end
    movl held + HELD_LIVE, %eax
    decw (%eax)
    incl VCPU_SHADOW_UPDATES
    orl $WORK_COMMIT, vmm_work
    movl %esp, VCPU_SCRATCH
    movl $vmm_stack_top, %esp
    cld
    pushl %edi
    pushl held + HELD_SPACE
    call backend_unmap
    movl VCPU_SCRATCH, %esp
    jmp store_done

2:  movl %esp, VCPU_SCRATCH
    movl $vmm_stack_top, %esp
    cld
    call vmm_short_store
    movl VCPU_SCRATCH, %esp
    testl %eax, %eax
    jz 1f
    movl %eax, (%esp)
store_done:
    movl REGISTER(1), %ecx
    movl REGISTER(2), %edx
    movl REGISTER(3), %ebx
    movl REGISTER(5), %ebp
    movl REGISTER(6), %esi
    movl REGISTER(7), %edi
    tail 0
1:  movl REGISTER(1), %ecx
    movl REGISTER(2), %edx
    movl REGISTER(3), %ebx
    movl REGISTER(5), %ebp
    movl REGISTER(6), %esi
    movl REGISTER(7), %edi
    restore_flags
    jmp enter_store

    /* Operations that change EAX and EDX at most and are done by C functions, which return the site's end, given the end of
     * its call; else 0. */
    .macro short name
    .globl short_\name
short_\name:
    save_flags
    movl %ecx, REGISTER(1)
    movl %edx, REGISTER(2)
    movl (%esp), %eax
    movl %esp, VCPU_SCRATCH
    movl $vmm_stack_top, %esp
    cld
    call vmm_short_\name
    movl VCPU_SCRATCH, %esp
    movl REGISTER(1), %ecx
    movl REGISTER(2), %edx
    testl %eax, %eax
    jz 1f
    movl %eax, (%esp)
    /* WORK_TIMER. */
    testb $1, vmm_work
    jne interrupted_0
    tail 0
1:  restore_flags
    jmp enter_\name
    .endm

    short in
    short out
    short rdtsc

    /* A selector that its register holds already, by a descriptor that is still the same. EAX and the flags are saved; the
     * selector has been compared. */
    .macro same segment, slow
    jne \slow
    movl segments_seen + 16 * \segment + 4, %eax
    guest_access \slow, movl 4(%eax), %eax
    cmpl %eax, segments_seen + 16 * \segment + 12
    jne \slow
    movl segments_seen + 16 * \segment + 4, %eax
    guest_access \slow, movl (%eax), %eax
    cmpl %eax, segments_seen + 16 * \segment + 8
    jne \slow
    .endm

    .macro pop_to name, segment
direct_pop_\name:
    save_flags
    movl 4(%esp), %eax
    cmpw %ax, segments_seen + 16 * \segment
    same \segment, long_pop_\name
    tail 4
    .endm

    .macro move_to name, segment, register
direct_mov_e\register\()_to_\name:
    save_flags
    .ifc \register, ax
    movl REGISTER(0), %eax
    .endif
    cmpw %\register, segments_seen + 16 * \segment
    same \segment, long_mov_e\register\()_to_\name
    tail 0
    .endm

    .macro segment name, number
    pop_to \name, \number
    .irp register, ax, cx, dx
    move_to \name, \number, \register
    .endr
    .endm

    segment es, SEGMENT_ES
    segment ds, SEGMENT_DS
    segment fs, SEGMENT_FS
    segment gs, SEGMENT_GS

    .section .note.GNU-stack, "", @progbits
