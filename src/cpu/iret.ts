// IRET (SDM vol. 2 IRET): real mode, virtual-8086 mode, same level, outer level, into virtual-8086 mode; the return
// from a nested task is in task-delivery.ts.

import type { Cpu } from './cpu.js'
import { setAccessed } from './descriptors.js'
import { NT, VM } from './eflags.js'
import { GP } from './exceptions.js'
import { hasIoPrivilege, iretFlags, iretFlagsToV86 } from './flag-changes.js'
import { CPL, CR0, CS, DS, EIP, ES, ESP, FLAGS, FS, GS, gprCell, NMI_BLOCKED, SEG_LIMIT, SS } from './layout.js'
import { updateMode } from './mode.js'
import { checkReturnCode } from './return-checks.js'
import {
  descriptorBase,
  descriptorLimit,
  descriptorRights,
  segmentIndex,
  setSegment,
  setV86Segment,
} from './segment-cache.js'
import { checkStackSegment, nullInnerSegments, setFromDescriptor, setParagraph } from './segmentation.js'
import { peek, peekSelector, release, setStackPointer } from './stack-reads.js'
import { returnFromTask } from './task-delivery.js'

/** IRET with operand size 2 or 4. False when an exception was raised; nothing has changed then. */
export function iret(cpu: Cpu, size: number, nextEip: number): boolean {
  const { i32 } = cpu
  const system = i32[FLAGS >> 2]!
  // IRET lets NMIs in again even when it faults (SDM vol. 3, 6.7.1).
  i32[NMI_BLOCKED >> 2] = 0
  const isProtected = (i32[CR0 >> 2]! & 1) !== 0
  const v86 = isProtected && (system & VM) !== 0
  if (v86 && !hasIoPrivilege(cpu)) return cpu.raise(GP, 0)
  if (isProtected && !v86 && (system & NT) !== 0) return returnFromTask(cpu, nextEip)
  // Processors read from the end of the frame.
  const flags = peek(cpu, 2 * size, size)
  if (cpu.faulted) return false
  const selector = peekSelector(cpu, size, size)
  if (cpu.faulted) return false
  const eip = peek(cpu, 0, size)
  if (cpu.faulted) return false
  if (!isProtected || v86) return toParagraph(cpu, eip, selector, flags, size)
  if (size === 4 && (flags & VM) !== 0 && i32[CPL >> 2] === 0) return toV86(cpu, eip, selector, flags)
  return toProtected(cpu, eip, selector, flags, size)
}

function toParagraph(cpu: Cpu, eip: number, selector: number, flags: number, size: number): boolean {
  const { i32 } = cpu
  if (eip >>> 0 > i32[segmentIndex(CS) + (SEG_LIMIT >> 2)]! >>> 0) return cpu.raise(GP, 0)
  release(cpu, 3 * size)
  setParagraph(cpu, CS, selector)
  i32[EIP >> 2] = eip
  iretFlags(cpu, flags, size)
  updateMode(cpu)
  return true
}

function toV86(cpu: Cpu, eip: number, selector: number, flags: number): boolean {
  const { i32 } = cpu
  const esp = peek(cpu, 12, 4)
  const ss = peek(cpu, 16, 4)
  const es = peek(cpu, 20, 4)
  const ds = peek(cpu, 24, 4)
  const fs = peek(cpu, 28, 4)
  const gs = peek(cpu, 32, 4)
  if (cpu.faulted) return false
  if (eip >>> 0 > 0xffff) return cpu.raise(GP, 0)
  iretFlagsToV86(cpu, flags)
  i32[CPL >> 2] = 3
  setV86Segment(cpu, CS, selector)
  setV86Segment(cpu, SS, ss & 0xffff)
  setV86Segment(cpu, ES, es & 0xffff)
  setV86Segment(cpu, DS, ds & 0xffff)
  setV86Segment(cpu, FS, fs & 0xffff)
  setV86Segment(cpu, GS, gs & 0xffff)
  i32[gprCell(ESP) >> 2] = esp
  i32[EIP >> 2] = eip
  updateMode(cpu)
  return true
}

function toProtected(cpu: Cpu, eip: number, selector: number, flags: number, size: number): boolean {
  const { i32 } = cpu
  const cpl = i32[CPL >> 2]!
  if (!checkReturnCode(cpu, selector)) return false
  const level = selector & 3
  if (level === cpl) {
    if (eip >>> 0 > descriptorLimit(cpu.descriptorLow, cpu.descriptorHigh) >>> 0) return cpu.raise(GP, 0)
    if (!setAccessed(cpu)) return false
    release(cpu, 3 * size)
    setFromDescriptor(cpu, CS, selector)
    i32[EIP >> 2] = eip
    iretFlags(cpu, flags, size)
    updateMode(cpu)
    return true
  }
  const codeLow = cpu.descriptorLow
  const codeHigh = cpu.descriptorHigh
  const codeAddress = cpu.descriptorAddress
  const esp = peek(cpu, 3 * size, size)
  if (cpu.faulted) return false
  const ss = peek(cpu, 4 * size, size) & 0xffff
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
  // The flags obey the level that IRET runs at, before CPL changes.
  iretFlags(cpu, flags, size)
  i32[CPL >> 2] = level
  setSegment(cpu, CS, selector, descriptorBase(codeLow, codeHigh), descriptorLimit(codeLow, codeHigh), rights)
  setSegment(
    cpu,
    SS,
    ss,
    descriptorBase(stackLow, stackHigh),
    descriptorLimit(stackLow, stackHigh),
    descriptorRights(stackHigh),
  )
  nullInnerSegments(cpu, level)
  i32[EIP >> 2] = eip
  updateMode(cpu)
  setStackPointer(cpu, esp)
  return true
}
