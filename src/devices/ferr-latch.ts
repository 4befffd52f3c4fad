// The AT's latch between the numeric processor's error output and IRQ 13: a write to port 0xF0 clears it.
// Source: IBM PC AT Technical Reference, "Coprocessor"; Intel SDM vol. 1, appendix D (FERR#). Left out: IGNNE# beyond the
// instruction that met the error, the 80287's reset at 0xF1.

import type { BusDevice, Device, DeviceState } from '../machine/bus.js'
import type { Line } from '../machine/line.js'

export class FerrLatch implements Device, BusDevice {
  readonly name = 'ferr'
  readonly width = 1

  constructor(private readonly irq: Line) {}

  /** The processor reports a numeric error. Answers whether it had been reported already. */
  report(): boolean {
    const before = this.irq.level
    this.irq.set(true)
    return before
  }

  reset(): void {
    this.irq.set(false)
  }

  save(): DeviceState {
    return { level: this.irq.level }
  }

  restore(state: DeviceState): void {
    this.irq.restore(state.level as boolean)
  }

  read(_offset: number): number {
    return 0xff
  }

  write(_offset: number, _size: number, _value: number): void {
    this.irq.set(false)
  }
}
