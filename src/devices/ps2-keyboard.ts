// The keyboard at the end of the 8042's cable: answers commands and sends keys in scan code set 2.
// Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboard (101- and 102-key)". Left out: sets 1 and 3 at the
// source, typematic repeat (parameters are accepted), lights (accepted).

import { copyState } from '../machine/bus.js'

const ACKNOWLEDGE = 0xfa
const RESEND = 0xfe
const TEST_PASSED = 0xaa
const ECHO = 0xee
const QUEUE_BYTES = 256

export type Ps2KeyboardState = {
  queue: number[]
  pendingCommand: number // a command that waits for its parameter; -1 for none
  scanning: boolean
  scanCodeSet: number
  lastSent: number
}

const initialState = (): Ps2KeyboardState => ({
  queue: [],
  pendingCommand: -1,
  scanning: true,
  scanCodeSet: 2,
  lastSent: 0,
})

export class Ps2Keyboard {
  private state = initialState()

  /** @param ready called when bytes wait for the controller. */
  constructor(private readonly ready: () => void) {}

  reset(): void {
    this.state = initialState()
  }

  save(): Ps2KeyboardState {
    return copyState(this.state)
  }

  restore(state: Ps2KeyboardState): void {
    this.state = copyState(state)
  }

  /** Keys pressed and released, as bytes of scan code set 2; dropped while scanning is off or the buffer is full. */
  type(codes: Uint8Array): void {
    if (!this.state.scanning) return
    for (const code of codes) if (this.state.queue.length < QUEUE_BYTES) this.state.queue.push(code)
    this.ready()
  }

  /** The controller takes the next byte. */
  take(): number | undefined {
    const byte = this.state.queue.shift()
    if (byte !== undefined) this.state.lastSent = byte
    return byte
  }

  /** A byte from the controller: a command or the parameter of one. */
  receive(value: number): void {
    const state = this.state
    if (state.pendingCommand >= 0) {
      const command = state.pendingCommand
      state.pendingCommand = -1
      state.queue.push(ACKNOWLEDGE)
      if (command === 0xf0 && value === 0) state.queue.push(state.scanCodeSet)
      else if (command === 0xf0) state.scanCodeSet = value
      return
    }
    switch (value) {
      case 0xed: // lights
      case 0xf0: // scan code set
      case 0xf3: // typematic rate
        state.pendingCommand = value
        state.queue.push(ACKNOWLEDGE)
        break
      case 0xee:
        state.queue.push(ECHO)
        break
      case 0xf2: // identify
        state.queue.push(ACKNOWLEDGE, 0xab, 0x83)
        break
      case 0xf4:
      case 0xf5:
      case 0xf6:
        this.state = { ...initialState(), queue: [ACKNOWLEDGE], scanning: value !== 0xf5 }
        break
      case 0xfe:
        state.queue.push(state.lastSent)
        break
      case 0xff:
        this.state = { ...initialState(), queue: [ACKNOWLEDGE, TEST_PASSED] }
        break
      default:
        state.queue.push(value >= 0xf7 && value <= 0xfd ? ACKNOWLEDGE : RESEND)
    }
  }
}

// Set 1 codes of the set 2 codes 0x00-0x83, sixteen a row; codes above are sent as they are.
const SET_1 = [
  [0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59],
  [0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b],
  [0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d],
  [0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f],
  [0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61],
  [0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76],
  [0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f],
  [0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54],
  [0x80, 0x81, 0x82, 0x41],
].flat()

/** The controller's translation of one code of set 2 (make codes, prefixes and answers alike). */
export function toScanCodeSet1(code: number): number {
  return SET_1[code] ?? code
}
