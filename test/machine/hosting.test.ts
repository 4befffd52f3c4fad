// A machine under a small hypervisor, on every engine: each kind of entry arrives once, with the state that a real monitor
// would find, and what it answers is done. The guest is a few instructions in the flat machine.

import { type Fault, isFault } from '../../hypervisors/hypervisor.js'
import { engineNames } from '../../src/engine/engines.js'
import type { Host, Resume, Trap } from '../../src/machine/host.js'
import { type Hosting, hostMachine } from '../../src/machine/hosting.js'
import type { Machine } from '../../src/machine/machine.js'
import { type FlatOptions, flatMachine } from '../drivers/flat-machine.js'
import { CODE, DATA, END_SERVICE } from '../drivers/random-program.js'

const BUDGET = 100_000
const TIMER = 0x20
const PF = 14
const GP = 13
const thresholds = { hot: 3, batch: 1, urgent: 4 }
const hex = (text: string) => Uint8Array.from(text.split(' ').map(byte => Number.parseInt(byte, 16)))
const [EAX, EBX] = [0, 3]

interface Hosted {
  readonly machine: Machine
  readonly traps: Trap[]
  readonly hosting: Hosting
  readonly entries: ReadonlyMap<string, number>
}

function hosted(
  code: string,
  options: FlatOptions,
  handle: (trap: Trap, host: Host) => Resume,
  prepare: (host: Host) => void,
): Hosted {
  const machine = flatMachine(hex(code), { thresholds, ...options })
  const traps: Trap[] = []
  const hosting: Hosting = hostMachine(machine, trap => {
    traps.push(trap)
    hosting.host.count(trap.kind)
    return handle(trap, hosting.host)
  })
  prepare(hosting.host)
  return { machine, traps, hosting, entries: hosting.entries }
}

