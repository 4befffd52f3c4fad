// Linear memory of a guest as hypercalls see it: a walk of the tables in force, with the rights of the guest's kernel
// (ring 1: supervisor, write protection on). Accessed and dirty bits are set as the processor does. A pointer that leads
// nowhere, or into the hypervisor's area, throws BadPointer.

import { badPointer } from '../errors.js'
import { ACCESSED, DIRTY, frameOf, PRESENT, PSE, RW } from './entry.js'
import type { MachineMemory } from './machine-memory.js'

/** Where the four page-directory-pointer entries in force stand. */
export type Root = () => number

export class GuestMemory {
  /**
   * @param root machine address of the table of page-directory pointers in force
   * @param end first linear address that is the hypervisor's
   */
  constructor(
    private readonly memory: MachineMemory,
    private readonly root: Root,
    private readonly end: number,
  ) {}

  /** Machine address behind a linear one, or -1. */
  translate(linear: number, write: boolean): number {
    const { u32 } = this.memory
    if (linear >= this.end) return -1
    const pointer = (this.root() >>> 2) + 2 * (linear >>> 30)
    if ((u32[pointer]! & PRESENT) === 0) return -1
    const directory = frameOf(u32[pointer]!, u32[pointer + 1]!) * 1024 + 2 * ((linear >>> 21) & 511)
    const pde = u32[directory]!
    if ((pde & PRESENT) === 0 || (pde & PSE) !== 0 || (write && (pde & RW) === 0)) return -1
    const table = frameOf(pde, u32[directory + 1]!) * 1024 + 2 * ((linear >>> 12) & 511)
    const pte = u32[table]!
    if ((pte & PRESENT) === 0 || (write && (pte & RW) === 0)) return -1
    const bits = write ? ACCESSED | DIRTY : ACCESSED
    if ((pte & bits) !== bits) u32[table] = pte | bits
    if ((pde & ACCESSED) === 0) u32[directory] = pde | ACCESSED
    const address = frameOf(pte, u32[table + 1]!) * 4096 + (linear & 0xfff)
    return address < this.memory.u8.length ? address : -1
  }

  /** Index in u32 of the last-level entry for a linear address, or -1 where there is no table. */
  entryIndex(linear: number): number {
    const { u32 } = this.memory
    const pointer = (this.root() >>> 2) + 2 * (linear >>> 30)
    if ((u32[pointer]! & PRESENT) === 0) return -1
    const directory = frameOf(u32[pointer]!, u32[pointer + 1]!) * 1024 + 2 * ((linear >>> 21) & 511)
    if ((u32[directory]! & (PRESENT | PSE)) !== PRESENT) return -1
    return frameOf(u32[directory]!, u32[directory + 1]!) * 1024 + 2 * ((linear >>> 12) & 511)
  }

  private at(linear: number, write: boolean): number {
    const address = this.translate(linear >>> 0, write)
    if (address < 0) throw badPointer
    return address
  }
  /** Reads an unsigned 32-bit word. */
  word(linear: number): number {
    if ((linear & 0xfff) > 0xffc) return this.bytes(linear, 4).reduceRight((value, byte) => value * 256 + byte, 0)
    const address = this.at(linear, false)
    if ((address & 3) === 0) return this.memory.u32[address >>> 2]!
    const { u8 } = this.memory
    return (u8[address]! | (u8[address + 1]! << 8) | (u8[address + 2]! << 16) | (u8[address + 3]! << 24)) >>> 0
  }
  /** Reads four unsigned words into `out`: at once where they lie in one page. */
  fourWords(linear: number, out: Uint32Array) {
    const { u32 } = this.memory
    if ((linear & 3) !== 0 || (linear & 0xfff) > 0xff0) {
      for (let i = 0; i < 4; i++) out[i] = this.word(linear + 4 * i)
      return
    }
    const at = this.at(linear, false) >>> 2
    out[0] = u32[at]!
    out[1] = u32[at + 1]!
    out[2] = u32[at + 2]!
    out[3] = u32[at + 3]!
  }
  /** Reads an unsigned 16-bit word. */
  half(linear: number): number {
    return this.byte(linear) | (this.byte(linear + 1) << 8)
  }
  byte(linear: number): number {
    return this.memory.u8[this.at(linear, false)]!
  }
  /** Reads an unsigned 64-bit number; exact below 2^53. */
  long(linear: number): number {
    return this.word(linear) + this.word(linear + 4) * 0x100000000
  }
  setWord(linear: number, value: number) {
    if ((linear & 0xfff) > 0xffc || (linear & 3) !== 0) {
      this.setBytes(linear, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24))
      return
    }
    const address = this.at(linear, true)
    this.memory.u32[address >>> 2] = value
    this.memory.changed(address, 4)
  }
  setHalf(linear: number, value: number) {
    this.setBytes(linear, Uint8Array.of(value, value >>> 8))
  }
  setLong(linear: number, value: number) {
    this.setWord(linear, value)
    this.setWord(linear + 4, Math.floor(value / 0x100000000))
  }
  /** A copy of `length` bytes. */
  bytes(linear: number, length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const address = this.at(linear + done, false)
      const part = Math.min(length - done, 4096 - (address & 0xfff))
      out.set(this.memory.u8.subarray(address, address + part), done)
      done += part
    }
    return out
  }
  /** Writes bytes; all pages are checked before the first byte is written. */
  setBytes(linear: number, data: Uint8Array) {
    const parts: { address: number; from: number; length: number }[] = []
    for (let from = 0; from < data.length; ) {
      const address = this.at(linear + from, true)
      const length = Math.min(data.length - from, 4096 - (address & 0xfff))
      parts.push({ address, from, length })
      from += length
    }
    for (const { address, from, length } of parts) {
      this.memory.u8.set(data.subarray(from, from + length), address)
      this.memory.changed(address, length)
    }
  }
}
