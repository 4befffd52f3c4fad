// Linux with a disk: natively, on trap and on Xen (through the VMM's IDE front end and the block ring). What arrives on the
// disk is the same everywhere; a disk that fails is an I/O error to the guest; streams cost few entries; what the guest was
// told is safe outlives a host process that is killed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { BlockRing } from '../../hypervisors/xen/block/block-ring.js'
import { buildImage, DEFAULT_COMMAND_LINE } from '../../images/index.js'
import { type RunReport, runReportSchema } from '../../src/cli/report-schema.js'
import { cpuModel } from '../../src/cpu/models.js'
import { MediaError, MemoryStorage } from '../../src/devices/block-storage.js'
import { loadLinux } from '../../src/loader/linux.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'
import { previrt, testFolder } from '../cli/command.js'
import { COMMAND, start } from '../cli/command-process.js'
import { PATHS } from '../drivers/every-path.js'
import { streamSectors } from '../drivers/workload-disk.js'
import { buildVmm } from './bare-machine.js'
import { linuxGuest, type TestGuest } from './guests.js'
import { xenDomain } from './xen-domain.js'

const MINUTES = 60_000
const SECTOR = 512
const MEGABYTE = 1 << 20
const SLICE = 5_000_000
const SLICES = 1000
const at = testFolder()

beforeAll(async () => {
  await buildImage('linux')
}, 60 * MINUTES)

test(
  'the workload: the same checksum and the same disk everywhere; on Xen a tenth of the entries of trap vtx at most',
  async () => {
    const runs: { report: RunReport; image: Buffer }[] = []
    for (const [on, ...more] of PATHS) {
      const file = at(`${on}${more.join('')}`)
      writeFileSync(file, new Uint8Array(16 * MEGABYTE))
      const words = ['--on', on, ...more, '--disk', file, '--append', 'workload=disk', '--serial', 'none', '--json']
      const { stdout } = await previrt('run', 'linux', ...words)
      runs.push({ report: runReportSchema.parse(JSON.parse(stdout)), image: readFileSync(file) })
    }
    const [native, all, vtx, ...xen] = runs as [(typeof runs)[0], (typeof runs)[0], (typeof runs)[0]]
    for (const { report, image } of runs) {
      const [workload] = report.workloads
      expect([report.exit.status, workload!.status]).toEqual([0, 0])
      expect(workload!.checksum).toBe(native.report.workloads[0]!.checksum)
      expect(report.disk).toEqual(native.report.disk)
      expect(Buffer.compare(image, native.image)).toBe(0)
    }
    expect(native.image.subarray(0, 15).toString()).toBe('previrt scratch')
    // 4 MiB in 64 chunks of 128 sectors, each of which begins with the chunk's number.
    expect(streamSectors(native.image)).toEqual(Array.from({ length: 64 }, (_, n) => [n, 128]))
    const entries = ({ report }: (typeof runs)[0]) => report.workloads[0]!.entries!
    process.stderr.write(`entries: ${runs.slice(1).map(entries).join(', ')} (trap all, trap vtx, xen 4.17, xen 3.0)\n`)
    for (const run of xen) {
      expect(entries(run)).toBeLessThan(entries(all) / 10)
      expect(entries(run)).toBeLessThan(entries(vtx) / 10)
    }
  },
  15 * MINUTES,
)

test(
  'two guests on Xen, each with a disk of its own',
  async () => {
    const files = ['one', 'two'].map(name => at(name))
    for (const file of files) writeFileSync(file, new Uint8Array(16 * MEGABYTE))
    const guests = files.flatMap((file, n) => [
      '--guest',
      `linux --name g${n} --mem 64M --disk ${file} --append "workload=disk scale=${n === 0 ? 100 : 50}"`,
    ])
    const { stdout, stderr } = await previrt('run', '--on', 'xen', ...guests, '--serial', 'none', '--json')
    expect(stderr).not.toContain('previrt: ')
    const report = runReportSchema.parse(JSON.parse(stdout))
    expect(report.guests!.map(({ workloads }) => workloads.map(({ status }) => status))).toEqual([[0], [0]])
    for (const file of files)
      expect(streamSectors(readFileSync(file))).toEqual(Array.from({ length: 64 }, (_, n) => [n, 128]))
    const [one, two] = report.guests!
    expect(one!.disk!.writes).toBeGreaterThan(two!.disk!.writes)
    expect(one!.disk!.digest).toBe(createHash('sha256').update(readFileSync(files[0]!)).digest('hex'))
  },
  10 * MINUTES,
)

