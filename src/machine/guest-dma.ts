// Guest memory as a device with direct memory access sees it: RAM only, checked; what it writes is told to the engine.

import { DmaError, type DmaMemory } from '../devices/virtqueue.js'
import type { PhysicalMemory } from './memory.js'

export class GuestDma implements DmaMemory {
  constructor(private readonly memory: PhysicalMemory) {}

  /** Bytes of RAM. */
  get memoryBytes(): number {
    return this.memory.bytes
  }

  read(physical: number, length: number): Uint8Array {
    this.check(physical, length)
    return this.memory.read(physical, length)
  }

  write(physical: number, bytes: Uint8Array): void {
    this.check(physical, bytes.length)
    this.memory.write(physical, bytes)
  }

  private check(physical: number, length: number) {
    if (!(physical >= 0 && physical + length <= this.memory.bytes))
      throw new DmaError(`${length} bytes at 0x${physical.toString(16)} are not all RAM`)
  }
}
