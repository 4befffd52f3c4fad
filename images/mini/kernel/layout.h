/* Numbers shared by the C and assembler files of the mini kernel: selectors, the address map, page and control bits.
 *
 * The address map is that of every previrt guest: user below 0x80000000, kernel from there to 0xBC000000.
 * Page and CR0 bits: Intel SDM volume 3, 4.3 and 2.5.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#define KERNEL_OFFSET 0x80000000
#define PHYSICAL(symbol) ((symbol) - KERNEL_OFFSET)
/* The kernel uses the first 16 MiB of memory, mapped by four page tables. */
#define LINEAR_TABLES 4
#define FRAME_COUNT (LINEAR_TABLES * 1024)

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS 0x1B
#define USER_DS 0x23
#define TSS_SELECTOR 0x28
#define TLS_SELECTOR 0x33
#define LDT_SELECTOR 0x38

#define PAGE_PRESENT 0x001
#define PAGE_WRITE 0x002
#define PAGE_USER 0x004
#define PAGE_ACCESSED 0x020
#define PAGE_DIRTY 0x040
/* Bits 9 to 11 of an entry belong to software: this page is shared until it is written. */
#define PAGE_COPY_ON_WRITE 0x200

#define CR0_MP 0x00000002
#define CR0_EM 0x00000004
#define CR0_TS 0x00000008
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_PG 0x80000000
#define CR4_OSFXSR 0x200
#define CR4_OSXMMEXCPT 0x400

#define EFLAGS_CF 0x0001
#define EFLAGS_ZF 0x0040
#define EFLAGS_TF 0x0100
#define EFLAGS_IF 0x0200
#define EFLAGS_DF 0x0400
#define EFLAGS_USER 0x0CD5

#define VECTOR_INVALID_OPCODE 6
#define VECTOR_GENERAL_PROTECTION 13
#define VECTOR_PAGE_FAULT 14
#define VECTOR_IRQ_BASE 0x20
#define VECTOR_SELF_CHECK 0x30
#define VECTOR_SYSTEM_CALL 0x80

/* User half. */
#define USER_IMAGE_START 0x00400000
#define USER_MAP_START 0x10000000
#define USER_STACK_TOP 0x7FFF0000
#define USER_STACK_BYTES 0x00010000

#define TICKS_PER_SECOND 100

#endif
