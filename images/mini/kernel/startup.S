/* Entry of the mini kernel, and the way to paging and to high addresses.
 *
 * Entered in protected mode with paging off, either by a multiboot loader (EAX = 0x2BADB002, EBX = information) or by
 * the 32-bit Linux boot protocol (ESI = zero page). Runs at physical addresses until CR0.PG is set
 * (Intel SDM volume 3, 9.8: mode switching). Leaves out modules, A20 and every BIOS service.
 */
#include "layout.h"

    .section .multiboot, "a"
    .balign 4
    .long 0x1BADB002, 0x00000002, -(0x1BADB002 + 0x00000002)

    .section .init.text, "ax"
    .globl startup
startup:
    cld
    movl %eax, PHYSICAL(boot_magic)
    movl %ebx, PHYSICAL(boot_multiboot)
    movl %esi, PHYSICAL(boot_zero_page)
    movl $PHYSICAL(boot_stack_top), %esp
    lgdt PHYSICAL(boot_gdt_register)
    ljmp $KERNEL_CS, $PHYSICAL(1f)
1:
    movl $KERNEL_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs

    /* The linear map of all memory that the kernel uses: one run of page tables. */
    movl $PHYSICAL(linear_tables), %edi
    movl $(PAGE_PRESENT | PAGE_WRITE), %eax
    movl $(LINEAR_TABLES * 1024), %ecx
2:
    movl %eax, (%edi)
    addl $4096, %eax
    addl $4, %edi
    decl %ecx
    jnz 2b

    /* Directory: slot 0 (identity, dropped by the kernel) and the slots from KERNEL_OFFSET on. */
    movl $PHYSICAL(linear_tables) + (PAGE_PRESENT | PAGE_WRITE), %eax
    movl %eax, PHYSICAL(kernel_directory)
    movl $PHYSICAL(kernel_directory) + (KERNEL_OFFSET >> 20), %edi
    movl $LINEAR_TABLES, %ecx
3:
    movl %eax, (%edi)
    addl $4096, %eax
    addl $4, %edi
    decl %ecx
    jnz 3b

    movl $PHYSICAL(kernel_directory), %eax
    movl %eax, %cr3
    movl %cr0, %eax
    orl $(CR0_PG | CR0_WP | CR0_NE | CR0_MP), %eax
    andl $~(CR0_EM | CR0_TS), %eax
    movl %eax, %cr0
    movl $4f, %eax
    jmp *%eax
4:
    lgdt boot_gdt_register_high
    movl $boot_stack_top, %esp
    xorl %ebp, %ebp
    call kernel_main
5:
    hlt
    jmp 5b

    .section .data
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00CF9A000000FFFF
    .quad 0x00CF92000000FFFF
boot_gdt_register:
    .word 23
    .long PHYSICAL(boot_gdt)
boot_gdt_register_high:
    .word 23
    .long boot_gdt
    .globl boot_magic, boot_multiboot, boot_zero_page
    .balign 4
boot_magic:
    .long 0
boot_multiboot:
    .long 0
boot_zero_page:
    .long 0

    .section .bss.page, "aw", @nobits
    .balign 4096
    .globl kernel_directory, linear_tables
kernel_directory:
    .skip 4096
linear_tables:
    .skip LINEAR_TABLES * 4096
boot_stack:
    .skip 4096
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
