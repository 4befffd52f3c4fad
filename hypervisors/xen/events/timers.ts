// Time for one virtual CPU: its one-shot timer (set_timer_op, vcpu_op), its periodic timer, the time at which a poll ends,
// the domain's watchdogs, and the time fields of vcpu_info (xen/include/public/xen.h, vcpu_time_info; vcpu.h). Time is nanoseconds since boot.

import { EINVAL, ENOSPC } from '../errors.js'
import { setWord } from '../memory/machine-memory.js'
import { type SharedInfo, TIME, WALL_CLOCK_NANOSECONDS, WALL_CLOCK_SECONDS, WALL_CLOCK_VERSION } from './shared-info.js'

/** Every virtual CPU has a tick of 100 Hz until it asks for another. */
const PERIOD_AT_START = 10_000_000
const WATCHDOGS = 2
const SECOND = 1_000_000_000
const WORD = 0x100000000

// Fields of vcpu_time_info.
const VERSION = TIME
const TSC = TIME + 8
const SYSTEM_TIME = TIME + 16
const MULTIPLIER = TIME + 24
const SHIFT = TIME + 28

/** The machine's time-stamp counter counts nanoseconds: (delta << 1) * 2^31 >> 32. */
const NANOSECOND_MULTIPLIER = 0x80000000
const NANOSECOND_SHIFT = 1

export class Timers {
  /** When they fire; undefined: not set. */
  single: number | undefined
  poll: number | undefined
  /** When a device's driver looks at the domain's rings by itself, and what it then does. */
  devices: number | undefined
  onDevices: () => void = () => {}
  /** When each watchdog ends the domain; undefined: not in use. */
  private watchdogs: (number | undefined)[] = Array.from({ length: WATCHDOGS }, () => undefined)
  private nextTick: number | undefined
  private period = PERIOD_AT_START

  /**
   * @param now nanoseconds since boot
   * @param onTick the virtual timer interrupt
   * @param onWatchdog the domain has let a watchdog run out
   */
  constructor(
    readonly now: () => number,
    private readonly onTick: () => void,
    private readonly onWatchdog: () => void = () => {},
  ) {
    this.nextTick = now() + this.period
  }

  /** Changes the tick; undefined stops it. */
  setPeriod(nanoseconds: number | undefined) {
    this.period = nanoseconds ?? 0
    this.nextTick = nanoseconds === undefined ? undefined : this.now() + nanoseconds
  }
  /** Takes a watchdog (id 0; answers its id), winds it up, or puts it away (no seconds). An error where that cannot be. */
  setWatchdog(id: number, seconds: number): number {
    if (id > WATCHDOGS) return EINVAL
    const due = this.now() + seconds * SECOND
    if (id === 0) {
      const free = this.watchdogs.indexOf(undefined)
      if (free < 0) return ENOSPC
      this.watchdogs[free] = due
      return free + 1
    }
    if (this.watchdogs[id - 1] === undefined) return EINVAL
    this.watchdogs[id - 1] = seconds === 0 ? undefined : due
    return 0
  }
  /** When something is due next; undefined: never. */
  get next(): number | undefined {
    let next: number | undefined
    for (const at of [this.single, this.nextTick, this.poll, this.devices, ...this.watchdogs])
      if (at !== undefined && (next === undefined || at < next)) next = at
    return next
  }
  /** Does what is due; true when a poll has ended by that. */
  runDue(): boolean {
    const now = this.now()
    if (this.single !== undefined && this.single <= now) {
      this.single = undefined
      this.onTick()
    }
    if (this.nextTick !== undefined && this.nextTick <= now) {
      this.nextTick += this.period * (Math.floor((now - this.nextTick) / this.period) + 1)
      this.onTick()
    }
    if (this.devices !== undefined && this.devices <= now) {
      this.devices = undefined
      this.onDevices()
    }
    if (this.watchdogs.some(at => at !== undefined && at <= now)) this.onWatchdog()
    if (this.poll === undefined || this.poll > now) return false
    this.poll = undefined
    return true
  }

  save() {
    const { single, poll, nextTick, period, devices } = this
    return [single ?? -1, poll ?? -1, nextTick ?? -1, period, devices ?? -1, ...this.watchdogs.map(at => at ?? -1)]
  }
  restore([single, poll, nextTick, period, devices, ...watchdogs]: readonly number[]) {
    const known = (at: number | undefined) => (at === undefined || at < 0 ? undefined : at)
    this.single = known(single)
    this.poll = known(poll)
    this.nextTick = known(nextTick)
    this.devices = known(devices)
    this.period = period!
    this.watchdogs = watchdogs.map(known)
  }
}

/** Writes the time fields of vcpu_info. The version is odd while they change. */
export function writeTime({ memory, vcpuInfo }: SharedInfo, tsc: number, now: number) {
  const set = (field: number, value: number) => setWord(memory, vcpuInfo + field, value)
  const version = memory.u32[(vcpuInfo + VERSION) >>> 2]!
  set(VERSION, version | 1)
  set(TSC, tsc % WORD)
  set(TSC + 4, Math.floor(tsc / WORD))
  set(SYSTEM_TIME, now % WORD)
  set(SYSTEM_TIME + 4, Math.floor(now / WORD))
  set(MULTIPLIER, NANOSECOND_MULTIPLIER)
  set(SHIFT, NANOSECOND_SHIFT)
  set(VERSION, (version | 1) + 1)
}

/** Writes the wall-clock time at boot. */
export function writeWallClock({ memory, address }: SharedInfo, seconds: number, nanoseconds: number) {
  setWord(memory, address + WALL_CLOCK_VERSION, 1)
  setWord(memory, address + WALL_CLOCK_SECONDS, seconds)
  setWord(memory, address + WALL_CLOCK_NANOSECONDS, nanoseconds)
  setWord(memory, address + WALL_CLOCK_VERSION, 2)
}
