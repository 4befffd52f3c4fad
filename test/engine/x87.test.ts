// x87 instructions decoded from bytes and executed by the cold engine, against the reference evaluator: the same state
// afterwards; and loops of them by the hot engine against the cold one. What the evaluator does is compared with the host in test/semantics/x87.test.ts.

import * as L from '../../src/cpu/layout.js'
import { models } from '../../src/cpu/models.js'
import type { EngineName } from '../../src/engine/engines.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'
import type { FpuCase } from '../drivers/host-fpu.js'
import { Random, randomCase } from '../drivers/x87-cases.js'
import * as i from '../drivers/x87-instructions.js'
import { X87Machine } from '../drivers/x87-machine.js'

const CODE = 0x1000
const DATA = 0x2000
const ESI = 6

function machine(engine: EngineName): Machine {
  const made = new Machine({ memory: 1 << 20, model: models.pentium3!, engine })
  const flat = (selector: number, rights: number) => ({ selector, base: 0, limit: 0xffffffff, rights })
  const data = flat(16, 0xc093)
  enter(made.cpu, {
    cr0: 0x21,
    eip: CODE,
    eflags: 2,
    registers: { eax: 0, ecx: 0, edx: 0, ebx: 0, esp: 0x8000, ebp: 0, esi: DATA, edi: 0 },
    segments: { cs: flat(8, 0xc09b), ds: data, es: data, fs: data, gs: data, ss: data },
    gdtr: { base: 0, limit: 0 },
    idtr: { base: 0, limit: 0 },
  })
  return made
}

const FRSTOR = [0xdd, 0x66, 0x40]
const FNSAVE = [0xdd, 0x76, 0x40]

/** The machine's answer to a case; memory operands are at ESI + 16, the image at ESI + 64. */
function answer(m: Machine, length: number, c: FpuCase): FpuCase {
  const { i32 } = m.cpu
  const ram = m.memory.u8.subarray(L.RAM)
  ram.set(c.image, DATA + 64)
  ram.set(c.memory, DATA + 16)
  i32[L.gprCell(0) >> 2] = c.eax | 0
  i32[L.gprCell(ESI) >> 2] = DATA
  const step = (eip: number) => {
    i32[L.EIP >> 2] = eip
    i32[L.BUDGET >> 2] = 1000
    m.execution.engine.single()
  }
  const at = CODE + 16 * c.instruction
  step(at)
  step(at + 3)
  const memory = ram.slice(DATA + 16, DATA + 32)
  step(at + 3 + length)
  return {
    instruction: c.instruction,
    eax: i32[L.gprCell(0) >> 2]! >>> 0,
    eflags: 0,
    memory,
    image: ram.slice(DATA + 64, DATA + 64 + 108),
  }
}
const text = ({ eax, memory, image }: FpuCase) => {
  const kept = image.slice()
  kept.fill(0, 12, 28) // pointers to instruction and operand
  return [eax.toString(16), Buffer.from(memory).toString('hex'), Buffer.from(kept).toString('hex')].join(' ')
}

test.each([
  ['arithmetic', i.arithmeticInstructions],
  ['comparison', i.compareInstructions.filter(c => !c.mnemonic.startsWith('fcmov'))],
  ['loads', i.loadInstructions],
  ['stores', i.storeInstructions],
  ['steps', i.stepInstructions],
  ['transcendentals', i.transcendentalInstructions],
  ['control', i.controlInstructions],
])('%s', (_, instructions) => {
  const m = machine('interpreter')
  // All code is there before the first of it is decoded.
  instructions.forEach(({ bytes }, n) => {
    m.memory.u8.set([...FRSTOR, ...bytes, ...FNSAVE], L.RAM + CODE + 16 * n)
  })
  const reference = new X87Machine()
  const programs = instructions.map(instruction => reference.prepare(instruction))
  const r = new Random(7)
  for (let n = 0; n < 20 * instructions.length; n++) {
    const c = randomCase(r, n % instructions.length, { empty: 2, unmasked: true })
    const { name, bytes } = instructions[c.instruction]!
    expect(`${name} ${text(answer(m, bytes.length, c))}`).toBe(
      `${name} ${text(reference.run(programs[c.instruction]!, c))}`,
    )
  }
})

/** A loop over random instructions, long enough to become hot: frstor; again: ...; dec ecx; jnz again; fnsave; cli; hlt. */
function randomLoop(r: Random): number[] {
  const all = [
    ...i.arithmeticInstructions,
    ...i.compareInstructions,
    ...i.loadInstructions,
    ...i.storeInstructions,
    ...i.stepInstructions,
    ...i.transcendentalInstructions,
  ]
  const body = Array.from({ length: 25 }, () => [...r.pick(all).bytes]).flat()
  const back = -(body.length + 7)
  return [...FRSTOR, ...body, 0x49, 0x0f, 0x85, ...[0, 8, 16, 24].map(n => (back >>> n) & 0xff), ...FNSAVE, 0xfa, 0xf4]
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('a hot loop is what the cold engine makes of it (seed %d)', seed => {
  const r = new Random(seed)
  const code = randomLoop(r)
  const { image, memory } = randomCase(r, 0, { empty: 3 })
  const finals = (['interpreter', 'blocks'] as const).map(engine => {
    const m = machine(engine)
    const ram = m.memory.u8.subarray(L.RAM)
    ram.set(code, CODE)
    ram.set(image, DATA + 64)
    ram.set(memory, DATA + 16)
    m.cpu.i32[L.gprCell(1) >> 2] = 6000
    const { kind } = m.run(1_000_000)
    const state = m.memory.u8.slice(L.GPR, L.FLAG_RESULT)
    return [kind, m.retired, ...[state, ram.slice(DATA, DATA + 256)].map(b => Buffer.from(b).toString('hex'))]
  })
  expect(finals[0]![0]).toBe('halted')
  expect(finals[1]).toEqual(finals[0])
})
