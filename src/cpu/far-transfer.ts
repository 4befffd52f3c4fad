// Far JMP, CALL and RET (SDM vol. 2 CALL, JMP, RET; vol. 3, 5.8). Call gates are in call-gate.ts, task gates and TSSs
// in task-delivery.ts. Every check and store comes before the first register changes.

import { farThroughGate } from './call-gate.js'
import type { Cpu } from './cpu.js'
import {
  CALL_GATE16,
  CALL_GATE32,
  descriptorDpl,
  descriptorType,
  fetchDescriptor,
  HIGH_CODE,
  HIGH_CONFORMING,
  HIGH_PRESENT,
  HIGH_S,
  isNull,
  setAccessed,
  TASK_GATE,
  TSS16,
  TSS32,
} from './descriptors.js'
import { GP, NP } from './exceptions.js'
import { CPL, CS, EIP, ESP, gprCell, SEG_LIMIT, SEG_SELECTOR, SS } from './layout.js'
import { updateMode } from './mode.js'
import { checkReturnCode } from './return-checks.js'
import { descriptorBase, descriptorLimit, descriptorRights, segmentIndex, setSegment } from './segment-cache.js'
import {
  checkStackSegment,
  nullInnerSegments,
  selectorsAreParagraphs,
  setFromDescriptor,
  setParagraph,
} from './segmentation.js'
import { peek, peekSelector, release, setStackPointer } from './stack-reads.js'
import { farToTask } from './task-delivery.js'

/** JMP FAR. `offset` is cut to the operand size (2 or 4). False when an exception was raised. */
export function farJump(cpu: Cpu, selector: number, offset: number, size: number, nextEip: number): boolean {
  return transfer(cpu, selector & 0xffff, size === 2 ? offset & 0xffff : offset, size, nextEip, false)
}

/** CALL FAR; `nextEip` is pushed as the return address. */
export function farCall(cpu: Cpu, selector: number, offset: number, size: number, nextEip: number): boolean {
  return transfer(cpu, selector & 0xffff, size === 2 ? offset & 0xffff : offset, size, nextEip, true)
}

function transfer(cpu: Cpu, selector: number, offset: number, size: number, nextEip: number, call: boolean): boolean {
  const { i32 } = cpu
  if (selectorsAreParagraphs(cpu)) {
    if (offset >>> 0 > i32[segmentIndex(CS) + (SEG_LIMIT >> 2)]! >>> 0) return cpu.raise(GP, 0)
    if (call && !storeReturn(cpu, size, nextEip)) return false
    if (call) i32[gprCell(ESP) >> 2] = cpu.stack.esp
    setParagraph(cpu, CS, selector)
    i32[EIP >> 2] = offset
    updateMode(cpu)
    return true
  }
  if (isNull(selector)) return cpu.raise(GP, 0)
  if (!fetchDescriptor(cpu, selector, GP, 0)) return false
  const high = cpu.descriptorHigh
  const error = selector & 0xfffc
  const cpl = i32[CPL >> 2]!
  const dpl = descriptorDpl(high)
  if ((high & HIGH_S) === 0) {
    const type = descriptorType(high)
    const gate = type === CALL_GATE16 || type === CALL_GATE32
    if (!gate && type !== TASK_GATE && type !== TSS16 && type !== TSS32) return cpu.raise(GP, error)
    if (dpl < cpl || dpl < (selector & 3)) return cpu.raise(GP, error)
    if (gate) return farThroughGate(cpu, selector, nextEip, call)
    return farToTask(cpu, selector, nextEip, call)
  }
  if ((high & HIGH_CODE) === 0) return cpu.raise(GP, error)
  if ((high & HIGH_CONFORMING) !== 0 ? dpl > cpl : (selector & 3) > cpl || dpl !== cpl) return cpu.raise(GP, error)
  if ((high & HIGH_PRESENT) === 0) return cpu.raise(NP, error)
  if (call && !storeReturn(cpu, size, nextEip)) return false
  if (offset >>> 0 > descriptorLimit(cpu.descriptorLow, high) >>> 0) return cpu.raise(GP, 0)
  if (!setAccessed(cpu)) return false
  if (call) i32[gprCell(ESP) >> 2] = cpu.stack.esp
  setFromDescriptor(cpu, CS, error | cpl)
  i32[EIP >> 2] = offset
  updateMode(cpu)
  return true
}

