// The debug console of Bochs and QEMU at port 0xE9: each byte written is shown; a read returns 0xE9, which tells a guest
// that it is there. Source: Bochs user manual, `port_e9_hack`.

import type { BusDevice } from '../machine/bus.js'

export class DebugConsole implements BusDevice {
  readonly width = 1

  /** @param output called with each byte, in order. */
  constructor(private readonly output: (byte: number) => void) {}

  read(_offset: number): number {
    return 0xe9
  }

  write(_offset: number, _size: number, value: number): void {
    this.output(value)
  }
}
