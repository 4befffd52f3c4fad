// One ATA disk on an IDE channel, programmed I/O only. Source: ATA/ATAPI-4 (T13/1153D) sections 7 to 9.
// Ports: primary 0x1F0-0x1F7 command block, 0x3F6 control block, IRQ 14. Device 1 is absent: its status reads 0.
// Commands take no virtual time, so BSY is seen only while SRST is set; a DRQ block ends a string I/O so that its interrupt
// is taken in between. The storage sees whole commands: a write is in it before its command ends, FLUSH CACHE makes it
// durable. At power-on the MULTIPLE commands are set up, as a PC's BIOS does it. Left out: DMA, 48-bit addresses, packet
// devices, security, SMART. Twin: vmm/devices/ide.c.

import { type AccessSize, type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import type { Line } from '../machine/line.js'
import { addressOf, defaultGeometry, firstSector, type Geometry, geometryOf, MAXIMUM_SECTORS } from './ata-address.js'
import { isFeature, isWithoutEffect } from './ata-commands.js'
import { identifyDevice, MAXIMUM_MULTIPLE } from './ata-identify.js'
import { type BlockStorage, MediaError, readToBad, SECTOR_BYTES } from './block-storage.js'
import { PioBlock, type PioBlockState } from './pio-block.js'

const STATUS_ERROR = 0x01
const STATUS_DATA = 0x08 // DRQ
const STATUS_SEEK = 0x10 // DSC
const STATUS_READY = 0x40
const STATUS_BUSY = 0x80

const ERROR_ABORTED = 0x04
const ERROR_ID_NOT_FOUND = 0x10
const ERROR_UNCORRECTABLE = 0x40
const DIAGNOSTIC_PASSED = 0x01

const DEVICE_1 = 0x10
const CONTROL_NO_INTERRUPT = 0x02
const CONTROL_RESET = 0x04

type State = {
  features: number
  count: number
  lba: number[] // sector number, cylinder low, cylinder high
  device: number
  status: number
  error: number
  control: number
  interrupt: boolean // INTRQ before nIEN
  geometry: Geometry
  multiple: number // sectors of a DRQ block of the MULTIPLE commands, 0: not set
  // The transfer under way.
  writing: boolean
  block: number // sectors of a DRQ block
  first: number // address of its first sector
  next: number // that of the DRQ block
  remaining: number // sectors left, the current DRQ block included
  bad: number // address of the first sector that could not be read, or -1
}

export class IdeAta implements Device {
  readonly name = 'ide'
  /** Command block, eight byte registers; offset 0 is the data port of 16 or 32 bits. */
  readonly commandBlock: BusDevice = {
    read: (offset, size) => this.readCommandBlock(offset, size),
    write: (offset, size, value) => this.writeCommandBlock(offset, size, value),
    readBlock: (offset, size, count, sink) => this.readBlock(offset, size, count, sink),
    writeBlock: (offset, size, count, source) => this.writeBlock(offset, size, count, source),
  }
  /** Control block, one byte: alternate status and device control. */
  readonly controlBlock: BusDevice = {
    width: 1,
    read: () => this.status,
    write: (_offset, _size, value) => this.writeControl(value),
  }
  private state: State
  private readonly data = new PioBlock()

  constructor(
    private readonly irq: Line,
    private readonly storage: BlockStorage,
  ) {
    this.state = this.initialState()
  }

  reset(): void {
    this.state = this.initialState()
    this.update()
  }

  save(): DeviceState {
    return { ...copyState(this.state), data: this.data.save() }
  }

  restore(saved: DeviceState): void {
    const { data, ...state } = copyState(saved)
    this.state = state as State
    this.data.restore(data as PioBlockState)
    this.irq.restore(this.drivesLine())
  }

  private initialState(): State {
    return {
      features: 0,
      count: 1,
      lba: [1, 0, 0],
      device: 0,
      status: STATUS_READY | STATUS_SEEK,
      error: DIAGNOSTIC_PASSED,
      control: 0,
      interrupt: false,
      geometry: defaultGeometry(this.storage.sectors),
      multiple: MAXIMUM_MULTIPLE,
      writing: false,
      block: 1,
      first: 0,
      next: 0,
      remaining: 0,
      bad: -1,
    }
  }

  private get status(): number {
    if (this.state.device & DEVICE_1) return 0
    return this.state.control & CONTROL_RESET ? STATUS_BUSY : this.state.status
  }

  private readCommandBlock(offset: number, size: AccessSize): number {
    if (offset === 0) return this.readData(size)
    let value = 0
    for (let byte = 0; byte < size; byte++) value += this.readRegister(offset + byte) * 2 ** (8 * byte)
    return value
  }

  private writeCommandBlock(offset: number, size: AccessSize, value: number): void {
    if (offset === 0) {
      this.writeData(size, value)
      return
    }
    for (let byte = 0; byte < size; byte++) this.writeRegister(offset + byte, (value >>> (8 * byte)) & 0xff)
  }

  private readRegister(offset: number): number {
    const state = this.state
    switch (offset) {
      case 1:
        return state.error
      case 2:
        return state.count
      case 6:
        return state.device | 0xa0
      case 7:
        state.interrupt = false
        this.update()
        return this.status
      default:
        return state.lba[offset - 3]!
    }
  }

  private writeRegister(offset: number, value: number): void {
    const state = this.state
    if (state.control & CONTROL_RESET) return
    switch (offset) {
      case 1:
        state.features = value
        break
      case 2:
        state.count = value
        break
      case 6:
        state.device = value & 0x5f // LBA, device, head or address bits 24-27
        break
      case 7:
        this.execute(value)
        break
      default:
        state.lba[offset - 3] = value
    }
    this.update()
  }

  private writeControl(value: number): void {
    const state = this.state
    const wasReset = state.control & CONTROL_RESET
    state.control = value
    if (wasReset && !(value & CONTROL_RESET)) {
      const { geometry, multiple } = state
      this.state = { ...this.initialState(), control: value, geometry, multiple }
    }
    if (value & CONTROL_RESET) state.interrupt = false
    this.update()
  }

  private execute(command: number): void {
    const state = this.state
    if (state.device & DEVICE_1 && command !== 0x90) return
    state.interrupt = false
    state.error = 0
    state.status = STATUS_READY | STATUS_SEEK
    state.remaining = 0
    switch (command) {
      case 0x20: // READ SECTORS, with and without retry
      case 0x21:
        this.start(false, 1)
        break
      case 0x30: // WRITE SECTORS
      case 0x31:
        this.start(true, 1)
        break
      case 0xc4: // READ MULTIPLE
      case 0xc5: // WRITE MULTIPLE
        if (state.multiple === 0) this.fail(ERROR_ABORTED)
        else this.start(command === 0xc5, state.multiple)
        break
      case 0x40: // READ VERIFY SECTORS
      case 0x41:
      case 0x70: // SEEK
        if (this.address(command === 0x70 ? 1 : state.count || 256) < 0) this.fail(ERROR_ID_NOT_FOUND)
        else this.complete()
        break
      case 0x90: // EXECUTE DEVICE DIAGNOSTIC
        this.state = { ...this.initialState(), control: state.control }
        this.complete()
        break
      case 0x91: // INITIALIZE DEVICE PARAMETERS
        this.setGeometry()
        break
      case 0xc6: // SET MULTIPLE MODE
        this.setMultiple()
        break
      case 0xec: // IDENTIFY DEVICE
        this.identify()
        break
      case 0xef: // SET FEATURES
        this.setFeatures()
        break
      case 0xe7: // FLUSH CACHE
        if (this.access(() => this.storage.flush())) this.complete()
        break
      case 0x98: // CHECK POWER MODE: active
      case 0xe5:
        state.count = 0xff
        this.complete()
        break
      case 0xf8: // READ NATIVE MAX ADDRESS
        this.setAddress(this.sectors - 1)
        this.complete()
        break
      default:
        if (isWithoutEffect(command)) this.complete()
        else this.fail(ERROR_ABORTED)
    }
  }

  private complete(): void {
    this.state.interrupt = true
  }

  private fail(error: number): void {
    const state = this.state
    state.error = error
    state.status = STATUS_READY | STATUS_SEEK | STATUS_ERROR
    state.remaining = 0
    state.interrupt = true
  }

  /** The first sector that the registers name; -1 when it or one of the `sectors` from it is not on the disk. */
  private address(sectors: number): number {
    const first = firstSector(this.state, this.state.geometry)
    return first >= 0 && first + sectors <= this.sectors ? first : -1
  }

  private setAddress(sector: number): void {
    const { device, geometry } = this.state
    Object.assign(this.state, addressOf(sector, device, geometry))
  }

  /** Sectors that can be addressed. */
  private get sectors(): number {
    return Math.min(this.storage.sectors, MAXIMUM_SECTORS)
  }

  private start(writing: boolean, block: number): void {
    const state = this.state
    const sectors = state.count || 256
    const first = this.address(sectors)
    if (first < 0) {
      this.fail(ERROR_ID_NOT_FOUND)
      return
    }
    const bytes = new Uint8Array(sectors * SECTOR_BYTES)
    const bad = writing ? -1 : readToBad(this.storage, first, bytes)
    this.data.open(bytes)
    Object.assign(state, { writing, block, first, next: first, remaining: sectors, bad })
    this.openBlock()
    if (writing) state.interrupt = false // the first block is asked for by DRQ alone
  }

  /** Gets the next DRQ block ready. */
  private openBlock(): void {
    const state = this.state
    const sectors = Math.min(state.block, state.remaining)
    if (state.bad >= 0 && state.bad < state.next + sectors) {
      this.fail(ERROR_UNCORRECTABLE)
      this.setAddress(state.bad)
      return
    }
    this.data.nextBlock(sectors * SECTOR_BYTES)
    state.status = STATUS_READY | STATUS_SEEK | STATUS_DATA
    state.interrupt = true
  }

  /** The host has moved the last byte of a DRQ block. */
  private closeBlock(): void {
    const state = this.state
    state.status = STATUS_READY | STATUS_SEEK
    const sectors = Math.min(state.block, state.remaining)
    state.next += sectors
    state.remaining -= sectors
    if (state.remaining > 0) this.openBlock()
    else if (state.writing && this.access(() => this.storage.write(state.first, this.data.bytes))) this.complete()
    this.update()
  }

  /** Runs an access to the medium; a medium error ends the command with the address of the sector. */
  private access(operation: () => void): boolean {
    try {
      operation()
      return true
    } catch (error) {
      if (!(error instanceof MediaError)) throw error
      this.fail(ERROR_UNCORRECTABLE)
      this.setAddress(error.lba)
      return false
    }
  }

  private identify(): void {
    const state = this.state
    this.data.open(identifyDevice(this.storage.sectors, state.geometry, state.multiple))
    Object.assign(state, { writing: false, block: 1, next: 0, remaining: 1, bad: -1 })
    this.openBlock()
  }

  private setGeometry(): void {
    const { device, count } = this.state
    const geometry = geometryOf((device & 0x0f) + 1, count, this.storage.sectors)
    if (geometry === undefined) {
      this.fail(ERROR_ABORTED)
      return
    }
    this.state.geometry = geometry
    this.complete()
  }

  private setMultiple(): void {
    const { count } = this.state
    const accepted = count <= MAXIMUM_MULTIPLE && (count & (count - 1)) === 0
    this.state.multiple = accepted ? count : 0
    if (accepted) this.complete()
    else this.fail(ERROR_ABORTED)
  }

  private setFeatures(): void {
    const { features, count } = this.state
    if (isFeature(features, count)) this.complete()
    else this.fail(ERROR_ABORTED)
  }

  /** True while a DRQ block is open in the given direction. */
  private isOpen(writing: boolean): boolean {
    return (this.status & (STATUS_DATA | STATUS_BUSY)) === STATUS_DATA && this.state.writing === writing
  }

  private readData(size: AccessSize): number {
    if (!this.isOpen(false)) return 2 ** (8 * size) - 1
    const value = this.data.take(size)
    if (this.data.isDone) this.closeBlock()
    return value
  }

  private writeData(size: AccessSize, value: number): void {
    if (!this.isOpen(true)) return
    this.data.put(size, value)
    if (this.data.isDone) this.closeBlock()
  }

  private readBlock(offset: number, size: AccessSize, count: number, sink: Uint8Array): number {
    const moved = offset === 0 && this.isOpen(false) ? this.data.takeMany(size, count, sink) : 0
    if (moved > 0 && this.data.isDone) this.closeBlock()
    return moved
  }

  private writeBlock(offset: number, size: AccessSize, count: number, source: Uint8Array): number {
    const moved = offset === 0 && this.isOpen(true) ? this.data.putMany(size, count, source) : 0
    if (moved > 0 && this.data.isDone) this.closeBlock()
    return moved
  }

  private drivesLine(): boolean {
    const { interrupt, control, device } = this.state
    return interrupt && (control & CONTROL_NO_INTERRUPT) === 0 && (device & DEVICE_1) === 0
  }

  private update(): void {
    this.irq.set(this.drivesLine())
  }
}
