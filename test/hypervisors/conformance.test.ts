// What every back end of the registry has to be: made from its interface alone, the same on every engine and however the
// run is cut into slices, its entries counted as the processor counts them, and told in JSON.

import type { GuestImage, HypervisorKind } from '../../hypervisors/hypervisor.js'
import { hypervisorKind, hypervisors } from '../../hypervisors/registry.js'
import { cpuModel } from '../../src/cpu/models.js'
import { type EngineName, engineNames } from '../../src/engine/engines.js'
import { isElf, parseElf } from '../../src/loader/elf.js'
import { flatEntry, flatGdt } from '../../src/loader/entry.js'
import { machineDigest } from '../../src/machine/digest.js'
import { type Hosting, hostMachine } from '../../src/machine/hosting.js'
import { Machine } from '../../src/machine/machine.js'
import { assembleFlat } from '../drivers/flat-code.js'
import { buildKernel } from './xen/domain.js'

const MEMORY = 16 << 20
const BUDGET = 20_000_000
const CODE = 0x100000

/** Writes to the debug console, waits for three ticks of the timer, faults, and powers off. */
const bare = `
  movl $0x2000, %edi
  movl $256, %ecx
1: movl $back, %eax
  orl $0x80000, %eax
  movw %ax, (%edi)
  movw $8, 2(%edi)
  movl $0x00108e00, 4(%edi)
  addl $8, %edi
  loop 1b
  pushl $0x2000
  pushw $0x7ff
  lidt (%esp)
  movb $0x34, %al
  outb %al, $0x43
  movb $200, %al
  outb %al, $0x40
  outb %al, $0x40
  movb $0x11, %al
  outb %al, $0x20
  movb $0x20, %al
  outb %al, $0x21
  movb $4, %al
  outb %al, $0x21
  movb $1, %al
  outb %al, $0x21
  movb $0xfe, %al
  outb %al, $0x21
  sti
  movl $3, %ecx
2: hlt
  movb $0x20, %al
  outb %al, $0x20
  movb $0x41, %al
  outb %al, $0xe9
  loop 2b
  int $0x40
  cpuid
  movw $0x604, %dx
  movw $0x2000, %ax
  outw %ax, %dx
back:
  iretl
`

function bareGuest(): GuestImage {
  const bytes = assembleFlat(bare, CODE)
  return image(bytes, memory => {
    memory.write(0x1000, flatGdt(8, 16))
    memory.write(CODE, bytes)
    const gdt = { base: 0x1000, limit: 23 }
    return flatEntry({ eip: CODE, registers: { esp: 0x90000 }, codeSelector: 8, dataSelector: 16, gdt })
  })
}
function image(bytes: Uint8Array, load: GuestImage['load']): GuestImage {
  const kernel = { file: 'kernel', bytes }
  const elf = isElf(bytes) ? parseElf('kernel', bytes) : undefined
  return { name: 'kernel', memoryBytes: MEMORY, kernel, elf, commandLine: '', modules: [], privileged: false, load }
}

/** By path: a guest of that ABI, which ends by itself. */
const guests: Readonly<Record<string, () => GuestImage>> = {
  native: bareGuest,
  trap: bareGuest,
  xen: () =>
    image(buildKernel('facts-processor'), () => {
      throw new Error('not loaded as on bare hardware')
    }),
}
const built = new Map<string, GuestImage>()
function guestFor(path: string): GuestImage {
  const guest = built.get(path) ?? guests[path]!()
  built.set(path, guest)
  return guest
}

