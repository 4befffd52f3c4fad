// Firmware and resets: the reset vector in the mirrored ROM, and what each way to reset does to the machine.

import { cpuModel } from '../../src/cpu/models.js'
import { engineNames } from '../../src/engine/engines.js'
import { Machine, type MachineConfig } from '../../src/machine/machine.js'
import { assembleFlat } from '../drivers/flat-code.js'

/** Counts its starts in CMOS RAM and in memory; resets twice, with A20 closed, then halts. */
const firmware = (reset: string) =>
  assembleFlat(
    `
.code16
_start:
  movb $0x40, %al
  outb %al, $0x70
  inb $0x71, %al
  incb %al
  outb %al, $0x71
  incb %ss:0x500
  outb %al, $0x80
  cmpb $3, %al
  je 1f
  movb $0, %al
  outb %al, $0x92
  ${reset}
  hlt
1:
  movb $'k', %al
  outb %al, $0xe9
  cli
  hlt
.org 0xfff0
  ljmpw $0xf000, $_start
.balign 16
`,
    0,
  )
const ways = {
  'the keyboard controller': 'movb $0xfe, %al\n outb %al, $0x64',
  'port 0x92': 'movb $1, %al\n outb %al, $0x92',
  'port 0xcf9': 'movw $0xcf9, %dx\n movb $6, %al\n outb %al, %dx',
  'a triple fault': 'lidtl %cs:2f\n int $3\n 2: .word 0, 0, 0',
}
const start = (image: Uint8Array, engine: (typeof engineNames)[number], onReset?: MachineConfig['onReset']) => {
  const machine = new Machine({ memory: 2 << 20, model: cpuModel('pentium3'), engine, onReset })
  machine.memory.loadRom(0xf0000, image)
  machine.reset()
  return machine
}

describe.each(Object.entries(ways))('%s', (name, instructions) => {
  const image = firmware(instructions)
  test('restarts the machine, memory and CMOS RAM kept', () => {
    for (const engine of engineNames) {
      const machine = start(image, engine, 'restart')
      let console = ''
      machine.onConsole = byte => {
        console += String.fromCharCode(byte)
      }
      expect(machine.run(100_000)).toEqual({ kind: 'halted' })
      expect(console).toBe('k')
      expect([...machine.platform.post.codes]).toEqual([1, 2, 3])
      expect(machine.memory.read(0x500, 1)[0]).toBe(3)
      expect(machine.memory.hostPage(0x100, false)).toBe(machine.memory.hostPage(0, false) + 0x100000)
    }
  })
  test('ends the run where that is wanted', () => {
    const result = start(image, 'interpreter', 'end').run(100_000)
    expect(result.kind).toBe(name === 'a triple fault' ? 'triple-fault' : 'reset')
  })
})

test('with a ROM a reset restarts by itself, a triple fault does not', () => {
  expect(start(firmware(ways['port 0x92']), 'interpreter').run(100_000)).toEqual({ kind: 'halted' })
  expect(start(firmware(ways['a triple fault']), 'interpreter').run(100_000)).toEqual({ kind: 'triple-fault' })
})
