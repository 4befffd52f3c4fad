// What starts a task switch: far JMP and CALL to a TSS or task gate, task gates in the IDT, IRET with NT set, each with
// its own checks (SDM vol. 3, 7.3, 6.14.2; vol. 2 CALL, INT n, IRET, JMP). The switch itself is in task-switch.ts.

import type { Cpu } from './cpu.js'
import {
  descriptorType,
  fetchDescriptor,
  HIGH_PRESENT,
  TASK_GATE,
  TSS16,
  TSS16_BUSY,
  TSS32,
  TSS32_BUSY,
} from './descriptors.js'
import { eflags, NT } from './eflags.js'
import { GP, NP, SS as STACK_FAULT, TS } from './exceptions.js'
import { CS, EIP, ESP, gprCell, SEG_BASE, SEG_LIMIT, TR } from './layout.js'
import { systemLoad } from './memory.js'
import { segmentIndex } from './segment-cache.js'
import { loadTask, prepareTask, SWITCH_CALL, SWITCH_JUMP, SWITCH_RETURN } from './task-switch.js'

/** Fetches an available TSS for JMP, CALL and gates: #GP or #NP with its selector otherwise. */
function fetchAvailableTss(cpu: Cpu, selector: number, ext: number): boolean {
  const error = (selector & 0xfffc) | ext
  if ((selector & 4) !== 0) return cpu.raise(GP, error)
  if (!fetchDescriptor(cpu, selector, GP, ext)) return false
  const type = descriptorType(cpu.descriptorHigh)
  if (type !== TSS16 && type !== TSS32) return cpu.raise(GP, error)
  return (cpu.descriptorHigh & HIGH_PRESENT) !== 0 || cpu.raise(NP, error)
}

/** EIP of the new task against its code segment. */
function checkEip(cpu: Cpu, ext: number): boolean {
  const limit = cpu.u32[segmentIndex(CS) + (SEG_LIMIT >> 2)]!
  return cpu.u32[EIP >> 2]! <= limit || cpu.raise(GP, ext)
}

/** Loads the new task after prepareTask. Its exceptions belong to the new task and are delivered there at once. */
function finish(cpu: Cpu): boolean {
  if (loadTask(cpu, 0) && checkEip(cpu, 0)) return true
  if (cpu.takeTaskFault) cpu.takeTaskFault()
  else cpu.deliverRaised()
  return true
}

/** Far JMP or CALL to the TSS or task gate fetched last; DPL has been checked. */
export function farToTask(cpu: Cpu, selector: number, nextEip: number, call: boolean): boolean {
  const high = cpu.descriptorHigh
  if (descriptorType(high) === TASK_GATE) {
    if ((high & HIGH_PRESENT) === 0) return cpu.raise(NP, selector & 0xfffc)
    selector = cpu.descriptorLow >>> 16
  }
  if (!fetchAvailableTss(cpu, selector, 0)) return false
  if (!prepareTask(cpu, selector, call ? SWITCH_CALL : SWITCH_JUMP, nextEip, eflags(cpu), 0)) return false
  return finish(cpu)
}

/** IRET with NT set: back to the task whose selector is in the link field of the current TSS. */
export function returnFromTask(cpu: Cpu, nextEip: number): boolean {
  const link = systemLoad(cpu, cpu.i32[segmentIndex(TR) + (SEG_BASE >> 2)]!, 2)
  if (cpu.faulted) return false
  const error = link & 0xfffc
  if ((link & 4) !== 0) return cpu.raise(TS, error)
  if (!fetchDescriptor(cpu, link, TS, 0)) return false
  const type = descriptorType(cpu.descriptorHigh)
  if (type !== TSS16_BUSY && type !== TSS32_BUSY) return cpu.raise(TS, error)
  if ((cpu.descriptorHigh & HIGH_PRESENT) === 0) return cpu.raise(NP, error)
  if (!prepareTask(cpu, link, SWITCH_RETURN, nextEip, eflags(cpu) & ~NT, 0)) return false
  return finish(cpu)
}

/** An interrupt or exception through a task gate. See delivery.ts `deliver`. */
export function deliverTask(
  cpu: Cpu,
  selector: number,
  ext: number,
  error: number,
  hasError: boolean,
  returnEip: number,
  flags: number,
): boolean {
  if (!fetchAvailableTss(cpu, selector, ext)) return false
  const size = descriptorType(cpu.descriptorHigh) === TSS32 ? 4 : 2
  if (!prepareTask(cpu, selector, SWITCH_CALL, returnEip, flags, ext)) return false
  if (!loadTask(cpu, ext)) return false
  if (hasError) {
    const { stack } = cpu
    stack.current(cpu, ext)
    if (!stack.room(cpu, size)) return cpu.raise(STACK_FAULT, ext)
    if (!stack.push(cpu, error, size)) return false
    cpu.i32[gprCell(ESP) >> 2] = stack.esp
  }
  return checkEip(cpu, ext)
}
