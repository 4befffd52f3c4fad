// A stack that a transfer of control pushes on before SS:ESP are changed, so that a fault half-way leaves the
// registers alone (SDM vol. 3, 5.8.5, 6.12.1; vol. 2 PUSH). One object for the whole life of a Cpu.

import type { Cpu } from './cpu.js'
import { SS as STACK_FAULT } from './exceptions.js'
import { CPL, ESP, gprCell, SEG_BASE, SEG_RIGHTS, SEG_WRITE_HIGH, SEG_WRITE_LOW, SS } from './layout.js'
import { store } from './memory.js'
import { BIG, EXPAND_DOWN, segmentIndex } from './segment-cache.js'

const AT = segmentIndex(SS)

export class StackCursor {
  /** Stack pointer after the pushes so far. */
  esp = 0
  private base = 0
  private low = 0
  private high = 0
  private mask = 0
  private user = false
  private error = 0

  /** Starts at the current SS:ESP with the rights of the current CPL; `error` is what #SS will push. */
  current(cpu: Cpu, error: number) {
    const i32 = cpu.i32
    this.base = i32[AT + (SEG_BASE >> 2)]!
    this.low = i32[AT + (SEG_WRITE_LOW >> 2)]! >>> 0
    this.high = i32[AT + (SEG_WRITE_HIGH >> 2)]! >>> 0
    this.mask = (i32[AT + (SEG_RIGHTS >> 2)]! & BIG) !== 0 ? -1 : 0xffff
    this.esp = i32[gprCell(ESP) >> 2]!
    this.user = i32[CPL >> 2] === 3
    this.error = error
  }

  /** Starts on a stack segment that is not loaded yet, at privilege level `cpl`. */
  other(base: number, limit: number, rights: number, esp: number, cpl: number, error: number) {
    const down = (rights & EXPAND_DOWN) !== 0
    this.base = base
    this.low = down ? (limit >>> 0) + 1 : 0
    this.high = down ? ((rights & BIG) !== 0 ? 0xffffffff : 0xffff) : limit >>> 0
    this.mask = (rights & BIG) !== 0 ? -1 : 0xffff
    this.esp = esp
    this.user = cpl === 3
    this.error = error
  }

  /** Raises #SS when the next `bytes` of pushes leave the segment. */
  room(cpu: Cpu, bytes: number): boolean {
    const from = ((this.esp - bytes) & this.mask) >>> 0
    const to = ((this.esp - 1) & this.mask) >>> 0
    // A frame that wraps around the segment's end is left to the single pushes.
    if (from > to || (from >= this.low && to <= this.high)) return true
    return cpu.raise(STACK_FAULT, this.error)
  }

  /** Pushes 2 or 4 bytes; false when #SS or #PF was raised. */
  push(cpu: Cpu, value: number, size: number): boolean {
    const offset = ((this.esp - size) & this.mask) >>> 0
    const last = (offset + size - 1) >>> 0
    if (offset < this.low || last < this.low || offset > this.high || last > this.high)
      return cpu.raise(STACK_FAULT, this.error)
    if (!store(cpu, (this.base + offset) | 0, size, value, this.user)) return false
    this.esp = (this.esp & ~this.mask) | offset
    return true
  }
}
