// 16-bit code without paging in the first page: its linear page and its mode are both 0, which must not be taken for a
// place that nothing is known of.

import { cpuModel } from '../../src/cpu/models.js'
import { engineNames } from '../../src/engine/engines.js'
import { Machine } from '../../src/machine/machine.js'
import { assembleFlat } from '../drivers/flat-code.js'

/** Copies code to 0:FF0, the end of the first page, and calls it again and again, each time with another immediate. */
const firmware = assembleFlat(
  `
.code16
_start:
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw $0x7000, %sp
  movw $copied, %si
  movw $0xff0, %di
  movw $(copied_end - copied), %cx
  rep movsb %cs:(%si), %es:(%di)
  ljmpw $0, $0x1000
copied:
  movb $0, %al
  movb %al, 0x700
  ret
.org copied + 0x10
again:
  movb 0x700, %al
  movw $0xff0, %bx
  incb 0xff1
  callw *%bx
  cmpb $100, 0xff1
  jne again
  outb %al, $0x80
  cli
  hlt
copied_end:
.org 0xfff0
  ljmpw $0xf000, $_start
.balign 16
`,
  0,
)
test.each(engineNames)('%s', engine => {
  const machine = new Machine({ memory: 2 << 20, model: cpuModel('pentium3'), engine })
  machine.memory.loadRom(0xf0000, firmware)
  machine.reset()
  expect(machine.run(20_000).kind).toBe('halted')
  expect(machine.memory.read(0x700, 1)[0]).toBe(100)
})
