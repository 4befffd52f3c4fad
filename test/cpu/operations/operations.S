# Multiboot entry, exception stubs and the operations of operations.c. An operation runs at any ring and always ends in
# a vector with a stub here; the stub stores the interrupted context in `seen` and goes back to run_operation's caller.

  .text
  .align 4
  .long 0x1badb002, 0, -0x1badb002  # multiboot header

  .set FLAT_DATA, 0x10
  .set STACK, 0x8000        # ESP that every operation starts with
  .set WORDS, 21            # of the interrupted stack that are kept

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

  .macro stub vector, has_error
stub\vector:
  .ifeq \has_error
  push $0
  .endif
  push $\vector
  jmp seen_vector
  .endm
  .irp n, 0,1,2,3,4,5,6,7,9,15,16,18,19,20,21,22,23,24,25,26,27,28,29,30,31,129
  stub \n, 0
  .endr
  .irp n, 8,10,11,12,13,14,17
  stub \n, 1
  .endr

  .section .rodata
  .globl stubs, landing_stub
stubs:
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  .long stub\n
  .endr
landing_stub:
  .long stub129

  .text
seen_vector:
  pusha
  mov %ss, %eax
  movzwl %ax, %eax
  lar %eax, %ecx
  mov %esp, %esi
  test $0x400000, %ecx      # a 16-bit stack has only SP
  jnz 1f
  movzwl %si, %esi
1:
  mov %ds, %ebx
  mov $FLAT_DATA, %edx
  mov %edx, %ds
  mov %ebx, seen_ds
  mov %es, %ebx
  mov %ebx, seen_es
  mov %fs, %ebx
  mov %ebx, seen_fs
  mov %gs, %ebx
  mov %ebx, seen_gs
  mov %ss, %ebx
  mov %ebx, seen_ss
  str %ebx
  mov %ebx, seen_tr
  sldt %ebx
  mov %ebx, seen_ldt
  mov %cr0, %ebx
  mov %ebx, seen_cr0
  movl $0, seen_double_fault
  xor %ecx, %ecx
2:
  mov %ss:(%esi, %ecx, 4), %eax
  mov %eax, seen_stack(, %ecx, 4)
  inc %ecx
  cmp $WORDS, %ecx
  jb 2b
  jmp back
  .globl double_fault
double_fault:
  movl $1, seen_double_fault
back:
  mov $FLAT_DATA, %edx
  mov %edx, %ds
  mov %edx, %es
  mov %edx, %fs
  mov %edx, %gs
  mov %edx, %ss
  mov saved_esp, %esp
  clts
  cld
  popf
  popa
  ret

  .macro known_registers
  mov $0x11111111, %eax
  mov $0x22222222, %ecx
  mov $0x33333333, %edx
  mov $0x44444444, %ebx
  mov $0x55555555, %ebp
  mov $0x66666666, %esi
  mov $0x77777777, %edi
  .endm

# Goes to operation_entry at operation_ring with flat segments of that ring.
  .globl run_operation
run_operation:
  pusha
  pushf
  mov %esp, saved_esp
  mov operation_data, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  mov $STACK, %esp
  cmpl $0, %ss:operation_ring
  je 1f
  pushl %ss:operation_data
  pushl $STACK
1:
  pushl %ss:operation_flags
  pushl %ss:operation_code
  pushl %ss:operation_entry
  known_registers
  iret

# Goes to 0000:operation_entry in virtual-8086 mode.
  .globl run_v86
run_v86:
  pusha
  pushf
  mov %esp, saved_esp
  mov $STACK - 0x100, %esp
  pushl $0x14
  pushl $0x13
  pushl $0x12
  pushl $0x11
  pushl $0
  pushl $STACK
  pushl operation_flags
  pushl $0
  pushl operation_entry
  known_registers
  iret

  .macro operation name, code:vararg
  .globl operation_\name
operation_\name:
  \code
  int $0x81
  .endm
  .irp register, ds, es, fs, gs, ss
  operation \register, mov selector, %ax; mov %ax, %\register
  .endr
  operation ljmp, ljmp *far_pointer
  operation lcall, lcall *far_pointer
  operation ljmpw, ljmpw *far_pointer16
  operation lcallw, lcallw *far_pointer16
  operation lds, lds far_pointer, %ecx
  operation lss, lss far_stack, %esp
  operation lret, lret
  operation lretw, lretw
  operation lret8, lret $8
  operation iret, iret
  operation iretw, iretw
  operation int90, int $0x90
  operation int91, int $0x91
  operation int92, int $0x92
  operation int93, int $0x93
  operation int3, int3
  operation hlt, hlt
  operation cli, cli
  operation sti, sti; nop; pushf; pop %eax
  operation popf, popf; pushf; pop %eax
  operation popfw, popfw; pushf; pop %eax
  operation cr0, mov %cr0, %eax; and $0x3f, %eax
  operation in, in $0xed, %al
  operation clts, clts
  operation ltr, ltr selector
  operation lldt, lldt selector
  operation arpl, mov selector, %ax; mov selector + 2, %cx; arpl %cx, %ax
  /* Bits 16 to 19 of what LAR gives are undefined; the others are compared. */
  operation look, mov selector, %esi; xor %ebx, %ebx; xor %edx, %edx; lar %esi, %edx; setz %bl; and $0xfff0ffff, %edx; xor %ebp, %ebp; \
    lsl %esi, %ebp; setz %bh; verr %si; setz %cl; verw %si; setz %ch

  .data
  .irp name, ds, es, fs, gs, ss, tr, ldt, cr0, double_fault
  .globl seen_\name
seen_\name: .long 0
  .endr
  .globl seen_stack, selector, far_pointer, far_pointer16, far_stack
seen_stack: .fill WORDS, 4, 0
selector: .long 0
far_pointer: .long 0, 0
far_pointer16: .long 0
far_stack: .long 0, 0
  .irp name, ring, code, data, flags, entry
  .globl operation_\name
operation_\name: .long 0
  .endr
saved_esp: .long 0
  .bss
  .space 16384
stack_top:
  .section .note.GNU-stack, "", @progbits
