/* Real-address mode: exceptions by the vector table, what the 80386 has not, arithmetic, far transfers. */
.code16
  post 0x01
  cld
  xorw %di, %di
  xorw %bx, %bx
fill_vectors:
  leaw real_stubs(%bx), %ax
  stosw
  movw %cs, %ax
  stosw
  addw $8, %bx
  cmpw $8 * 32, %bx
  jb fill_vectors
  jmp real_tests

.balign 8
real_stubs:
.set vector, 0
.rept 32
  .balign 8
  pushw $vector
  jmp real_exception
  .set vector, vector + 1
.endr
.balign 8
real_exception:
  popw FOUND_VECTOR
  popw FOUND_IP
  movw $0, FOUND_VECTOR + 2
  movw $0, FOUND_IP + 2
  pushw RESUME
  iretw

/* The instruction must raise the exception, with its own address in the frame. */
.macro raises vector, instruction:vararg
  movl $-1, FOUND_VECTOR
  movw $9f, RESUME
8: \instruction
9:
  is FOUND_VECTOR, \vector
  is FOUND_IP, 8b
.endm

real_tests:
  raises 0, divb WORK
  raises 0, idivw WORK
  movl $0x00050002, WORK
  movw $1, %ax
  raises 5, boundw %ax, WORK
  movw $5, %ax
  boundw %ax, WORK
  /* An INT pushes the address behind it. */
  movw $9f, RESUME
  into
  movb $0x7f, %al
  addb $1, %al
  into
9: is FOUND_VECTOR, 4
  is FOUND_IP, 9b
  /* The end of a segment. */
  raises 13, movw 0xffff, %ax
  raises 13, movl 0xfffd, %eax
  raises 13, movw %ax, 0xffff
  movw $0xfffe, %bp
  raises 12, movl (%bp), %eax
  /* Not on this processor, or not in this mode. */
  raises 6, .byte 0x0f, 0xc8          /* BSWAP */
  raises 6, .byte 0x0f, 0xa2          /* CPUID */
  raises 6, .byte 0x0f, 0xc0, 0xc0    /* XADD */
  raises 6, .byte 0x0f, 0xb0, 0xc0    /* CMPXCHG */
  raises 6, .byte 0x0f, 0x31          /* RDTSC */
  raises 6, .byte 0x0f, 0x08          /* INVD */
  raises 6, .byte 0x63, 0xc0          /* ARPL */
  raises 6, .byte 0x0f, 0x00, 0xc0    /* SLDT */
  raises 6, .byte 0x0f, 0x02, 0xc0    /* LAR */
  raises 6, .byte 0xf0, 0x90          /* LOCK NOP */
  raises 6, .byte 0xf0, 0x03, 0x06, 0x00, 0x07 /* LOCK ADD AX, memory */
  raises 6, .byte 0x8e, 0xc8          /* MOV CS */
  /* FLAGS: bits 15, 5 and 3 stay 0, bit 1 stays 1; AC and ID do not exist. */
  pushfl
  pushl $0xffffffff - 0x100
  popfl
  pushfl
  popl %eax
  popfl
  andl $0xffffff - 0x10000, %eax
  cmpl $0x00007ed7, %eax
  must e
  /* PUSH SP pushes the value before. */
  movw %sp, %bx
  pushw %sp
  popw %ax
  cmpw %ax, %bx
  must e
  /* Arithmetic: known products, quotients, adjustments and double shifts. */
  movl $0xffffffff, %eax
  imull %eax
  cmpl $1, %eax
  must e
  testl %edx, %edx
  must z
  movl $0x89abcdef, %eax
  movl $0x01234567, %edx
  movl $0x02468ace, %ecx
  divl %ecx
  cmpl $0x8000003c, %eax
  must e
  movw $0x0909, %ax
  addb $0x08, %al
  aaa
  cmpw $0x0a07, %ax
  must e
  aam
  cmpw $0x0007, %ax
  must e
  movl $0x12345678, %eax
  movl $0x9abcdef0, %edx
  shldl $12, %edx, %eax
  cmpl $0x456789ab, %eax
  must e
  bsfl %eax, %ecx
  cmpl $0, %ecx
  must e
  bsrw %ax, %cx
  cmpw $15, %cx
  must e
  movb $33, %cl
  movl $0x80000001, %eax
  roll %cl, %eax
  cmpl $3, %eax
  must e
  /* Far calls and returns. */
  pushw $0x1234
  lcall $0xf000, $far_procedure
  cmpw $0x1234, %bx
  must e
  cmpw $STACK, %sp
  must e
  /* Strings that run backwards over the segment's start. */
  movw $1, %di
  movw $0x4142, %ax
  std
  stosw
  cld
  cmpw $0xffff, %di
  must e
  cmpw $0x4142, 1
  must e
  name real
  jmp protected
far_procedure:
  movw %sp, %bp
  movw 4(%bp), %bx
  lretw $2