describe('with a shell', () => {
  let guest: TestGuest
  let vmm = ''
  beforeAll(async () => {
    guest = await linuxGuest(`${DEFAULT_COMMAND_LINE} shell`)
    vmm = buildVmm('xen', 'vmm-xen.elf')
  }, 15 * MINUTES)

  /** Machines with a shell. `entries` counts entries into the hypervisor. */
  const machines = {
    native: (disk: MemoryStorage) => {
      const machine = new Machine({ memory: guest.memory, model: cpuModel('previrt-guest'), engine: 'blocks', disk })
      enter(machine.cpu, loadLinux(machine.memory, guest).entry)
      let text = ''
      machine.onConsole = byte => {
        text += String.fromCharCode(byte)
      }
      const send = (bytes: Uint8Array) => machine.platform.com1.input(bytes)
      return { machine, send, console: () => text, entries: () => 0 }
    },
    xen: (disk: MemoryStorage) => {
      const { machine, hosting, console } = xenDomain(vmm, guest, { disk })
      return { machine, send: (bytes: Uint8Array) => hosting.send(bytes), console, entries: () => hosting.counted }
    },
  }
  type Shell = ReturnType<(typeof machines)['native' | 'xen']>

  /** Runs to the prompt, and hardly any further: a guest that waits enters its hypervisor again and again. */
  function prompt({ machine, console }: Shell, from: number): string {
    for (let slice = 0; slice < 100 * SLICES; slice++) {
      const text = console().slice(from)
      if (text.endsWith('# ') || text.endsWith('# \u001b[6n')) return text
      expect(machine.run(SLICE / 100).kind).toBe('budget')
    }
    throw new Error(`no prompt: ${console().slice(-300)}`)
  }
  /** Types a line; what it prints, and the entries that it took. */
  function type(shell: Shell, line: string) {
    const [from, before] = [shell.console().length, shell.entries()]
    shell.send(Buffer.from(`${line}\n`))
    return { text: prompt(shell, from), entries: shell.entries() - before }
  }

  test.each(['native', 'xen'] as const)(
    'a disk that is full or broken is an I/O error: %s',
    on => {
      class Broken extends MemoryStorage {
        room = 1000
        override write(lba: number, buffer: Uint8Array) {
          const sectors = Math.min(this.room, buffer.length / SECTOR)
          this.room -= sectors
          super.write(lba, buffer.subarray(0, sectors * SECTOR))
          if (sectors * SECTOR < buffer.length) throw new MediaError(lba + sectors, 'no space left')
        }
        override read(lba: number, buffer: Uint8Array) {
          const bad = 9001
          if (lba <= bad && bad < lba + buffer.length / SECTOR) throw new MediaError(bad, 'unreadable')
          super.read(lba, buffer)
        }
      }
      const disk = new Broken(new Uint8Array(8 * MEGABYTE))
      const shell = machines[on](disk)
      prompt(shell, 0)
      // The first thousand sectors are taken; then none any more.
      expect(type(shell, 'dd if=/dev/zero of=/dev/sda bs=64k count=1 conv=fsync; echo status $?').text).toContain(
        'status 0',
      )
      const failed = type(shell, 'dd if=/bin/busybox of=/dev/sda bs=4k count=400 conv=fsync; echo status $?').text
      expect(failed).toMatch(/(?:Input\/output|I\/O) error/)
      expect(failed).toContain('status 1')
      const unread = type(shell, 'dd if=/dev/sda of=/dev/null bs=4k skip=1120 count=20; echo status $?').text
      expect(unread).toMatch(/(?:Input\/output|I\/O) error/)
      expect(type(shell, 'dd if=/dev/sda of=/dev/null bs=4k skip=1500 count=20; echo status $?').text).toContain(
        'status 0',
      )
    },
    10 * MINUTES,
  )

  test(
    'a control domain that takes its time: the disk is busy meanwhile, and an event tells the end',
    () => {
      const { serve } = BlockRing.prototype
      const asked = new Set<BlockRing>()
      BlockRing.prototype.serve = function (this: BlockRing) {
        asked.add(this)
        return true
      }
      try {
        const disk = new MemoryStorage(new Uint8Array(8 * MEGABYTE))
        const shell = machines.xen(disk)
        const { machine } = shell
        const later = (until: string, from: number) => {
          for (let slice = 0; slice < 40 * SLICES && !shell.console().slice(from).includes(until); slice++) {
            machine.run(SLICE / 40)
            for (const ring of asked) serve.call(ring)
            asked.clear()
          }
          return shell.console().slice(from)
        }
        later('# ', 0)
        const from = shell.console().length
        const line =
          'yes later | head -c 1048576 >/a; dd if=/a of=/dev/sda bs=64k conv=fsync; dd if=/dev/sda bs=64k count=32 | md5sum; md5sum </a; echo do""ne'
        shell.send(Buffer.from(`${line}\n`))
        const sums = later('done', from).match(/[0-9a-f]{32}(?= {2}-)/g)
        expect(sums).toHaveLength(2)
        expect(sums![0]).toBe(
          createHash('md5')
            .update(disk.bytes.subarray(0, 2 * MEGABYTE))
            .digest('hex'),
        )
        expect(Buffer.compare(disk.bytes.subarray(0, MEGABYTE), Buffer.alloc(MEGABYTE, 'later\n'))).toBe(0)
      } finally {
        BlockRing.prototype.serve = serve
      }
    },
    10 * MINUTES,
  )

  test(
    'a stream on Xen costs at most one entry for each 16 KiB',
    () => {
      const shell = machines.xen(new MemoryStorage(new Uint8Array(32 * MEGABYTE)))
      prompt(shell, 0)
      const copy = (words: string, megabytes: number) =>
        type(shell, `dd bs=64k ${words} count=${megabytes * 16} skip=${megabytes > 1 ? 16 : 0}`).entries
      for (const [name, words] of [
        ['read', 'if=/dev/sda of=/dev/null'],
        ['write', 'if=/dev/zero of=/dev/sda conv=fsync'],
      ] as const) {
        // What starting a program costs is in both.
        const [short, long] = [copy(words, 1), copy(words, 17)]
        const perEntry = (long - short) / ((16 * MEGABYTE) / 16384)
        process.stderr.write(
          `${name}: ${short} entries for 1 MiB, ${long} for 17: ${perEntry.toFixed(3)} for each 16 KiB\n`,
        )
        expect(perEntry).toBeLessThan(1)
      }
    },
    10 * MINUTES,
  )
})

