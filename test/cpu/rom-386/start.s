/* A ROM that tests an 80386 by itself (Intel 386 DX Programmer's Reference Manual): this file has the layout of memory,
   what all parts share, and the reset vector. Each part writes its number to port 0x190 first and its name to 0xE9
   last; a part that fails writes 0xEE and halts. Labels are offsets in the ROM, whose segment is F000 in real and
   virtual-8086 mode and has base F0000 in protected mode; data are at physical 0 to FFFF, with DS base 0 in all modes. */

.set FOUND_VECTOR, 0x600
.set FOUND_IP, 0x604
.set FOUND_ERROR, 0x608
.set RESUME, 0x60c
.set RESUME_SP, 0x610
.set WORK, 0x700
.set IDT, 0x1000
.set GDT, 0x2000
.set TSS_MAIN, 0x3000
.set TSS_OTHER, 0x3100
.set TSS_16, 0x3200
.set PAGE_DIRECTORY, 0x4000
.set PAGE_TABLE, 0x5000
.set STACK, 0x8000
.set STACK_RING3, 0x9000
.set STACK_INNER, 0xa000
.set STACK_OTHER, 0xb000

.macro post code
  movw $0x190, %dx
  movb $\code, %al
  outb %al, %dx
.endm
/* Text on the debug console; clobbers AL and (E)SI. */
.macro name text
  .if bits == 16
  movw $777\@f, %si
  .else
  movl $777\@f, %esi
  .endif
776\@:
  .if bits == 16
  movb %cs:(%si), %al
  incw %si
  .else
  movb %cs:(%esi), %al
  incl %esi
  .endif
  outb %al, $0xe9
  cmpb $10, %al
  jne 776\@b
  jmp 775\@f
777\@: .ascii "\text\n"
775\@:
.endm
.macro must condition
  j\condition 1f
  .if bits == 16
  call failed_16
  .else
  call failed_32
  .endif
1:
.endm
/* 32-bit cell at a physical address below 64 KiB must have a value. */
.macro is cell, value
  cmpl $\value, \cell
  must e
.endm

.text
.code16
.set bits, 16
_start:
  cli
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw $STACK, %sp
