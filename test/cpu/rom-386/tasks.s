/* Task switches by JMP, CALL and IRET, task gates, the 80286 TSS, then virtual-8086 mode. */
  post 0x40
  /* The other task: starts at other_task in ring 0 with its own stack. */
  movl $0, TSS_OTHER + 0x1c                /* CR3 */
  movl $other_task, TSS_OTHER + 0x20
  movl $0x0002, TSS_OTHER + 0x24
  movl $0x1111, TSS_OTHER + 0x28           /* EAX */
  movl $STACK_OTHER, TSS_OTHER + 0x38
  movl $0x10, TSS_OTHER + 0x48             /* ES */
  movl $0x08, TSS_OTHER + 0x4c
  movl $0x10, TSS_OTHER + 0x50
  movl $0x10, TSS_OTHER + 0x54
  movl $0, WORK
  movl $0x2222, %eax
  lcall $0x30, $0                          /* returns by IRET */
  cmpl $0x2222, %eax
  must e
  is WORK, 0x1111
  is WORK+4, 0x4002                      /* NT set in the other task */
  is TSS_OTHER, 0x28                       /* back link */
  is GDT+0x2c, 0x00008b00
  is GDT+0x34, 0x00008900
  pushfl
  popl %eax
  testl $0x4000, %eax
  must z
  movl %cr0, %eax
  testl $8, %eax                           /* TS */
  must nz
  clts
  /* It goes on behind its IRET, this time through the task gate. */
  lcall $0x68, $0
  is WORK, 0x3333
  /* JMP makes this task available and leaves no way back but a JMP. */
  ljmp $0x30, $0
  is WORK, 0x4444
  is GDT+0x2c, 0x00008b00
  is GDT+0x34, 0x00008900
  faults 13, 0x28, ljmp $0x28, $0          /* busy */
  /* A task of the 80286, with 16-bit registers. */
  movw $task_16, TSS_16 + 0x0e
  movw $0x0002, TSS_16 + 0x10
  movw $0x5555, TSS_16 + 0x12
  movw $STACK_OTHER, TSS_16 + 0x1a
  movw $0x10, TSS_16 + 0x22
  movw $0x78, TSS_16 + 0x24
  movw $0x10, TSS_16 + 0x26
  movw $0x10, TSS_16 + 0x28
  movl $0, WORK
  lcall $0x38, $0
  is WORK, 0x5555
  is GDT+0x3c, 0x00008100
  name tasks
  jmp virtual
.code16
task_16:
  movw %ax, WORK
  iretw
.code32
other_task:
  movl %eax, WORK
  pushfl
  popl WORK + 4
  iretl
  movl $0x3333, WORK
  iretl
  movl $0x4444, WORK
  ljmp $0x28, $0
