// Delivery through the IDT in protected and virtual-8086 mode: interrupt, trap and task gates, the switch to an inner
// stack, frames from virtual-8086 mode (SDM vol. 2 INT n; vol. 3, 6.11 to 6.14, 20.3.1). All checks and stores come
// before the first register changes.

import type { Cpu } from './cpu.js'
import { SOFTWARE } from './delivery.js'
import {
  descriptorDpl,
  descriptorType,
  fetchDescriptor,
  HIGH_ACCESSED,
  HIGH_CODE,
  HIGH_CONFORMING,
  HIGH_PRESENT,
  HIGH_S,
  INTERRUPT_GATE16,
  INTERRUPT_GATE32,
  isNull,
  setAccessed,
  TASK_GATE,
  TRAP_GATE16,
  TRAP_GATE32,
} from './descriptors.js'
import { IF, NT, RF, TF, VM } from './eflags.js'
import { GP, NP, TS } from './exceptions.js'
import { innerStack } from './inner-stack.js'
import { CPL, CS, DS, EIP, ES, ESP, FLAGS, FS, GS, gprCell, IDTR_BASE, IDTR_LIMIT, SEG_SELECTOR, SS } from './layout.js'
import { loadDescriptor } from './memory.js'
import { updateMode } from './mode.js'
import {
  descriptorBase,
  descriptorLimit,
  descriptorRights,
  segmentIndex,
  setNullSegment,
  setSegment,
} from './segment-cache.js'
import { deliverTask } from './task-delivery.js'

const SELECTOR = SEG_SELECTOR >> 2
const selectorOf = (cpu: Cpu, n: number) => cpu.i32[segmentIndex(n) + SELECTOR]!

