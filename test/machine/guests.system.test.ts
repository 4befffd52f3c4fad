// Whole guests on the machine: mini by multiboot on every engine, Linux through its own decompressor with a shell on the
// serial line and with a disk, and Debian's kernel as it comes.

import { readFileSync } from 'node:fs'
import { debianGuest } from '../../images/debian-guest.js'
import { buildImage, DEFAULT_COMMAND_LINE, type Image } from '../../images/index.js'
import { cpuModel } from '../../src/cpu/models.js'
import { MemoryStorage } from '../../src/devices/block-storage.js'
import { engineNames } from '../../src/engine/engines.js'
import { loadLinux } from '../../src/loader/linux.js'
import { loadMultiboot } from '../../src/loader/multiboot.js'
import { machineDigest } from '../../src/machine/digest.js'
import { enter } from '../../src/machine/entry.js'
import { Machine, type MachineConfig, type RunResult } from '../../src/machine/machine.js'
import { streamSectors } from '../drivers/workload-disk.js'

const MINUTES = 60_000
const SLICE = 5_000_000
const BUDGET = 12_000_000_000
/** A shell's prompt, perhaps with its question for the cursor's position. */
const atPrompt = (text: string) => text.endsWith('# ') || text.endsWith('# \u001b[6n')

const fileOf = (file: string) => ({ file, bytes: new Uint8Array(readFileSync(file)) })
const markers = (text: string) => text.split(/\r?\n/).filter(line => line.startsWith('previrt: '))

/** Runs to the end; `script` is typed line by line, each at a prompt. */
function play(machine: Machine, script: string[] = []): { text: string; result: RunResult } {
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  for (;;) {
    const result = machine.run(SLICE)
    const typed = atPrompt(text) ? script.shift() : undefined
    if (typed !== undefined) {
      text += '\n'
      machine.platform.com1.input(`${typed}\n`)
    } else if (result.kind !== 'budget' || machine.retired > BUDGET) return { text, result }
  }
}

type Guest = { kernel: string; initrd: string; append: string }
function linuxMachine({ kernel, initrd, append }: Guest, cpu: string, config: Partial<MachineConfig> = {}): Machine {
  const machine = new Machine({ memory: 128 << 20, model: cpuModel(cpu), engine: 'blocks', ...config })
  const commandLine = `${DEFAULT_COMMAND_LINE} ${append}`
  const { entry } = loadLinux(machine.memory, { kernel: fileOf(kernel), initrd: fileOf(initrd), commandLine })
  enter(machine.cpu, entry)
  return machine
}

test(
  'mini runs its workloads by multiboot, equally on every engine, annotated or not',
  async () => {
    const images = [await buildImage('mini'), await buildImage('mini', { plain: true })]
    const transcripts = images.map(({ path }) => {
      const outcomes = engineNames.map(engine => {
        const machine = new Machine({ memory: 64 << 20, model: cpuModel('pentium3'), engine, testDevice: true })
        enter(machine.cpu, loadMultiboot(machine.memory, { kernel: fileOf(path), commandLine: '' }))
        const { text, result } = play(machine)
        return { text, result, retired: machine.retired, digest: machineDigest(machine) }
      })
      for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0])
      expect(outcomes[0]!.result).toEqual({ kind: 'power-off' })
      return markers(outcomes[0]!.text)
    })
    const [lines] = transcripts as [string[], string[]]
    expect(transcripts[1]).toEqual(lines)
    expect([lines[0], lines.at(-1)]).toEqual(['previrt: userland', 'previrt: done'])
    expect(lines.length).toBeGreaterThan(20)
    for (const line of lines.filter(text => text.includes(': end '))) expect(line).toMatch(/ 0$/)
  },
  10 * MINUTES,
)

