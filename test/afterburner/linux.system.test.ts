// The whole annotated Linux kernel: covered, equal to its plain twin but for padding, and alive on QEMU.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { buildImage, DEFAULT_COMMAND_LINE, type Image } from '../../images/index.js'
import { compareImages } from '../../src/afterburner/inspect/against.js'
import { inspectImage } from '../../src/afterburner/inspect/inspect.js'

const MINUTES = 60_000
const hasQemu = spawnSync('qemu-system-i386', ['--version']).status === 0
const withQemu = hasQemu ? test : test.skip

let annotated: Image
let plain: Image
beforeAll(async () => {
  annotated = await buildImage('linux')
  plain = await buildImage('linux', { plain: true })
}, 30 * MINUTES)

test(
  'every sensitive instruction is a site, and nothing enters one',
  () => {
    const report = inspectImage('vmlinux', readFileSync(annotated.path))
    expect(report).toMatchObject({ uncovered: [], strayRecords: [], interiorReferences: [], invalidBytes: 0 })
    expect(report.sites).toBeGreaterThan(4300)
  },
  2 * MINUTES,
)

test(
  'the kernel is the plain one plus padding, and its text grows by at most 3 %',
  () => {
    const read = (image: Image) => readFileSync(image.path)
    const report = compareImages('vmlinux', read(annotated), 'plain vmlinux', read(plain))
    expect(report.unproved).toEqual([])
    expect(report.assumed.length / report.functions).toBeLessThan(0.002)
    expect(report.growthPercent).toBeLessThan(3)
  },
  2 * MINUTES,
)

/** Console output without what legitimately differs: time stamps, addresses, sizes and amounts of memory. */
function console(image: Image): string[] {
  const quiet = [
    '-accel',
    'tcg',
    '-icount',
    'shift=0,sleep=off',
    '-m',
    '128',
    '-display',
    'none',
    '-serial',
    'stdio',
    '-monitor',
    'none',
    '-no-reboot',
  ]
  const append = `${DEFAULT_COMMAND_LINE} workload=syscall,fork,pipe,fault,signal,fpu scale=5`
  const boot = ['-net', 'none', '-kernel', image.bzImage!, '-initrd', image.initrd, '-append', append]
  const text = execFileSync('qemu-system-i386', [...quiet, ...boot], { encoding: 'latin1' })
  return text
    .slice(text.indexOf('Linux version'))
    .split(/\r?\n/)
    .map(line => line.replace(/^\[ *\d+\.\d+\] /, '').replace(/0x[0-9a-f]+|\d+/g, '#'))
    .filter(line => line !== '' && !/\btsc\b|calibrat/i.test(line))
}

withQemu(
  'the annotated kernel prints what the plain one prints',
  () => {
    const output = console(annotated)
    expect(output).toContain('previrt: done')
    expect(output).toEqual(console(plain))
  },
  5 * MINUTES,
)
