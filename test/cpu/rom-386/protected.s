/* Protected mode: descriptor checks, privilege levels, call gates, paging. */
.code16
protected:
  post 0x10
  movw $tables_end - tables, %cx
  movw $tables, %si
  movw $GDT, %di
  rep movsb %cs:(%si), %es:(%di)
  movw $IDT, %di
  movw $stubs, %ax
  movw $32, %cx
fill_gates:
  stosw
  movw %ax, %bx
  movw $0x08, %ax
  stosw
  movw $0x8e00, %ax
  stosw
  xorw %ax, %ax
  stosw
  leaw 8(%bx), %ax
  loop fill_gates
  lgdtl %cs:gdt_register
  lidtl %cs:idt_register
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmpl $0x08, $protected_start

.balign 8
gdt_register:
  .word tables_end - tables - 1
  .long GDT
idt_register:
  .word 0x43 * 8 - 1
  .long IDT
.macro descriptor base, limit, access, flags = 0
  .word (\limit) & 0xffff, (\base) & 0xffff
  .byte ((\base) >> 16) & 0xff, \access, (\flags) | (((\limit) >> 16) & 15), (\base) >> 24
.endm
tables:
  .quad 0
  descriptor 0xf0000, 0xffff, 0x9a, 0x40   /* 08 code */
  descriptor 0, 0xfffff, 0x92, 0xc0        /* 10 data */
  descriptor 0xf0000, 0xffff, 0xfa, 0x40   /* 18 code, ring 3 */
  descriptor 0, 0xfffff, 0xf2, 0xc0        /* 20 data, ring 3 */
  descriptor TSS_MAIN, 0x87, 0x89          /* 28 */
  descriptor TSS_OTHER, 0x67, 0x89         /* 30 */
  descriptor TSS_16, 0x2b, 0x81            /* 38 80286 TSS */
  descriptor WORK, 15, 0x92                /* 40 sixteen bytes */
  descriptor WORK, 0x0fff, 0x96            /* 48 expand down: above 0FFF */
  descriptor WORK, 15, 0x12                /* 50 not present */
  descriptor WORK, 15, 0x90                /* 58 read only */
  .word gate_target, 0x08, 0xec02, 0       /* 60 call gate of ring 3, two parameters */
  .word 0, 0x30, 0xe500, 0                 /* 68 task gate of ring 3 */
  descriptor 0xf0000, 0xffff, 0x9e, 0x40   /* 70 conforming code */
  descriptor 0xf0000, 0xffff, 0x9a         /* 78 16-bit code */
tables_end:

.code32
.set bits, 32
.balign 8
stubs:
.set vector, 0
.rept 32
  .balign 8
  .byte 0x6a, vector                       /* PUSH */
  jmp exception
  .set vector, vector + 1
.endr
/* Notes the exception and goes on in ring 0 where the test wants, whatever mode it came from. */
.balign 8
exception:
  pushl %eax
  movl $0x10, %eax
  movl %eax, %ds
  movl %eax, %es
  popl %eax
  popl FOUND_VECTOR
  movl $-1, FOUND_ERROR
  cmpl $8, FOUND_VECTOR
  jb 1f
  cmpl $9, FOUND_VECTOR
  je 1f
  cmpl $14, FOUND_VECTOR
  ja 1f
  popl FOUND_ERROR
1:
  popl FOUND_IP
  movl RESUME_SP, %esp
  jmp *RESUME

/* The instruction must raise the exception; error -1 for none. */
.macro faults vector, error, instruction:vararg
  expect_fault
8: \instruction
9: found \vector, \error, 8b
.endm
.macro expect_fault
  movl %esp, RESUME_SP
  movl $9f, RESUME
  movl $0x99, FOUND_VECTOR
.endm
.macro found vector, error, address
  is FOUND_VECTOR, \vector
  is FOUND_ERROR, \error
  is FOUND_IP, \address
.endm

