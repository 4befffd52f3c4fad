/* Virtual-8086 mode: what IOPL and the I/O bitmap let through, segments as in real mode, faults with their frames. */
virtual:
  post 0x50
/* The 16-bit instruction, executed in virtual-8086 mode, must raise the exception. Clobbers EAX and EBX before it. */
.macro virtual_faults iopl, vector, error, instruction:vararg
  expect_fault
  movl $(\iopl << 12) | 0x20002, %ebx
  call to_virtual
.code16
8: \instruction
.code32
9: found \vector, \error, 8b
.endm
  jmp 1f
to_virtual:
  popl %eax
  .rept 5
  pushl $0              /* GS, FS, DS, ES, SS */
  .endr
  pushl $STACK_OTHER
  pushl %ebx
  pushl $0xf000
  pushl %eax
  iretl
1:
  virtual_faults 0, 13, 0, cli
  virtual_faults 0, 13, 0, sti
  virtual_faults 0, 13, 0, pushfw
  virtual_faults 0, 13, 0, popfl
  virtual_faults 0, 13, 0, iretw
  virtual_faults 0, 13, 0, int $0x21
  virtual_faults 0, 13, 0, hlt
  virtual_faults 3, 13, 0, hlt
  virtual_faults 3, 13, 0, movl %cr0, %eax
  virtual_faults 3, 13, 0, lmsw %ax
  virtual_faults 3, 13, 0, inb $0x60, %al
  virtual_faults 3, 13, 0x21*8+2, int $0x21
  virtual_faults 3, 6, -1, .byte 0x0f, 0x00, 0xc0
  virtual_faults 3, 6, -1, .byte 0x63, 0xc0
  virtual_faults 3, 13, 0, movw 0xffff, %ax
  movl $0xffff, %ebp
  virtual_faults 3, 12, 0, movw (%bp), %ax
  virtual_faults 3, 0, -1, divb WORK+0x80
  /* What it may do: flags and ports that are open, segments of its own. */
  movl $0, WORK
  movl $0, WORK + 4
  expect_fault
  movl $0x23002, %ebx
  call to_virtual
.code16
  inb $0x80, %al
  movw $WORK >> 4, %ax
  movw %ax, %es
  movw $0x5a5a, %es:0
  sti
  pushfw
  popw WORK + 2
  cli
  pushfl
  popl WORK + 4
  movw $0x7002, WORK + 8
  pushw WORK + 8
  popfw
  pushfw
  popw WORK + 8
  lcall $0xf000, $1f
8: hlt
1:
  lretw
.code32
9: found 13, 0, 8b
  is WORK, 0x32025a5a
  is WORK+4, 0x00003002       /* PUSHFD shows neither VM nor RF */
  cmpw $0x7002, WORK + 8
  must e
  name virtual-8086

  post 0xff
  name done
  cli
  hlt
