// An address space of devices: the I/O ports, or the part of physical memory that is not RAM.
// It finds the device of an access, splits accesses that are wider than the device (as the ISA bus does), counts, and
// answers all ones where nobody is mapped. A device knows offsets within its own range, never where it is mapped.

export type AccessSize = 1 | 2 | 4

/** Plain data: what a device saves can be written as JSON once byte arrays are encoded. */
export type DeviceValue = number | boolean | string | null | Uint8Array | DeviceValue[] | DeviceState
export type DeviceState = { [name: string]: DeviceValue }

/** A chip with state. save() returns every latch and queue; restore() accepts what save() returned, in any chip order. */
export interface Device {
  readonly name: string
  reset(): void
  save(): DeviceState
  restore(state: DeviceState): void
}

/** The registers of a chip as the bus sees them. Values are unsigned and `size` bytes wide. */
export interface BusDevice {
  /** Widest access the device takes, in bytes (4 when absent); wider ones arrive as several, lowest address first. */
  readonly width?: AccessSize
  read(offset: number, size: AccessSize): number
  write(offset: number, size: AccessSize, value: number): void
  /**
   * String input: up to `count` units of `size` bytes from one offset into `sink` (count * size bytes).
   * Returns the units moved: fewer than `count` where the CPU must look at interrupts in between, 0 to be asked for one
   * unit by read().
   */
  readBlock?(offset: number, size: AccessSize, count: number, sink: Uint8Array): number
  /** String output, as readBlock, from `source`. */
  writeBlock?(offset: number, size: AccessSize, count: number, source: Uint8Array): number
}

export interface Range {
  readonly name: string
  readonly base: number
  readonly length: number
}

/** A mapped range with its counts: one for each access of the CPU, before splitting; string I/O counts its units. */
export interface Mapping extends Range {
  readonly device: BusDevice
  reads: number
  writes: number
}

/** A range that is to be mapped lies over one that is. */
export class BusOverlap extends Error {
  constructor(bus: string, wanted: Range, present: Range) {
    super(`${bus}: ${describe(wanted)} overlaps ${describe(present)}; map one of them elsewhere or leave it out`)
    this.name = 'BusOverlap'
  }
}

function describe({ name, base, length }: Range): string {
  return `${name} at 0x${base.toString(16)}-0x${(base + length - 1).toString(16)}`
}

const FLAT_LIMIT = 0x10000

export class Bus {
  /** Accesses that no device claimed; `lastAddress` is -1 before the first. */
  readonly unclaimed = { reads: 0, writes: 0, lastAddress: -1 }
  private readonly slots: (Mapping | undefined)[] = [undefined]
  private readonly table: Uint8Array | undefined
  private recent: Mapping | undefined

  /** @param size number of addresses; up to 64 Ki are looked up in a flat table, more by range. */
  constructor(
    readonly name: string,
    readonly size: number,
  ) {
    this.table = size <= FLAT_LIMIT ? new Uint8Array(size) : undefined
  }

  /** Everything mapped, in order of mapping. */
  get mappings(): readonly Mapping[] {
    return this.slots.filter(mapping => mapping !== undefined)
  }

  /**
   * Gives a range to a device.
   * @throws BusOverlap when any of its addresses is taken, RangeError when it does not fit the bus.
   */
  map({ name, base, length }: Range, device: BusDevice): Mapping {
    if (!(base >= 0 && length > 0 && base + length <= this.size)) {
      throw new RangeError(
        `${this.name}: ${describe({ name, base, length })} lies outside 0-0x${(this.size - 1).toString(16)}`,
      )
    }
    const mapping: Mapping = { name, base, length, device, reads: 0, writes: 0 }
    for (const present of this.mappings) {
      if (base < present.base + present.length && present.base < base + length) {
        throw new BusOverlap(this.name, mapping, present)
      }
    }
    let slot = 1
    while (this.slots[slot] !== undefined) slot++
    if (slot > 255) throw new RangeError(`${this.name}: at most 255 ranges, ${name} is one too many`)
    this.slots[slot] = mapping
    this.table?.fill(slot, base, base + length)
    return mapping
  }

  /** Whether nobody has any address of a range. */
  isFree({ base, length }: Pick<Range, 'base' | 'length'>): boolean {
    return this.mappings.every(present => base >= present.base + present.length || present.base >= base + length)
  }

  /** Takes a range away again (a device that moves: APIC base, PCI base addresses). */
  unmap(mapping: Mapping): void {
    const slot = this.slots.indexOf(mapping)
    if (slot < 1) return
    this.slots[slot] = undefined
    this.table?.fill(0, mapping.base, mapping.base + mapping.length)
    if (this.recent === mapping) this.recent = undefined
  }

