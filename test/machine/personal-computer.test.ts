// createMachine by its contract: state, memory, running by budget, console and events. Guests are a few bytes of code.
import { createMachine, MemoryStorage, type RunResult } from '../../src/index.js'

const CODE = 0x2000
const flat = (rights: number) => ({ selector: 8, base: 0, limit: 0xffffffff, rights })

/** A PC in flat protected mode at code of ours. */
function start(code: readonly number[]) {
  const machine = createMachine({ memory: 4 << 20 })
  machine.write(CODE, Uint8Array.from(code))
  const data = flat(0xc093)
  machine.state = { cr0: 0x11, eip: CODE, esp: 0x8000, cs: flat(0xc09b), ss: data, ds: data, es: data }
  return machine
}

test('state, memory and budget', () => {
  const machine = start([0x40, 0xa3, 0x00, 0x30, 0, 0, 0xeb, 0xf8]) // inc eax; mov [0x3000], eax; jmp back
  machine.state = { eax: 41 }
  expect(machine.run(2)).toEqual({ kind: 'budget' })
  expect(machine.state).toMatchObject({ eax: 42, eip: CODE + 6 })
  expect(machine.read(0x3000, 4)).toEqual(Uint8Array.of(42, 0, 0, 0))
  expect(machine.run(3000)).toEqual({ kind: 'budget' })
  expect([machine.state.eax, machine.instructions, machine.nanoseconds]).toEqual([1042, 3002, 3002])
  expect(() => machine.read(0x3ffffe, 4)).toThrow(/not in the memory/)
})

test('code that is written while it runs takes effect at the next instruction', () => {
  const machine = start([0x40, 0xeb, 0xfd]) // inc eax; jmp back
  machine.run(20_000)
  machine.write(CODE, Uint8Array.of(0x48)) // dec eax
  const { eax } = machine.state
  machine.run(20_000)
  expect(machine.state.eax).toBe(eax - 10_000)
})

test('the console goes both ways, and events tell of output and ends', () => {
  // wait: mov dx, 0x3fd; in al, dx; test al, 1; jz wait; mov dl, 0xf8; in al, dx; out dx, al; out 0xe9, al; out 0xf4, al
  const code = [0x66, 0xba, 0xfd, 3, 0xec, 0xa8, 1, 0x74, 0xfb, 0xb2, 0xf8, 0xec, 0xee, 0xe6, 0xe9, 0xe6, 0xf4]
  const machine = start(code)
  const text: string[] = []
  const ends: RunResult[] = []
  machine.on('console', bytes => text.push(Buffer.from(bytes).toString('latin1')))
  const silence = machine.on('stopped', result => ends.push(result))
  expect(machine.run(1000)).toEqual({ kind: 'budget' })
  machine.input('A')
  expect(machine.run()).toEqual({ kind: 'debug-exit', value: 0x41 })
  expect(text.join('')).toBe('AA')
  silence()
  machine.run(1)
  expect(ends).toEqual([{ kind: 'budget' }, { kind: 'debug-exit', value: 0x41 }])
})

test('equal machines have equal digests', () => {
  const [a, b] = [start([0x40, 0xeb, 0xfd]), start([0x40, 0xeb, 0xfd])]
  for (const machine of [a, b]) machine.run(999)
  expect(a.digest()).toBe(b.digest())
  b.run(1)
  expect(a.digest()).not.toBe(b.digest())
})

test('what cannot be used is refused', () => {
  expect(() => createMachine({ model: 'z80' })).toThrow(/unknown CPU model/)
  expect(() => createMachine({ linux: { kernel: new Uint8Array(10) } })).toThrow(/kernel at offset 0x0: neither/)
  expect(createMachine({ disk: new MemoryStorage(new Uint8Array(1 << 20)) }).state.eip).toBe(0xfff0)
})
