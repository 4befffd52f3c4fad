// NE2000: an ISA card with a National DP8390 network interface controller, 16 KiB of buffer RAM and an address PROM.
// Source: DP8390D/NS32490D data sheet (TL/F/8582), sections 7 to 10; Novell's card layout. Ports base+0x00-0x0F chip,
// 0x10-0x17 data, 0x18-0x1F reset; base 0x300, IRQ 9. Transmission takes no virtual time. A frame waits on the line until
// the ring has room, so the ring never overflows; and frames come in groups, the next one when the status of the one before
// has been cleared, since drivers count on frames that take longer to come than to be fetched. Left out: loop back, the
// send-packet command, tally counters.

import { type AccessSize, type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import type { Line, PacketLine } from '../machine/line.js'
import { accepts } from './dp8390-filter.js'

const COMMAND_STOP = 0x01
const COMMAND_START = 0x02
const COMMAND_TRANSMIT = 0x04
const COMMAND_ABORT_DMA = 0x20
const REMOTE_READ = 1
const REMOTE_WRITE = 2

const RECEIVED = 0x01 // interrupt status
const TRANSMITTED = 0x02
const REMOTE_DONE = 0x40
const RESET = 0x80

const WORD_TRANSFER = 0x01 // data configuration
const LOOPBACK = 0x06 // transmit configuration
const MONITOR = 0x20 // receive configuration
const STATUS_INTACT = 0x01
const STATUS_GROUP = 0x20

const PAGE_BYTES = 256
const RAM_BASE = 0x4000
const RAM_BYTES = 0x4000
const HEADER_BYTES = 4
const CRC_BYTES = 4
const SHORTEST_FRAME = 60
/** Linux fetches nine for one interrupt and clears the status then. */
const GROUP_FRAMES = 8

type State = {
  command: number
  /** Between a command with START and one with STOP; drivers write commands with neither. */
  started: boolean
  pageStart: number
  pageStop: number
  boundary: number
  current: number
  transmitPage: number
  transmitBytes: number
  transmitStatus: number
  interruptStatus: number
  interruptMask: number
  remoteAddress: number
  remoteBytes: number
  receiveConfiguration: number
  transmitConfiguration: number
  dataConfiguration: number
  receiveStatus: number
  address: Uint8Array // station address, 6 bytes
  multicast: Uint8Array // hash filter, 8 bytes
  ram: Uint8Array
}

const initialState = (): State => ({
  command: COMMAND_STOP | COMMAND_ABORT_DMA,
  started: false,
  pageStart: 0,
  pageStop: 0,
  boundary: 0,
  current: 0,
  transmitPage: 0,
  transmitBytes: 0,
  transmitStatus: 0,
  interruptStatus: RESET,
  interruptMask: 0,
  remoteAddress: 0,
  remoteBytes: 0,
  receiveConfiguration: 0,
  transmitConfiguration: 0,
  dataConfiguration: 0,
  receiveStatus: 0,
  address: new Uint8Array(6),
  multicast: new Uint8Array(8),
  ram: new Uint8Array(RAM_BYTES),
})

export class Ne2000 implements Device, BusDevice {
  readonly name = 'ne2000'
  readonly width = 2
  private state = initialState()
  private readonly prom = new Uint8Array(32)

  /** @param address the six bytes of the station address in the PROM. */
  constructor(
    private readonly irq: Line,
    private readonly packets: PacketLine,
    address: Uint8Array,
  ) {
    if (address.length !== 6) throw new RangeError(`ne2000: a station address has 6 bytes, not ${address.length}`)
    const bytes = Uint8Array.of(...address, 0, 0, 0, 0, 0, 0, 0, 0, 0x57, 0x57)
    for (const [index, byte] of bytes.entries()) this.prom.fill(byte, 2 * index, 2 * index + 2)
    packets.onInput = () => this.receive()
  }

  reset(): void {
    this.state = initialState()
    this.update()
  }

  save(): DeviceState {
    return copyState(this.state)
  }

  restore(state: DeviceState): void {
    this.state = copyState(state) as State
    this.irq.restore(this.drivesLine())
  }

  read(offset: number, size: AccessSize): number {
    if (offset < 0x10) {
      const low = this.readRegister(offset)
      return size === 1 ? low : low | ((offset < 0x0f ? this.readRegister(offset + 1) : 0xff) << 8)
    }
    if (offset < 0x18) return this.readData(size)
    this.resetChip()
    return 2 ** (8 * size) - 1
  }

  write(offset: number, size: AccessSize, value: number): void {
    if (offset < 0x10) {
      this.writeRegister(offset, value & 0xff)
      if (size === 2 && offset < 0x0f) this.writeRegister(offset + 1, value >> 8)
    } else if (offset < 0x18) {
      this.writeData(size, value)
    }
    this.update()
  }

  readBlock(offset: number, size: AccessSize, count: number, sink: Uint8Array): number {
    const bytes = this.stringBytes(offset, size, count)
    for (let index = 0; index < bytes; index++) sink[index] = this.readRemote()
    this.update()
    return bytes / size
  }

  writeBlock(offset: number, size: AccessSize, count: number, source: Uint8Array): number {
    const bytes = this.stringBytes(offset, size, count)
    for (let index = 0; index < bytes; index++) this.writeRemote(source[index]!)
    this.update()
    return bytes / size
  }

  /** Bytes that a string I/O moves at once: up to the end of the remote DMA, if its unit is that of the data port. */
  private stringBytes(offset: number, size: AccessSize, count: number): number {
    if (offset < 0x10 || offset > 0x17 || size !== this.transferBytes) return 0
    return Math.min(count, Math.floor(this.state.remoteBytes / size)) * size
  }

  private get transferBytes(): number {
    return this.state.dataConfiguration & WORD_TRANSFER ? 2 : 1
  }

  private readData(size: AccessSize): number {
    const bytes = Math.max(size, this.transferBytes)
    let value = this.readRemote()
    if (bytes === 2) value |= this.readRemote() << 8
    this.update()
    return size === 1 ? value & 0xff : value
  }

  private writeData(size: AccessSize, value: number): void {
    this.writeRemote(value & 0xff)
    if (Math.max(size, this.transferBytes) === 2) this.writeRemote(value >> 8)
  }

  private readRemote(): number {
    const { remoteAddress, ram } = this.state
    const value = remoteAddress < this.prom.length ? this.prom[remoteAddress]! : (ram[remoteAddress - RAM_BASE] ?? 0xff)
    this.stepRemote()
    return value
  }

  private writeRemote(value: number): void {
    const { remoteAddress, ram } = this.state
    if (remoteAddress >= RAM_BASE && remoteAddress < RAM_BASE + RAM_BYTES) ram[remoteAddress - RAM_BASE] = value
    this.stepRemote()
  }

  /** Remote DMA goes round the receive ring and ends when its count is used up. */
  private stepRemote(): void {
    const state = this.state
    state.remoteAddress = (state.remoteAddress + 1) & 0xffff
    if (state.remoteAddress === state.pageStop * PAGE_BYTES) state.remoteAddress = state.pageStart * PAGE_BYTES
    if (state.remoteBytes > 0) state.remoteBytes--
    if (state.remoteBytes === 0) state.interruptStatus |= REMOTE_DONE
  }

  private resetChip(): void {
    this.state.command = COMMAND_STOP | COMMAND_ABORT_DMA
    this.state.started = false
    this.state.interruptStatus = RESET
    this.update()
  }

  private readRegister(offset: number): number {
    if (offset === 0) return this.state.command
    const page = this.state.command >> 6
    if (page === 0) return this.readPage0(offset)
    if (page === 1) return this.readPage1(offset)
    return page === 2 ? this.readPage2(offset) : 0xff
  }

  private readPage0(offset: number): number {
    const state = this.state
    switch (offset) {
      case 1: // current local and remote DMA addresses
      case 8:
        return state.remoteAddress & 0xff
      case 2:
      case 9:
        return state.remoteAddress >> 8
      case 3:
        return state.boundary
      case 4:
        return state.transmitStatus
      case 7:
        return state.interruptStatus
      case 10:
      case 11:
        return 0xff
      case 12:
        return state.receiveStatus
      default:
        return 0 // collisions, FIFO, tally counters
    }
  }

  private readPage1(offset: number): number {
    if (offset <= 6) return this.state.address[offset - 1]!
    return offset === 7 ? this.state.current : this.state.multicast[offset - 8]!
  }

  private readPage2(offset: number): number {
    const state = this.state
    const registers: Record<number, number> = {
      1: state.pageStart,
      2: state.pageStop,
      4: state.transmitPage,
      12: state.receiveConfiguration | 0xc0,
      13: state.transmitConfiguration | 0xe0,
      14: state.dataConfiguration | 0x80,
      15: state.interruptMask | 0x80,
    }
    return registers[offset] ?? 0xff
  }

  private writeRegister(offset: number, value: number): void {
    if (offset === 0) {
      this.writeCommand(value)
      return
    }
    const page = this.state.command >> 6
    if (page === 0) this.writePage0(offset, value)
    else if (page === 1) this.writePage1(offset, value)
  }

  private writePage0(offset: number, value: number): void {
    const state = this.state
    const low = (word: number) => (word & 0xff00) | value
    const high = (word: number) => (word & 0x00ff) | (value << 8)
    if (offset === 1) state.pageStart = value
    else if (offset === 2) state.pageStop = value
    else if (offset === 3) {
      state.boundary = value
      this.receive()
    } else if (offset === 4) state.transmitPage = value
    else if (offset === 5) state.transmitBytes = low(state.transmitBytes)
    else if (offset === 6) state.transmitBytes = high(state.transmitBytes)
    else if (offset === 7) {
      state.interruptStatus &= ~(value & ~RESET)
      this.receive()
    } else if (offset === 8) state.remoteAddress = low(state.remoteAddress)
    else if (offset === 9) state.remoteAddress = high(state.remoteAddress)
    else if (offset === 10) state.remoteBytes = low(state.remoteBytes)
    else if (offset === 11) state.remoteBytes = high(state.remoteBytes)
    else if (offset === 12) state.receiveConfiguration = value & 0x3f
    else if (offset === 13) {
      state.transmitConfiguration = value & 0x1f
      this.receive()
    } else if (offset === 14) state.dataConfiguration = value & 0x7f
    else {
      state.interruptMask = value & 0x7f
      this.receive()
    }
  }

  private writePage1(offset: number, value: number): void {
    if (offset <= 6) this.state.address[offset - 1] = value
    else if (offset === 7) this.state.current = value
    else this.state.multicast[offset - 8] = value
  }

  private writeCommand(value: number): void {
    const state = this.state
    state.command = value
    if (value & COMMAND_STOP) {
      state.started = false
      state.interruptStatus |= RESET
      state.command &= ~COMMAND_TRANSMIT
      return
    }
    if (value & COMMAND_START) {
      state.started = true
      state.interruptStatus &= ~RESET
    }
    const remote = (value >> 3) & 7
    if ((remote === REMOTE_READ || remote === REMOTE_WRITE) && state.remoteBytes === 0) {
      state.interruptStatus |= REMOTE_DONE
    }
    if (value & COMMAND_TRANSMIT) this.transmit()
    this.receive()
  }

  private transmit(): void {
    const state = this.state
    const start = state.transmitPage * PAGE_BYTES - RAM_BASE
    const inRam = start >= 0 && start + state.transmitBytes <= RAM_BYTES
    if (inRam && state.transmitBytes > 0 && (state.transmitConfiguration & LOOPBACK) === 0) {
      this.packets.transmit(state.ram.slice(start, start + state.transmitBytes))
    }
    state.command &= ~COMMAND_TRANSMIT
    state.transmitStatus = STATUS_INTACT
    state.interruptStatus |= TRANSMITTED
  }

  /** Takes waiting frames from the line while the ring has room. A stopped chip hears nothing: its frames are lost. */
  private receive(): void {
    const { packets, state } = this
    const hears =
      state.started && (state.transmitConfiguration & LOOPBACK) === 0 && !(state.receiveConfiguration & MONITOR)
    if (hears && this.isGroupPending()) return
    let left = GROUP_FRAMES
    for (let frame = packets.next; frame !== undefined; frame = packets.next) {
      const wanted = hears && accepts(state.receiveConfiguration, state.address, state.multicast, frame)
      if (wanted && (left === 0 || this.pagesFor(frame) >= this.freePages)) break
      packets.take()
      if (!wanted) continue
      this.store(frame)
      left--
    }
    this.update()
  }

  /** The driver has not dealt with the last group: its status is set, and without an interrupt its frames are there. */
  private isGroupPending(): boolean {
    const { interruptStatus, interruptMask, boundary, current, pageStart, pageStop } = this.state
    if ((interruptStatus & RECEIVED) === 0) return false
    const next = boundary + 1 >= pageStop ? pageStart : boundary + 1
    return (interruptMask & RECEIVED) !== 0 || next !== current
  }

  private pagesFor(frame: Uint8Array): number {
    return Math.ceil((Math.max(frame.length, SHORTEST_FRAME) + HEADER_BYTES + CRC_BYTES) / PAGE_BYTES)
  }

  /** Pages of the ring from the current page up to the boundary. */
  private get freePages(): number {
    const { current, boundary, pageStart, pageStop } = this.state
    return current < boundary ? boundary - current : pageStop - pageStart - (current - boundary)
  }

  /** Writes a frame into the ring: status, next page, length with header, then the bytes, padded to the shortest frame. */
  private store(frame: Uint8Array): void {
    const state = this.state
    const length = Math.max(frame.length, SHORTEST_FRAME)
    const ringPages = state.pageStop - state.pageStart
    let next = state.current + this.pagesFor(frame)
    if (next >= state.pageStop) next -= ringPages
    state.receiveStatus = STATUS_INTACT | (frame[0]! & 1 ? STATUS_GROUP : 0)
    const count = length + CRC_BYTES
    const bytes = new Uint8Array(HEADER_BYTES + length)
    bytes.set([state.receiveStatus, next, count & 0xff, count >> 8])
    bytes.set(frame, HEADER_BYTES)
    let address = state.current * PAGE_BYTES
    for (const byte of bytes) {
      if (address >= RAM_BASE && address < RAM_BASE + RAM_BYTES) state.ram[address - RAM_BASE] = byte
      address++
      if (address === state.pageStop * PAGE_BYTES) address = state.pageStart * PAGE_BYTES
    }
    state.current = next & 0xff
    state.interruptStatus |= RECEIVED
  }

  private drivesLine(): boolean {
    return (this.state.interruptStatus & this.state.interruptMask) !== 0
  }

  private update(): void {
    this.irq.set(this.drivesLine())
  }
}
