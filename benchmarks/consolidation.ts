// Server consolidation: the same guest several times on one machine. What it takes together beside what it takes alone, and
// whether each is what it is alone.

import { z } from 'zod'
import { runCommand } from './compare/execute.js'
import { grouped, rightAligned, scaled } from './compare/table-text.js'
import { total } from './costs/counts.js'

/** What is run. */
export interface Consolidation {
  readonly image: string
  /** Names joined by commas, or `all`. */
  readonly workloads: string
  readonly scale?: number | undefined
  /** Of Xen. */
  readonly profile: string
  /** Numbers of guests. */
  readonly guests: readonly number[]
}

const count = z.number()
const guestSchema = z.object({
  exit: z.object({ status: count, reason: z.string() }),
  digest: z.string(),
  instructions: count,
  virtualNanoseconds: count,
  haltedNanoseconds: count,
  entries: z.record(z.string(), count),
  hypercalls: z.record(z.string(), count).optional(),
  workloads: z.array(z.object({ name: z.string(), checksum: z.string().optional(), status: count.optional() })),
})
const runSchema = guestSchema.extend({ hostSeconds: count, residentBytes: count })
const groupSchema = runSchema.extend({ guests: z.array(guestSchema) })
type GuestRun = z.infer<typeof guestSchema>

/** So many guests at once. */
export interface ConsolidatedRun {
  readonly guests: number
  /** Until the last has ended. */
  readonly virtualNanoseconds: number
  /** Of that, in which none could run. */
  readonly haltedNanoseconds: number
  readonly instructions: number
  readonly entries: number
  /** Entries that change turns: no guest's own. */
  readonly scheduleEntries: number
  /** Guests a unit of time, beside one alone. */
  readonly throughput: number
  /** What of the guests differs from a run alone, one line each. */
  readonly differences: readonly string[]
  readonly hostSeconds: number
  readonly residentBytes: number
}

export interface ConsolidationReport extends Consolidation {
  readonly schemaVersion: 1
  readonly alone: GuestRun
  readonly runs: readonly ConsolidatedRun[]
}

/**
 * Runs the guest alone, then for each number so many at once.
 * @throws Error when a run prints no JSON: the message has the last line that it said
 */
export async function consolidate(
  what: Consolidation,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<ConsolidationReport> {
  onProgress(0, what.guests.length + 1)
  const alone = runSchema.parse(await run(what, soloWords(what)))
  const runs: ConsolidatedRun[] = []
  for (const guests of what.guests) {
    onProgress(runs.length + 1, what.guests.length + 1)
    const together = groupSchema.parse(await run(what, groupWords(what, guests)))
    runs.push({
      guests,
      virtualNanoseconds: together.virtualNanoseconds,
      haltedNanoseconds: together.haltedNanoseconds,
      instructions: together.instructions,
      entries: total(together.entries),
      scheduleEntries: together.entries.schedule ?? 0,
      throughput: (guests * alone.virtualNanoseconds) / together.virtualNanoseconds,
      differences: together.guests.flatMap((guest, n) =>
        differences(alone, guest).map(line => `guest ${n + 1}: ${line}`),
      ),
      hostSeconds: together.hostSeconds,
      residentBytes: together.residentBytes,
    })
  }
  return { schemaVersion: 1, ...what, alone: guestSchema.parse(alone), runs }
}

const kernelArguments = ({ workloads, scale }: Consolidation) =>
  [`workload=${workloads}`, ...(scale === undefined ? [] : [`scale=${scale}`])].join(' ')
const shared = ({ profile }: Consolidation) => ['--on', 'xen', '--xen-profile', profile, '--json', '--serial', 'none']

/** The words of `previrt run` for the guest alone. */
function soloWords(what: Consolidation): string[] {
  return ['run', what.image, ...shared(what), '--append', kernelArguments(what)]
}
/** The words of `previrt run` for several. */
function groupWords(what: Consolidation, guests: number): string[] {
  const guest = ['--guest', `${what.image} --append "${kernelArguments(what)}"`]
  return ['run', ...shared(what), ...new Array<string[]>(guests).fill(guest).flat()]
}

async function run({ image }: Consolidation, words: readonly string[]): Promise<unknown> {
  const { output, errors } = await runCommand(words)
  if (output === '') throw new Error(`${image}: ${errors.trim().split('\n').at(-1) ?? 'it said nothing'}`)
  return JSON.parse(output)
}

/** What differs between a guest alone and one of several. */
export function differences(alone: GuestRun, guest: GuestRun): string[] {
  const parts = Object.keys(guestSchema.shape) as (keyof GuestRun)[]
  const text = (value: unknown) => JSON.stringify(sorted(value))
  return parts
    .filter(name => text(alone[name]) !== text(guest[name]))
    .map(name => `${name} is ${text(guest[name])}, alone ${text(alone[name])}`)
}
/** Objects with their keys in order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The report for people. */
export function formatConsolidation({ image, workloads, profile, alone, runs }: ConsolidationReport): string {
  const milliseconds = (nanoseconds: number) => grouped(nanoseconds / 1e6)
  const head = [
    'guests',
    'together ms',
    'one by one ms',
    'idle ms',
    'throughput',
    'entries',
    'for turns',
    'instr.',
    'MB',
  ]
  const rows = runs.map(each => [
    `${each.guests}`,
    milliseconds(each.virtualNanoseconds),
    milliseconds(each.guests * alone.virtualNanoseconds),
    milliseconds(each.haltedNanoseconds),
    each.throughput.toFixed(2),
    grouped(each.entries),
    grouped(each.scheduleEntries),
    scaled(each.instructions),
    grouped(each.residentBytes / 2 ** 20),
  ])
  const equal = runs.every(each => each.differences.length === 0)
  return [
    `${image} on xen ${profile}, workload=${workloads}; alone ${milliseconds(alone.virtualNanoseconds)} ms of virtual time,`,
    `${milliseconds(alone.haltedNanoseconds)} of them waiting, and ${grouped(total(alone.entries))} entries`,
    '',
    ...rightAligned([head, ...rows]),
    '',
    equal
      ? 'Each guest ends as it does alone: digest, instructions, entries, hypercalls, checksums, time.'
      : 'Not every guest ends as it does alone; see standard error.',
  ].join('\n')
}
