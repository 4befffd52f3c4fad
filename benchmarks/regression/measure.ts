// Runs a suite and keeps every counter of every workload on every path. The guest is deterministic: a run that is repeated
// must give the same counters, and only the host's time differs. A seed moves everything by a little: it lengthens the
// kernel's command line, so that timer interrupts meet the workloads elsewhere.

import { type Execution, executeAll, type Guest } from '../compare/execute.js'
import { isSkipped } from '../compare/observables.js'
import type { Run } from '../compare/runs.js'
import { countsSchema } from '../costs/counts.js'

/** What is to be measured. */
export interface Measurement {
  readonly image: string
  readonly workloads: readonly string[]
  readonly scale: number | undefined
  readonly seeds: readonly number[]
  /** How often each is repeated. */
  readonly repetitions: number
  readonly runs: readonly Run[]
}

/** Counters by name: parts of records are joined by points, such as `entriesBy.hypercall`. */
export type Counters = Readonly<Record<string, number>>

/** One workload of one run under one seed. */
export interface Sample {
  readonly seed: number
  readonly run: string
  readonly workload: string
  readonly checksum: string
  readonly counters: Counters
}

export interface Measured {
  readonly samples: readonly Sample[]
  /** Workloads that a run did not have what it takes for. */
  readonly skipped: readonly { readonly run: string; readonly workload: string }[]
  /** By run: wall seconds of the host, of each repetition and seed. */
  readonly hostSeconds: Readonly<Record<string, readonly number[]>>
}

/**
 * Measures.
 * @throws Error when a workload fails, or when a repetition counts otherwise
 */
export async function measure(
  { image, workloads, scale, seeds, repetitions, runs }: Measurement,
  onProgress: (done: number, of: number) => void,
): Promise<Measured> {
  const samples: Sample[] = []
  const skipped = new Map<string, Measured['skipped'][number]>()
  const hostSeconds: Record<string, number[]> = {}
  const rounds = seeds.length * repetitions
  let round = 0
  for (const seed of seeds)
    for (let n = 0; n < repetitions; n++, round++) {
      const guest: Guest = { image, workloads: workloads.join(','), scale, seed }
      const done = (ended: number, of: number) => onProgress(round * of + ended, rounds * of)
      for (const execution of await executeAll(guest, runs, done)) {
        const { run } = execution
        hostSeconds[run.id] = [...(hostSeconds[run.id] ?? []), execution.hostSeconds]
        for (const workload of skippedBy(execution)) skipped.set(`${run.id} ${workload}`, { run: run.id, workload })
        for (const sample of samplesOf(execution, seed)) {
          const before = samples.find(each => keyOf(each) === keyOf(sample))
          if (!before) samples.push(sample)
          else requireEqual(before, sample)
        }
      }
    }
  return { samples, skipped: [...skipped.values()], hostSeconds }
}

/** Names a sample among all. */
export const keyOf = ({ seed, run, workload }: Pick<Sample, 'seed' | 'run' | 'workload'>) =>
  `seed ${seed}, ${run}, ${workload}`

function skippedBy({ observed }: Execution): string[] {
  return observed.workloads.filter(isSkipped).map(({ name }) => name)
}

function samplesOf({ run, document, observed }: Execution, seed: number): Sample[] {
  if (document.exit.status !== 0) throw new Error(`${run.id}: the guest ended with ${document.exit.reason}`)
  return observed.workloads
    .filter(workload => !isSkipped(workload))
    .map(({ name, checksum, status }) => {
      if (status !== 0) throw new Error(`${run.id}: ${name} ended with ${status ?? 'nothing'}`)
      const counts = countsSchema.parse(document.workloads.find(workload => workload.name === name))
      return { seed, run: run.id, workload: name, checksum: checksum!, counters: flattened(counts) }
    })
}

/** Counters by name, sorted. */
export function flattened(counts: object): Counters {
  const found: [string, number][] = []
  const walk = (prefix: string, value: unknown) => {
    if (typeof value === 'number') found.push([prefix, value])
    else if (typeof value === 'object' && value !== null)
      for (const [name, part] of Object.entries(value)) walk(prefix === '' ? name : `${prefix}.${name}`, part)
  }
  walk('', counts)
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function requireEqual(first: Sample, again: Sample): void {
  const name = Object.keys({ ...first.counters, ...again.counters }).find(
    each => first.counters[each] !== again.counters[each],
  )
  if (name === undefined && first.checksum === again.checksum) return
  throw new Error(`${keyOf(first)}: ${name ?? 'the checksum'} differs between repetitions; please report it`)
}
