// System control port B of the AT (port 0x61): gate and output of PIT counter 2, speaker, refresh toggle.
// Source: IBM PC AT Technical Reference, "System board I/O". Left out: parity and channel check (never active).
// Bits: 0 gate of counter 2, 1 speaker data, 2-3 check disables (kept), 4 refresh toggle, 5 output of counter 2.

import type { BusDevice, Device, DeviceState } from '../machine/bus.js'
import type { Clock } from '../machine/clock.js'
import type { I8254 } from './i8254-pit.js'

const REFRESH_NANOSECONDS = 15_085 // 18 PIT ticks: bit 4 changes once in this time

export class Port61 implements Device, BusDevice {
  readonly name = 'port61'
  readonly width = 1
  private control = 0

  constructor(
    private readonly clock: Clock,
    private readonly pit: I8254,
  ) {}

  /** True while counter 2 drives the speaker. */
  get speaker(): boolean {
    return (this.control & 3) === 3
  }

  reset(): void {
    this.write(0, 1, 0)
  }

  save(): DeviceState {
    return { control: this.control }
  }

  restore(state: DeviceState): void {
    this.control = state.control as number
  }

  read(_offset: number): number {
    const refresh = Math.floor(this.clock.now / REFRESH_NANOSECONDS) & 1
    return this.control | (refresh << 4) | (this.pit.output2 ? 0x20 : 0)
  }

  write(_offset: number, _size: number, value: number): void {
    this.control = value & 0x0f
    this.pit.setGate2((value & 1) !== 0)
  }
}
