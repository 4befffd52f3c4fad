// What the guest says about itself on the console: its panic, and the markers around its workloads.

/** One workload that has begun; without `end` it has not finished. */
export interface Workload {
  readonly name: string
  checksum?: string
  status?: number
  /** Instructions between its markers. */
  instructions?: number
  /** Entries into the hypervisor between its markers; absent on native. */
  entries?: number
}

const PANIC = /\bKernel panic\b|^mini: panic: /
const MARKER = /^previrt: (begin|end) (\S+)(?: (\S+) (\d+))?$/
/** Status of a workload whose device or processor feature is absent: no failure. */
const STATUS_SKIPPED = 77

export class GuestProgress {
  /** The first line that told of a panic. */
  panic: string | undefined
  readonly workloads: Workload[] = []
  private begunAt = 0
  private entriesAtBegin: number | undefined

  /**
   * @param retired instructions retired so far
   * @param entries entries into the hypervisor so far
   */
  constructor(
    private readonly retired: () => number,
    private readonly entries: () => number | undefined = () => undefined,
  ) {}

  /** Takes a line of the console. */
  line(text: string): void {
    if (PANIC.test(text)) this.panic ??= text.trim()
    const [, kind, name, checksum, status] = MARKER.exec(text) ?? []
    if (kind === 'begin') {
      this.workloads.push({ name: name! })
      this.begunAt = this.retired()
      this.entriesAtBegin = this.entries()
      return
    }
    const workload = this.workloads.at(-1)
    if (kind !== 'end' || workload?.name !== name || checksum === undefined) return
    workload.checksum = checksum
    workload.status = Number(status)
    workload.instructions = this.retired() - this.begunAt
    const entries = this.entries()
    if (entries !== undefined) workload.entries = entries - this.entriesAtBegin!
  }

  /** The first workload that reported a failure, in words. */
  get failure(): string | undefined {
    const failed = this.workloads.find(
      ({ status }) => status !== undefined && status !== 0 && status !== STATUS_SKIPPED,
    )
    return failed && `${failed.name} ended with ${failed.status}`
  }
}
