// Interception controls on every engine: each execution of a controlled instruction is one event, at CPL 0 and 3, in loops
// that become hot, and nothing else changes. What is expected is counted by hand: passes times the snippet's instructions.

import * as L from '../../src/cpu/layout.js'
import { type EngineName, engineNames } from '../../src/engine/engines.js'
import { SENSITIVE_CLASSES } from '../../src/isa/sensitive.js'
import { formClasses } from '../../src/isa/sensitive-forms.js'
import { machineDigest } from '../../src/machine/digest.js'
import type { Machine } from '../../src/machine/machine.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { CODE } from '../drivers/random-program.js'

const PASSES = 60
const BUDGET = 100_000
const thresholds = { hot: 3, batch: 1, urgent: 4 }
const hex = (text: string) => text.split(' ').map(byte => Number.parseInt(byte, 16))
const le32 = (n: number) => [0, 8, 16, 24].map(shift => (n >>> shift) & 255)
const number = (name: string) => SENSITIVE_CLASSES.find(entry => entry.name === name)!.number

/** Code, and the classes of its instructions; a class of an instruction that repeats stands once for each iteration. */
type Snippet = readonly [code: string, classes: string]
// EBP points to data; [ebp+64] is scratch, aligned for FXSAVE.
const anywhere: Snippet[] = [
  ['fa fb', 'cli sti'],
  ['9c 9d', 'pushf popf'],
  ['e4 80 e6 80', 'in out'],
  ['8d 7d 40 ba 80 00 00 00 b9 03 00 00 00 f3 6c', 'ins ins ins'],
  ['8d 75 40 ba 80 00 00 00 b9 03 00 00 00 f3 6e', 'outs outs outs'],
  ['0f 01 e0', 'smsw'],
  ['0f a2 0f 31', 'cpuid rdtsc'],
  ['0f 01 45 40 0f 01 4d 40', 'sgdt sidt'],
  ['0f 00 c0 0f 00 c8', 'sldt str'],
  ['8c d8 8e d8 1e 1f', 'mov_from_segment mov_to_segment push_segment pop_segment'],
  ['31 c0 89 45 40 8c 5d 44 c4 45 40', 'mov_from_segment load_far_pointer'],
  ['8c d8 0f 02 c8 0f 03 c8 0f 00 e0 0f 00 e8 63 c1', 'mov_from_segment lar lsl verr verw arpl'],
  ['31 c0 ce', 'into'],
  ['dd 75 40 dd 65 40 0f ae 45 40 0f ae 4d 40', 'fpu_save fpu_restore fpu_save fpu_restore'],
  ['db e3 d9 7d 40 d9 6d 40', 'fpu_init fpu_store_control fpu_load_control'],
  ['d9 75 40 d9 65 40 db e2', 'fpu_environment fpu_environment fpu_clear'],
]
const atCpl0: Snippet[] = [
  ['0f 20 c0 0f 22 c0', 'mov_from_control mov_to_control'],
  ['0f 21 f8 0f 23 f8', 'mov_from_debug mov_to_debug'],
  ['0f 06 0f 01 e0 0f 01 f0', 'clts smsw lmsw'],
  ['0f 01 7d 00', 'invlpg'],
  ['b9 74 01 00 00 0f 32 0f 30', 'rdmsr wrmsr'],
  ['0f 01 45 40 0f 01 55 40 0f 01 4d 40 0f 01 5d 40', 'sgdt lgdt sidt lidt'],
  ['31 c0 0f 00 d0', 'lldt'],
  ['0f 09', 'wbinvd'],
]
/** Each raises an exception at CPL 3, or leaves for a handler that ends the run. */
const leaving: Snippet[] = [
  ['0f 01 7d 00', 'invlpg'],
  ['0f 00 d0', 'lldt'],
  ['0f 09', 'wbinvd'],
  ['0f 20 c0', 'mov_from_control'],
  ['0f 22 c0', 'mov_to_control'],
  ['0f 21 f8', 'mov_from_debug'],
  ['0f 23 f8', 'mov_to_debug'],
  ['0f 06', 'clts'],
  ['0f 01 f0', 'lmsw'],
  ['0f 32', 'rdmsr'],
  ['0f 30', 'wrmsr'],
  ['0f 01 55 40', 'lgdt'],
  ['0f 01 5d 40', 'lidt'],
  ['0f 00 d8', 'ltr'],
  ['0f 08', 'invd'],
  ['f4', 'hlt'],
  ['0f 33', 'rdpmc'],
  ['cd 0d', 'int'],
  ['0f 34', 'sysenter'],
  ['0f 35', 'sysexit'],
]

/** Far transfers to the instruction behind them. */
function farTransfers(at: number, selector: number): number[] {
  const code: number[] = []
  const behind = (bytes: number) => le32(at + code.length + bytes)
  code.push(0x9c, 0x6a, selector, 0x68, ...behind(9), 0xcf)
  code.push(0xea, ...behind(7), selector, 0)
  code.push(0x9a, ...behind(9), selector, 0, 0xeb, 1, 0xcb)
  return code
}
const FAR = 'pushf iret far_jump far_call far_return'