protected_start:
  movl $0x10, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  xorl %eax, %eax
  movl %eax, %fs
  movl %eax, %gs
  movl $STACK, %esp
  movl $TSS_MAIN, %edi
  movl $0x200 / 4, %ecx
  rep stosl
  movl $STACK_INNER, TSS_MAIN + 4
  movl $0x10, TSS_MAIN + 8
  movw $0x68, TSS_MAIN + 0x66              /* I/O bitmap: bytes 68 to 86, then FF */
  movb $0xff, TSS_MAIN + 0x68 + 0x60 / 8   /* ports 60 to 67 */
  movb $0xff, TSS_MAIN + 0x87
  movl $0x28, %eax
  ltr %ax
  is GDT+0x2c, 0x00008b00                /* busy now */

  /* Loading segment registers. */
  faults 13, 0x28, movl %eax, %ds
  movl $0x50, %eax
  faults 11, 0x50, movl %eax, %ds
  faults 12, 0x50, movl %eax, %ss
  movl $0x58, %eax
  faults 13, 0x58, movl %eax, %ss
  movl $0x100, %eax
  faults 13, 0x100, movl %eax, %fs
  movl $0x13, %eax
  faults 13, 0x10, movl %eax, %ss
  movl $0x28, %eax
  faults 13, 0x28, ltr %ax
  xorl %eax, %eax
  faults 13, 0, movl %eax, %ss
  movl %eax, %fs
  faults 13, 0, movb %fs:0, %al
  /* Limits. */
  movl $0x40, %eax
  movl %eax, %fs
  movl %fs:12, %eax
  faults 13, 0, movl %fs:13, %eax
  faults 13, 0, movb %al, %fs:16
  is GDT+0x44, 0x00009300+(WORK>>16)  /* accessed now */
  movl $0x48, %eax
  movl %eax, %fs
  movb %fs:0x1000, %al
  movb %fs:0xffff, %al
  faults 13, 0, movb %fs:0xfff, %al
  faults 13, 0, movl %fs:0xfffe, %eax
  movl $0x58, %eax
  movl %eax, %fs
  movb %fs:0, %al
  faults 13, 0, movb %al, %fs:0
  faults 13, 0, movb %al, %cs:0
  /* LAR, LSL, VERR, VERW, ARPL. */
  movl $0x40, %eax
  lar %eax, %ebx
  must z
  cmpl $0x00009300, %ebx
  must e
  lsl %eax, %ecx
  must z
  cmpl $15, %ecx
  must e
  movl $0x10, %eax
  lsl %eax, %ecx
  cmpl $0xffffffff, %ecx
  must e
  movl $0x58, %eax
  verr %ax
  must z
  verw %ax
  must nz
  movl $0x60, %eax
  lsl %eax, %ecx
  must nz
  movl $0x10, %eax
  movl $0x23, %ecx
  arpl %cx, %ax
  must z
  cmpl $0x13, %eax
  must e
  /* Interrupts through bad gates; no INVLPG on this processor. */
  faults 13, 0x42*8+2, int $0x42
  faults 13, 0x50*8+2, int $0x50
  faults 6, -1, .byte 0x0f, 0x01, 0x38
  faults 0, -1, divb WORK+0x80
  name protected

  post 0x20
  jmp rings

/* The instruction, executed in ring 3, must raise the exception. Clobbers EAX and ECX before it. */
.macro user_faults vector, error, instruction:vararg
  expect_fault
  call to_ring3
8: \instruction
9: found \vector, \error, 8b
.endm
to_ring3:
  popl %eax
  movl $0x23, %ecx
  movl %ecx, %ds
  movl %ecx, %es
  pushl $0x23
  pushl $STACK_RING3
  pushl $0x1b
  pushl %eax
  lretl

rings:
  user_faults 13, 0, hlt
  user_faults 13, 0, cli
  user_faults 13, 0, sti
  user_faults 13, 0, clts
  user_faults 13, 0, movl %cr0, %eax
  user_faults 13, 0, lmsw %ax
  user_faults 13, 0, lgdt GDT
  user_faults 13, 0, inb $0x60, %al
  user_faults 13, 0, inw $0x5f, %ax
  user_faults 13, 0, outl %eax, $0x5d
  user_faults 13, 0, inw $0xff, %ax
  user_faults 13, 0x0d*8+2, int $0x0d
  movl $0x10, %ebx
  user_faults 13, 0x10, movl %ebx, %ds
  user_faults 13, 0x08, ljmp $0x08, $0
  user_faults 13, 0, movl %cs:0x10000, %eax
  /* Allowed ports, flags that do not change, a conforming segment. */
  expect_fault
  call to_ring3
  inb $0x80, %al
  pushl $0x3002 | 0x200
  popfl
  pushfl
  popl WORK
  ljmp $0x70, $1f
1:
  movl %cs, %ebx
  movzwl %bx, %ebx
  movl %ebx, WORK + 4
8: hlt
9: found 13, 0, 8b
  is WORK, 0x00000002
  is WORK+4, 0x73
  /* A call gate into ring 0 with parameters, and back. */
  expect_fault
  call to_ring3
  pushl $0x111
  pushl $0x222
  lcall $0x63, $0x12345678
  movl %esp, WORK + 8
8: hlt
9: found 13, 0, 8b
  is WORK, 0x222
  is WORK+4, 0x111
  is WORK+8, STACK_RING3
  is WORK+12, STACK_INNER-24
  name rings
  jmp paging
gate_target:
  movl 8(%esp), %eax
  movl %eax, WORK
  movl 12(%esp), %eax
  movl %eax, WORK + 4
  movl %esp, WORK + 12
  lretl $8