function start(kind: HypervisorKind, profile: string | undefined, engine: EngineName, guests = 1) {
  const reserve = kind.reserveBytes(guests * MEMORY) + (guests - 1) * MEMORY
  const machine = new Machine({ memory: MEMORY, reserve, model: cpuModel('previrt-guest'), engine })
  const hosting: Hosting = hostMachine(machine, trap => hypervisor.handle(trap))
  const hypervisor = kind.make(hosting.host, profile)
  let console = ''
  machine.onConsole = byte => {
    console += String.fromCharCode(byte)
  }
  hypervisor.boot(new Array(guests).fill(guestFor(kind.path)))
  /** Runs to the end, so many instructions at a time. */
  const run = (slice: number) => {
    let result = machine.run(slice)
    while (result.kind === 'budget' && machine.retired < BUDGET) result = machine.run(slice)
    return { result, console, retired: machine.retired, now: machine.now, digest: machineDigest(machine) }
  }
  return { machine, hosting, hypervisor, run }
}

test('the registry knows each path once, and has a guest here', () => {
  const paths = hypervisors.map(({ path }) => path)
  expect(new Set(paths).size).toBe(paths.length)
  for (const path of paths) expect([path, hypervisorKind(path)?.path, path in guests]).toEqual([path, path, true])
  expect(hypervisorKind('vax')).toBeUndefined()
})

describe.each(hypervisors.map(kind => [kind.path, kind] as const))('%s', (_, kind) => {
  const profiles = kind.profiles.length > 0 ? kind.profiles : [undefined]

  test('reserves whole frames, and no less for more', () => {
    let before = 0
    for (let bytes = 1 << 20; bytes <= 1 << 30; bytes *= 2) {
      const reserve = kind.reserveBytes(bytes)
      expect([reserve % 0x1000, reserve >= before]).toEqual([0, true])
      before = reserve
    }
  })

  test.each(profiles)('profile %s: the same on every engine and in every slicing', profile => {
    const whole = start(kind, profile, 'blocks')
    const outcome = whole.run(BUDGET)
    expect(outcome.result).toEqual({ kind: 'power-off' })
    for (const engine of engineNames)
      expect({ engine, ...start(kind, profile, engine).run(9_973) }).toEqual({ engine, ...outcome })
  })

  test.each(profiles)('profile %s: says who it is and what it did', profile => {
    const { hosting, hypervisor, run } = start(kind, profile, 'blocks')
    expect(hypervisor.path).toBe(kind.path)
    if (profile !== undefined) expect(hypervisor.profile).toBe(profile)
    for (const { first, last } of hypervisor.reserved) expect([first <= last, last < 2 ** 32]).toEqual([true, true])
    run(BUDGET)
    const entries = [...hosting.entries.values()].reduce((sum, count) => sum + count, 0)
    expect([entries, entries > 0]).toEqual([hosting.counted, kind.path !== 'native'])
    const plain = (_: string, value: unknown) => (value instanceof Uint8Array ? Array.from(value) : value)
    expect(typeof JSON.stringify(hypervisor.save(), plain)).toBe('string')
  })

  test.each(profiles)('profile %s: several guests, where it hosts them, each as if it were alone', profile => {
    if (!kind.hostsSeveral) return expect(kind.hostsSeveral).toBe(false)
    const solo = start(kind, profile, 'blocks')
    solo.run(BUDGET)
    const of = ({ hosting, hypervisor }: typeof solo, n: number) => {
      const { entries, hypercalls, counts } = hosting.account(n)
      const { nanoseconds, haltedNanoseconds } = hypervisor.guests![n]!
      return { entries, hypercalls, retired: counts.retired, nanoseconds, haltedNanoseconds }
    }
    const several = start(kind, profile, 'blocks', 3)
    expect(several.run(BUDGET).result).toEqual({ kind: 'power-off' })
    for (const n of [0, 1, 2]) expect({ n, ...of(several, n) }).toEqual({ n, ...of(solo, 0) })
    const entries = [...several.hosting.entries.values()].reduce((sum, count) => sum + count, 0)
    expect(entries).toBe(several.hosting.counted)
    const plain = (_: string, value: unknown) => (value instanceof Uint8Array ? Array.from(value) : value)
    expect(typeof JSON.stringify(several.hypervisor.save(), plain)).toBe('string')
  })
})
