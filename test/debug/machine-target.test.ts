// The debugger's view of a real machine: registers by gdb's names, memory through page tables, breakpoints and watchpoints
// that change nothing the guest computes.
import { cpuModel } from '../../src/cpu/models.js'
import { MachineTarget } from '../../src/debug/machine-target.js'
import { type EngineName, engineNames } from '../../src/engine/engines.js'
import { flatEntry, flatGdt } from '../../src/loader/entry.js'
import { enter } from '../../src/machine/entry.js'
import { Machine, type RunResult } from '../../src/machine/machine.js'

const CODE = 0x2000
/** inc eax; mov [0x3000], eax; jmp back */
const LOOP = Uint8Array.of(0x40, 0xa3, 0x00, 0x30, 0, 0, 0xeb, 0xf8)

function start(code: Uint8Array, engine: EngineName = 'interpreter') {
  const thresholds = { hot: 3, batch: 1, urgent: 4 }
  const machine = new Machine({ memory: 4 << 20, model: cpuModel('pentium3'), engine, thresholds })
  machine.memory.write(0x1000, flatGdt(8, 16))
  machine.memory.write(CODE, code)
  const gdt = { base: 0x1000, limit: 23 }
  enter(machine.cpu, flatEntry({ eip: CODE, registers: { esp: 0x8000 }, codeSelector: 8, dataSelector: 16, gdt }))
  const log: string[] = []
  let yields = 0
  const target: MachineTarget = new MachineTarget(machine, {
    yieldToHost: async () => {
      if (++yields === 3) target.interrupt()
    },
    waitForInput: async () => false,
    wake: () => {},
    ended: (result: RunResult) => {
      log.push(result.kind)
      return result.kind === 'debug-exit' ? result.value : 0
    },
    released: kill => log.push(kill ? 'kill' : 'detach'),
  })
  const number = (name: string) => {
    const bytes = target.readRegister(name)!
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  }
  return { machine, target, log, number }
}

test('stepping executes one instruction at a time', async () => {
  const { target, number, machine } = start(LOOP)
  expect(await target.step()).toEqual({ kind: 'step' })
  expect([number('eip'), number('eax'), machine.retired]).toEqual([CODE + 1, 1, 1])
})

describe.each(engineNames)('%s', engine => {
  test('a breakpoint stops before its instruction each time, and leaves memory alone', async () => {
    const { target, number, machine } = start(LOOP, engine)
    target.insertBreakpoint('software', CODE + 1, 1)
    expect(await target.continue()).toEqual({ kind: 'breakpoint', by: 'software' })
    expect([number('eip'), number('eax')]).toEqual([CODE + 1, 1])
    expect(await target.continue()).toEqual({ kind: 'breakpoint', by: 'software' })
    expect([number('eax'), machine.retired]).toEqual([2, 4])
    expect(await target.step()).toEqual({ kind: 'step' })
    expect(number('eip')).toBe(CODE + 6)
    expect(target.readMemory(CODE, 8)).toEqual(LOOP)
    expect(target.removeBreakpoint('software', CODE + 1, 1)).toBe(true)
    expect(await target.continue()).toEqual({ kind: 'interrupt' })
  })

  test('a breakpoint in code that is hot already stops at the exact instruction', async () => {
    // mov ecx, 100000; dec ecx; jnz; nop; jump back
    const { target, number, machine } = start(
      Uint8Array.of(0xb9, 0xa0, 0x86, 0x01, 0, 0x49, 0x75, 0xfd, 0x90, 0xeb, 0xf5),
      engine,
    )
    machine.run(50_000)
    target.insertBreakpoint('hardware', CODE + 8, 1)
    expect(await target.continue()).toEqual({ kind: 'breakpoint', by: 'hardware' })
    expect([number('eip'), number('ecx'), machine.retired]).toEqual([CODE + 8, 0, 1 + 200_000])
    // gdb takes breakpoints out while the guest stands still.
    target.removeBreakpoint('hardware', CODE + 8, 1)
    expect(await target.step()).toEqual({ kind: 'step' })
    target.insertBreakpoint('hardware', CODE + 5, 1)
    expect(await target.continue()).toEqual({ kind: 'breakpoint', by: 'hardware' })
    expect([number('ecx'), machine.retired]).toEqual([100_000, 200_001 + 3])
  })

  test.each([
    ['write', CODE + 13],
    ['read', CODE + 19],
    ['access', CODE + 13],
  ] as const)('a watchpoint for %s stops behind the access, in hot code too', async (kind, eip) => {
    // inc eax; cmp eax, 999; jb back; mov [0x3000], eax; mov ebx, [0x3001]; jump back
    const code = '40 3d e7 03 00 00 72 f8 a3 00 30 00 00 8b 1d 01 30 00 00 31 c0 eb e9'
    const bytes = Uint8Array.from(code.split(' '), byte => Number.parseInt(byte, 16))
    const { target, number, machine } = start(bytes, engine)
    machine.run(engine === 'reference' ? 20_000 : 200_000)
    machine.cpu.state = { eax: 0, ebx: 0, eip: CODE }
    const before = machine.retired
    expect(target.insertBreakpoint(kind, 0x3002, 1)).toBe(true)
    expect(await target.continue()).toEqual({ kind: 'watchpoint', watch: kind, linear: 0x3002 })
    expect(number('eip')).toBe(eip)
    expect(machine.retired - before).toBe(3 * 999 + 1 + Number(kind === 'read'))
    expect(target.removeBreakpoint(kind, 0x3002, 2)).toBe(false)
    expect(target.removeBreakpoint(kind, 0x3002, 1)).toBe(true)
    expect(await target.continue()).toEqual({ kind: 'interrupt' })
  })
})

