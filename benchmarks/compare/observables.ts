// What a user of a guest can observe, and what must not depend on the path: the bytes that each workload prints, its checksum
// and status, how the guest ended, the disk afterwards, and the kernel's messages but for time stamps, their order and a list
// of what may differ.

/** What was observed of one run. */
export interface Observables {
  readonly exitStatus: number
  /** In the order in which they ran. */
  readonly workloads: readonly ObservedWorkload[]
  /** Messages outside the workloads and the kernel's own, without time stamps, sorted. */
  readonly log: readonly string[]
  /** What workloads said of how fast they moved data. */
  readonly throughput: readonly Throughput[]
  /** SHA-256 of the disk image; undefined without one. */
  readonly disk: string | undefined
}

export interface ObservedWorkload {
  readonly name: string
  readonly checksum: string | undefined
  readonly status: number | undefined
  /** What was printed between the markers. */
  readonly console: string
}

/** So much in so much virtual time; it depends on the path, and is no observable. */
export interface Throughput {
  /** Workload and part, such as `disk write`. */
  readonly what: string
  readonly amount: number
  readonly unit: string
  readonly microseconds: number
}

/** Status of a workload whose device or processor feature is absent. */
export const SKIPPED = 77

/** A message that may differ between paths, and why. */
export interface Allowance {
  readonly pattern: RegExp
  readonly reason: string
}

/** What workloads that move data say of themselves: what, how much, in which time. */
const THROUGHPUT = /^figure: (\S+ \S+) (\d+) (\S+) in (\d+) us: (\d+) \S+$/

export const ALLOWED: readonly Allowance[] = [
  { pattern: /^tsc: |^clocksource: |^sched_clock: /, reason: 'rates and moments measured at boot' },
  { pattern: /^Calibrating delay loop /, reason: 'rate measured at boot' },
  { pattern: /^CPU: Intel /, reason: 'CPU model' },
  { pattern: /^(?:x86\/fpu|x86\/PAT|PAT|MTRR)[:/ ]/, reason: 'features of the CPU model' },
  { pattern: /^Memory: |^Write protecting /, reason: 'size of the kernel, plain or annotated' },
  { pattern: /^figure: /, reason: 'throughput in virtual time' },
  { pattern: /^Sending DHCP requests |^ OK$/, reason: 'a line in parts, between which others may come' },
  { pattern: /^random: /, reason: 'moments at which entropy was gathered' },
]

const STAMP = /^\[ *\d+\.\d+\] /
const MARKER = /^previrt: (begin|end) (\S+)(?: (\S+) (\d+))?$/

/** Reads a console. */
export function observe(console: string, exitStatus: number, disk: string | undefined): Observables {
  const log: string[] = []
  const workloads: { name: string; checksum?: string; status?: number; lines: string[] }[] = []
  let open = false
  for (const line of console.replaceAll('\r', '').split('\n')) {
    const [, kind, name, checksum, status] = MARKER.exec(line) ?? []
    if (kind === 'begin') {
      workloads.push({ name: name!, lines: [] })
      open = true
    } else if (kind === 'end' && workloads.at(-1)?.name === name) {
      Object.assign(workloads.at(-1)!, { checksum, status: Number(status) })
      open = false
    } else if (open && !STAMP.test(line)) workloads.at(-1)!.lines.push(line)
    else if (line !== '') log.push(line.replace(STAMP, ''))
  }
  return {
    exitStatus,
    workloads: workloads.map(({ name, checksum, status, lines }) => ({
      name,
      checksum,
      status,
      console: lines.join('\n'),
    })),
    throughput: log.flatMap(line => {
      const [, what, amount, unit, microseconds] = THROUGHPUT.exec(line) ?? []
      return what ? [{ what, amount: Number(amount), unit: unit!, microseconds: Number(microseconds) }] : []
    }),
    log: log.filter(line => !ALLOWED.some(({ pattern }) => pattern.test(line))).sort(),
    disk,
  }
}

/**
 * What differs from the first, in one line each that names what. A workload that a path skips is no difference, and its
 * disk is then not compared.
 */
export function differences(first: Observables, other: Observables): string[] {
  const found: string[] = []
  const compare = (what: string, a: unknown, b: unknown) => {
    if (a !== b) found.push(`${what}: ${shown(a)}, not ${shown(b)}`)
  }
  compare('exit status', other.exitStatus, first.exitStatus)
  compare('workloads', other.workloads.map(({ name }) => name).join(), first.workloads.map(({ name }) => name).join())
  for (const mine of first.workloads) {
    const its = other.workloads.find(({ name }) => name === mine.name)
    if (!its || isSkipped(mine) || isSkipped(its)) continue
    compare(`status of ${mine.name}`, its.status, mine.status)
    compare(`checksum of ${mine.name}`, its.checksum, mine.checksum)
    compare(`console of ${mine.name}`, its.console, mine.console)
  }
  const surplus = (of: readonly string[], against: readonly string[]) => {
    const left = [...against]
    return of.filter(line => {
      const at = left.indexOf(line)
      if (at >= 0) left.splice(at, 1)
      return at < 0
    })
  }
  for (const line of surplus(other.log, first.log)) found.push(`kernel log: has '${line}'`)
  for (const line of surplus(first.log, other.log)) found.push(`kernel log: lacks '${line}'`)
  const withoutDisk = [...first.workloads, ...other.workloads].some(each => each.name === 'disk' && isSkipped(each))
  if (!withoutDisk) compare('disk image', other.disk, first.disk)
  return found
}

/** Whether the path lacks what the workload needs. */
export function isSkipped({ status }: ObservedWorkload): boolean {
  return status === SKIPPED
}

const LENGTH = 100
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > LENGTH ? `${text.slice(0, LENGTH)}...` : text
}