/** mov dword [ebp+32], PASSES; again: snippets; dec dword [ebp+32]; jnz again; jmp to itself. */
function loop(snippets: readonly Snippet[], selector: number): Uint8Array {
  const start = [0xc7, 0x45, 0x20, ...le32(PASSES)]
  const body = snippets.flatMap(([code]) => hex(code))
  body.push(...farTransfers(CODE + start.length + body.length, selector))
  const back = [0xff, 0x4d, 0x20, 0x0f, 0x85, ...le32(-(body.length + 9))]
  return Uint8Array.from([...start, ...body, ...back, 0xeb, 0xfe])
}
function expectedCounts(snippets: readonly Snippet[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const name of [...snippets.map(([, classes]) => classes), FAR].join(' ').split(' '))
    counts[number(name)] = (counts[number(name)] ?? 0) + PASSES
  return counts
}
const countsOf = ({ interception }: Machine) =>
  Object.fromEntries([...interception.counts].map((count, i) => [i, count]).filter(([, count]) => count !== 0))
const outcome = (machine: Machine) => ({ digest: machineDigest(machine), retired: machine.retired })

describe.each([
  ['CPL 0', false, [...anywhere, ...atCpl0]],
  ['CPL 3', true, anywhere],
] as const)('at %s', (_, user, snippets) => {
  const code = loop(snippets, user ? 0x1b : 8)
  const make = (engine: EngineName) => flatMachine(code, { engine, thresholds, user })
  let plain: ReturnType<typeof outcome>
  beforeAll(() => {
    const machine = make('reference')
    expect(machine.run(BUDGET)).toEqual({ kind: 'budget' })
    expect(machine.cpu.u32[L.EIP >> 2]).toBe(CODE + code.length - 2)
    plain = outcome(machine)
  })

  test.each(engineNames)('every execution is one event, and changes nothing: %s', engine => {
    for (const reported of [false, true]) {
      const machine = make(engine)
      machine.interception.set(reported ? [] : formClasses, reported ? formClasses : [])
      const cpls = new Set<number>()
      machine.interception.onIntercept = event => {
        cpls.add(event.cpl)
        expect(event.reported).toBe(reported)
        return reported ? 'stop' : 'execute'
      }
      expect(machine.run(BUDGET)).toEqual({ kind: 'budget' })
      expect(countsOf(machine)).toEqual(expectedCounts(snippets))
      expect([...cpls]).toEqual([user ? 3 : 0])
      expect(outcome(machine)).toEqual(plain)
    }
  })

  test.each(engineNames)('controls change while code is hot: %s', engine => {
    const machine = make(engine)
    machine.run(2000)
    if (engine === 'blocks') expect(machine.execution.engine.statistics!.blocks).toBeGreaterThan(0)
    machine.interception.set([number('cpuid')])
    let seen = 0
    machine.interception.onIntercept = () => {
      if (++seen === 3) machine.interception.set([])
      return 'execute'
    }
    machine.run(BUDGET - 2000)
    expect(countsOf(machine)).toEqual({ [number('cpuid')]: 3 })
    expect(outcome(machine)).toEqual(plain)
  })
})

test.each(engineNames)('what traps is intercepted before it traps: %s', engine => {
  const machine = flatMachine(Uint8Array.of(0x90), { engine, thresholds, user: true })
  const start = machine.cpu.state
  for (const [code, name] of leaving) {
    machine.memory.write(CODE, Uint8Array.from(hex(code)))
    machine.cpu.state = start
    machine.execution.halted = false
    machine.interception.set([number(name)])
    const places: number[] = []
    machine.interception.onIntercept = ({ cpl, linear }) => {
      if (cpl === 3) places.push(linear)
      return 'execute'
    }
    expect([name, machine.run(1000).kind, places]).toEqual([name, 'halted', [CODE]])
  }
})

test.each(engineNames)('the owner stops before an instruction and emulates it: %s', engine => {
  const machine = flatMachine(Uint8Array.from(hex('40 0f a2 43 f4')), { engine, thresholds }) // inc eax; cpuid; inc ebx; hlt
  const { interception, cpu } = machine
  interception.set([number('cpuid')])
  interception.onIntercept = () => 'stop'
  for (let n = 0; n < 2; n++) {
    expect(machine.run(BUDGET)).toMatchObject({ kind: 'intercepted', event: { eip: CODE + 1, cpl: 0 } })
    expect(machine.retired).toBe(1)
  }
  interception.onIntercept = ({ eip }) => {
    cpu.i32[L.gprCell(3) >> 2] = 41
    cpu.i32[L.EIP >> 2] = eip + 2
    return 'done'
  }
  expect(machine.run(BUDGET)).toEqual({ kind: 'halted' })
  expect([machine.retired, cpu.i32[L.gprCell(3) >> 2], cpu.i32[L.gprCell(0) >> 2]]).toEqual([4, 42, 1])
})

test('the snippets have every class that a form tells', () => {
  const present = [...anywhere, ...atCpl0, ...leaving, ['', FAR]]
    .flatMap(([, classes]) => classes!.split(' '))
    .map(number)
  const ours = [...new Set(present)].sort((a, b) => a - b)
  expect(ours).toEqual(formClasses)
})

test('a class that instructions do not tell is refused', () => {
  const machine = flatMachine(Uint8Array.of(0x90), { engine: 'reference' })
  expect(() => machine.interception.set([number('pte_write')])).toThrow(RangeError)
  expect(() => machine.interception.set([], [number('sti_wait')])).toThrow('cannot be intercepted')
})
