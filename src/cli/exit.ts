// How a run ended and the exit status that it gives. The one place that knows the numbers.

export const STATUS_WELL = 0
export const STATUS_GUEST_FAILED = 1
export const STATUS_USAGE = 2
export const STATUS_PANIC = 3
export const STATUS_LIMIT = 4
export const STATUS_DIFFERENT = 5
export const STATUS_INTERNAL = 70
/** Added to a signal's number when a signal ended us, as shells do. */
export const STATUS_SIGNAL = 128

/** Why a run ended. */
export type RunEnd =
  | { readonly kind: 'power-off' | 'triple-fault' | 'halted' | 'budget' | 'timeout' | 'expect' | 'user' | 'difference' }
  | { readonly kind: 'reset'; readonly source: string }
  | { readonly kind: 'crash'; readonly reason: string }
  | { readonly kind: 'debug-exit'; readonly value: number }
  | { readonly kind: 'signal'; readonly name: string; readonly number: number }
  | { readonly kind: 'output-closed' }

/** What is known beside the end itself. */
export interface Circumstances {
  /** `--expect` was given (and not met, if the end is another one). */
  readonly expecting: boolean
  readonly debugExitRaw: boolean
  readonly haltOk: boolean
  /** The console line in which the guest said that it panicked. */
  readonly panic: string | undefined
  /** The first workload that reported a failure, as `NAME ended with STATUS`. */
  readonly failedWorkload: string | undefined
}

/** The exit status, the reason as the JSON names it, and a line for people where the guest did not end well. */
export interface Verdict {
  readonly status: number
  readonly reason: string
  readonly message: string | undefined
}

/** The verdict on a run. */
export function judge(end: RunEnd, how: Circumstances): Verdict {
  const ended = judgeEnd(end, how)
  if (!how.expecting || ended.status !== STATUS_WELL || end.kind === 'expect') return ended
  return { status: STATUS_GUEST_FAILED, reason: ended.reason, message: 'the guest ended before --expect was met' }
}

function judgeEnd(end: RunEnd, how: Circumstances): Verdict {
  const verdict = (status: number, reason: string, message?: string): Verdict => ({ status, reason, message })
  switch (end.kind) {
    case 'expect':
    case 'user':
      return verdict(STATUS_WELL, end.kind)
    case 'power-off':
    case 'reset':
    case 'halted': {
      if (how.panic !== undefined) return verdict(STATUS_PANIC, 'panic', `guest panic: ${how.panic}`)
      if (end.kind === 'halted') {
        if (how.haltOk) return verdict(STATUS_WELL, 'halted')
        return verdict(STATUS_PANIC, 'halted', 'halted for ever with nothing to wake it')
      }
      if (how.failedWorkload === undefined) return verdict(STATUS_WELL, end.kind)
      return verdict(STATUS_GUEST_FAILED, end.kind, `workload ${how.failedWorkload}`)
    }
    case 'triple-fault':
      return verdict(STATUS_PANIC, 'triple-fault', 'triple fault')
    case 'crash':
      return verdict(STATUS_PANIC, 'crash', `the hypervisor has ended the guest: ${end.reason}`)
    case 'debug-exit': {
      if (how.debugExitRaw) return verdict(((end.value << 1) | 1) & 0xff, 'debug-exit')
      if (end.value === 0) return verdict(STATUS_WELL, 'debug-exit')
      return verdict(STATUS_GUEST_FAILED, 'debug-exit', `the guest reported ${end.value} at its debug exit`)
    }
    case 'budget':
      return verdict(STATUS_LIMIT, 'budget', 'the budget of instructions is used up')
    case 'timeout':
      return verdict(STATUS_LIMIT, 'timeout', 'the timeout has passed')
    case 'signal':
      return verdict(STATUS_SIGNAL + end.number, 'signal', `ended by ${end.name}`)
    case 'difference':
      return verdict(STATUS_DIFFERENT, 'difference', 'the engines differ')
    case 'output-closed':
      return verdict(STATUS_GUEST_FAILED, 'output-closed')
  }
}
