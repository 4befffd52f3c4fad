// Intel 8259A interrupt controllers, the master and slave pair of a PC. Source: 8259A data sheet (231468-003);
// edge/level control registers of the 82371 (PIIX) data sheet. Left out: 8080 mode (ICW4 bit 0 = 0 gives 8086 vectors too),
// buffered mode. Ports: master 0x20-0x21, slave 0xA0-0xA1, edge/level 0x4D0-0x4D1.
// A request in edge mode is the edge latch AND the pin: a line that drops before the acknowledge takes its request back.

import { type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import { Line } from '../machine/line.js'

const CASCADE = 2 // the slave's INT is the master's input 2
const SPURIOUS = 7

const ICW1 = 0x10 // in writes to offset 0: starts initialisation
const ICW1_LEVEL = 0x08
const ICW1_SINGLE = 0x02
const ICW1_NEEDS_ICW4 = 0x01
const ICW4_AUTO_EOI = 0x02
const ICW4_FULLY_NESTED = 0x10 // special fully nested mode
const OCW3 = 0x08

type State = {
  pins: number // levels of the eight inputs
  edges: number // rising edges not acknowledged yet
  levelTriggered: number // ELCR bits
  levelMode: boolean // ICW1 LTIM: all inputs
  mask: number // IMR
  service: number // ISR
  vectorBase: number
  lowest: number // input of lowest priority, 7 after initialisation
  nextIcw: number // 0: initialised, else the number of the ICW that offset 1 expects
  icw1: number
  slaves: number // ICW3
  autoEoi: boolean
  rotateOnAutoEoi: boolean
  fullyNested: boolean
  specialMask: boolean
  readService: boolean // offset 0 reads the ISR, not the IRR
  poll: boolean
}

const initialState = (): State => ({
  pins: 0,
  edges: 0,
  levelTriggered: 0,
  levelMode: false,
  mask: 0,
  service: 0,
  vectorBase: 0,
  lowest: SPURIOUS,
  nextIcw: 0,
  icw1: 0,
  slaves: 0,
  autoEoi: false,
  rotateOnAutoEoi: false,
  fullyNested: false,
  specialMask: false,
  readService: false,
  poll: false,
})

/** One 8259A: two byte registers, eight inputs, one output. */
class I8259 implements BusDevice {
  readonly width = 1
  private state = initialState()

  constructor(
    private readonly output: Line,
    private readonly isMaster: boolean,
  ) {}

  /** Power-on: as after ICW1-ICW4 of zeros; the pins keep their levels. */
  reset(): void {
    const { pins } = this.state
    this.state = { ...initialState(), pins }
    this.update()
  }

  save(): DeviceState {
    return copyState(this.state)
  }

  restore(state: DeviceState): void {
    this.state = copyState(state) as State
    this.output.restore(this.pending() >= 0)
  }

  set levelTriggered(bits: number) {
    this.state.levelTriggered = bits
    this.update()
  }

  get levelTriggered(): number {
    return this.state.levelTriggered
  }

  pin(input: number): boolean {
    return (this.state.pins & (1 << input)) !== 0
  }

  setPin(input: number, level: boolean): void {
    const bit = 1 << input
    if (level) {
      if ((this.state.pins & bit) === 0) this.state.edges |= bit
      this.state.pins |= bit
    } else {
      this.state.pins &= ~bit
      this.state.edges &= ~bit
    }
    this.update()
  }

  /** The INTA sequence: the input acknowledged, or `spurious` when there is none (input 7 without service). */
  acknowledge(): { input: number; vector: number; spurious: boolean } {
    const state = this.state
    const input = this.pending()
    if (input < 0) return { input: SPURIOUS, vector: state.vectorBase | SPURIOUS, spurious: true }
    state.edges &= ~(1 << input)
    if (!state.autoEoi) state.service |= 1 << input
    else if (state.rotateOnAutoEoi) state.lowest = input
    this.output.set(false)
    this.update()
    return { input, vector: state.vectorBase | input, spurious: false }
  }

  read(offset: number): number {
    const state = this.state
    if (state.poll) {
      state.poll = false
      const { input, spurious } = this.acknowledge()
      return spurious ? 0 : 0x80 | input
    }
    if (offset === 1) return state.mask
    return state.readService ? state.service : this.requests()
  }

  write(offset: number, _size: number, value: number): void {
    if (offset === 0) {
      if (value & ICW1) this.startInitialisation(value)
      else if (value & OCW3) this.writeOcw3(value)
      else this.writeOcw2(value)
    } else {
      this.writeData(value)
    }
    this.update()
  }

  private startInitialisation(value: number): void {
    const { pins, levelTriggered, vectorBase } = this.state
    const levelMode = (value & ICW1_LEVEL) !== 0
    this.state = { ...initialState(), pins, levelTriggered, vectorBase, levelMode, icw1: value, nextIcw: 2 }
  }

  private writeData(value: number): void {
    const state = this.state
    const needsIcw4 = (state.icw1 & ICW1_NEEDS_ICW4) !== 0
    if (state.nextIcw === 0) {
      state.mask = value
    } else if (state.nextIcw === 2) {
      state.vectorBase = value & 0xf8
      state.nextIcw = state.icw1 & ICW1_SINGLE ? (needsIcw4 ? 4 : 0) : 3
    } else if (state.nextIcw === 3) {
      state.slaves = value
      state.nextIcw = needsIcw4 ? 4 : 0
    } else {
      state.autoEoi = (value & ICW4_AUTO_EOI) !== 0
      state.fullyNested = (value & ICW4_FULLY_NESTED) !== 0
      state.nextIcw = 0
    }
  }

  /** OCW2: bits 7-5 rotate, specific, end of interrupt; bits 2-0 the input of the specific forms. */
  private writeOcw2(value: number): void {
    const state = this.state
    const rotate = (value & 0x80) !== 0
    const specific = (value & 0x40) !== 0
    const endOfInterrupt = (value & 0x20) !== 0
    if (!endOfInterrupt) {
      if (specific && rotate) state.lowest = value & 7
      else if (!specific) state.rotateOnAutoEoi = rotate
      return
    }
    const input = specific ? value & 7 : this.highest(this.blocking())
    if (input < 0) return
    state.service &= ~(1 << input)
    if (rotate) state.lowest = input
  }

  private writeOcw3(value: number): void {
    const state = this.state
    if (value & 0x04) state.poll = true
    if (value & 0x02) state.readService = (value & 1) !== 0
    if (value & 0x40) state.specialMask = (value & 0x20) !== 0
  }

  private requests(): number {
    const { pins, edges, levelTriggered, levelMode } = this.state
    return pins & (levelMode ? 0xff : edges | levelTriggered)
  }

  /** In-service bits that count: in special mask mode a masked input neither blocks nor takes a non-specific EOI. */
  private blocking(): number {
    const { service, mask, specialMask } = this.state
    return specialMask ? service & ~mask : service
  }

  /** The input of highest priority among `bits`, -1 for none. */
  private highest(bits: number): number {
    if (bits === 0) return -1
    for (let rank = 1; rank <= 8; rank++) {
      const input = (this.state.lowest + rank) & 7
      if (bits & (1 << input)) return input
    }
    return -1
  }

  /** The input that raises INT, -1 for none. */
  private pending(): number {
    const state = this.state
    const input = this.highest(this.requests() & ~state.mask)
    if (input < 0) return -1
    let blocking = this.blocking()
    if (state.fullyNested && this.isMaster && input === CASCADE) blocking &= ~(1 << CASCADE)
    const served = this.highest(blocking)
    if (served < 0) return input
    const rank = (of: number) => (of - state.lowest - 1) & 7
    return rank(input) < rank(served) ? input : -1
  }

  private update(): void {
    this.output.set(this.pending() >= 0)
  }
}

/** The pair of a PC. `master`, `slave` and `edgeLevel` are mapped by the machine. */
export class I8259Pair implements Device {
  readonly name = 'pic'
  readonly master: BusDevice
  readonly slave: BusDevice
  /** ELCR: two byte registers, bit set = input is level triggered. */
  readonly edgeLevel: BusDevice
  /** Inputs 0 to 15; number 2 is the cascade and is driven by the slave. */
  readonly irq: readonly Line[]
  private readonly first: I8259
  private readonly second: I8259

  /** @param intr the INTR pin of the CPU: high while a request waits. */
  constructor(intr: Line) {
    const cascade = new Line('irq2')
    this.first = new I8259(intr, true)
    this.second = new I8259(cascade, false)
    this.master = this.first
    this.slave = this.second
    this.irq = Array.from({ length: 16 }, (_, number) => (number === CASCADE ? cascade : new Line(`irq${number}`)))
    for (const [number, line] of this.irq.entries()) {
      line.onChange(level => (number < 8 ? this.first : this.second).setPin(number & 7, level))
    }
    this.edgeLevel = {
      width: 1,
      read: offset => (offset === 0 ? this.first : this.second).levelTriggered,
      write: (offset, _size, value) => {
        if (offset === 0)
          this.first.levelTriggered = value & 0xf8 // inputs 0, 1 and 2 are always edge triggered
        else this.second.levelTriggered = value & 0xde // inputs 8 and 13 as well
      },
    }
  }

  /** The CPU acknowledges: the vector, 0-255. With nothing pending it is that of input 7 (or 15 behind the cascade). */
  acknowledge(): number {
    const { input, vector, spurious } = this.first.acknowledge()
    return input === CASCADE && !spurious ? this.second.acknowledge().vector : vector
  }

  reset(): void {
    this.second.reset()
    this.first.reset()
  }

  save(): DeviceState {
    return { master: this.first.save(), slave: this.second.save() }
  }

  restore(state: DeviceState): void {
    this.second.restore(state.slave as DeviceState)
    this.first.restore(state.master as DeviceState)
    for (const [number, line] of this.irq.entries()) {
      line.restore((number < 8 ? this.first : this.second).pin(number & 7))
    }
  }
}
