// Which guest frames are page tables whose writes must reach the monitor, and which shadow entries let the guest write a
// frame: so that a frame that becomes a table can be closed.

import type { MachineMemory } from '../hypervisor.js'
import { RW } from './guest-walk.js'

export class WriteTracking {
  /** How many tracked shadows stand for each frame. */
  private readonly closed: Uint8Array
  /** Machine addresses of the shadow entries through which each frame can be written. */
  private readonly writers = new Map<number, Set<number>>()

  /**
   * @param frames number of guest frames
   * @param flush drops the processor's translations
   */
  constructor(
    private readonly memory: MachineMemory,
    frames: number,
    private readonly flush: () => void,
  ) {
    this.closed = new Uint8Array(frames)
  }

  isClosed(frame: number): boolean {
    return this.closed[frame] !== 0
  }
  /** Closes a frame: no shadow entry lets the guest write it any more. */
  close(frame: number) {
    this.closed[frame]!++
    const entries = this.writers.get(frame)
    if (!entries) return
    for (const at of entries) this.memory.write32(at, this.memory.read32(at) & ~RW)
    this.writers.delete(frame)
    this.flush()
  }
  open(frame: number) {
    this.closed[frame]!--
  }

  /** A writable shadow entry has been made. */
  add(frame: number, at: number) {
    const entries = this.writers.get(frame)
    if (entries) entries.add(at)
    else this.writers.set(frame, new Set([at]))
  }
  /** A shadow entry is about to go. */
  remove(entry: number, at: number) {
    if ((entry & RW) !== 0) this.writers.get(entry >>> 12)?.delete(at)
  }
}
