// Free frames of machine memory, by number: a map of bits searched from the lowest free frame on.

import type { Frames } from './host.js'

export class FrameMap implements Frames {
  private readonly taken: Uint8Array
  private next = 0
  free: number

  /** The frames from `first` up to `end`, all of them free. */
  constructor(
    private readonly first: number,
    end: number,
  ) {
    this.taken = new Uint8Array(end - first)
    this.free = end - first
  }

  allocate(count = 1): number | undefined {
    const { taken } = this
    while (taken[this.next] === 1) this.next++
    let length = 0
    for (let i = this.next; i < taken.length; i++) {
      length = taken[i] === 0 ? length + 1 : 0
      if (length < count) continue
      const start = i - count + 1
      taken.fill(1, start, i + 1)
      this.free -= count
      return this.first + start
    }
    return undefined
  }
  /** @throws RangeError for a frame that is free or was never here */
  release(frame: number, count = 1) {
    const start = frame - this.first
    for (let i = start; i < start + count; i++) {
      if (this.taken[i] !== 1) throw new RangeError(`frame ${this.first + i} is not allocated`)
      this.taken[i] = 0
    }
    this.free += count
    this.next = Math.min(this.next, start)
  }
}