test.each(['native', 'xen'])(
  'what fsync has answered for is in the file when the host process is killed: %s',
  async on => {
    const file = at(`killed-${on}`)
    writeFileSync(file, new Uint8Array(4 * MEGABYTE))
    const { child, ended, shows } = start('run', 'linux', '--on', on, '--disk', file, '--append', 'shell')
    await shows('# ')
    child.stdin!.write('yes acknowledged | head -c 1048576 >/a; dd if=/a of=/dev/sda bs=64k conv=fsync; echo sa""fe\n')
    await shows('safe')
    child.kill('SIGKILL')
    await ended
    const expected = Buffer.alloc(MEGABYTE, 'acknowledged\n')
    expect(Buffer.compare(readFileSync(file).subarray(0, MEGABYTE), expected)).toBe(0)
  },
  5 * MINUTES,
)

const hasStrace = spawnSync('strace', ['-V']).status === 0
if (!hasStrace) process.stderr.write('skipped: SIGTERM makes the disk durable: strace is not installed\n')
const withStrace = hasStrace ? test : test.skip
withStrace(
  'SIGTERM ends the run when the disk is durable',
  async () => {
    const [file, trace] = [at('ended'), at('calls')]
    writeFileSync(file, new Uint8Array(4 * MEGABYTE))
    const words = [COMMAND, 'run', 'linux', '--disk', file, '--append', 'shell']
    const child = spawn('strace', ['-f', '-e', 'trace=fsync,exit_group', '-o', trace, process.execPath, ...words])
    let shown = ''
    await new Promise<void>(found => {
      child.stdout.on('data', (text: Buffer) => {
        shown += text
        if (shown.includes('# ')) found()
      })
    })
    // The command is the only child of strace.
    const [command] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim().split(' ')
    expect(readFileSync(trace, 'latin1')).not.toContain('fsync(')
    process.kill(Number(command), 'SIGTERM')
    expect(await new Promise(resolve => child.once('close', resolve))).toBe(143)
    expect(readFileSync(trace, 'latin1')).toMatch(/fsync\(\d+\) += 0[\s\S]*exit_group\(143\)/)
  },
  2 * MINUTES,
)
