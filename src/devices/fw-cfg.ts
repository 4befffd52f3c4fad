// QEMU's firmware configuration device: numbered items and named files that firmware reads byte by byte.
// Source: QEMU, docs/specs/fw_cfg. Ports 0x510 (selector, 16 bits), 0x511 (data, 8 bits). Left out: the DMA interface
// (item 1 says so), writing to items.

import type { AccessSize, BusDevice, Device, DeviceState } from '../machine/bus.js'

const SIGNATURE = 0x00
const IDENTIFIER = 0x01 // bit 0: the selector and data ports exist
const RAM_SIZE = 0x03
const PROCESSORS = 0x05
const MAXIMUM_PROCESSORS = 0x0f
const FILE_DIRECTORY = 0x19
const FIRST_FILE = 0x20
const MAXIMUM_FILES = 0x1fe0
const NAME_BYTES = 56
const ENTRY_BYTES = 64

export interface FwCfgOptions {
  readonly memoryBytes: number
}

export class FwCfg implements Device, BusDevice {
  readonly name = 'fw_cfg'
  readonly width = 2
  private readonly items = new Map<number, Uint8Array>()
  private readonly files: { name: string; bytes: Uint8Array }[] = []
  private selected = 0
  private position = 0

  constructor({ memoryBytes }: FwCfgOptions) {
    this.items.set(SIGNATURE, new TextEncoder().encode('QEMU'))
    this.items.set(IDENTIFIER, littleEndian(1, 4))
    this.items.set(RAM_SIZE, littleEndian(memoryBytes, 8))
    this.items.set(PROCESSORS, littleEndian(1, 2))
    this.items.set(MAXIMUM_PROCESSORS, littleEndian(1, 2))
    this.items.set(FILE_DIRECTORY, this.directory())
  }

  /**
   * Offers a file to the firmware, for example `etc/sercon-port`.
   * @throws RangeError when the name has more than 55 bytes or the directory is full.
   */
  addFile(name: string, bytes: Uint8Array): void {
    if (new TextEncoder().encode(name).length >= NAME_BYTES) {
      throw new RangeError(`fw_cfg file name ${name} is too long: at most ${NAME_BYTES - 1} bytes`)
    }
    if (this.files.length === MAXIMUM_FILES) throw new RangeError(`fw_cfg file ${name} is one too many`)
    this.items.set(FIRST_FILE + this.files.length, bytes)
    this.files.push({ name, bytes })
    this.items.set(FILE_DIRECTORY, this.directory())
  }

  reset(): void {
    this.selected = 0
    this.position = 0
  }

  save(): DeviceState {
    return { selected: this.selected, position: this.position }
  }

  restore(state: DeviceState): void {
    this.selected = state.selected as number
    this.position = state.position as number
  }

  read(_offset: number, size: AccessSize): number {
    let value = 0
    for (let byte = 0; byte < size; byte++) value |= this.next() << (8 * byte)
    return value
  }

  write(offset: number, size: AccessSize, value: number): void {
    if (offset !== 0 || size !== 2) return
    this.selected = value
    this.position = 0
  }

  readBlock(_offset: number, size: AccessSize, count: number, sink: Uint8Array): number {
    for (let byte = 0; byte < size * count; byte++) sink[byte] = this.next()
    return count
  }

  /** The next byte of the selected item; 0 beyond its end and for items that do not exist. */
  private next(): number {
    return this.items.get(this.selected)?.[this.position++] ?? 0
  }

  /** A count and 64 bytes a file: size, selector and name, big endian. */
  private directory(): Uint8Array {
    const bytes = new Uint8Array(4 + ENTRY_BYTES * this.files.length)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, this.files.length)
    for (const [index, file] of this.files.entries()) {
      const entry = 4 + ENTRY_BYTES * index
      view.setUint32(entry, file.bytes.length)
      view.setUint16(entry + 4, FIRST_FILE + index)
      bytes.set(new TextEncoder().encode(file.name), entry + 8)
    }
    return bytes
  }
}

function littleEndian(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => Math.floor(value / 2 ** (8 * index)) & 0xff)
}
