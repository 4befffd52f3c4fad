// x87 instructions per second of CPU time, in loops of machine code, on one engine.
// Usage: node dist/benchmarks/micro/x87.js [interpreter|blocks] [LOOPS]

import * as L from '../../src/cpu/layout.js'
import { models } from '../../src/cpu/models.js'
import type { EngineName } from '../../src/engine/engines.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'

const engine = (process.argv[2] ?? 'blocks') as EngineName
const loops = Number(process.argv[3] ?? 300_000)
const CODE = 0x10000
const DATA = 0x20000

const absolute = (opcode: number, reg: number, offset: number): number[] => [
  opcode,
  0x05 | (reg << 3),
  ...[0, 8, 16, 24].map(n => ((DATA + offset) >>> n) & 0xff),
]
const double = (reg: number, offset: number) => absolute(0xdd, reg, offset)
const load = (offset: number) => double(0, offset)
const storePop = (offset: number) => double(3, offset)
const times = (n: number, code: number[][]) => Array.from({ length: n }, () => code).flat()

/** Name, instructions before the loop, instructions of the loop. */
const jobs: [string, number[][], number[][]][] = [
  ['fadd st,st1', [load(16), load(0)], times(16, [[0xd8, 0xc1]])],
  ['fmul st,st1', [load(24), load(0)], times(16, [[0xd8, 0xc9]])],
  ['fdiv st,st1', [load(24), load(0)], times(16, [[0xd8, 0xf1]])],
  ['fadd m64', [load(0)], times(16, [absolute(0xdc, 0, 8)])],
  ['fld m64, fstp m64', [], times(8, [load(8), storePop(32)])],
  ['fild m32, fistp m32', [], times(8, [absolute(0xdb, 0, 40), absolute(0xdb, 3, 44)])],
  ['fld, fmul, fadd, fstp', [], times(4, [load(0), absolute(0xdc, 1, 8), absolute(0xdc, 0, 16), storePop(32)])],
  ['fld, fucomip, fstp', [load(0)], times(5, [load(8), [0xdf, 0xe9], load(8), [0xdd, 0xd8]])],
  ['fxch', [load(0), load(8)], times(16, [[0xd9, 0xc9]])],
  ['fld, fsqrt, fstp', [], times(5, [load(16), [0xd9, 0xfa], storePop(32)])],
  ['fld, fsin, fstp', [], times(5, [load(8), [0xd9, 0xfe], storePop(32)])],
  ['fld, f2xm1, fstp', [], times(5, [load(8), [0xd9, 0xf0], storePop(32)])],
  ['fldln2, fld, fyl2x, fstp', [], times(4, [[0xd9, 0xed], load(16), [0xd9, 0xf1], storePop(32)])],
  ['fld, fld, fpatan, fstp', [], times(4, [load(8), load(16), [0xd9, 0xf3], storePop(32)])],
]

for (const [name, before, body] of jobs) {
  const machine = new Machine({ memory: 1 << 20, model: models.pentium3!, engine })
  const code: number[] = [...before.flat()]
  const top = code.length
  code.push(...body.flat(), 0x49)
  const distance = top - (code.length + 6)
  code.push(0x0f, 0x85, ...[0, 8, 16, 24].map(n => (distance >>> n) & 0xff), 0xfa, 0xf4)
  const ram = new Uint8Array(machine.memory.memory.buffer, L.RAM)
  ram.set(code, CODE)
  const data = new DataView(machine.memory.memory.buffer, L.RAM + DATA)
  ;[1.0000001, 0.3333333333333333, 7.5, 0.999999].forEach((v, i) => {
    data.setFloat64(8 * i, v, true)
  })
  data.setInt32(40, 12345, true)
  const flat = (selector: number, rights: number) => ({ selector, base: 0, limit: 0xffffffff, rights })
  const dataSegment = flat(16, 0xc093)
  enter(machine.cpu, {
    cr0: 0x21,
    eip: CODE,
    eflags: 2,
    registers: { eax: 0, ecx: loops, edx: 0, ebx: 0, esp: 0x8000, ebp: 0, esi: 0, edi: 0 },
    segments: {
      cs: flat(8, 0xc09b),
      ds: dataSegment,
      es: dataSegment,
      fs: dataSegment,
      gs: dataSegment,
      ss: dataSegment,
    },
    gdtr: { base: 0, limit: 0 },
    idtr: { base: 0, limit: 0 },
  })
  machine.cpu.i32[L.FPU_CONTROL >> 2] = 0x37f
  const start = process.cpuUsage()
  const end = machine.run(1e10)
  const seconds = process.cpuUsage(start).user / 1e6
  const rate = (loops * body.length) / seconds / 1e6
  const result = data.getFloat64(32, true)
  console.log(`${name.padEnd(28)} ${rate.toFixed(1).padStart(7)} M/s  ${end.kind} ${result}`)
}
