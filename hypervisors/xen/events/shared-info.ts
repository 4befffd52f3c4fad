// The shared_info page of a 32-bit guest and the vcpu_info in it, or wherever the guest registered it (xen/include/public/
// xen.h): upcall flags, event-channel bits, CR2, times. Offsets in bytes.

import { type MachineMemory, setWord } from '../memory/machine-memory.js'
import type { SharedBits } from './channels.js'
import type { FifoEvents } from './fifo.js'

export const VCPU_INFO_BYTES = 64
// In vcpu_info.
const UPCALL_PENDING = 0
const UPCALL_MASK = 1
const PENDING_SELECTOR = 4
const CR2 = 8
export const TIME = 32
export const TIME_BYTES = 32
// In shared_info.
const PENDING = 0x800
const MASK = 0x880
const MAXIMUM_PLACE = 0x90c
export const WALL_CLOCK_VERSION = 0x900
export const WALL_CLOCK_SECONDS = 0x904
export const WALL_CLOCK_NANOSECONDS = 0x908

export class SharedInfo implements SharedBits {
  /** Machine address of vcpu_info. */
  vcpuInfo: number
  /** Where events stand once the guest has asked for the FIFO ABI. */
  fifo: FifoEvents | undefined

  /** @param address machine address of the page */
  constructor(
    readonly memory: MachineMemory,
    readonly address: number,
  ) {
    this.vcpuInfo = address
  }

  private bit(field: number, port: number): boolean {
    return ((this.memory.u32[((this.address + field) >>> 2) + (port >>> 5)]! >>> (port & 31)) & 1) !== 0
  }
  private setBit(field: number, port: number, on: boolean) {
    const index = ((this.address + field) >>> 2) + (port >>> 5)
    const word = this.memory.u32[index]!
    const bit = 1 << (port & 31)
    this.memory.u32[index] = on ? word | bit : word & ~bit
  }
  pending(port: number): boolean {
    return this.fifo ? this.fifo.pending(port) : this.bit(PENDING, port)
  }
  setPending(port: number) {
    if (this.fifo) this.fifo.setPending(port)
    else this.setBit(PENDING, port, true)
  }
  clearPending(port: number) {
    if (this.fifo) this.fifo.clearPending(port)
    else this.setBit(PENDING, port, false)
  }
  masked(port: number): boolean {
    return this.fifo ? this.fifo.masked(port) : this.bit(MASK, port)
  }
  setMasked(port: number, on: boolean) {
    if (this.fifo) this.fifo.setMasked(port, on)
    else this.setBit(MASK, port, on)
  }
  get queues(): boolean {
    return this.fifo !== undefined
  }
  busy(port: number): boolean {
    return this.fifo?.busy(port) ?? false
  }
  select(port: number): boolean {
    if (this.fifo) return this.fifo.link(port)
    const { u32 } = this.memory
    const index = (this.vcpuInfo + PENDING_SELECTOR) >>> 2
    const bit = 1 << (port >>> 5)
    if ((u32[index]! & bit) !== 0) return false
    u32[index] = u32[index]! | bit
    return true
  }
  get upcallPending(): boolean {
    return this.memory.u8[this.vcpuInfo + UPCALL_PENDING] !== 0
  }
  set upcallPending(on: boolean) {
    this.memory.u8[this.vcpuInfo + UPCALL_PENDING] = Number(on)
  }
  get upcallMask(): number {
    return this.memory.u8[this.vcpuInfo + UPCALL_MASK]!
  }
  set upcallMask(value: number) {
    this.memory.u8[this.vcpuInfo + UPCALL_MASK] = value
  }
  get cr2(): number {
    return this.memory.u32[(this.vcpuInfo + CR2) >>> 2]!
  }
  set cr2(value: number) {
    setWord(this.memory, this.vcpuInfo + CR2, value)
  }

  /**
   * Moves vcpu_info to another place; events that were pending show there, with the upcall flag up so that none is
   * lost.
   */
  /** One more than the highest place in its memory, as the guest has told. */
  get maximumPlace(): number {
    return this.memory.u32[(this.address + MAXIMUM_PLACE) >>> 2]!
  }
  moveVcpuInfo(address: number) {
    const { memory } = this
    memory.u8.copyWithin(address, this.vcpuInfo, this.vcpuInfo + VCPU_INFO_BYTES)
    memory.changed(address, VCPU_INFO_BYTES)
    this.vcpuInfo = address
    this.upcallPending = true
    memory.u32[(address + PENDING_SELECTOR) >>> 2] = 0xffffffff
  }
}
