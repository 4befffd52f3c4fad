// MMX and SSE instructions as the cold engine executes them, against the reference evaluator; and loops of them, in which
// registers feed each other, by the hot engine against the cold one. What the evaluator does is compared with the host's
// CPU in test/semantics.

import { eflags } from '../../src/cpu/eflags.js'
import * as L from '../../src/cpu/layout.js'
import { models } from '../../src/cpu/models.js'
import type { EngineName } from '../../src/engine/engines.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'
import { hostSse, MXCSR_IN_IMAGE, type SseCase } from '../drivers/host-sse.js'
import { randomSseCase } from '../drivers/sse-cases.js'
import { floatGroups, integerGroups } from '../drivers/sse-instructions.js'
import { SseMachine } from '../drivers/sse-machine.js'
import { Random } from '../drivers/x87-cases.js'

const CODE = 0x1000
const DATA = 0x20000
const OPERAND = DATA + 32
const EBP = 5

/** A flat machine with data at ESI; EDI points to the operand. */
function machine(engine: EngineName): Machine {
  const made = new Machine({
    memory: 1 << 20,
    model: models.pentium4!,
    engine,
    thresholds: { hot: 8, batch: 1, urgent: 8 },
  })
  const flat = (selector: number, rights: number) => ({ selector, base: 0, limit: 0xffffffff, rights })
  const data = flat(16, 0xc093)
  enter(made.cpu, {
    cr0: 0x21,
    eip: CODE,
    eflags: 2,
    registers: { eax: 0, ecx: 0, edx: 0, ebx: 0, esp: 0x8000, ebp: 0, esi: DATA, edi: OPERAND },
    segments: { cs: flat(8, 0xc09b), ds: data, es: data, fs: data, gs: data, ss: data },
    gdtr: { base: 0, limit: 0 },
    idtr: { base: 0, limit: 0 },
  })
  made.cpu.i32[L.CR4 >> 2] = 0x600
  made.cpu.refresh()
  return made
}

/** Puts a case into the machine. TOP stays 0: what is tested here is how code is made. */
function load(m: Machine, c: SseCase) {
  const { i32, u8 } = m.cpu
  const image = new DataView(c.image.buffer, c.image.byteOffset)
  i32[L.gprCell(0) >> 2] = c.eax | 0
  i32[L.gprCell(1) >> 2] = c.ecx | 0
  i32[L.FPU_TOP >> 2] = 0
  i32[L.FPU_VALID >> 2] = image.getUint8(4)
  i32[L.MXCSR >> 2] = image.getInt32(MXCSR_IN_IMAGE, true)
  for (let n = 0; n < 8; n++) {
    u8.set(c.image.subarray(32 + 16 * n, 42 + 16 * n), L.mmCell(n))
    u8.set(c.image.subarray(160 + 16 * n, 176 + 16 * n), L.xmmCell(n))
  }
  m.memory.u8.set(c.memory, L.RAM + OPERAND)
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
/** Registers, MXCSR, flags and the operand in memory. */
function state(m: Machine): string {
  const { i32, u8 } = m.cpu
  const registers = hex(u8.slice(L.GPR, L.GPR + 32))
  const flags = (eflags(m.cpu) & 0x8d5).toString(16)
  const mmx = [0, 1].map(n => hex(u8.slice(L.mmCell(n), L.mmCell(n) + 10))).join(' ')
  const xmm = [0, 1, 2].map(n => hex(u8.slice(L.xmmCell(n), L.xmmCell(n) + 16))).join(' ')
  const words = [L.MXCSR, L.FPU_TOP, L.FPU_VALID].map(cell => i32[cell >> 2]!.toString(16)).join(' ')
  return `${registers} ${flags} ${mmx} ${xmm} ${words} ${hex(m.memory.u8.slice(L.RAM + DATA, L.RAM + DATA + 64))}`
}

const instructions = [...integerGroups, ...floatGroups].flatMap(([, texts]) => texts)
const host = hostSse(instructions)
if (typeof host === 'string') test.skip(`assembling needs gcc: ${host}`, () => undefined)
else {
  host.close()

  test('the cold engine does what the reference evaluator does', () => {
    const m = machine('interpreter')
    // All code is there before the first of it is decoded.
    for (const [n, code] of host.code.entries()) m.memory.u8.set(code, L.RAM + CODE + 16 * n)
    const reference = new SseMachine()
    const r = new Random(11)
    for (const [n, code] of host.code.entries()) {
      const ready = reference.ready(code, true)
      for (let k = 0; k < 8; k++) {
        const c = randomSseCase(r, n, {})
        const view = new DataView(c.image.buffer)
        view.setUint16(2, 0, true)
        const expected = reference.case(ready, c)
        load(m, c)
        const { i32, u8 } = m.cpu
        i32[L.EIP >> 2] = CODE + 16 * n
        i32[L.BUDGET >> 2] = 1000
        i32[L.FAULT >> 2] = 0
        m.execution.engine.single()
        const vector = i32[L.FAULT >> 2]! - 1
        const mine = [hex(u8.slice(L.xmmCell(0), L.xmmCell(8))), hex(u8.slice(L.mmCell(0), L.mmCell(0) + 10))]
        mine.push((i32[L.gprCell(0) >> 2]! >>> 0).toString(16), i32[L.MXCSR >> 2]!.toString(16), String(vector === 19))
        mine.push(hex(m.memory.u8.slice(L.RAM + OPERAND, L.RAM + OPERAND + 16)))
        const theirs = [hex(expected.image.subarray(160, 288)), hex(expected.image.subarray(32, 42))]
        theirs.push(expected.eax.toString(16), expected.mxcsr.toString(16), String(expected.signal === 8))
        theirs.push(hex(expected.memory))
        expect(`${instructions[n]} ${mine.join(' ')}`).toBe(`${instructions[n]} ${theirs.join(' ')}`)
      }
    }
  })

  /** again: 20 random instructions; dec ebp; jnz again; cli; hlt. MXCSR is not loaded: exceptions stay masked. */
  const loop = (r: Random): { code: number[]; texts: string[] } => {
    const chosen = Array.from({ length: 20 }, () => r.below(instructions.length)).filter(
      n => !instructions[n]!.startsWith('ldmxcsr'),
    )
    const body = chosen.flatMap(n => [...host.code[n]!])
    const back = -(body.length + 7)
    const jump = [0x4d, 0x0f, 0x85, ...[0, 8, 16, 24].map(n => (back >>> n) & 0xff)]
    return { code: [...body, ...jump, 0xfa, 0xf4], texts: chosen.map(n => instructions[n]!) }
  }

  test.each(Array.from({ length: 24 }, (_, n) => n + 1))(
    'a hot loop is what the cold engine makes of it (seed %d)',
    seed => {
      const r = new Random(seed)
      const { code, texts } = loop(r)
      const c = randomSseCase(r, 0, { masked: true, plain: seed % 2 === 0, sticky: seed % 4 === 0 })
      const [cold, hot] = (['interpreter', 'blocks'] as const).map(engine => {
        const m = machine(engine)
        m.memory.u8.set(code, L.RAM + CODE)
        load(m, c)
        m.cpu.i32[L.gprCell(EBP) >> 2] = 200
        const { kind } = m.run(100_000)
        return { kind, retired: m.retired, state: state(m), blocks: m.execution.engine.statistics?.blocks }
      })
      expect(cold!.kind).toBe('halted')
      expect({ ...hot, blocks: undefined, texts }).toEqual({ ...cold, blocks: undefined, texts })
      expect(hot!.blocks).toBeGreaterThan(0)
    },
  )
}