  /** The mapping of an address, undefined where nobody answers. */
  find(address: number): Mapping | undefined {
    if (this.table !== undefined) return this.slots[this.table[address]!]
    const recent = this.recent
    if (recent !== undefined && address >= recent.base && address < recent.base + recent.length) return recent
    for (const mapping of this.slots) {
      if (mapping !== undefined && address >= mapping.base && address < mapping.base + mapping.length) {
        this.recent = mapping
        return mapping
      }
    }
    return undefined
  }

  /** Reads `size` bytes as an unsigned number, least significant byte at the lowest address. */
  read(address: number, size: AccessSize): number {
    const mapping = this.find(address)
    if (mapping === undefined || address + size > mapping.base + mapping.length) return this.readAcross(address, size)
    mapping.reads++
    return readDevice(mapping.device, address - mapping.base, size)
  }

  /** Writes the low `size` bytes of `value`. */
  write(address: number, size: AccessSize, value: number): void {
    const mapping = this.find(address)
    if (mapping === undefined || address + size > mapping.base + mapping.length) {
      this.writeAcross(address, size, value)
      return
    }
    mapping.writes++
    writeDevice(mapping.device, address - mapping.base, size, value)
  }

  /**
   * String input from one address: moves at least 1 and at most `count` units into `sink` and returns how many.
   * The caller repeats for the rest after it has looked at interrupts. Source: Intel SDM vol. 2, INS.
   */
  readBlock(address: number, size: AccessSize, count: number, sink: Uint8Array): number {
    const mapping = this.find(address)
    if (mapping?.device.readBlock !== undefined && address + size <= mapping.base + mapping.length) {
      const moved = mapping.device.readBlock(address - mapping.base, size, count, sink)
      mapping.reads += moved
      if (moved > 0) return moved
    }
    const value = this.read(address, size)
    for (let byte = 0; byte < size; byte++) sink[byte] = value >>> (8 * byte)
    return 1
  }

  /** String output, as readBlock. Source: Intel SDM vol. 2, OUTS. */
  writeBlock(address: number, size: AccessSize, count: number, source: Uint8Array): number {
    const mapping = this.find(address)
    if (mapping?.device.writeBlock !== undefined && address + size <= mapping.base + mapping.length) {
      const moved = mapping.device.writeBlock(address - mapping.base, size, count, source)
      mapping.writes += moved
      if (moved > 0) return moved
    }
    let value = 0
    for (let byte = size - 1; byte >= 0; byte--) value = value * 256 + source[byte]!
    this.write(address, size, value)
    return 1
  }

  private readAcross(address: number, size: AccessSize): number {
    if (size === 1 || address >= this.size || this.isAllUnclaimed(address, size)) {
      this.unclaimed.reads++
      this.unclaimed.lastAddress = address
      return size === 4 ? 0xffffffff : 2 ** (8 * size) - 1
    }
    let value = 0
    for (let byte = size - 1; byte >= 0; byte--) value = value * 256 + this.read((address + byte) % this.size, 1)
    return value
  }

  private writeAcross(address: number, size: AccessSize, value: number): void {
    if (size === 1 || address >= this.size || this.isAllUnclaimed(address, size)) {
      this.unclaimed.writes++
      this.unclaimed.lastAddress = address
      return
    }
    for (let byte = 0; byte < size; byte++) this.write((address + byte) % this.size, 1, (value >>> (8 * byte)) & 0xff)
  }

  private isAllUnclaimed(address: number, size: AccessSize): boolean {
    for (let byte = 0; byte < size; byte++) if (this.find((address + byte) % this.size) !== undefined) return false
    return true
  }
}

function readDevice(device: BusDevice, offset: number, size: AccessSize): number {
  const width = device.width ?? 4
  if (size <= width) return device.read(offset, size)
  let value = 0
  for (let part = 0; part < size; part += width) value += device.read(offset + part, width) * 2 ** (8 * part)
  return value
}

function writeDevice(device: BusDevice, offset: number, size: AccessSize, value: number): void {
  const width = device.width ?? 4
  if (size <= width) {
    device.write(offset, size, size === 4 ? value >>> 0 : value & (2 ** (8 * size) - 1))
    return
  }
  const mask = width === 1 ? 0xff : 0xffff
  for (let part = 0; part < size; part += width) device.write(offset + part, width, (value >>> (8 * part)) & mask)
}

/** A deep copy of device data, so that a saved state and a running chip never share an array. */
export function copyState<T extends DeviceValue>(value: T): T {
  return copy(value) as T
}

function copy(value: DeviceValue): DeviceValue {
  if (value instanceof Uint8Array) return value.slice()
  if (Array.isArray(value)) return value.map(copy)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copy(member)]))
}