describe.each(engineNames)('%s', engine => {
  test('INT n through a marked gate: EIP is behind it, nothing has been pushed', () => {
    // 60 times: int END_SERVICE; then hlt
    const code = `b9 3c 00 00 00 cd ${END_SERVICE.toString(16)} 49 75 fb f4`
    const esps = new Set<number>()
    const { machine, traps, entries } = hosted(
      code,
      { engine },
      (_, { vcpu }) => {
        esps.add(vcpu.register(4))
        vcpu.setRegister(EBX, vcpu.register(EBX) + 1)
        return 'run'
      },
      ({ vcpu }) => vcpu.setMonitorGates([END_SERVICE]),
    )
    const start = machine.cpu.register(4)
    expect(machine.run(BUDGET)).toEqual({ kind: 'halted' })
    expect(traps[0]).toEqual({ kind: 'gate', vector: END_SERVICE, source: 'software', error: undefined })
    expect([machine.cpu.register(EBX), entries.get('gate'), machine.retired]).toEqual([60, 60, 1 + 3 * 60 + 1])
    expect([...esps]).toEqual([start])
  })

  test('an exception through a marked gate has its error code; the hypervisor goes on behind the instruction', () => {
    const { machine, traps } = hosted(
      'fa 40 f4', // cli at CPL 3 with IOPL 0; inc eax; hlt
      { engine, user: true },
      (trap, { vcpu }) => {
        if (trap.kind === 'gate' && vcpu.eip === CODE + 2) return { end: { kind: 'crash', reason: 'done' } }
        vcpu.eip += 1
        return 'run'
      },
      ({ vcpu }) => {
        vcpu.eflags = 2
        vcpu.setMonitorGates([GP])
      },
    )
    expect(machine.run(BUDGET)).toEqual({ kind: 'crash', reason: 'done' })
    expect(traps[0]).toEqual({ kind: 'gate', vector: GP, source: 'exception', error: 0 })
    expect(machine.cpu.register(EAX)).toBe(1)
  })

  test('a page fault seen first: mapped and restarted, or injected; CR2 changes only then', () => {
    const hidden = 0x200000
    const { machine, traps } = hosted(
      'a1 00 00 20 00 a1 00 00 40 00 f4', // mov eax, [hidden]; mov eax, [0x400000], which the guest's handler gets; hlt
      { engine, paging: true },
      (trap, { vcpu, memory }) => {
        if (trap.kind !== 'exception') return 'run'
        expect(vcpu.cr2).toBe(0)
        if (trap.linear !== hidden) vcpu.inject(trap)
        else {
          memory.write32(0x5000 + 4 * (hidden >>> 12), hidden | 7)
          vcpu.invalidate(hidden)
        }
        return 'run'
      },
      ({ vcpu, memory }) => {
        memory.write32(0x5000 + 4 * (hidden >>> 12), 0)
        vcpu.setMonitorExceptions([PF])
      },
    )
    expect(machine.run(BUDGET)).toEqual({ kind: 'halted' })
    const fault = { kind: 'exception', vector: PF, error: 0, interrupted: undefined }
    expect(traps).toEqual([
      { ...fault, linear: hidden },
      { ...fault, linear: 0x400000 },
    ])
    // Raised twice, delivered to the guest once.
    expect([machine.cpu.state.cr2, machine.cpu.exceptionCounts[PF]]).toEqual([0x400000, 2])
  })

  test('a fault while something else is delivered: that is delivered again', () => {
    // The stack of the timer's handler is not mapped at first.
    const stack = DATA + 0x3000
    const { machine, traps } = hosted(
      'b8 00 30 12 00 89 c4 90 90 eb fc'.replace('00 30 12 00', le(stack)),
      { engine, paging: true, timerTicks: 2000 },
      (trap, { vcpu, memory }) => {
        if (trap.kind !== 'exception') return 'run'
        memory.write32(0x5000 + 4 * (trap.linear >>> 12), (trap.linear & ~0xfff) | 7)
        vcpu.invalidate(trap.linear)
        if (trap.interrupted) vcpu.resume(trap.interrupted)
        return 'run'
      },
      ({ vcpu, memory }) => {
        memory.write32(0x5000 + 4 * ((stack - 4) >>> 12), 0)
        vcpu.setMonitorExceptions([PF])
      },
    )
    machine.run(5_000_000)
    const interrupted = { vector: TIMER, external: true, error: undefined }
    expect(traps).toMatchObject([{ kind: 'exception', vector: PF, interrupted }])
    expect(machine.memory.read(0x7000, 1)[0]).toBeGreaterThan(1)
    expect(machine.cpu.interruptCounts[TIMER]).toBe(machine.memory.read(0x7000, 1)[0])
  })

  test('interrupts come before they are acknowledged', () => {
    const { machine, entries, hosting } = hosted(
      '90 90 eb fc',
      { engine, timerTicks: 2000 },
      (trap, { vcpu }) => {
        expect([trap.kind, vcpu.interruptPending]).toEqual(['interrupt', true])
        vcpu.takeInterrupt()
        return 'run'
      },
      ({ vcpu }) => {
        vcpu.monitorInterrupts = true
      },
    )
    machine.run(10_000_000)
    expect(entries.get('interrupt')).toBe(machine.memory.read(0x7000, 1)[0])
    expect(entries.get('interrupt')).toBeGreaterThan(4)
    expect(hosting.counted).toBe(entries.get('interrupt'))
  })

  test('instructions by level, executed by the processor, and control registers that show something else', () => {
    const { machine, traps } = hosted(
      '0f a2 0f 20 c3 f4', // cpuid; mov ebx, cr0; hlt
      { engine },
      (_, { vcpu }) => {
        expect(vcpu.execute()).toBeUndefined()
        return 'run'
      },
      ({ vcpu }) => {
        vcpu.shownControls = { cr0: 0x40, cr0Owned: 0x10000, cr3: 0, cr4: 0, cr4Owned: 0 }
        vcpu.intercept({ any: ['cpuid'], kernel: ['hlt'] })
      },
    )
    expect(machine.run(BUDGET)).toEqual({ kind: 'halted' })
    expect(traps.map(trap => trap.kind === 'instruction' && trap.event.form.mnemonic)).toEqual(['cpuid', 'hlt'])
    expect([machine.cpu.register(EBX), machine.retired]).toEqual([0x33, 3])
  })

  test('at CPL 3 what is intercepted in the kernel only is executed unseen', () => {
    const { machine, traps, entries } = hosted(
      `0f a2 9c 58 cd ${END_SERVICE.toString(16)}`, // cpuid; pushf; pop eax; int
      { engine, user: true },
      (_, { vcpu }) => {
        vcpu.execute()
        return 'run'
      },
      ({ vcpu }) => vcpu.intercept({ any: ['cpuid'], kernel: ['pushf'] }),
    )
    expect(machine.run(BUDGET)).toEqual({ kind: 'halted' })
    expect([traps.length, entries.get('instruction')]).toEqual([1, 1])
  })

  test('idle until the alarm, at its exact time', () => {
    let at = 0
    const { machine, traps } = hosted(
      'f4',
      { engine },
      (trap, { clock }) => {
        if (trap.kind === 'instruction') {
          clock.setAlarm(12_345)
          return 'idle'
        }
        at = clock.now
        return { end: { kind: 'power-off' } }
      },
      ({ vcpu }) => vcpu.intercept({ any: ['hlt'], kernel: [] }),
    )
    expect(machine.run(BUDGET)).toEqual({ kind: 'power-off' })
    expect([at, traps.map(({ kind }) => kind)]).toEqual([12_345, ['instruction', 'alarm']])
  })
})

test('accesses by linear address obey the tables in force', () => {
  const { host } = hostMachine(flatMachine(hex('f4'), { engine: 'reference', paging: true }), () => 'run')
  const { vcpu, memory } = host
  memory.write32(0x5000 + 4 * 0x201, 0)
  expect(vcpu.writeLinear(0x200000, Uint8Array.of(1, 2, 3, 4), true)).toBeUndefined()
  expect(vcpu.load(0x200000, 4, true)).toBe(0x04030201)
  const fault: Fault = { vector: PF, error: 6, linear: 0x201000 }
  expect(vcpu.writeLinear(0x200ffe, Uint8Array.of(9, 9, 9, 9), true)).toEqual(fault)
  expect(vcpu.readLinear(0x200ffc, 4, true)).toEqual(Uint8Array.of(0, 0, 0, 0))
  expect(isFault(vcpu.readLinear(0x200ffe, 4, true))).toBe(true)
  expect(vcpu.store(0x201000, 4, 1, false)).toEqual({ ...fault, error: 2 })
})

function le(n: number): string {
  return [0, 8, 16, 24].map(shift => ((n >>> shift) & 255).toString(16).padStart(2, '0')).join(' ')
}
