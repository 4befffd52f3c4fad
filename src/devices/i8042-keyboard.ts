// Intel 8042 keyboard controller of the AT. Source: IBM PC AT Technical Reference, "Keyboard controller", and PS/2
// Hardware Interface Technical Reference. Ports 0x60 (data), 0x64 (status, command); IRQ 1. The keyboard is ps2-keyboard.ts.
// There is no auxiliary port: its test reports a fault, and its loop-back answers on the keyboard's side.
// Output port: bit 0 low resets the CPU, bit 1 is the A20 line.

import { type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import type { Line } from '../machine/line.js'
import type { PowerControl } from './power-control.js'
import { Ps2Keyboard, type Ps2KeyboardState, toScanCodeSet1 } from './ps2-keyboard.js'

const STATUS_OUTPUT_FULL = 0x01
const STATUS_SYSTEM = 0x04
const STATUS_COMMAND = 0x08
const STATUS_UNLOCKED = 0x10

const MODE_INTERRUPT = 0x01
const MODE_SYSTEM = 0x04
const MODE_DISABLED = 0x10
const MODE_TRANSLATE = 0x40

const PORT_NOT_RESET = 0x01
const PORT_A20 = 0x02
const PORT_FIXED = 0xcc
const INPUT_PORT = 0xa0 // keyboard not locked, no manufacturing jumper

const AUXILIARY_CLOCK_STUCK_LOW = 0x01

type State = {
  ram: Uint8Array // byte 0 is the command byte (mode)
  lastWasCommand: boolean
  pendingCommand: number // a command that waits for its data byte; -1 for none
  output: number // -1: output buffer empty
  answers: number[] // of the controller, before those of the keyboard
  breakSeen: boolean // translation: 0xF0 came
}

const initialState = (): State => {
  const ram = new Uint8Array(32)
  ram[0] = MODE_INTERRUPT | MODE_SYSTEM | MODE_TRANSLATE
  return {
    ram,
    lastWasCommand: false,
    pendingCommand: -1,
    output: -1,
    answers: [],
    breakSeen: false,
  }
}

export class I8042 implements Device {
  readonly name = 'i8042'
  /** The byte at 0x60. */
  readonly data: BusDevice = {
    width: 1,
    read: () => this.readData(),
    write: (_offset, _size, value) => this.writeData(value),
  }
  /** The byte at 0x64: read for status, written for commands. */
  readonly command: BusDevice = {
    width: 1,
    read: () => this.status,
    write: (_offset, _size, value) => this.writeCommand(value),
  }
  readonly keyboard: Ps2Keyboard
  private state = initialState()

  /** @param a20 shared with port 0x92; high lets address bit 20 through. */
  constructor(
    private readonly irq: Line,
    private readonly a20: Line,
    private readonly power: PowerControl,
  ) {
    this.keyboard = new Ps2Keyboard(() => this.fill())
  }

  reset(): void {
    this.state = initialState()
    this.keyboard.reset()
    this.irq.set(false)
    this.a20.set(true)
  }

  save(): DeviceState {
    return { ...copyState(this.state), keyboard: this.keyboard.save(), a20: this.a20.level }
  }

  restore(saved: DeviceState): void {
    const { keyboard, a20, ...state } = copyState(saved)
    this.state = state as State
    this.keyboard.restore(keyboard as Ps2KeyboardState)
    this.irq.restore(this.drivesLine())
    this.a20.restore(a20 as boolean)
  }

  private get status(): number {
    const { output, ram, lastWasCommand } = this.state
    return (
      STATUS_UNLOCKED |
      (output >= 0 ? STATUS_OUTPUT_FULL : 0) |
      (ram[0]! & MODE_SYSTEM ? STATUS_SYSTEM : 0) |
      (lastWasCommand ? STATUS_COMMAND : 0)
    )
  }

  private readData(): number {
    const value = Math.max(this.state.output, 0)
    this.state.output = -1
    this.irq.set(false)
    this.fill()
    return value
  }

  private writeData(value: number): void {
    const state = this.state
    const command = state.pendingCommand
    state.lastWasCommand = false
    state.pendingCommand = -1
    if (command >= 0) {
      this.commandData(command, value)
    } else {
      state.ram[0]! &= ~MODE_DISABLED
      this.keyboard.receive(value)
    }
    this.fill()
  }

  private writeCommand(value: number): void {
    this.state.lastWasCommand = true
    this.state.pendingCommand = -1
    this.execute(value)
    this.fill()
  }

  private execute(value: number): void {
    const { ram, answers } = this.state
    if (value >= 0x20 && value <= 0x3f) answers.push(ram[value & 0x1f]!)
    else if (value >= 0x60 && value <= 0x7f) this.state.pendingCommand = value
    else if (value >= 0xf0) this.pulse(value)
    else {
      switch (value) {
        case 0xa9: // test the auxiliary port
          answers.push(AUXILIARY_CLOCK_STUCK_LOW)
          break
        case 0xaa: // self test
          ram[0]! |= MODE_SYSTEM
          answers.push(0x55)
          break
        case 0xab: // test the keyboard port
          answers.push(0)
          break
        case 0xad:
          ram[0]! |= MODE_DISABLED
          break
        case 0xae:
          ram[0]! &= ~MODE_DISABLED
          break
        case 0xc0:
          answers.push(INPUT_PORT)
          break
        case 0xd0:
          answers.push(this.outputPort)
          break
        case 0xd1: // write the output port
        case 0xd2: // put a byte into the output buffer, as from the keyboard
        case 0xd3: // as from the auxiliary device
        case 0xd4: // send a byte to the auxiliary device
          this.state.pendingCommand = value
          break
        case 0xdd:
          this.a20.set(false)
          break
        case 0xdf:
          this.a20.set(true)
          break
        case 0xe0: // test inputs: clock and data lines
          answers.push(0)
          break
      }
    }
  }

  private commandData(command: number, value: number): void {
    const { ram, answers } = this.state
    if (command >= 0x60 && command <= 0x7f) {
      ram[command & 0x1f] = value
      this.irq.set(this.drivesLine())
    } else if (command === 0xd1) {
      this.a20.set((value & PORT_A20) !== 0)
      if ((value & PORT_NOT_RESET) === 0) this.power.requestReset('keyboard controller')
    } else if (command === 0xd2) {
      this.deliver(value)
    } else if (command === 0xd3) {
      answers.push(value)
    }
  }

  /** Commands 0xF0-0xFF pulse the output port bits that are 0 in the command; bit 0 resets. */
  private pulse(value: number): void {
    if ((value & PORT_NOT_RESET) === 0) this.power.requestReset('keyboard controller')
  }

  private get outputPort(): number {
    const full = this.state.output >= 0 ? 0x10 : 0
    return PORT_FIXED | PORT_NOT_RESET | (this.a20.level ? PORT_A20 : 0) | full
  }

  /** Moves the next byte into the empty output buffer: answers first, then the keyboard unless it is disabled. */
  private fill(): void {
    const state = this.state
    if (state.output >= 0) return
    const answer = state.answers.shift()
    if (answer !== undefined) {
      this.deliver(answer)
      return
    }
    while (state.output < 0 && (state.ram[0]! & MODE_DISABLED) === 0) {
      const code = this.keyboard.take()
      if (code === undefined) return
      this.translate(code)
    }
  }

  /** Scan code set 2 to set 1: 0xF0 is dropped and sets bit 7 of the code that follows. */
  private translate(code: number): void {
    const state = this.state
    if ((state.ram[0]! & MODE_TRANSLATE) === 0) {
      this.deliver(code)
    } else if (code === 0xf0) {
      state.breakSeen = true
    } else {
      const translated = toScanCodeSet1(code) | (state.breakSeen ? 0x80 : 0)
      state.breakSeen = false
      this.deliver(translated)
    }
  }

  private deliver(value: number): void {
    this.state.output = value
    this.irq.set(false)
    this.irq.set(this.drivesLine())
  }

  private drivesLine(): boolean {
    const { output, ram } = this.state
    return output >= 0 && (ram[0]! & MODE_INTERRUPT) !== 0
  }
}
