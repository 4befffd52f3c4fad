// Whose turn it is: the domains that can run take turns in the order in which they became ready, each for a slice of
// virtual time, sooner when it waits, yields or ends. When none can run, time passes to the next deadline of any.

import type { Host, Resume, Trap } from '../../hypervisor.js'
import type { Guest } from './guest.js'

const SLICE = 10_000_000

type End = Extract<Resume, object>['end']

export class Scheduler {
  /** Nanoseconds of a turn while others are ready. */
  slice = SLICE
  private guests: readonly Guest[] = []
  /** In the order of their turns. */
  private readonly ready: Guest[] = []
  private running: Guest | undefined
  /** Whose registers the processor has. */
  private loaded: Guest | undefined
  private sliceEnd = 0
  private alarm: number | undefined
  private lastEnd: End | undefined

  constructor(private readonly host: Host) {}

  /** Begins with the first of the guests; each has its registers in its context. */
  begin(guests: readonly Guest[]) {
    this.guests = guests
    this.ready.push(...guests)
    this.goOn()
  }

  /** An entry. */
  handle(trap: Trap): Resume {
    if (trap.kind === 'alarm') {
      this.alarm = undefined
      this.wakeSleepers()
    }
    const { running } = this
    if (running && (trap.kind !== 'alarm' || this.isDue(running))) {
      running.stirred = false
      this.settle(running, running.handler.handle(trap))
    } else if (trap.kind !== 'alarm') this.loaded!.handler.handle(trap)
    else if (running) this.host.countOwn('schedule')
    return this.goOn()
  }
  private isDue({ stirred, clock, domain }: Guest): boolean {
    const { next } = domain.timers
    return stirred || (next !== undefined && next <= clock.now)
  }

  /** Something has happened to a guest from outside: an event of another one, input. */
  stir(guest: Guest) {
    if (guest.phase === 'ended') return
    guest.stirred = true
    if (guest.phase === 'waiting') this.makeReady(guest, guest.clock.now)
    this.setAlarm(this.host.clock.now)
  }

  /** Guests whose time has come, in the order of their times. */
  private wakeSleepers() {
    const { now } = this.host.clock
    const at = ({ clock, domain }: Guest) => clock.lag + (domain.timers.next ?? Number.POSITIVE_INFINITY)
    const woken = this.guests.filter(guest => guest.phase === 'waiting' && at(guest) <= now)
    for (const guest of woken.sort((a, b) => at(a) - at(b))) {
      guest.stirred = true
      this.makeReady(guest, guest.domain.timers.next!)
    }
  }
  private makeReady(guest: Guest, at: number) {
    guest.endWait(at)
    this.ready.push(guest)
  }

  /** The guest that runs goes on, waits or has ended. */
  private settle(guest: Guest, resume: Resume) {
    if (resume === 'run') return
    this.running = undefined
    if (resume === 'idle') return guest.beginWait()
    guest.phase = 'ended'
    guest.clock.stop()
    guest.domain.channels.reset()
    this.lastEnd = resume.end
    this.host.ended(this.guests.indexOf(guest), resume.end)
  }

  /** Takes turns, and says how the processor goes on. */
  private goOn(): Resume {
    const { ready, running } = this
    if (running && ready.length > 0 && (running.domain.yields || this.host.clock.now >= this.sliceEnd)) {
      running.phase = 'ready'
      running.clock.stop()
      ready.push(running)
      this.running = undefined
    }
    if (running) running.domain.yields = false
    while (!this.running && ready.length > 0) this.dispatch(ready.shift()!)
    this.setAlarm(this.nextAlarm())
    if (this.running) return 'run'
    return this.guests.every(({ phase }) => phase === 'ended') ? { end: this.lastEnd! } : 'idle'
  }
  private dispatch(guest: Guest) {
    const { host } = this
    this.load(guest)
    host.assign(this.guests.indexOf(guest))
    guest.clock.start()
    host.vcpu.counterLag = guest.clock.lag
    guest.phase = 'running'
    this.running = guest
    this.sliceEnd = host.clock.now + this.slice
    if (!guest.stirred) return
    guest.stirred = false
    this.settle(guest, guest.handler.leave())
  }
  /** Gives the processor a guest's registers. */
  load(guest: Guest) {
    const { vcpu } = this.host
    if (guest === this.loaded) return
    if (this.loaded) this.loaded.context = vcpu.saveContext()
    this.loaded = guest
    if (!guest.context) return
    vcpu.loadContext(guest.context)
    guest.context = undefined
    guest.processor.takeOver()
  }

  private nextAlarm(): number | undefined {
    const { running, ready } = this
    if (running?.stirred) return this.host.clock.now
    let next = running && ready.length > 0 ? this.sliceEnd : Number.POSITIVE_INFINITY
    for (const { phase, clock, domain } of this.guests) {
      if (phase !== 'running' && phase !== 'waiting') continue
      next = Math.min(next, clock.lag + (domain.timers.next ?? Number.POSITIVE_INFINITY))
    }
    return next === Number.POSITIVE_INFINITY ? undefined : next
  }
  private setAlarm(at: number | undefined) {
    if (at === this.alarm) return
    this.alarm = at
    this.host.clock.setAlarm(at)
  }

  save() {
    const place = (guest: Guest | undefined) => (guest ? this.guests.indexOf(guest) : -1)
    const { running, loaded, sliceEnd, ready } = this
    return { running: place(running), loaded: place(loaded), sliceEnd, ready: ready.map(place) }
  }
  /** The processor has the registers that it had at save(). */
  restore(guests: readonly Guest[], saved: ReturnType<Scheduler['save']>) {
    this.guests = guests
    this.ready.splice(0, this.ready.length, ...saved.ready.map(place => guests[place]!))
    this.running = guests[saved.running]
    this.loaded = guests[saved.loaded]
    this.sliceEnd = saved.sliceEnd
    this.host.assign(saved.loaded)
    this.alarm = undefined
    this.host.clock.setAlarm(undefined)
    this.setAlarm(this.nextAlarm())
  }
}
