// The library's front door: the examples print what they say, and a machine's streams, events and state work together.
import { createCpu, createMachine } from '../src/index.js'

const CODE = 0x100000
const flat = (selector: number, rights: number) => ({ selector, base: 0, limit: 0xffffffff, rights })
const data = flat(0x10, 0xc093)
const FLAT = { cr0: 1, eip: CODE, cs: flat(8, 0xc09b), ds: data, es: data, ss: data }

async function outputOf(example: string): Promise<unknown[][]> {
  const printed: unknown[][] = []
  const { log } = console
  console.log = (...values: unknown[]) => printed.push(values)
  try {
    await import(`../examples/${example}.js`)
    return printed
  } finally {
    console.log = log
  }
}

test('the example of a single CPU', async () => {
  expect(await outputOf('step-instructions')).toEqual([
    [{ kind: 'done' }],
    ['eax 1, carry 1'],
    [{ kind: 'done' }, Uint8Array.of(1, 0, 0, 0)],
    [{ kind: 'fault', vector: 14, errorCode: 2, cr2: 0x10000 }],
  ])
})

test('the example of a machine', async () => {
  expect(await outputOf('run-machine')).toEqual([
    ['running at most 1000 instructions'],
    ['hello from ring 0'],
    ['ended: halted'],
    ['97 instructions'],
  ])
})

test('console streams: what comes in by one goes out by the other', async () => {
  const machine = createMachine({ memory: 2 << 20, engine: 'interpreter' })
  const output = machine.console.readable.getReader()
  // next: in al, LSR; test al, 1; jz next; in al, RBR; out THR, al; jmp next
  const echo = [0x66, 0xba, 0xfd, 3, 0xec, 0xa8, 1, 0x74, 0xf7, 0x66, 0xba, 0xf8, 3, 0xec, 0xee, 0xeb, 0xef]
  machine.memory.write(CODE, Uint8Array.from(echo))
  machine.state = FLAT
  const input = machine.console.writable.getWriter()
  await input.write('ab')
  expect(machine.run(1000)).toEqual({ kind: 'budget' })
  expect(new TextDecoder().decode((await output.read()).value)).toBe('ab')
  machine.console.close()
  expect((await output.read()).done).toBe(true)
})

test('state, time and the end of a run', () => {
  const machine = createMachine({ memory: 2 << 20, engine: 'reference' })
  const ends: string[] = []
  machine.onEnd(result => ends.push(result.kind))
  machine.memory.write(CODE, Uint8Array.of(0x40, 0x40, 0xfa, 0xf4)) // inc eax; inc eax; cli; hlt
  machine.state = FLAT
  expect(machine.run(2)).toEqual({ kind: 'budget' })
  expect(machine.state).toMatchObject({ eax: 2, eip: CODE + 2 })
  expect(machine.run(100)).toEqual({ kind: 'halted' })
  expect([machine.retired, machine.nanoseconds]).toEqual([4, 4])
  expect(ends).toEqual(['halted'])
})

test('use that cannot be meant is refused', () => {
  expect(() => createMachine({ memory: 1000 })).toThrow(/1M to 1024M/)
  expect(() => createMachine({ model: '6502' })).toThrow(/pentium3/)
})

test('sensitive instructions exit by class, from a machine and from a single CPU', () => {
  const code = Uint8Array.of(0x0f, 0xa2, 0xfa, 0xf4) // cpuid; cli; hlt
  const machine = createMachine({ memory: 2 << 20, engine: 'blocks' })
  machine.memory.write(CODE, code)
  machine.state = FLAT
  const reported: string[] = []
  machine.intercept({ exit: ['cpuid'], report: ['cli'] }, ({ name, reported: only }) => {
    if (only) reported.push(name)
    return 'stop'
  })
  expect(machine.run(100)).toMatchObject({ kind: 'intercepted', event: { name: 'cpuid', eip: CODE, cpl: 0 } })
  machine.state = { eip: CODE + 2 }
  expect([machine.run(100), reported]).toEqual([{ kind: 'halted' }, ['cli']])

  for (const engine of ['reference', 'interpreter', 'blocks'] as const) {
    const cpu = createCpu({ engine })
    cpu.map(CODE, 0x1000)
    cpu.write(CODE, code)
    cpu.state = { eip: CODE, eax: 0 }
    cpu.intercept({ exit: ['cpuid'] })
    expect(cpu.step()).toMatchObject({ kind: 'intercepted', event: { name: 'cpuid', linear: CODE } })
    expect(cpu.state).toMatchObject({ eip: CODE, eax: 0 })
    cpu.intercept({ exit: ['cpuid'] }, ({ eip }) => {
      cpu.state = { eip: eip + 2, eax: 42 }
      return 'done'
    })
    expect([cpu.step(), cpu.state.eax, cpu.state.eip]).toEqual([{ kind: 'done' }, 42, CODE + 2])
    cpu.intercept({})
    cpu.state = { eip: CODE, eax: 0 }
    expect([cpu.step(), cpu.state.eip]).toEqual([{ kind: 'done' }, CODE + 2])
    expect(() => cpu.intercept({ exit: ['plough'] })).toThrow(/plough/)
  }
})
