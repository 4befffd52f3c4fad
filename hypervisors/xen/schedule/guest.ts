// A domain with everything that makes it run: its processor state, who handles its entries, what serves it, its clock.

import type { GuestView } from '../../hypervisor.js'
import type { Processor } from '../cpu/processor.js'
import type { TrapHandler } from '../cpu/trap-handler.js'
import type { Domain } from '../domain.js'
import type { Services } from '../services.js'
import type { DomainClock } from './domain-clock.js'

/** Has the processor; could have it; waits for an event or time, its clock going; has come to its end. */
export type Phase = 'running' | 'ready' | 'waiting' | 'ended'

const PAGE = 4096

export class Guest implements GuestView {
  phase: Phase = 'ready'
  /** Something has happened while it did not run: what is due is to be looked at before it goes on. */
  stirred = false
  /** Registers while the processor has another's. */
  context: Uint8Array | undefined
  /** When it began to wait, by its own clock. */
  private waitingSince = 0
  private waited = 0

  /** @param pages of its memory at most */
  constructor(
    readonly domain: Domain,
    readonly processor: Processor,
    readonly handler: TrapHandler,
    readonly services: Services,
    readonly clock: DomainClock,
    private readonly pages: number,
  ) {}

  /** It waits from now on. */
  beginWait() {
    this.phase = 'waiting'
    this.waitingSince = this.clock.now
  }
  /** It could run again since this time of its own. */
  endWait(at: number) {
    this.clock.stop(at)
    this.waited += at - this.waitingSince
    this.phase = 'ready'
  }

  get nanoseconds(): number {
    return this.waitsForEver ? this.waitingSince : this.clock.now
  }
  get haltedNanoseconds(): number {
    return this.waited + (this.phase === 'waiting' ? this.nanoseconds - this.waitingSince : 0)
  }
  private get waitsForEver(): boolean {
    return this.phase === 'waiting' && this.domain.timers.next === undefined
  }

  memory(): readonly (Uint8Array | undefined)[] {
    const { memory, frames, machineToPhysical, id } = this.domain
    const pages: (Uint8Array | undefined)[] = new Array(this.pages).fill(undefined)
    for (let frame = frames.first; frame < frames.frames; frame++) {
      const place = frames.owner[frame] === id ? machineToPhysical.get(frame) : -1
      if (place >= 0 && place < this.pages) pages[place] = memory.u8.subarray(frame * PAGE, (frame + 1) * PAGE)
    }
    return pages
  }

  save() {
    const { phase, stirred, context, waitingSince, waited } = this
    return { phase, stirred, context: context ?? null, waitingSince, waited, clock: this.clock.save() }
  }
  restore(saved: ReturnType<Guest['save']>) {
    this.phase = saved.phase
    this.stirred = saved.stirred
    this.context = saved.context ?? undefined
    this.waitingSince = saved.waitingSince
    this.waited = saved.waited
    this.clock.restore(saved.clock)
  }
}
