// SeaBIOS's log at port 0x402, a debug console as at 0xE9 (debug-console.ts). Firmware writes its log and its screen
// character by character in turn, and both end up on one console: whole lines of the log keep them readable.

import { type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'

const NEWLINE = 0x0a
const LONGEST_LINE = 1024

export class FirmwareLog implements Device, BusDevice {
  readonly name = 'firmware-log'
  readonly width = 1
  private line: number[] = []

  /** @param output called with each byte of a line once the line is complete. */
  constructor(private readonly output: (byte: number) => void) {}

  reset(): void {
    this.flush()
  }

  save(): DeviceState {
    return copyState({ line: this.line })
  }

  restore(state: DeviceState): void {
    this.line = [...(state.line as number[])]
  }

  /** Tells firmware that the port is there. */
  read(_offset: number): number {
    return 0xe9
  }

  write(_offset: number, _size: number, value: number): void {
    this.line.push(value)
    if (value === NEWLINE || this.line.length === LONGEST_LINE) this.flush()
  }

  private flush(): void {
    for (const byte of this.line.splice(0)) this.output(byte)
  }
}
