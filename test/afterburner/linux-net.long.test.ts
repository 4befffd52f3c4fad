// The second configuration: covered as the first is, and on the network by DHCP, on our machine as on QEMU.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage, DEFAULT_COMMAND_LINE, type Image } from '../../images/index.js'
import { inspectImage } from '../../src/afterburner/inspect/inspect.js'

const MINUTES = 60_000
const COMMAND = join(import.meta.dirname, '../../dist/src/cli/main.js')
const hasQemu = spawnSync('qemu-system-i386', ['--version']).status === 0
if (!hasQemu) process.stderr.write('qemu-system-i386 is not installed: the network is not compared with its own\n')

let image: Image
beforeAll(async () => {
  image = await buildImage('linux-net')
}, 60 * MINUTES)

test(
  'every sensitive instruction is a site, and nothing enters one',
  () => {
    const report = inspectImage('vmlinux', readFileSync(image.path))
    expect(report).toMatchObject({ uncovered: [], strayRecords: [], interiorReferences: [], invalidBytes: 0 })
    expect(report.sites).toBeGreaterThan(4300)
  },
  2 * MINUTES,
)

/** What the kernel says about its address, and the markers. */
function network(text: string): string[] {
  const lines = text.split(/\r?\n/).map(line => line.replace(/^\[ *\d+\.\d+\] /, ''))
  return lines.filter(line => /^previrt: |my address is|ipaddr=/.test(line))
}

const run = (...words: string[]) =>
  execFileSync(process.execPath, [COMMAND, 'run', 'linux-net', ...words], { encoding: 'latin1' })

test(
  'the card gets its address by DHCP and reaches the gateway',
  () => {
    const lines = network(run('--net', 'user', '--append', 'workload=net-echo'))
    expect(lines).toEqual([
      'IP-Config: Got DHCP answer from 10.0.2.2, my address is 10.0.2.15',
      expect.stringContaining('ipaddr=10.0.2.15, mask=255.255.255.0, gw=10.0.2.2'),
      'previrt: userland',
      'previrt: begin net-echo',
      expect.stringMatching(/^previrt: end net-echo [0-9a-f]{8} 0$/),
      'previrt: done',
    ])
    if (!hasQemu) return
    const machine = ['-accel', 'tcg', '-m', '128', '-display', 'none', '-serial', 'stdio', '-monitor', 'none']
    const card = ['-netdev', 'user,id=n0', '-device', 'ne2k_isa,netdev=n0,iobase=0x300,irq=9,mac=52:54:00:12:34:56']
    const append = `${DEFAULT_COMMAND_LINE} ip=dhcp workload=net-echo`
    const boot = ['-no-reboot', '-kernel', image.bzImage!, '-initrd', image.initrd, '-append', append]
    expect(network(execFileSync('qemu-system-i386', [...machine, ...card, ...boot], { encoding: 'latin1' }))).toEqual(
      lines,
    )
  },
  5 * MINUTES,
)

test(
  'without a card the workload is skipped and the rest runs',
  () => {
    const lines = network(run('--append', 'workload=net,fork'))
    expect(lines).toContain('previrt: end net - 77')
    expect(lines.at(-1)).toBe('previrt: done')
  },
  5 * MINUTES,
)