/** With descriptors, processors store the return address before they look at the target's offset; ESP moves when nothing can fail. */
function storeReturn(cpu: Cpu, size: number, nextEip: number): boolean {
  const { stack } = cpu
  stack.current(cpu, 0)
  if (!stack.room(cpu, 2 * size)) return false
  return stack.push(cpu, cpu.i32[segmentIndex(CS) + (SEG_SELECTOR >> 2)]!, size) && stack.push(cpu, nextEip, size)
}

/** RET FAR: `bytes` are released behind the return address, on an outer return on both stacks. */
export function farReturn(cpu: Cpu, size: number, bytes: number): boolean {
  const { i32 } = cpu
  // Processors read the selector first.
  const selector = peekSelector(cpu, size, size)
  if (cpu.faulted) return false
  const eip = peek(cpu, 0, size)
  if (cpu.faulted) return false
  if (selectorsAreParagraphs(cpu)) {
    if (eip >>> 0 > i32[segmentIndex(CS) + (SEG_LIMIT >> 2)]! >>> 0) return cpu.raise(GP, 0)
    release(cpu, 2 * size + bytes)
    setParagraph(cpu, CS, selector)
    i32[EIP >> 2] = eip
    updateMode(cpu)
    return true
  }
  if (!checkReturnCode(cpu, selector)) return false
  const codeLow = cpu.descriptorLow
  const codeHigh = cpu.descriptorHigh
  const level = selector & 3
  if (level === i32[CPL >> 2]) {
    if (eip >>> 0 > descriptorLimit(codeLow, codeHigh) >>> 0) return cpu.raise(GP, 0)
    if (!setAccessed(cpu)) return false
    release(cpu, 2 * size + bytes)
    setFromDescriptor(cpu, CS, selector)
    i32[EIP >> 2] = eip
    updateMode(cpu)
    return true
  }
  return returnOutward(cpu, eip, selector, size, bytes)
}

function returnOutward(cpu: Cpu, eip: number, selector: number, size: number, bytes: number): boolean {
  const { i32 } = cpu
  const codeLow = cpu.descriptorLow
  const codeHigh = cpu.descriptorHigh
  const codeAddress = cpu.descriptorAddress
  const level = selector & 3
  const esp = peek(cpu, 2 * size + bytes, size)
  if (cpu.faulted) return false
  const ss = peek(cpu, 3 * size + bytes, size) & 0xffff
  if (cpu.faulted) return false
  if (!checkStackSegment(cpu, ss, level, GP, 0)) return false
  if (eip >>> 0 > descriptorLimit(codeLow, codeHigh) >>> 0) return cpu.raise(GP, 0)
  if (!setAccessed(cpu)) return false
  const stackLow = cpu.descriptorLow
  const stackHigh = cpu.descriptorHigh
  cpu.descriptorHigh = codeHigh
  cpu.descriptorAddress = codeAddress
  if (!setAccessed(cpu)) return false
  const rights = descriptorRights(cpu.descriptorHigh)
  i32[CPL >> 2] = level
  setSegment(cpu, CS, selector, descriptorBase(codeLow, codeHigh), descriptorLimit(codeLow, codeHigh), rights)
  const stackBase = descriptorBase(stackLow, stackHigh)
  setSegment(cpu, SS, ss, stackBase, descriptorLimit(stackLow, stackHigh), descriptorRights(stackHigh))
  nullInnerSegments(cpu, level)
  i32[EIP >> 2] = eip
  updateMode(cpu)
  setStackPointer(cpu, esp + bytes)
  return true
}
