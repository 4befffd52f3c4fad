// How long a virtual CPU has been running and blocked (xen/include/public/vcpu.h, vcpu_runstate_info), and the copy of that
// which a guest may ask for at an address of its own. By its own clock a domain never waits for the processor.

import { BadPointer } from '../errors.js'
import type { GuestMemory } from '../memory/guest-memory.js'

const RUNNING = 0
const BLOCKED = 2
const STATES = 4
const ENTRY_TIME = 4
const TIMES = 12
/** Bit 63 of the entry time, while a copy changes: for guests that have asked for it. */
const UPDATE_HIGH = 0x80000000
const UPDATE_ASSIST = 1 << 5

export class RunStates {
  private state = RUNNING
  private since = 0
  private readonly times = [0, 0, 0, 0]
  /** Where the guest wants a copy; 0: nowhere. */
  private copy = 0

  /** The virtual CPU goes on or is blocked. */
  change(blocked: boolean, now: number, guest: GuestMemory, assists: number) {
    const next = blocked ? BLOCKED : RUNNING
    if (next === this.state) return
    this.times[this.state]! += now - this.since
    this.state = next
    this.since = now
    if (this.copy === 0) return
    try {
      const marks = (assists & UPDATE_ASSIST) !== 0
      if (marks) guest.setWord(this.copy + ENTRY_TIME + 4, UPDATE_HIGH)
      this.write(guest, this.copy, now)
    } catch (error) {
      if (!(error instanceof BadPointer)) throw error
    }
  }
  /** Writes a copy now, and at each change from now on. */
  register(guest: GuestMemory, address: number, now: number) {
    this.copy = address
    if (address !== 0) this.write(guest, address, now)
  }
  /** Writes a copy with the time of the present state up to now. */
  write(guest: GuestMemory, address: number, now: number) {
    guest.setWord(address, this.state)
    for (let state = 0; state < STATES; state++)
      guest.setLong(address + TIMES + 8 * state, this.times[state]! + (state === this.state ? now - this.since : 0))
    guest.setLong(address + ENTRY_TIME, this.since)
  }

  save(): number[] {
    return [this.state, this.since, this.copy, ...this.times]
  }
  restore([state, since, copy, ...times]: readonly number[]) {
    this.state = state!
    this.since = since!
    this.copy = copy!
    this.times.splice(0, STATES, ...times)
  }
}
