// Entries into the hypervisor for one event of a kind, as the processor's delivery counts them: averages over many events
// after a warm-up, in Linux on Xen 4.17 (init.c). Prints the figures.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeCpio } from '../../../images/cpio.js'
import { buildImage } from '../../../images/index.js'
import { type RunReport, runReportSchema } from '../../../src/cli/report-schema.js'
import { previrt } from '../../cli/command.js'

const FLAGS =
  '-m32 -march=i686 -O2 -std=gnu11 -ffreestanding -fno-pic -no-pie -nostdlib -static -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -Wl,--build-id=none,-z,noexecstack -s'
const WORKLOADS = 'images/workloads'
/** Kinds that take longest. */
const LONG = ['tick', 'process']

export type Counted = RunReport['workloads'][number]

/** What a guest's workloads were counted to cost. */
export async function workloadsOf(...words: string[]): Promise<Counted[]> {
  const { stdout, stderr } = await previrt('run', ...words, '--serial', 'none', '--json')
  const { exit, workloads } = runReportSchema.parse(JSON.parse(stdout))
  if (exit.status !== 0) throw new Error(stderr)
  return workloads
}

/** Builds an initial RAM disk with the program as /init. */
function buildInitrd(folder: string): string {
  const runtime = readdirSync(join(WORKLOADS, 'runtime')).filter(name => name.endsWith('.c'))
  const init = join(folder, 'init')
  const sources = ['test/vmm/entries/init.c', ...runtime.map(name => join(WORKLOADS, 'runtime', name))]
  execFileSync('gcc', [...FLAGS.split(' '), `-I${WORKLOADS}`, '-o', init, ...sources])
  const file = join(folder, 'initrd')
  const entries = [
    { kind: 'folder' as const, path: 'dev', mode: 0o755 },
    { kind: 'character' as const, path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'file' as const, path: 'init', mode: 0o755, data: readFileSync(init) },
  ]
  writeFileSync(file, writeCpio(entries))
  return file
}

/** Entries for each event, and which: those of more than one in a hundred events. */
function perEvent({ name, entries, entriesBy, hypercalls, instructionsBy }: Counted, events: number) {
  const often = (counts: Record<string, number> = {}) =>
    Object.entries(counts)
      .filter(([, count]) => count * 100 > events)
      .map(([kind, count]) => `${kind} ${(count / events).toFixed(2)}`)
      .join(', ')
  const text = `${often(entriesBy)}; calls: ${often(hypercalls)}`
  return { name, average: entries! / events, instructions: instructionsBy!.vmm! / events, text }
}

/** Asserts what is kept now; the aims are 1, 2, 2, 3 and 200. */
export async function measureLinux(events: number, longEvents: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'previrt-entries-'))
  try {
    const kernel = (await buildImage('linux')).path
    const workloads = await workloadsOf(
      ...['--on', 'xen', '--kernel', kernel, '--initrd', buildInitrd(folder)],
      ...['--append', `console=ttyS0 quiet -- ${events} ${longEvents}`],
    )
    const figures = workloads.map(workload => perEvent(workload, LONG.includes(workload.name) ? longEvents : events))
    const lines = figures.map(
      ({ name, average, instructions, text }) =>
        `${name.padEnd(12)} ${average.toFixed(3)}, instructions of the VMM ${instructions.toFixed(0)}; ${text}`,
    )
    process.stdout.write(`${lines.join('\n')}\n`)
    const average = Object.fromEntries(figures.map(({ name, average }) => [name, average]))
    // The markers, and timer ticks in between, two entries in ten milliseconds, are counted too.
    expect(average.null_call).toBeLessThan(1.01)
    expect(average.minor_fault).toBeLessThan(2.01)
    // A switch, beside the write and the read that make it: two system calls.
    expect(average.switch! - 2).toBeLessThan(1.05)
    expect(average.tick).toBeLessThan(2.05)
    expect(average.process).toBeLessThan(80)
    const instructions = Object.fromEntries(figures.map(each => [each.name, each.instructions]))
    expect(instructions.null_call).toBeLessThan(285)
    expect(instructions.minor_fault).toBeLessThan(2700)
    expect(instructions.switch).toBeLessThan(2500)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
