// What the hypervisor knows of each machine frame: owner, references, the one type it has now and how many uses of that
// type there are. A type may change only when its count is 0. All by frame number (mfn).

import { FREE, IO, XEN } from '../domains.js'

// Types; they exclude one another.
export const NONE = 0
export const L1 = 1
export const L2 = 2
export const L3 = 3
export const SEGMENTS = 5
export const WRITABLE = 7

// Flags.
export const VALIDATED = 1
export const PINNED = 2
/** The domain holds the frame itself (and one reference for that). */
export const ALLOCATED = 4
/** A page directory that stands in slot 3 and holds the hypervisor's entries. */
export const XEN_L2 = 8
/** Shared by the hypervisor with its owner: not to be given back or exchanged. */
export const LENT = 16

/** Display memory and ROMs of a PC. */
const LOW_IO_FIRST = 0xa0
const LOW_IO_END = 0x100

export class FrameTable {
  readonly owner: Uint16Array
  readonly type: Uint8Array
  readonly flags: Uint8Array
  readonly typeCount: Int32Array
  readonly references: Int32Array
  /** Value of `flushes` when the last use as its last type ended. */
  readonly stamp: Float64Array
  /** Flushes of all translations so far. */
  flushes = 1
  private lowest: number

  /**
   * @param frames frames of RAM
   * @param first the first that domains may have; those below are the hypervisor's
   */
  constructor(
    readonly frames: number,
    readonly first: number,
  ) {
    this.owner = new Uint16Array(frames).fill(FREE)
    this.type = new Uint8Array(frames)
    this.flags = new Uint8Array(frames)
    this.typeCount = new Int32Array(frames)
    this.references = new Int32Array(frames)
    this.stamp = new Float64Array(frames)
    this.owner.fill(XEN, 0, first)
    this.owner.fill(IO, LOW_IO_FIRST, Math.min(LOW_IO_END, first))
    this.lowest = first
  }

  /** Gives `count` adjacent frames to an owner, aligned to their number, with one reference each; the first, or -1. */
  allocate(owner: number, count = 1): number {
    while (this.lowest < this.frames && this.owner[this.lowest] !== FREE) this.lowest++
    const start = Math.ceil(this.lowest / count) * count
    for (let frame = start; frame + count <= this.frames; frame += count) {
      let length = 0
      while (length < count && this.owner[frame + length] === FREE) length++
      if (length < count) continue
      for (let i = frame; i < frame + count; i++) {
        this.owner[i] = owner
        this.references[i] = 1
        this.flags[i] = ALLOCATED
      }
      return frame
    }
    return -1
  }

  /** The last reference has gone. */
  release(frame: number) {
    this.owner[frame] = FREE
    this.flags[frame] = 0
    this.type[frame] = NONE
    this.lowest = Math.min(this.lowest, frame)
  }

  /** All of it; when a frame was last used does not matter once all translations are dropped. */
  save(): Uint8Array[] {
    return this.columns.map(column => new Uint8Array(column.buffer.slice(0)))
  }
  restore(saved: readonly Uint8Array[]) {
    this.columns.forEach((column, i) => {
      new Uint8Array(column.buffer).set(saved[i]!)
    })
    this.stamp.fill(0)
    this.lowest = this.first
  }
  private get columns() {
    return [this.owner, this.type, this.flags, this.typeCount, this.references]
  }

  /** Frames that count against what a domain may have: those that it holds, and those given up that it still maps. */
  heldBy(owner: number): number {
    let held = 0
    for (let frame = this.first; frame < this.frames; frame++)
      if (this.owner[frame] === owner && (this.flags[frame]! & LENT) === 0) held++
    return held
  }

  /** True for a frame of RAM that somebody may own. */
  isRam(frame: number): boolean {
    return frame < this.frames && this.owner[frame] !== IO
  }
}