describe('Linux', () => {
  let image: Image
  beforeAll(async () => {
    image = await buildImage('linux', { plain: true })
  }, 15 * MINUTES)
  const guest = (append: string) => ({ kernel: image.bzImage!, initrd: image.initrd, append })

  test(
    'decompresses itself and gives a shell on the serial line',
    () => {
      const machine = linuxMachine(guest('shell'), 'pentium3')
      const { text, result } = play(machine, ['echo sum $((6 * 7))', 'tty; grep -c processor /proc/cpuinfo', 'exit'])
      expect(markers(text)).toEqual(['previrt: userland', 'previrt: done'])
      expect(text).toContain('sum 42')
      expect(text).toContain('/dev/ttyS0')
      expect(result).toEqual({ kind: 'reset', source: 'keyboard controller' })
    },
    5 * MINUTES,
  )

  /** The workload's stream on a disk of 4 MiB: 16 chunks of 64 KiB. */
  const stream = Array.from({ length: 16 }, (_, n) => [n, 128])

  test(
    'reads and writes the IDE disk by string I/O',
    () => {
      const bytes = new Uint8Array(4 << 20)
      const machine = linuxMachine(guest('workload=disk'), 'previrt-guest', { disk: new MemoryStorage(bytes) })
      const { text } = play(machine)
      expect(text).toContain('[sda] 8192 512-byte logical blocks')
      expect(markers(text)[2]).toMatch(/^previrt: end disk [0-9a-f]+ 0$/)
      expect(streamSectors(bytes)).toEqual(stream)
      const data = machine.platform.ports.mappings.find(({ name }) => name === 'IDE command block')!
      // A megabyte each way, in words.
      expect(data.reads).toBeGreaterThanOrEqual((1 << 20) / 2)
      expect(data.writes).toBeGreaterThanOrEqual((1 << 20) / 2)
    },
    5 * MINUTES,
  )

  test(
    'leaves a disk alone that holds something',
    () => {
      const bytes = new Uint8Array(4 << 20)
      for (let at = 0; at < bytes.length; at++) bytes[at] = at * 31 + (at >> 9)
      const before = bytes.slice()
      const { text } = play(linuxMachine(guest('workload=disk'), 'pentium3', { disk: new MemoryStorage(bytes) }))
      expect(text).toContain('disk: not blank, only read')
      expect(markers(text)[2]).toMatch(/^previrt: end disk [0-9a-f]+ 0$/)
      expect(Buffer.compare(bytes, before)).toBe(0)
    },
    5 * MINUTES,
  )

  test(
    'finds a virtio disk, which reads and writes memory by itself',
    () => {
      const bytes = new Uint8Array(4 << 20)
      const append = 'workload=disk virtio_mmio.device=512@0xd0000000:5'
      const { text } = play(linuxMachine(guest(append), 'pentium4', { virtioDisk: new MemoryStorage(bytes) }))
      expect(text).toContain('[vda] 8192 512-byte logical blocks')
      expect(markers(text)[2]).toMatch(/^previrt: end disk [0-9a-f]+ 0$/)
      expect(streamSectors(bytes)).toEqual(stream)
    },
    5 * MINUTES,
  )
})

describe("Debian's own kernel", () => {
  test.each(['pentium3', 'pentium4'])(
    'boots unmodified to a shell on %s',
    async cpu => {
      let guest: Guest
      try {
        guest = { ...(await debianGuest()), append: 'shell' }
      } catch (error) {
        console.log(`skipped: Debian's kernel cannot be had: ${(error as Error).message.split('\n')[0]}`)
        return
      }
      const { text } = play(linuxMachine(guest, cpu, { memory: 256 << 20 }), [
        'uname -r',
        'echo sum $((6 * 7))',
        'exit',
      ])
      expect(text).toMatch(/Linux version 6\.1\.\S+-686 /)
      expect(text).toContain('sum 42')
      expect(markers(text)).toEqual(['previrt: userland', 'previrt: done'])
    },
    10 * MINUTES,
  )
})
