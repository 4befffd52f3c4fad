// System control port A of the PS/2 (port 0x92): fast A20 gate and fast reset.
// Source: IBM PS/2 Hardware Interface Technical Reference, "System Control Port A". Bits: 0 reset on a rising edge,
// 1 A20; the rest (lock, disk light) is kept. The A20 line is shared with the keyboard controller: the last writer wins.

import type { BusDevice, Device, DeviceState } from '../machine/bus.js'
import type { Line } from '../machine/line.js'
import type { PowerControl } from './power-control.js'

const RESET = 0x01
const A20 = 0x02

export class Port92 implements Device, BusDevice {
  readonly name = 'port92'
  readonly width = 1
  private bits = 0

  constructor(
    private readonly a20: Line,
    private readonly power: PowerControl,
  ) {}

  reset(): void {
    this.bits = 0
  }

  save(): DeviceState {
    return { bits: this.bits }
  }

  restore(state: DeviceState): void {
    this.bits = state.bits as number
  }

  read(_offset: number): number {
    return (this.bits & ~A20) | (this.a20.level ? A20 : 0)
  }

  write(_offset: number, _size: number, value: number): void {
    const rising = value & ~this.bits & RESET
    this.bits = value
    this.a20.set((value & A20) !== 0)
    if (rising) this.power.requestReset('port 0x92')
  }
}
