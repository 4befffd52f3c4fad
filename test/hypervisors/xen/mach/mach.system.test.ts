// A foreign kernel with a pmap of its own: GNU Mach as an unprivileged domain boots, and runs a program of ours whose threads,
// tasks and messages exercise page tables, descriptors, call gates, lazy x87 state, timers and the console's ring.

import { MemoryStorage } from '../../../../src/devices/block-storage.js'
import { PacketLine } from '../../../../src/machine/line.js'
import { startDomain } from '../domain.js'
import { bootstrapProgram, machImage, machModule } from './mach-image.js'

const STEP = 20_000_000
const BUDGET = 1_000_000_000
const image = await machImage().catch(error => String(error))
if (typeof image === 'string') console.warn(`skipped: there is no GNU Mach to start (${image})`)
const withMach = typeof image === 'string' ? test.skip : test
const memoryBytes = 64 << 20

/** Runs until the console shows a text or the domain ends. */
function runUntil(domain: ReturnType<typeof startDomain>, text: string) {
  for (let run = 0; run < BUDGET && !domain.console().includes(text); run += STEP) {
    const result = domain.run(STEP)
    if (result.kind !== 'budget' && result.kind !== 'idle') return result
  }
  return undefined
}

withMach.each(['4.17', '3.0'])('without a module it says so, profile %s', profile => {
  const domain = startDomain(image as Uint8Array, { profile, memoryBytes })
  // It passes where its reason stands, by the call that wants the reason itself: one byte of an address.
  expect(runUntil(domain, 'never')).toMatchObject({ kind: 'crash' })
  expect(domain.console()).toContain('Running on xen-3.0-x86_32p.')
  expect(domain.console()).toContain('biosmem: 000000000000000000:000000000004000000, available')
  expect(domain.console()).toContain('panic ../kern/bootstrap.c:165: bootstrap_create: No bootstrap code loaded')
})

const SECTOR = 512
const diskContent = () => Uint8Array.from({ length: 64 * SECTOR }, (_, i) => Math.imul(i + 3, 0x9e3779b1) >>> 24)
function diskSum(): number {
  const words = new Uint32Array(diskContent().buffer, 3 * SECTOR, 40 * (SECTOR / 4))
  return words.reduce((sum, word) => (Math.imul(sum, 31) + word) >>> 0, 0)
}

/** The other end of the wire: what it gets goes back with all bits of its contents turned. */
function turning(): PacketLine {
  const wire = new PacketLine('wire')
  wire.output = frame => wire.input(frame.map((byte, i) => (i < 6 ? wire.station[i]! : i < 14 ? byte : ~byte)))
  return wire
}
function packetSum(): number {
  const contents = Array.from({ length: 46 }, (_, i) => ~((i + 14) * 5) & 0xff)
  return contents.reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 0)
}

/** What the program prints, by arithmetic on what it does. */
const facts = [
  'arguments 00000003',
  'memory_failures 00000000',
  'memory_sum 36f86400',
  'thread_failures 00000000',
  'threads_agree 00000001',
  'task_failures 00000000',
  'task_sum 0000005a',
  'own_copy 00000001',
  'sleeps_wrong 00000000',
  'xvd0 count 1',
  'device_open 00000000',
  'disk_read 00000000',
  `disk_sum ${diskSum().toString(16).padStart(8, '0')}`,
  'disk_write 00000000',
  'eth0 count 1',
  'device_open 00000000',
  'net_filter 00000000',
  'net_failed 00000000',
  `net_sum ${packetSum().toString(16).padStart(8, '0')}`,
  'device_open 00000000',
  'type a line',
]

withMach.each(['4.17', '3.0'])('its first task does what it should, profile %s', profile => {
  const line = [
    `/boot`,
    ...['host-port', 'device-port'].map(name => `\${${name}}`),
    '$(task-create) $(task-resume)',
  ].join(' ')
  const content = diskContent()
  const domain = startDomain(image as Uint8Array, {
    profile,
    memoryBytes,
    module: machModule(bootstrapProgram(), line),
    commandLine: 'root=none',
    disk: new MemoryStorage(content),
    net: turning(),
  })
  runUntil(domain, 'type a line')
  const lines = domain.console().replaceAll('\r', '').split('\n')
  expect(lines).toContain('task loaded: /boot 1 2')
  const first = lines.findIndex(text => text.endsWith(facts[0]!))
  expect(lines.slice(first + 1, first + facts.length)).toEqual(facts.slice(1))
  const changed = diskContent().map((byte, i) => (Math.floor(i / SECTOR) === 7 ? 0 : byte))
  changed.set(
    diskContent()
      .subarray(3 * SECTOR, 4 * SECTOR)
      .map(byte => ~byte),
    7 * SECTOR,
  )
  expect(Buffer.compare(content, changed)).toBe(0)
  domain.hosting.send(Buffer.from('forty-two\r'))
  expect(runUntil(domain, 'never')).toMatchObject({ kind: 'crash' })
  expect(domain.console().replaceAll('\r', '')).toContain(
    'device_read 00000000\nforty-twodevice_write 00000000\ndone\n',
  )
})
