// A multiboot kernel as test kernels are: an ELF file that reads what the loader and fw_cfg tell it, reports through COM1
// and ends with port 0xF4. And: what the host writes into memory is executed at once.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuModel } from '../../src/cpu/models.js'
import { engineNames } from '../../src/engine/engines.js'
import { flatEntry, flatGdt } from '../../src/loader/entry.js'
import { loadMultiboot } from '../../src/loader/multiboot.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'

const SOURCE = `
.section .text
  .long 0x1badb002, 3, -0x1badb005
.globl _start
_start:
  cmpl $0x2badb002, %eax
  jne bad
  movl 16(%ebx), %esi       /* command line */
  movl $0x3f8, %edx
1:
  lodsb
  testb %al, %al
  jz 1f
  outb %al, %dx
  jmp 1b
1:
  movl 24(%ebx), %eax       /* the first module */
  movl (%eax), %esi
  movl 4(%eax), %ecx
  subl %esi, %ecx
  rep outsb
  movl $0x510, %edx
  movw $5, %ax              /* number of processors */
  outw %ax, %dx
  incl %edx
  inb %dx, %al
  cmpb $1, %al
  jne bad
  decl %edx
  movw $3, %ax              /* bytes of RAM */
  outw %ax, %dx
  incl %edx
  movl $ram, %edi
  movl $8, %ecx
  rep insb
  cmpl $16 << 20, ram
  jne bad
  movb $21, %al
  outb %al, $0xf4
bad:
  movb $1, %al
  outb %al, $0xf4
.section .data
ram: .quad -1
`

function kernel(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'previrt-multiboot-'))
  try {
    const [source, object, image] = ['k.s', 'k.o', 'k'].map(name => join(folder, name)) as [string, string, string]
    writeFileSync(source, SOURCE)
    execFileSync('as', ['--32', '-o', object, source])
    execFileSync('ld', ['-m', 'elf_i386', '-z', 'noexecstack', '-Ttext=0x400000', '-o', image, object])
    return new Uint8Array(readFileSync(image))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('a multiboot kernel reads its information and fw_cfg and reports', () => {
  const bytes = kernel()
  for (const engine of engineNames) {
    const machine = new Machine({ memory: 16 << 20, model: cpuModel('pentium4'), engine, testDevice: true })
    let text = ''
    machine.onConsole = byte => {
      text += String.fromCharCode(byte)
    }
    const modules = [{ file: 'm', bytes: new TextEncoder().encode(' module\n'), commandLine: 'm' }]
    enter(machine.cpu, loadMultiboot(machine.memory, { kernel: { file: 'k', bytes }, modules, commandLine: 'one two' }))
    expect(machine.run(100_000_000)).toEqual({ kind: 'debug-exit', value: 21 })
    expect(text).toBe('k one two module\n')
  }
})

test('memory written from outside is executed', () => {
  for (const engine of engineNames) {
    const thresholds = { hot: 2, batch: 1, urgent: 3 }
    const machine = new Machine({ memory: 2 << 20, model: cpuModel('pentium3'), engine, thresholds })
    machine.memory.write(0x1000, flatGdt(8, 16))
    machine.memory.write(0x2000, Uint8Array.of(0x40, 0xeb, 0xfd)) // inc eax; jmp
    const gdt = { base: 0x1000, limit: 23 }
    enter(machine.cpu, flatEntry({ eip: 0x2000, registers: {}, codeSelector: 8, dataSelector: 16, gdt }))
    machine.run(20_000)
    expect(machine.cpu.state.eax).toBe(10_000)
    machine.memory.write(0x2000, Uint8Array.of(0x48)) // dec eax
    machine.run(10_000)
    expect(machine.cpu.state.eax).toBe(5_000)
  }
})
