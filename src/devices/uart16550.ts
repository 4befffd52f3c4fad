// National PC16550D UART. Source: PC16550D data sheet (TL/C/8652, June 1995), sections 8.0 to 8.8.
// Ports: COM1 0x3F8-0x3FF on IRQ 4, COM2 0x2F8-0x2FF on IRQ 3. As on the PC, OUT2 gates the interrupt line.
// Transmission takes no virtual time: the holding register is empty again at once. Received bytes wait on the character
// line until the FIFO has room, so nothing overruns, and until the guest is ready for them: it has raised RTS or enabled
// their interrupt, or has never set the modem lines. What it clears unread is sent again. Thus nothing that is typed
// or piped in before a driver has opened the line is lost. Left out: parity, framing and break errors, DMA signalling.

import { type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import { type Clock, Timer, type TimerState } from '../machine/clock.js'
import type { CharacterLine, Line } from '../machine/line.js'

const FIFO_BYTES = 16
const CRYSTAL_HERTZ = 1_843_200
const TIMEOUT_CHARACTERS = 4

const IER_RECEIVED = 0x01
const IER_EMPTY = 0x02
const IER_LINE = 0x04
const IER_MODEM = 0x08

const IIR_NONE = 0x01
const IIR_MODEM = 0x00
const IIR_EMPTY = 0x02
const IIR_RECEIVED = 0x04
const IIR_LINE = 0x06
const IIR_TIMEOUT = 0x0c
const IIR_FIFO = 0xc0

const FCR_ENABLE = 0x01
const FCR_CLEAR_RECEIVER = 0x02
const TRIGGER_LEVELS = [1, 4, 8, 14]

const LCR_DIVISOR = 0x80
const MCR_RTS = 0x02
const MCR_OUT2 = 0x08
const MCR_LOOP = 0x10

const LSR_READY = 0x01
const LSR_OVERRUN = 0x02
const LSR_EMPTY = 0x60 // holding register and transmitter

const MSR_CONNECTED = 0xb0 // CTS, DSR and DCD of a ready modem
const MSR_RING = 0x40

type State = {
  interruptEnable: number
  lineControl: number
  modemControl: number
  modemSet: boolean // modemControl has been written
  modemStatus: number
  scratch: number
  divisor: number
  fifoEnabled: boolean
  trigger: number
  received: number[]
  overrun: boolean
  emptyPending: boolean // the transmitter-empty interrupt
  timedOut: boolean // the character timeout interrupt
}

const initialState = (): State => ({
  interruptEnable: 0,
  lineControl: 0,
  modemControl: 0,
  modemSet: false,
  modemStatus: MSR_CONNECTED,
  scratch: 0,
  divisor: 12,
  fifoEnabled: false,
  trigger: 1,
  received: [],
  overrun: false,
  emptyPending: false,
  timedOut: false,
})

export class Uart16550 implements Device, BusDevice {
  readonly width = 1
  private state = initialState()
  private readonly timeout: Timer

  constructor(
    readonly name: string,
    private readonly clock: Clock,
    private readonly irq: Line,
    private readonly characters: CharacterLine,
  ) {
    this.timeout = new Timer(clock, () => {
      this.state.timedOut = true
      this.update()
    })
    characters.onInput = () => this.receive()
  }

  reset(): void {
    this.state = initialState()
    this.timeout.disarm()
    this.receive()
    this.update()
  }

  save(): DeviceState {
    return { ...copyState(this.state), timeout: this.timeout.save() }
  }

  restore(saved: DeviceState): void {
    const { timeout, ...state } = copyState(saved)
    this.state = state as State
    this.timeout.restore(timeout as TimerState)
    this.irq.restore(this.drivesLine())
  }

  read(offset: number): number {
    const state = this.state
    const divisorLatch = (state.lineControl & LCR_DIVISOR) !== 0
    switch (offset) {
      case 0:
        return divisorLatch ? state.divisor & 0xff : this.readReceiver()
      case 1:
        return divisorLatch ? state.divisor >> 8 : state.interruptEnable
      case 2:
        return this.readIdentification()
      case 3:
        return state.lineControl
      case 4:
        return state.modemControl
      case 5:
        return this.readLineStatus()
      case 6: {
        const status = state.modemStatus
        state.modemStatus &= 0xf0
        this.update()
        return status
      }
      default:
        return state.scratch
    }
  }

  write(offset: number, _size: number, value: number): void {
    const state = this.state
    const divisorLatch = (state.lineControl & LCR_DIVISOR) !== 0
    switch (offset) {
      case 0:
        if (divisorLatch) state.divisor = (state.divisor & 0xff00) | value
        else this.transmit(value)
        break
      case 1:
        if (divisorLatch) state.divisor = (state.divisor & 0xff) | (value << 8)
        else this.writeInterruptEnable(value & 0x0f)
        break
      case 2:
        this.writeFifoControl(value)
        break
      case 3:
        state.lineControl = value
        break
      case 4:
        this.writeModemControl(value & 0x1f)
        break
      case 7:
        state.scratch = value
        break
    }
    this.update()
  }

  private get looped(): boolean {
    return (this.state.modemControl & MCR_LOOP) !== 0
  }

  private transmit(byte: number): void {
    if (this.looped) this.accept(byte)
    else this.characters.output(byte)
    this.state.emptyPending = true
  }

  private get ready(): boolean {
    const { modemControl, modemSet, interruptEnable } = this.state
    return !this.looped && (!modemSet || (modemControl & MCR_RTS) !== 0 || (interruptEnable & IER_RECEIVED) !== 0)
  }

  /** Takes waiting bytes from the line while there is room. */
  private receive(): void {
    if (!this.ready) return
    const room = this.state.fifoEnabled ? FIFO_BYTES : 1
    while (this.state.received.length < room) {
      const byte = this.characters.take()
      if (byte === undefined) break
      this.accept(byte)
    }
    this.update()
  }

  private accept(byte: number): void {
    const { received, fifoEnabled } = this.state
    if (received.length < (fifoEnabled ? FIFO_BYTES : 1)) {
      received.push(byte)
    } else {
      this.state.overrun = true
      if (!fifoEnabled) received[0] = byte
    }
    this.restartTimeout()
  }

  private restartTimeout(): void {
    const { fifoEnabled, received } = this.state
    if (fifoEnabled && received.length > 0)
      this.timeout.arm(this.clock.now + this.characterNanoseconds * TIMEOUT_CHARACTERS)
    else this.timeout.disarm()
  }

  private get characterNanoseconds(): number {
    const { lineControl, divisor } = this.state
    const bits = 1 + 5 + (lineControl & 3) + (lineControl & 8 ? 1 : 0) + (lineControl & 4 ? 2 : 1)
    return Math.round((bits * 16 * (divisor || 0x10000) * 1e9) / CRYSTAL_HERTZ)
  }

  private readReceiver(): number {
    const state = this.state
    const byte = state.received.shift() ?? 0
    state.timedOut = false
    this.restartTimeout()
    this.receive()
    return byte
  }

  private readIdentification(): number {
    const source = this.source()
    if (source === IIR_EMPTY) {
      this.state.emptyPending = false
      this.update()
    }
    return source | (this.state.fifoEnabled ? IIR_FIFO : 0)
  }

  private readLineStatus(): number {
    const { received, overrun } = this.state
    if (overrun) {
      this.state.overrun = false
      this.update()
    }
    return LSR_EMPTY | (received.length > 0 ? LSR_READY : 0) | (overrun ? LSR_OVERRUN : 0)
  }

  /** Enabling the transmitter-empty interrupt raises it at once: the holding register is always empty. */
  private writeInterruptEnable(value: number): void {
    const enabledNow = value & ~this.state.interruptEnable
    this.state.interruptEnable = value
    if (enabledNow & IER_EMPTY) this.state.emptyPending = true
    this.receive()
  }

  private writeFifoControl(value: number): void {
    const state = this.state
    const enable = (value & FCR_ENABLE) !== 0
    if (enable !== state.fifoEnabled || value & FCR_CLEAR_RECEIVER) {
      if (!this.looped) this.characters.giveBack(state.received)
      state.received = []
      state.timedOut = false
      this.timeout.disarm()
    }
    state.fifoEnabled = enable
    state.trigger = enable ? TRIGGER_LEVELS[value >> 6]! : 1
    this.receive()
  }

  private writeModemControl(value: number): void {
    const state = this.state
    state.modemControl = value
    state.modemSet = true
    const lines = this.looped
      ? ((value & 1) << 5) | ((value & 2) << 3) | ((value & 4) << 4) | ((value & 8) << 4)
      : MSR_CONNECTED
    const changed = (lines ^ state.modemStatus) & 0xf0
    const ringEnded = changed & MSR_RING & ~lines
    const deltas = ((changed & ~MSR_RING) | ringEnded) >> 4
    state.modemStatus = lines | (state.modemStatus & 0x0f) | deltas
    this.receive()
  }

  /** The identification of the pending interrupt of highest priority. */
  private source(): number {
    const { interruptEnable, overrun, received, trigger, timedOut, emptyPending, modemStatus } = this.state
    if (interruptEnable & IER_LINE && overrun) return IIR_LINE
    if (interruptEnable & IER_RECEIVED) {
      if (received.length >= trigger) return IIR_RECEIVED
      if (timedOut) return IIR_TIMEOUT
    }
    if (interruptEnable & IER_EMPTY && emptyPending) return IIR_EMPTY
    if (interruptEnable & IER_MODEM && modemStatus & 0x0f) return IIR_MODEM
    return IIR_NONE
  }

  private drivesLine(): boolean {
    const { modemControl } = this.state
    return this.source() !== IIR_NONE && (modemControl & (MCR_OUT2 | MCR_LOOP)) === MCR_OUT2
  }

  private update(): void {
    this.irq.set(this.drivesLine())
  }
}
