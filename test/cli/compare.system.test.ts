// `previrt compare` as a user calls it, on mini: one guest on three paths.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CompareReport } from '../../benchmarks/compare/report.js'
import { buildFreestanding } from '../drivers/freestanding.js'
import { previrt } from './command.js'

const MINUTE = 60_000
const WORKLOADS = ['syscall', 'fork', 'sort']
const COMMAND = ['compare', 'mini', '--on', 'native,trap,xen', '--workload', WORKLOADS.join(), '--json']

async function compared(): Promise<CompareReport> {
  const { status, stdout, stderr } = await previrt(...COMMAND)
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout.split('\n')).toHaveLength(2)
  return JSON.parse(stdout)
}

test(
  'paths agree, counts add up, and a second run prints the same bytes but host times',
  async () => {
    const first = await compared()
    expect(first.agreement.agree).toBe(true)
    expect(first.runs.map(({ id }) => id)).toEqual([
      ...['native', 'native/annotated', 'native/stripped'],
      ...['trap/all', 'trap/vtx', 'xen/4.17'],
    ])
    expect(first.workloads.map(({ name }) => name)).toEqual(WORKLOADS)
    const sum = (counts: Readonly<Record<string, number>> = {}) => Object.values(counts).reduce((a, b) => a + b, 0)
    for (const { counts, cycles } of first.workloads) {
      for (const counted of Object.values(counts)) {
        expect(sum(counted.instructionsBy)).toBe(counted.instructions)
        expect(sum(counted.entriesBy)).toBe(counted.entries ?? 0)
      }
      // The Pentium III has no VT-x.
      expect(Object.keys(cycles['p3-2001']!)).not.toContain('trap/vtx')
      for (const { total, byCategory, byEvent } of Object.values(cycles['p4-2005']!)) {
        expect(sum(byCategory)).toBeCloseTo(total, -1)
        expect(sum(byEvent)).toBeCloseTo(total, -1)
      }
    }
    // Trap and emulate runs the very instructions of a native kernel on the same processor.
    const [, , sort] = first.workloads
    expect(sort!.counts['trap/all']!.instructions).toBe(sort!.counts['trap/vtx']!.instructions)
    expect(sort!.ratios['p4-2005']!['trap/all']).toBeGreaterThan(1)
    const second = await compared()
    expect(JSON.stringify({ ...second, host: undefined })).toBe(JSON.stringify({ ...first, host: undefined }))
  },
  5 * MINUTE,
)

test(
  '--html writes a page that holds all charts',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'previrt-compare-'))
    try {
      const file = join(folder, 'page.html')
      const { status, stdout } = await previrt(
        'compare',
        'mini',
        '--on',
        'native,trap/vtx',
        '--workload',
        'sort',
        '--html',
        file,
      )
      expect([status, stdout]).toEqual([0, ''])
      const page = readFileSync(file, 'utf8')
      expect(page).toMatch(/^<!doctype html>/)
      expect(page.match(/role="img"/g)!.length).toBeGreaterThanOrEqual(5)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  2 * MINUTE,
)

/** A kernel that prints the signature of its processor, which is another one on every virtualized path. */
const TELLTALE = `
static void out(unsigned short port, unsigned char value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static void text(const char *at) { while (*at) out(0xe9, *at++); }
void _start(void) {
  unsigned eax = 1, ebx, ecx = 0, edx;
  asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  text("previrt: userland\\nprevirt: begin signature\\nprevirt: end signature ");
  for (int shift = 28; shift >= 0; shift -= 4) out(0xe9, "0123456789abcdef"[eax >> shift & 15]);
  text(" 0\\nprevirt: done\\n");
  asm volatile("outw %0, %1" : : "a"((unsigned short)0x2000), "Nd"((unsigned short)0x604));
  for (;;);
}`

test(
  'a guest that is another one on another path ends it with 5, and what differs is named',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'previrt-compare-'))
    try {
      const [source, kernel] = [join(folder, 'telltale.c'), join(folder, 'telltale')]
      writeFileSync(source, TELLTALE)
      writeFileSync(kernel, buildFreestanding([source], []))
      const { status, stderr } = await previrt('compare', kernel, '--on', 'native,trap/vtx', '--json')
      expect(stderr).toMatch(
        /^previrt: trap\/vtx differs from native: checksum of signature: "0000069[0-9a-f]", not "0000068[0-9a-f]"\n$/,
      )
      expect(status).toBe(5)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  2 * MINUTE,
)
