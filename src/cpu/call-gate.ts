// Far JMP and CALL through a call gate, with the switch to an inner stack and the copy of parameters
// (SDM vol. 2 CALL, JMP; vol. 3, 5.8.3 to 5.8.5).

import type { Cpu } from './cpu.js'
import {
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
} from './descriptors.js'
import { GP, NP, TS } from './exceptions.js'
import { innerStack } from './inner-stack.js'
import { CPL, CS, EIP, ESP, gprCell, SEG_SELECTOR, SS } from './layout.js'
import { updateMode } from './mode.js'
import { descriptorBase, descriptorLimit, descriptorRights, segmentIndex, setSegment } from './segment-cache.js'
import { peek } from './stack-reads.js'

const SELECTOR = SEG_SELECTOR >> 2

/** Goes through the call gate fetched last; its DPL has been checked. False when an exception was raised. */
export function farThroughGate(cpu: Cpu, gateSelector: number, nextEip: number, call: boolean): boolean {
  const { i32, stack } = cpu
  const gateLow = cpu.descriptorLow
  const gateHigh = cpu.descriptorHigh
  if ((gateHigh & HIGH_PRESENT) === 0) return cpu.raise(NP, gateSelector & 0xfffc)
  const size = descriptorType(gateHigh) === CALL_GATE32 ? 4 : 2
  const selector = gateLow >>> 16
  const offset = size === 4 ? (gateLow & 0xffff) | (gateHigh & 0xffff0000) : gateLow & 0xffff
  if (isNull(selector)) return cpu.raise(GP, 0)
  if (!fetchDescriptor(cpu, selector, GP, 0)) return false
  const high = cpu.descriptorHigh
  const error = selector & 0xfffc
  const cpl = i32[CPL >> 2]!
  const dpl = descriptorDpl(high)
  const conforming = (high & HIGH_CONFORMING) !== 0
  if ((high & (HIGH_S | HIGH_CODE)) !== (HIGH_S | HIGH_CODE) || dpl > cpl) return cpu.raise(GP, error)
  if (!call && !conforming && dpl !== cpl) return cpu.raise(GP, error)
  if ((high & HIGH_PRESENT) === 0) return cpu.raise(NP, error)
  const base = descriptorBase(cpu.descriptorLow, high)
  const limit = descriptorLimit(cpu.descriptorLow, high)
  const codeAddress = cpu.descriptorAddress
  const codeLow = cpu.descriptorLow
  if (call && !conforming && dpl < cpl) {
    const parameters = gateHigh & 31
    if (!innerStack(cpu, dpl, TS, 0)) return false
    const ss = cpu.innerSelector
    const stackBase = descriptorBase(cpu.descriptorLow, cpu.descriptorHigh)
    const stackLimit = descriptorLimit(cpu.descriptorLow, cpu.descriptorHigh)
    const stackRights = descriptorRights(cpu.descriptorHigh)
    stack.other(stackBase, stackLimit, stackRights, cpu.innerEsp, dpl, ss & 0xfffc)
    if (!stack.room(cpu, (4 + parameters) * size)) return false
    if (offset >>> 0 > limit >>> 0) return cpu.raise(GP, 0)
    cpu.descriptorLow = codeLow
    cpu.descriptorHigh = high
    cpu.descriptorAddress = codeAddress
    if (!setAccessed(cpu)) return false
    if (!stack.push(cpu, i32[segmentIndex(SS) + SELECTOR]!, size)) return false
    if (!stack.push(cpu, i32[gprCell(ESP) >> 2]!, size)) return false
    for (let i = parameters - 1; i >= 0; i--) {
      const value = peek(cpu, i * size, size)
      if (cpu.faulted || !stack.push(cpu, value, size)) return false
    }
    if (!stack.push(cpu, i32[segmentIndex(CS) + SELECTOR]!, size) || !stack.push(cpu, nextEip, size)) return false
    i32[CPL >> 2] = dpl
    setSegment(cpu, SS, ss, stackBase, stackLimit, stackRights)
    i32[gprCell(ESP) >> 2] = stack.esp
    setSegment(cpu, CS, error | dpl, base, limit, descriptorRights(cpu.descriptorHigh))
  } else {
    stack.current(cpu, 0)
    if (call && !stack.room(cpu, 2 * size)) return false
    if (offset >>> 0 > limit >>> 0) return cpu.raise(GP, 0)
    if (!setAccessed(cpu)) return false
    if (call) {
      if (!stack.push(cpu, i32[segmentIndex(CS) + SELECTOR]!, size) || !stack.push(cpu, nextEip, size)) return false
      i32[gprCell(ESP) >> 2] = stack.esp
    }
    setSegment(cpu, CS, error | cpl, base, limit, descriptorRights(cpu.descriptorHigh))
  }
  i32[EIP >> 2] = offset
  updateMode(cpu)
  return true
}
