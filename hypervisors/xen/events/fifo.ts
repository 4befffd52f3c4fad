// Event channels, FIFO ABI (xen/include/public/event_channel.h, xen/common/event_fifo.c): an event word for each port in
// pages of the guest's, and for each priority a queue of ports linked through their words. Left out: more than one
// virtual CPU, and with it all waiting for words that another one changes.

import type { MachineMemory } from '../memory/machine-memory.js'

// An event word.
const PENDING = 0x80000000
const MASKED = 0x40000000
const LINKED = 0x20000000
const LINK = 0x1ffff
/** Bits of a link: a guest may have as many ports as that. */
export const LINK_BITS = 17

export const PRIORITIES = 16
const DEFAULT_PRIORITY = 7
/** The control block: a bit for each queue that has something, a reserved word, the head of each queue. */
export const CONTROL_BYTES = 8 + 4 * PRIORITIES
const HEADS = 8
const WORDS_IN_PAGE = 1024
const PAGES_AT_MOST = 128

export class FifoEvents {
  private readonly pages: number[] = []
  /** The last port of each queue, or 0. */
  private readonly tails: number[] = new Array(PRIORITIES).fill(0)
  /** Priorities that are not the default, and the queue that a port was in last. */
  private readonly priorities = new Map<number, number>()
  private readonly queues = new Map<number, number>()

  /**
   * @param control machine address of the control block
   * @param early ports that became pending before they had an event word
   */
  constructor(
    private readonly memory: MachineMemory,
    readonly control: number,
    private readonly early: Set<number>,
  ) {}

  /** Machine frames that it uses. */
  get frames(): number[] {
    return [this.control, ...this.pages].map(address => Math.floor(address / 4096))
  }
  get isFull(): boolean {
    return this.pages.length === PAGES_AT_MOST
  }
  /** Gives words to more ports; answers those that are pending already. */
  addPage(address: number): number[] {
    this.pages.push(address)
    const pending = [...this.early].filter(port => this.place(port) >= 0)
    for (const port of pending) this.early.delete(port)
    return pending
  }
  setPriority(port: number, priority: number) {
    this.priorities.set(port, priority)
  }
  /** A new port has nothing of the one that had its number. */
  forget(port: number) {
    this.priorities.delete(port)
    this.early.delete(port)
  }

  /** Index of a port's word in u32, or -1. */
  private place(port: number): number {
    const page = this.pages[Math.floor(port / WORDS_IN_PAGE)]
    return page === undefined ? -1 : (page >>> 2) + (port % WORDS_IN_PAGE)
  }
  private has(port: number, bit: number): boolean {
    const place = this.place(port)
    return place >= 0 && (this.memory.u32[place]! & bit) !== 0
  }
  private change(port: number, bit: number, on: boolean) {
    const place = this.place(port)
    if (place < 0) return
    const word = this.memory.u32[place]!
    this.memory.u32[place] = on ? word | bit : word & ~bit
  }

  pending(port: number): boolean {
    return this.early.has(port) || this.has(port, PENDING)
  }
  setPending(port: number) {
    if (this.place(port) < 0) this.early.add(port)
    else this.change(port, PENDING, true)
  }
  clearPending(port: number) {
    this.early.delete(port)
    this.change(port, PENDING, false)
  }
  masked(port: number): boolean {
    return this.place(port) < 0 || this.has(port, MASKED)
  }
  setMasked(port: number, on: boolean) {
    this.change(port, MASKED, on)
  }
  /** A queue still has a port of this number, closed or not. */
  busy(port: number): boolean {
    return this.has(port, LINKED)
  }

  /** Puts a port at the end of its queue; true when the queue had been empty and not known as ready. */
  link(port: number): boolean {
    const { tails, memory } = this
    if (this.place(port) < 0 || this.busy(port)) return false
    this.change(port, LINKED, true)
    const queue = this.priorities.get(port) ?? DEFAULT_PRIORITY
    const last = this.queues.get(port) ?? DEFAULT_PRIORITY
    if (tails[last] === port) tails[last] = 0
    this.queues.set(port, queue)
    const tail = tails[queue]!
    tails[queue] = port
    if (tail !== 0 && this.busy(tail)) {
      const place = this.place(tail)
      memory.u32[place] = (memory.u32[place]! & ~LINK) | port
      return false
    }
    const control = this.control >>> 2
    memory.u32[control + HEADS / 4 + queue] = port
    const ready = memory.u32[control]!
    memory.u32[control] = ready | (1 << queue)
    return (ready & (1 << queue)) === 0
  }

  save() {
    const { control, pages, tails, priorities, queues, early } = this
    return {
      control,
      pages: [...pages],
      tails: [...tails],
      priorities: [...priorities],
      queues: [...queues],
      early: [...early],
    }
  }
  static restored(memory: MachineMemory, saved: ReturnType<FifoEvents['save']>): FifoEvents {
    const fifo = new FifoEvents(memory, saved.control, new Set(saved.early))
    fifo.pages.push(...saved.pages)
    fifo.tails.splice(0, PRIORITIES, ...saved.tails)
    for (const [port, priority] of saved.priorities) fifo.priorities.set(port!, priority!)
    for (const [port, queue] of saved.queues) fifo.queues.set(port!, queue!)
    return fifo
  }
}
