// The Linux image under QEMU, an emulator that is not ours; the workloads' checksums must be those that the
// same static programs have on the host's own processor and kernel.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { fetchBusybox } from '../../images/busybox.js'
import { buildImage, DEFAULT_COMMAND_LINE, type Image } from '../../images/index.js'
import { makeInitramfs } from '../../images/initramfs.js'
import { WORKLOADS } from '../../images/jobs.js'
import { buildPrograms } from '../../images/programs.js'

const MINUTES = 60_000
const hasQemu = spawnSync('qemu-system-i386', ['--version']).status === 0
if (!hasQemu) process.stderr.write('qemu-system-i386 is not installed: the image is not booted on it\n')
const withQemu = hasQemu ? test : test.skip

/** Programs whose checksum depends on the kernel's own names or on devices. */
const DEPENDS_ON_KERNEL = new Set(['syscall', 'disk', 'net'])

let image: Image
beforeAll(async () => {
  image = await buildImage('linux', { plain: true })
}, 15 * MINUTES)

function qemu(append: string): string[] {
  const quiet = ['-accel', 'tcg', '-m', '128', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot']
  const boot = ['-kernel', image.bzImage!, '-initrd', image.initrd, '-append', `${DEFAULT_COMMAND_LINE} ${append}`]
  return [...quiet, '-net', 'none', ...boot]
}

withQemu(
  'every workload runs, and computes what it computes on the host',
  async () => {
    const output = execFileSync('qemu-system-i386', qemu('workload=all scale=10'), { encoding: 'latin1' })
    const lines = output.split('\r\n').filter(line => line.startsWith('previrt: '))
    expect(lines[0]).toBe('previrt: userland')
    expect(lines.at(-1)).toBe('previrt: done')
    expect(lines.filter(line => line.startsWith('previrt: begin'))).toEqual(
      WORKLOADS.map(name => `previrt: begin ${name}`),
    )
    const ends = new Map(
      lines
        .map(line => line.split(' '))
        .filter(w => w[1] === 'end')
        .map(w => [w[2]!, w.slice(3)]),
    )
    expect([...ends.keys()]).toEqual([...WORKLOADS])
    expect(ends.get('disk')![1]).toBe('77')
    expect(ends.get('net')![1]).toBe('77')
    for (const name of WORKLOADS)
      if (!['disk', 'net'].includes(name)) expect([name, ends.get(name)![1]]).toEqual([name, '0'])
    const toolchain = 'test of the programs on the host'
    for (const { path, source } of await buildPrograms(toolchain)) {
      const name = path.replace('workloads/', '')
      if (!path.startsWith('workloads/') || source.endsWith('.sh') || DEPENDS_ON_KERNEL.has(name)) continue
      if (!ends.has(name)) continue // a part of a workload
      expect([name, ends.get(name)![0]]).toEqual([name, execFileSync(source, ['10'], { encoding: 'latin1' }).trim()])
    }
  },
  5 * MINUTES,
)

withQemu(
  "with `shell` an interactive shell answers on the serial line, with job control, and its end is the machine's",
  async () => {
    const child = spawn('qemu-system-i386', qemu('shell'), {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: 2 * MINUTES,
    })
    let output = ''
    const script = ['echo sum $((6 * 7))', 'tty; stty -a | head -n 1', 'exit']
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      output += text
      // The shell's line editor asks for the cursor's position behind its prompt.
      if ((output.endsWith('# ') || output.endsWith('# \x1b[6n')) && script.length > 0) {
        output += '\n'
        child.stdin.write(`${script.shift()}\n`)
      }
    })
    await new Promise(resolve => child.once('close', resolve))
    expect(output).toContain('sum 42')
    expect(output).toContain('/dev/ttyS0')
    expect(output).not.toContain("can't access tty")
    expect(
      output
        .trimEnd()
        .split('\r\n')
        .filter(line => line.startsWith('previrt:')),
    ).toEqual(['previrt: userland', 'previrt: done'])
  },
  3 * MINUTES,
)

test('a second build finds the first', async () => {
  const again = await buildImage('linux', { plain: true })
  expect(again).toEqual({ ...image, built: true })
})

test('an image that does not exist is refused by name', async () => {
  await expect(buildImage('plan9')).rejects.toThrow(/no image 'plan9'; there are: linux/)
})

test('the initial file system is the same bytes when it is made again', async () => {
  const programs = await buildPrograms('test of the programs on the host')
  const busybox = await fetchBusybox()
  expect(makeInitramfs(programs, busybox)).toEqual(makeInitramfs([...programs].reverse(), busybox))
})
