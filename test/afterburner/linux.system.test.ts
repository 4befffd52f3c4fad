// The whole annotated Linux kernel: covered, and equal to its plain twin but for padding.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { buildImage, type Image } from '../../images/index.js'
import { compareImages } from '../../src/afterburner/inspect/against.js'
import { inspectImage } from '../../src/afterburner/inspect/inspect.js'

const MINUTES = 60_000

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
  'the kernel is the plain one plus padding',
  () => {
    const read = (image: Image) => readFileSync(image.path)
    const report = compareImages('vmlinux', read(annotated), 'plain vmlinux', read(plain))
    expect(report.unproved).toEqual([])
    expect(report.assumed.length / report.functions).toBeLessThan(0.002)
  },
  2 * MINUTES,
)

/** How often objdump, which shares nothing with us, finds each mnemonic; prefixes left out. */
async function mnemonics(path: string): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  const { stdout } = spawn('objdump', ['-d', '--no-show-raw-insn', path], { stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const line of createInterface({ input: stdout })) {
    const word = /^[0-9a-f]+:\t(?:(?:rep[nz]*|lock|data16|addr16|[c-gs]s) )*(\w+)/.exec(line)?.[1]
    if (word !== undefined) found.set(word, (found.get(word) ?? 0) + 1)
  }
  return found
}

test(
  'objdump counts as many sensitive instructions as there are sites',
  async () => {
    const found = await mnemonics(annotated.path)
    const { classes } = inspectImage('vmlinux', readFileSync(annotated.path))
    const sites = (...names: string[]) =>
      classes.filter(each => names.includes(each.name)).reduce((sum, each) => sum + each.sites, 0)
    const words = (...names: string[]) => names.reduce((sum, name) => sum + (found.get(name) ?? 0), 0)
    const same =
      'cli pushf popf iret in out clts invlpg cpuid rdmsr wrmsr rdtsc rdtscp rdpmc lldt sldt ltr str verw wbinvd'
    for (const name of same.split(' ')) expect([name, sites(name)]).toEqual([name, words(name)])
    expect(sites('sti', 'sti_wait')).toBe(words('sti'))
    // What waits in the shadow of STI is part of its site.
    expect(sites('hlt', 'mwait', 'sysexit', 'sti_wait')).toBe(words('hlt', 'mwait', 'sysexit'))
    expect(sites('clac')).toBe(words('clac', 'stac'))
    expect(sites('ins', 'outs')).toBe(words('insb', 'insw', 'insl', 'outsb', 'outsw', 'outsl'))
    expect(sites('lgdt', 'lidt', 'sgdt', 'sidt')).toBe(words('lgdtl', 'lidtl', 'sgdtl', 'sidtl'))
    expect(words('cli')).toBeGreaterThan(1000)
  },
  2 * MINUTES,
)
