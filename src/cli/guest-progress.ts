// What the guest says about itself on the console: its panic, and the markers around its workloads.

import type { RunCounts } from './report-schema.js'

/** One workload that has begun, with what was counted between its markers; without `end` it has not finished. */
export interface Workload extends Partial<RunCounts> {
  readonly name: string
  checksum?: string
  status?: number
}

/** What counts while the guest runs. */
export interface Counting {
  now(): RunCounts
  between(begin: RunCounts, end: RunCounts): RunCounts
}

const PANIC = /\bKernel panic\b|^mini: panic: /
const MARKER = /^previrt: (begin|end) (\S+)(?: (\S+) (\d+))?$/
/** Status of a workload whose device or processor feature is absent: no failure. */
const STATUS_SKIPPED = 77

export class GuestProgress {
  /** The first line that told of a panic. */
  panic: string | undefined
  readonly workloads: Workload[] = []
  private atBegin: RunCounts | undefined

  /** @param counting how to count, where somebody wants to know */
  constructor(private readonly counting?: Counting) {}

  /** Takes a line of the console. */
  line(text: string): void {
    if (PANIC.test(text)) this.panic ??= text.trim()
    const [, kind, name, checksum, status] = MARKER.exec(text) ?? []
    if (kind === 'begin') {
      this.workloads.push({ name: name! })
      this.atBegin = this.counting?.now()
      return
    }
    const workload = this.workloads.at(-1)
    if (kind !== 'end' || workload?.name !== name || checksum === undefined) return
    workload.checksum = checksum
    workload.status = Number(status)
    if (this.counting) Object.assign(workload, this.counting.between(this.atBegin!, this.counting.now()))
  }

  /** The first workload that reported a failure, in words. */
  get failure(): string | undefined {
    const failed = this.workloads.find(
      ({ status }) => status !== undefined && status !== 0 && status !== STATUS_SKIPPED,
    )
    return failed && `${failed.name} ended with ${failed.status}`
  }
}