test('code that the debugger writes is executed, even if it ran before', async () => {
  const { target, number } = start(LOOP)
  for (let i = 0; i < 9; i++) await target.step()
  expect(target.writeMemory(CODE, Uint8Array.of(0x48))).toBe(true)
  const before = number('eax')
  await target.step()
  expect(number('eax')).toBe(before - 1)
})

test('every register can be read back as it was set', () => {
  const { target } = start(LOOP)
  const names = ['eax', 'edi', 'ebp', 'cs', 'gs', 'fs_base', 'cr2', 'fctrl', 'fop', 'fooff']
  for (const [i, name] of names.entries()) {
    const value = Uint8Array.of(i + 1, 2, 0, 0)
    expect([name, target.writeRegister(name, value)]).toEqual([name, true])
    expect([name, target.readRegister(name)]).toEqual([name, value])
  }
  for (const [name, bytes] of [
    ['st3', 10],
    ['xmm7', 16],
  ] as const) {
    const value = Uint8Array.from({ length: bytes }, (_, i) => i + 1)
    expect(target.writeRegister(name, value)).toBe(true)
    expect(new Uint8Array(target.readRegister(name)!)).toEqual(value)
  }
  expect(target.writeRegister('st8', new Uint8Array(10))).toBe(false)
  expect(target.readRegister('nothing')).toBeUndefined()
})

test('the tag word is the full one: empty, valid, zero, special', () => {
  const { target, machine } = start(LOOP)
  const st = Array.from({ length: 8 }, () => new Uint8Array(10))
  st[0]!.set([0x80, 0xff, 0x3f], 7)
  st[2]!.set([0x80, 0xff, 0x7f], 7)
  machine.cpu.state = { x87: { sw: 6 << 11, tag: 0b11000001, st } }
  // Physical register 6 is ST(0) = 1.0, 7 is ST(1) = 0, 0 is ST(2) = infinity.
  expect([...target.readRegister('ftag')!]).toEqual([0xfe, 0x4f, 0, 0])
  target.writeRegister('ftag', Uint8Array.of(0xff, 0x3f, 0, 0))
  expect(machine.cpu.state.x87.tag).toBe(0x80)
})

test('memory goes through the page tables, without a trace in them', () => {
  const { target, machine } = start(LOOP)
  const put = (address: number, value: number) =>
    machine.memory.write(address, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24))
  put(0x100000, 0x101003)
  put(0x101000 + 4 * 5, 0x3003)
  put(0x101000 + 4 * 6, 0x2003)
  machine.memory.write(0x3ffe, Uint8Array.of(0xaa, 0xbb))
  machine.cpu.state = { cr3: 0x100000, cr0: 0x80000011 }
  expect(target.readMemory(0x5ffe, 4)).toEqual(Uint8Array.of(0xaa, 0xbb, LOOP[0]!, LOOP[1]!))
  expect(target.readMemory(0x6ffe, 4)).toEqual(Uint8Array.of(0, 0))
  expect(target.readMemory(0x7000, 1)).toBeUndefined()
  expect(target.writeMemory(0x5fff, Uint8Array.of(1, 2))).toBe(true)
  expect([...machine.memory.read(0x3fff, 1), ...machine.memory.read(0x2000, 1)]).toEqual([1, 2])
  expect(target.writeMemory(0x6fff, Uint8Array.of(9, 9))).toBe(false)
  expect(machine.memory.read(0x2fff, 1)[0]).toBe(0)
  expect(machine.memory.read(0x101000 + 20, 1)[0]).toBe(3)
})

test('the end of the guest is told, and so is the end of the debugger', async () => {
  const { target, log } = start(Uint8Array.of(0xb0, 0x05, 0xe6, 0xf4))
  expect(await target.continue()).toEqual({ kind: 'exited', status: 5 })
  const dead = start(Uint8Array.of(0x0f, 0x0b))
  expect(await dead.target.continue()).toEqual({ kind: 'shutdown' })
  target.detach()
  target.kill()
  expect([log, dead.log]).toEqual([['debug-exit', 'detach', 'kill'], ['triple-fault']])
})
