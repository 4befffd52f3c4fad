# Multiboot entry, and the way into real-address mode for one instruction and back: the trap flag is set, and every
# interrupt vector leads to a stub that keeps the registers and the frame. The part between `low` and `low_end` is copied
# to 0700:0000, because it runs below 1 MiB.

  .set REAL, 0x700
  .text
  .align 4
  .long 0x1badb002, 0, -0x1badb002  # multiboot header
  .space 0x11000                    # what FFFF:FFFF reaches holds nothing of ours

  .globl _start
_start:
  cli
  mov $stack_top, %esp
  push $0
  popf
  call main
1:
  hlt
  jmp 1b

  .globl run_real
run_real:
  pusha
  mov %esp, saved_esp
  lgdt tables
  lidt vectors
  ljmp $0x18, $to_real - low
back:
  mov $0x10, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  mov %eax, %ss
  mov saved_esp, %esp
  push $0
  popf
  popa
  ret

  .code16
  .globl low, low_end, area
low:
to_real:
  mov $0x20, %ax
  mov %ax, %ds
  mov %ax, %es
  mov %ax, %fs
  mov %ax, %gs
  mov %ax, %ss
  mov %cr0, %eax
  and $0xfe, %al
  mov %eax, %cr0
  ljmp $REAL, $1f - low
1:
  mov %cs:area - low + 36, %ss
  mov %cs:area - low + 16, %esp
  pushw %cs:area - low + 46
  pushw %cs:area - low + 34
  pushw %cs:area - low + 44
  mov %cs:area - low + 32, %es
  mov %cs:area - low + 40, %fs
  mov %cs:area - low + 42, %gs
  mov %cs:area - low + 38, %ds
  mov %cs:area - low + 0, %eax
  mov %cs:area - low + 4, %ecx
  mov %cs:area - low + 8, %edx
  mov %cs:area - low + 12, %ebx
  mov %cs:area - low + 20, %ebp
  mov %cs:area - low + 24, %esi
  mov %cs:area - low + 28, %edi
  iretw
seen:
  mov %eax, %cs:area - low + 0
  mov %ecx, %cs:area - low + 4
  mov %edx, %cs:area - low + 8
  mov %ebx, %cs:area - low + 12
  mov %esp, %cs:area - low + 16
  mov %ebp, %cs:area - low + 20
  mov %esi, %cs:area - low + 24
  mov %edi, %cs:area - low + 28
  mov %es, %cs:area - low + 32
  mov %ss, %cs:area - low + 36
  mov %ds, %cs:area - low + 38
  mov %fs, %cs:area - low + 40
  mov %gs, %cs:area - low + 42
  mov %sp, %bx
  mov %ss:(%bx), %ax
  mov %ax, %cs:area - low + 44
  mov %ss:2(%bx), %ax
  mov %ax, %cs:area - low + 34
  mov %ss:4(%bx), %ax
  mov %ax, %cs:area - low + 46
  lgdtl %cs:tables_low - low
  mov %cr0, %eax
  or $1, %al
  mov %eax, %cr0
  ljmpl $8, $back
tables_low:
  .word 0x27
  .long gdt
  .balign 4
area:
  .fill 13, 4, 0
  .globl stubs
stubs:
  .set vector, 0
  .rept 256
  movb $vector, %cs:area - low + 48
  .byte 0xe9
  .word seen - . - 2
  .set vector, vector + 1
  .endr
low_end:

  .data
  .balign 8
gdt:
  .quad 0, 0xcf9b000000ffff, 0xcf93000000ffff, 0x009b007000ffff, 0x0093000000ffff
tables:
  .word 0x27
  .long gdt
vectors:
  .word 0x3ff
  .long 0
saved_esp: .long 0
  .bss
  .space 16384
stack_top:
  .section .note.GNU-stack, "", @progbits
