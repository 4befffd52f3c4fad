// Reading the current stack without moving it, for returns: all reads and checks come before ESP changes
// (SDM vol. 2 POP, RET, IRET).

import type { Cpu } from './cpu.js'
import { SS as STACK_FAULT } from './exceptions.js'
import { CPL, ESP, gprCell, SEG_BASE, SEG_READ_HIGH, SEG_READ_LOW, SS, STACK_MASK } from './layout.js'
import { load } from './memory.js'
import { segmentIndex } from './segment-cache.js'

const AT = segmentIndex(SS)

/** Reads 2 or 4 bytes at SS:ESP + delta; after #SS(0) or #PF the answer is 0 and cpu.faulted is true. */
export function peek(cpu: Cpu, delta: number, size: number): number {
  const i32 = cpu.i32
  const offset = ((i32[gprCell(ESP) >> 2]! + delta) & i32[STACK_MASK >> 2]!) >>> 0
  const low = i32[AT + (SEG_READ_LOW >> 2)]! >>> 0
  const high = i32[AT + (SEG_READ_HIGH >> 2)]! >>> 0
  const last = (offset + size - 1) >>> 0
  if (offset < low || last < low || offset > high || last > high) return Number(cpu.raise(STACK_FAULT, 0))
  return load(cpu, (i32[AT + (SEG_BASE >> 2)]! + offset) | 0, size, false, i32[CPL >> 2] === 3)
}

/** Reads a selector out of its slot of 2 or 4 bytes: processors read two bytes of it, an 80386 the whole slot. */
export function peekSelector(cpu: Cpu, delta: number, size: number): number {
  return peek(cpu, delta, cpu.model.generation === 3 ? size : 2) & 0xffff
}

/** Moves the stack pointer up by some bytes; with a 16-bit stack only SP changes. */
export function release(cpu: Cpu, bytes: number) {
  setStackPointer(cpu, cpu.i32[gprCell(ESP) >> 2]! + bytes)
}

/** Sets ESP, or only SP where the (new) stack segment is 16 bits wide. */
export function setStackPointer(cpu: Cpu, value: number) {
  const mask = cpu.i32[STACK_MASK >> 2]!
  const at = gprCell(ESP) >> 2
  cpu.i32[at] = (value & mask) | (cpu.i32[at]! & ~mask)
}
