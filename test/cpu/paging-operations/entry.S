# Multiboot entry, exception stubs and the operations of program.c. An operation runs in ring 0, in ring 3 or in
# virtual-8086 mode and always ends in a vector with a stub here; the stub stores what was interrupted in `seen` and
# goes back to run_operation's caller.

  .text
  .align 4
  .long 0x1badb002, 0, -0x1badb002  # multiboot header

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
  .irp n, 0,1,2,3,4,5,6,7,9,15,16,18,19,20,21,22,23,24,25,26,27,28,29,30,31,129,144,145
  stub \n, 0
  .endr
  .irp n, 8,10,11,12,13,14,17
  stub \n, 1
  .endr

  .section .rodata
  .globl stubs, end_stub, open_stub, closed_stub
stubs:
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  .long stub\n
  .endr
end_stub:
  .long stub129
open_stub:
  .long stub144
closed_stub:
  .long stub145

  .text
seen_vector:
  pusha
  push %ds
  push %es
  push %fs
  push %gs
  mov $0x10, %edx
  mov %edx, %ds
  mov %edx, %es
  mov %ss:0x10(%esp), %eax
  mov $seen, %edi
  mov %esp, %esi
  mov $23, %ecx              # GS FS ES DS, eight registers, vector, error, frame with its V86 segments, two more
  cld
  rep movsl %ss:(%esi), %es:(%edi)
  mov %cr2, %eax
  mov %eax, seen_cr2
  mov %cr0, %eax
  mov %eax, seen_cr0
  mov %cr4, %eax
  mov %eax, seen_cr4
  mov saved_esp, %esp
  mov $0x10, %edx
  mov %edx, %ss
  mov %edx, %fs
  mov %edx, %gs
  popf
  popa
  ret

  .macro known_registers
  mov operation_registers, %eax
  mov operation_registers+4, %ecx
  mov operation_registers+8, %edx
  mov operation_registers+12, %ebx
  mov operation_registers+20, %ebp
  mov operation_registers+24, %esi
  mov operation_registers+28, %edi
  .endm

  .globl run_operation
run_operation:
  pusha
  pushf
  mov %esp, saved_esp
  mov operation_data, %eax
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  testl $0x20000, operation_flags
  jz 1f
  push $0x14
  push $0x13
  push $0x12
  push $0x11
1:
  cmpl $0, operation_ring
  je 1f
  push operation_data
  push operation_registers+16
1:
  push operation_flags
  push operation_code
  push operation_entry
  cmpl $0, operation_ring
  jne 1f
  # In ring 0 the operation's own stack holds the frame.
  mov operation_registers+16, %eax
  sub $12, %eax
  pop (%eax)
  pop 4(%eax)
  pop 8(%eax)
  mov %eax, %esp
1:
  known_registers
  push %ebx
  mov operation_data, %ebx
  mov %ebx, %ds
  pop %ebx
  iret

  .macro operation name, code:vararg
  .globl operation_\name
operation_\name:
  \code
  int $0x81
  .endm
  # Memory through ESI, EDI and ESP.
  operation load1, movb (%esi), %al
  operation load2, movw (%esi), %ax
  operation load4, movl (%esi), %eax
  operation store1, movb %al, (%edi)
  operation store2, movw %ax, (%edi)
  operation store4, movl %eax, (%edi)
  operation add, addl %eax, (%edi)
  operation inc, incw (%edi)
  operation test, testl %eax, (%esi)
  operation xchg, xchgl %eax, (%edi)
  operation xadd, lock xaddl %eax, (%edi)
  operation cmpxchg, cmpxchgl %ecx, (%edi)
  operation cmpxchg8b, cmpxchg8b (%edi)
  operation movs, movsl
  operation stos, stosw
  operation lods, lodsl
  operation rep_movs1, mov $9, %ecx; rep movsb
  operation rep_movs4, mov $5, %ecx; rep movsl
  operation rep_stos2, mov $7, %ecx; rep stosw
  operation rep_lods1, mov $6, %ecx; rep lodsb
  operation push, push %eax
  operation push_memory, push (%esi)
  operation pop, pop %eax
  operation pop_memory, pop (%edi)
  operation popa, popa; mov operation_registers+16, %esp
  operation pushf, pushf
  operation leave, leave
  operation call, call 1f; 1: nop
  operation sgdt, sgdt (%edi)
  operation fnstcw, fnstcw (%edi)
  operation lea, lea 8(%esi,%edi,2), %eax
  # System state.
  operation ds, mov %ax, %ds
  operation es, mov %ax, %es
  operation fs, mov %ax, %fs
  operation gs, mov %ax, %gs
  operation lar, lar %eax, %ecx; setz %dl; and $0xfff0ffff, %ecx
  operation lsl, lsl %eax, %ecx; setz %dl
  operation verr, verr %ax; setz %dl
  operation verw, verw %ax; setz %dl
  operation smsw, smsw %ax
  operation str, str %ax; sldt %cx
  operation read_cr0, mov %cr0, %eax
  operation clts, clts
  operation invlpg, invlpg (%esi)
  operation wbinvd, wbinvd
  operation popf, push %eax; popf; pushf; pop %eax
  operation sti, sti; nop; pushf; pop %eax; cli
  operation cli, cli
  operation in, in $0xed, %al
  operation out, out %al, $0xed
  operation open, int $0x90
  operation closed, int $0x91
  operation missing, int $0x92
  operation int3, int3
  operation ud2, ud2
  operation divide, div %cl
  operation rdmsr, mov $0x174, %ecx; rdmsr
  operation far_call, lcall $0x08, $1f; 1: nop
  operation far_return, push $0x08; push $1f; lret; 1: nop

  .data
  .globl seen, seen_cr2, seen_cr0, seen_cr4
seen: .fill 23, 4, 0
seen_cr2: .long 0
seen_cr0: .long 0
seen_cr4: .long 0
saved_esp: .long 0
  .globl operation_ring, operation_code, operation_data, operation_flags, operation_entry, operation_registers
operation_ring: .long 0
operation_code: .long 0
operation_data: .long 0
operation_flags: .long 0
operation_entry: .long 0
operation_registers: .fill 8, 4, 0
  .bss
  .space 16384
stack_top:
  .section .note.GNU-stack, "", @progbits