/** See delivery.ts `deliver`. */
export function deliverThroughIdt(
  cpu: Cpu,
  vector: number,
  source: number,
  error: number,
  hasError: boolean,
  returnEip: number,
  flags: number,
): boolean {
  const { i32 } = cpu
  // INT n has tried it before it came here.
  const quick = source === SOFTWARE || cpu.transferring !== 0 ? undefined : cpu.deliverQuick
  if (quick?.(vector, 0, error, Number(hasError), returnEip, flags)) return true
  const ext = source === SOFTWARE ? 0 : 1
  const offset = vector * 8
  if (offset + 7 > cpu.u32[IDTR_LIMIT >> 2]!) return cpu.raise(GP, offset + 2 + ext)
  const address = (i32[IDTR_BASE >> 2]! + offset) | 0
  if (!loadDescriptor(cpu, address)) return false
  const low = cpu.descriptorLow
  const high = cpu.descriptorHigh
  const type = descriptorType(high)
  const usable =
    type === INTERRUPT_GATE32 ||
    type === TRAP_GATE32 ||
    type === INTERRUPT_GATE16 ||
    type === TRAP_GATE16 ||
    type === TASK_GATE
  if (!usable) return cpu.raise(GP, offset + 2 + ext)
  if (source === SOFTWARE && descriptorDpl(high) < i32[CPL >> 2]!) return cpu.raise(GP, offset + 2)
  if ((high & HIGH_PRESENT) === 0) return cpu.raise(NP, offset + 2 + ext)
  if (cpu.monitorGate?.(vector, source, error, returnEip)) {
    i32[EIP >> 2] = returnEip
    return true
  }
  if (type === TASK_GATE) return deliverTask(cpu, low >>> 16, ext, error, hasError, returnEip, flags)

  const selector = low >>> 16
  if (isNull(selector)) return cpu.raise(GP, ext)
  if (!fetchDescriptor(cpu, selector, GP, ext)) return false
  const codeHigh = cpu.descriptorHigh
  const dpl = descriptorDpl(codeHigh)
  const cpl = i32[CPL >> 2]!
  const selectorError = (selector & 0xfffc) | ext
  if ((codeHigh & (HIGH_S | HIGH_CODE)) !== (HIGH_S | HIGH_CODE) || dpl > cpl) return cpu.raise(GP, selectorError)
  if ((codeHigh & HIGH_PRESENT) === 0) return cpu.raise(NP, selectorError)
  const size = type >= 8 ? 4 : 2
  const entry = size === 4 ? (low & 0xffff) | (high & 0xffff0000) : low & 0xffff
  const inner = (codeHigh & HIGH_CONFORMING) === 0 && dpl < cpl
  const fromV86 = (i32[FLAGS >> 2]! & VM) !== 0
  if (fromV86 && (!inner || dpl !== 0)) return cpu.raise(GP, selectorError)
  const codeBase = descriptorBase(cpu.descriptorLow, codeHigh)
  const codeLimit = descriptorLimit(cpu.descriptorLow, codeHigh)
  const codeRights = descriptorRights(codeHigh | HIGH_ACCESSED)
  const codeAddress = cpu.descriptorAddress
  const { stack } = cpu
  const frame = (hasError ? 4 : 3) * size
  let stackSelector = 0
  let stackBase = 0
  let stackLimit = 0
  let stackRights = 0
  if (inner) {
    if (!innerStack(cpu, dpl, TS, ext)) return false
    stackSelector = cpu.innerSelector
    stackBase = descriptorBase(cpu.descriptorLow, cpu.descriptorHigh)
    stackLimit = descriptorLimit(cpu.descriptorLow, cpu.descriptorHigh)
    stackRights = descriptorRights(cpu.descriptorHigh)
    stack.other(stackBase, stackLimit, stackRights, cpu.innerEsp, dpl, (stackSelector & 0xfffc) | ext)
    if (!stack.room(cpu, frame + (fromV86 ? 6 : 2) * size)) return false
    if (entry >>> 0 > codeLimit >>> 0) return cpu.raise(GP, ext)
    cpu.descriptorHigh = codeHigh
    cpu.descriptorAddress = codeAddress
    if (!setAccessed(cpu)) return false
    if (fromV86) {
      if (!stack.push(cpu, selectorOf(cpu, GS), size) || !stack.push(cpu, selectorOf(cpu, FS), size)) return false
      if (!stack.push(cpu, selectorOf(cpu, DS), size) || !stack.push(cpu, selectorOf(cpu, ES), size)) return false
    }
    if (!stack.push(cpu, selectorOf(cpu, SS), size) || !stack.push(cpu, i32[gprCell(ESP) >> 2]!, size)) return false
  } else {
    stack.current(cpu, ext)
    if (!stack.room(cpu, frame)) return false
    if (entry >>> 0 > codeLimit >>> 0) return cpu.raise(GP, ext)
    if (!setAccessed(cpu)) return false
  }
  if (!stack.push(cpu, flags, size) || !stack.push(cpu, selectorOf(cpu, CS), size)) return false
  if (!stack.push(cpu, returnEip, size)) return false
  if (hasError && !stack.push(cpu, error, size)) return false

  let level = cpl
  if (inner) {
    level = dpl
    setSegment(cpu, SS, stackSelector, stackBase, stackLimit, stackRights)
    if (fromV86) {
      setNullSegment(cpu, GS, 0)
      setNullSegment(cpu, FS, 0)
      setNullSegment(cpu, DS, 0)
      setNullSegment(cpu, ES, 0)
    }
  }
  i32[gprCell(ESP) >> 2] = stack.esp
  i32[CPL >> 2] = level
  setSegment(cpu, CS, (selector & 0xfffc) | level, codeBase, codeLimit, codeRights)
  i32[EIP >> 2] = entry
  const cleared = type === INTERRUPT_GATE32 || type === INTERRUPT_GATE16 ? TF | NT | RF | VM | IF : TF | NT | RF | VM
  i32[FLAGS >> 2] = i32[FLAGS >> 2]! & ~cleared
  updateMode(cpu)
  return true
}
