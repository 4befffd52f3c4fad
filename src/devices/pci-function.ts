// One PCI function's configuration space: 256 bytes of which some bits can be written.
// Source: PCI Local Bus Specification 2.1, chapter 6. Functions here have no base addresses: BARs read 0.

import type { AccessSize } from '../machine/bus.js'

export interface PciIdentity {
  readonly vendor: number
  readonly device: number
  readonly revision: number
  /** Class, subclass and programming interface: 24 bits. */
  readonly classCode: number
  readonly subsystemVendor?: number
  readonly subsystem?: number
  readonly isMultifunction?: boolean
}

const COMMAND = 0x04
const STATUS_MEDIUM_TIMING = 0x0200

export class PciFunction {
  readonly bytes = new Uint8Array(256)
  private readonly writable = new Uint8Array(256)

  constructor(identity: PciIdentity) {
    this.set(0x00, 2, identity.vendor)
    this.set(0x02, 2, identity.device)
    this.set(0x06, 2, STATUS_MEDIUM_TIMING)
    this.set(0x08, 4, (identity.classCode << 8) | identity.revision)
    this.set(0x0e, 1, identity.isMultifunction ? 0x80 : 0)
    this.set(0x2c, 2, identity.subsystemVendor ?? 0)
    this.set(0x2e, 2, identity.subsystem ?? 0)
    this.allow(COMMAND, 2, 0x0107)
    this.allow(0x0c, 2, 0xffff) // cache line size, latency timer
    this.allow(0x3c, 1, 0xff) // interrupt line
  }

  /** Sets a register regardless of what can be written. */
  set(register: number, size: AccessSize, value: number): void {
    for (let byte = 0; byte < size; byte++) this.bytes[register + byte] = value >>> (8 * byte)
  }

  /** Makes the bits of `mask` writable for the guest. */
  allow(register: number, size: AccessSize, mask: number): void {
    for (let byte = 0; byte < size; byte++) this.writable[register + byte] = mask >>> (8 * byte)
  }

  read(register: number, size: AccessSize): number {
    let value = 0
    for (let byte = 0; byte < size; byte++) value += this.bytes[register + byte]! * 2 ** (8 * byte)
    return value
  }

  write(register: number, size: AccessSize, value: number): void {
    for (let byte = 0; byte < size; byte++) {
      const mask = this.writable[register + byte]!
      const bits = (value >>> (8 * byte)) & 0xff
      this.bytes[register + byte] = (this.bytes[register + byte]! & ~mask) | (bits & mask)
    }
  }
}
