// QEMU's pc-testdev, which test kernels use: a latch of four bytes, interrupt lines that can be set at will, test memory.
// Source: QEMU, `-device pc-testdev`. Ports 0xE0-0xE3 (latch), 0x2000-0x2017 (line n at offset n); memory at 0xFF000000.

import { type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import type { Line } from '../machine/line.js'

const MEMORY_BYTES = 0x10000

export class PcTestdev implements Device {
  readonly name = 'pc-testdev'
  /** Length of the test memory in bytes. */
  readonly memoryBytes = MEMORY_BYTES
  readonly latch: BusDevice
  readonly memory: BusDevice
  /** 24 byte registers; those beyond the lines given do nothing. */
  readonly lines: BusDevice
  private readonly latched = new Uint8Array(4)
  private readonly cells = new Uint8Array(MEMORY_BYTES)

  /** @param irq the lines to drive, line n by port 0x2000 + n. */
  constructor(irq: readonly Line[]) {
    this.latch = byteArray(this.latched)
    this.memory = byteArray(this.cells)
    this.lines = {
      width: 1,
      read: () => 0xff,
      write: (offset, _size, value) => irq[offset]?.set(value !== 0),
    }
  }

  reset(): void {
    this.latched.fill(0)
    this.cells.fill(0)
  }

  save(): DeviceState {
    return copyState({ latched: this.latched, cells: this.cells })
  }

  restore(state: DeviceState): void {
    this.latched.set(state.latched as Uint8Array)
    this.cells.set(state.cells as Uint8Array)
  }
}

function byteArray(bytes: Uint8Array): BusDevice {
  return {
    read: (offset, size) => {
      let value = 0
      for (let byte = 0; byte < size; byte++) value += bytes[offset + byte]! * 2 ** (8 * byte)
      return value
    },
    write: (offset, size, value) => {
      for (let byte = 0; byte < size; byte++) bytes[offset + byte] = value >>> (8 * byte)
    },
  }
}
