// Retired instructions by owner: a program whose user part has a length that can be counted by hand, with system calls
// and timer interrupts between its instructions; code in ROM, and in the
// window of a VMM.

import { cpuModel } from '../../src/cpu/models.js'
import { type EngineName, engineNames } from '../../src/engine/engines.js'
import { resetEntry } from '../../src/loader/entry.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'
import { assembleKernel, runCode, runKernel } from './kernel.js'

const ROUNDS = 20_000
const TSS = 0x3000
const PIT_COUNT = 4

const kernel = `
  gate 0x80, call
  movw $0xee00, 0x2000 + 8 * 0x80 + 4 /* DPL 3 */
  gate 0x20, timer
  gate 13, ended
  lgdt gdtr
  movl $0x80000, ${TSS} + 4
  movl $0x10, ${TSS} + 8
  movw $0x28, %ax
  ltr %ax
  out 0x43, 0x34
  out 0x40, ${PIT_COUNT}
  out 0x40, 0
  pics 0xfe, 0xff
  pushl $0x23
  pushl $0x70000
  pushl $0x202
  pushl $0x1b
  pushl $user
  iret
user:
  movl $${ROUNDS}, %ecx
1: int $0x80
  decl %ecx
  jnz 1b
  cli
call:
  nop
  iret
timer:
  pushl %eax
  movb $0x20, %al
  outb %al, $0x20
  popl %eax
  iret
ended:
  finish 0
gdt:
  .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff
  .word 103, ${TSS}
  .byte 0, 0x89, 0, 0
gdtr:
  .word gdtr - gdt - 1
  .long gdt
`

test('system calls and interrupts take nothing from the user and give it nothing', () => {
  const { machine, result } = runKernel(kernel)
  expect(result).toEqual({ kind: 'debug-exit', value: 0 })
  const { user, kernel: rest, firmware } = machine.instructionsBy
  // mov; int, dec and jnz in each round; cli faults and does not retire.
  expect(user).toBe(1 + 3 * ROUNDS)
  expect(machine.cpu.interruptCounts[0x20]).toBeGreaterThan(10)
  expect(user + rest).toBe(machine.retired)
  expect(firmware).toBeUndefined()
})

test('with a ROM, what runs without paging is firmware', () => {
  const machine = new Machine({ memory: 4 << 20, model: cpuModel('pentium3'), engine: 'blocks' })
  const rom = new Uint8Array(0x10000).fill(0x90)
  rom.set([0xea, 0x00, 0xff, 0x00, 0xf0], 0xfff0) // jmp far f000:ff00
  rom.set([0xfa, 0xf4], 0xff10) // behind sixteen nop: cli; hlt
  machine.memory.loadRom(0xf0000, rom)
  enter(machine.cpu, resetEntry(machine.cpu.model.signature))
  expect(machine.run(1000)).toEqual({ kind: 'halted' })
  expect(machine.instructionsBy).toEqual({ user: 0, kernel: 0, firmware: 1 + 16 + 2 })
})

/** Calls a function in the window, which loops, counts by REP, calls out of it and faults; timer interrupts come in between. */
const windowed = `
  gate 0x20, timer
  gate 14, fault
  movl $0x00000083, 0x4000
  movl $0x00000083, 0x4000 + 4 * (0xbc000000 >> 22)
  movl $0x4000, %eax
  movl %eax, %cr3
  movl %cr4, %eax
  orl $0x10, %eax
  movl %eax, %cr4
  movl %cr0, %eax
  orl $0x80000000, %eax
  movl %eax, %cr0
  out 0x43, 0x34
  out 0x40, ${PIT_COUNT}
  out 0x40, 0
  pics 0xfe, 0xff
  sti
  movl $${ROUNDS}, %ebp
1: movl $inside + 0xbc000000, %eax
  call *%eax
  decl %ebp
  jnz 1b
  cli
  finish 0
timer:
  pushl %eax
  movb $0x20, %al
  outb %al, $0x20
  popl %eax
  iret
fault:
  addl $4, %esp
  addl $5, (%esp)
  iret
outside:
  nop
  ret
  .org 0x2000
inside:
  pushl %ecx
  movl $5, %ecx
  movl $0x9000, %edi
  cld
  rep stosb
  movl $3, %edx
2: decl %edx
  jnz 2b
  movl 0x40000000, %eax /* 5 bytes, faults */
  movl $outside, %eax
  call *%eax
  popl %ecx
  ret
`

test('what is retired in the window where a VMM lies is counted in every engine', () => {
  const counts = new Map<EngineName, number>()
  const code = assembleKernel(windowed)
  for (const engine of engineNames) {
    const { machine, result } = runCode(code, engine)
    expect(result).toEqual({ kind: 'debug-exit', value: 0 })
    expect(machine.cpu.exceptionCounts[14]).toBe(ROUNDS)
    expect(machine.cpu.interruptCounts[0x20]).toBeGreaterThan(10)
    counts.set(engine, machine.instructionsInWindow)
  }
  // push mov mov cld, five iterations, mov, three times dec and jnz, mov and call, pop and ret
  const each = 4 + 5 + 1 + 6 + 2 + 2
  expect(counts).toEqual(new Map(engineNames.map(engine => [engine, ROUNDS * each])))
})
