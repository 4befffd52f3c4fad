// The table from machine to pseudo-physical frames (m2p) that every guest sees at 0xF5800000, read-only.

import type { MachineMemory } from './machine-memory.js'

/** What a frame without a place in a guest has. */
export const NO_PLACE = 0xffffffff
const ENTRY_BYTES = 4

export class MachineToPhysical {
  /** @param address machine address of the table, aligned to a large page */
  constructor(
    private readonly memory: MachineMemory,
    readonly address: number,
    readonly frames: number,
  ) {
    memory.u32.fill(NO_PLACE, address >>> 2, (address >>> 2) + frames)
  }
  get bytes(): number {
    return this.frames * ENTRY_BYTES
  }
  get(frame: number): number {
    return this.memory.u32[(this.address >>> 2) + frame]!
  }
  set(frame: number, place: number) {
    if (frame < this.frames) this.memory.u32[(this.address >>> 2) + frame] = place
  }
}
