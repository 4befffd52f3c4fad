// Runs a machine in slices and gives the host its turn between them: input, signals, output. Idle time of the guest is
// skipped, or passes at the host's speed where somebody sits at a terminal or --realtime asks for it.

import type { Difference } from '../debug/lockstep.js'
import type { Machine, RunResult } from '../machine/machine.js'
import type { Subject } from './subject.js'

/** Host milliseconds that a slice should take: output and input wait for its end. */
const SLICE_MILLISECONDS = 6
const FIRST_SLICE = 200_000
const SLICE_LIMITS = [20_000, 20_000_000] as const
/** Sleeps shorter than this are saved up. */
const NAP_MILLISECONDS = 2
const NANOSECONDS = 1e6

/** How virtual time follows the host's. */
export type Pacing = 'free' | 'idle' | 'realtime'

/** What the loop asks of its surroundings. */
export interface LoopHost {
  /** Called between slices; a result ends the loop. */
  between(): RunResult | undefined
  /** Writes what is held back. */
  flush(): void
  /** Somebody else drives the machine now. */
  isHeld(): boolean
  /** Whether input may still come: a guest that waits for an interrupt is then not halted for ever. */
  mayHaveInput(): boolean
  /** Resolves when input, a signal or anything else wants to be looked at. */
  woken(): Promise<void>
}

/**
 * Runs until the guest or the host ends it.
 * @param budget instructions; when they are used up the result is `budget`
 */
export async function runPaced(
  subject: Subject,
  budget: number,
  pacing: Pacing,
  host: LoopHost,
): Promise<RunResult | Difference> {
  const { machine } = subject
  const end = machine.retired + budget
  const pacer = new Pacer(machine, pacing)
  let slice = FIRST_SLICE
  for (;;) {
    const ended = host.between()
    if (ended) return ended
    if (host.isHeld()) {
      await host.woken()
      continue
    }
    const left = end - machine.retired
    if (left <= 0) return { kind: 'budget' }
    const asked = Math.min(slice, left)
    const before = performance.now()
    const retired = machine.retired
    const result = subject.run(asked, pacing !== 'free')
    host.flush()
    if (result.kind === 'budget') {
      const took = performance.now() - before
      const fitting = (machine.retired - retired) * (SLICE_MILLISECONDS / Math.max(took, 0.1))
      slice = Math.round(Math.min(Math.max(fitting, SLICE_LIMITS[0]), SLICE_LIMITS[1]))
      await pacer.settle(host)
    } else if (result.kind === 'idle') await pacer.idle(result.nanoseconds, host)
    else if (result.kind === 'halted' && machine.interruptible && host.mayHaveInput()) {
      await host.woken()
      continue
    } else return result
    await turn()
  }
}

/** Lets the event loop handle what is waiting. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Makes virtual time wait for the host's. */
class Pacer {
  private readonly startedAt = performance.now()
  private readonly virtualStart: number
  /** Host milliseconds that idle time has run ahead. */
  private owed = 0

  constructor(
    private readonly machine: Machine,
    private readonly pacing: Pacing,
  ) {
    this.virtualStart = machine.now
  }

  /** Milliseconds by which virtual time is ahead of the host's. */
  private ahead(): number {
    return (this.machine.now - this.virtualStart) / NANOSECONDS - (performance.now() - this.startedAt)
  }

  /** After a slice of work. */
  async settle(host: LoopHost): Promise<void> {
    if (this.pacing !== 'realtime') return
    const ahead = this.ahead()
    if (ahead > NAP_MILLISECONDS) await nap(ahead, host)
  }

  /** The guest has nothing to do for so many nanoseconds; input ends that early. */
  async idle(nanoseconds: number, host: LoopHost): Promise<void> {
    const milliseconds = nanoseconds / NANOSECONDS
    const wait = this.pacing === 'realtime' ? this.ahead() + milliseconds : this.owed + milliseconds
    if (wait < NAP_MILLISECONDS) {
      if (this.pacing === 'idle') this.owed = wait
      this.machine.passIdle(nanoseconds)
      return
    }
    const before = performance.now()
    await nap(wait, host)
    const slept = performance.now() - before
    this.machine.passIdle(Math.min(nanoseconds, Math.max(0, slept - (wait - milliseconds)) * NANOSECONDS))
    this.owed = this.pacing === 'idle' ? Math.max(0, Math.min(wait - slept, NAP_MILLISECONDS)) : 0
  }
}

/** Sleeps, unless woken. */
async function nap(milliseconds: number, host: LoopHost): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const slept = new Promise<void>(resolve => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([slept, host.woken()])
  clearTimeout(timer)
}
