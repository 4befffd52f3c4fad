// Delivery of exceptions and interrupts (SDM vol. 3, 6.10 to 6.15 and 20.1.4, 20.3; vol. 2 INT n). A fault while
// delivering is combined with the first one; a third one shuts the processor down. Protected mode: gate-delivery.ts.

import type { Cpu } from './cpu.js'
import { joinHeld } from './debug-registers.js'
import { AC, eflags, IF, RF, TF } from './eflags.js'
import { DB, DF, GP, hasErrorCode, MC, makesDoubleFault, NMI, PF } from './exceptions.js'
import { deliverThroughIdt } from './gate-delivery.js'
import {
  CR0,
  CR2,
  CS,
  DR,
  EIP,
  ESP,
  FAULT,
  FAULT_ERROR,
  FAULT_HAS_ERROR,
  FAULT_LINEAR,
  FLAGS,
  gprCell,
  IDTR_BASE,
  IDTR_LIMIT,
  NMI_BLOCKED,
  SEG_SELECTOR,
  SHADOW,
  SHADOW_KIND,
  SHADOW_REPEATING,
  segmentCell,
} from './layout.js'
import { systemLoad } from './memory.js'
import { updateMode } from './mode.js'
import { setRealSegment } from './segment-cache.js'

// What is delivered.
/** INT n, INT3, INTO: the gate's DPL is checked, error codes have EXT 0. */
export const SOFTWARE = 0
/** A fault or trap of the processor, INT1 included. */
export const EXCEPTION = 1
/** An external interrupt or NMI. */
export const EXTERNAL = 2

/**
 * Delivers once, with `returnEip` as the address to return to. False when an exception was raised on the way;
 * registers are unchanged then, unless a task switch got so far that the new task has the exception.
 */
export function deliver(
  cpu: Cpu,
  vector: number,
  source: number,
  error: number,
  hasError: boolean,
  returnEip: number,
  flags: number,
): boolean {
  cpu.tracing = false
  const done =
    (cpu.i32[CR0 >> 2]! & 1) === 0
      ? deliverReal(cpu, vector, source, error, returnEip, flags)
      : deliverThroughIdt(cpu, vector, source, error, hasError, returnEip, flags)
  if (done) cpu.onDelivery?.(vector, source, hasError ? error : undefined, returnEip)
  return done
}

/** Real-address mode: the table of far pointers at IDTR; 16-bit frame, no error code (SDM vol. 3, 20.1.4). */
function deliverReal(
  cpu: Cpu,
  vector: number,
  source: number,
  error: number,
  returnEip: number,
  flags: number,
): boolean {
  const { i32, stack } = cpu
  if (vector * 4 + 3 > cpu.u32[IDTR_LIMIT >> 2]!) return cpu.raise(GP, vector * 8 + 2 + (source === SOFTWARE ? 0 : 1))
  const target = systemLoad(cpu, (i32[IDTR_BASE >> 2]! + vector * 4) | 0, 4)
  if (cpu.faulted) return false
  if (cpu.monitorGate?.(vector, source, error, returnEip)) {
    i32[EIP >> 2] = returnEip
    return true
  }
  stack.current(cpu, 0)
  if (!stack.room(cpu, 6) || !stack.push(cpu, flags, 2)) return false
  if (!stack.push(cpu, i32[segmentCell(CS, SEG_SELECTOR) >> 2]!, 2) || !stack.push(cpu, returnEip, 2)) return false
  i32[gprCell(ESP) >> 2] = stack.esp
  i32[FLAGS >> 2] = i32[FLAGS >> 2]! & ~(IF | TF | AC | RF)
  setRealSegment(cpu, CS, target >>> 16)
  i32[EIP >> 2] = target & 0xffff
  updateMode(cpu)
  return true
}

/** Between two iterations of a repeated string instruction frames have RF set (SDM vol. 3, 17.3.1.1). */
export function betweenIterations(cpu: Cpu): boolean {
  return cpu.i32[SHADOW_KIND >> 2] === SHADOW_REPEATING && cpu.i32[SHADOW >> 2] === cpu.retired
}

/** Delivers an exception whose instruction is at the EIP cell. Never fails: the end of the line is shutdown. */
export function deliverFault(cpu: Cpu, vector: number, error: number, hasError: boolean) {
  const { i32, monitor } = cpu
  if (!monitor?.injecting) cpu.exceptionCounts[vector]!++
  if (monitor?.takes(vector, error, hasError)) return
  const repeating = betweenIterations(cpu)
  i32[SHADOW_KIND >> 2] = 0
  for (;;) {
    i32[FAULT >> 2] = 0
    if (vector === PF) i32[CR2 >> 2] = i32[FAULT_LINEAR >> 2]!
    let flags = eflags(cpu)
    if ((vector !== DB && vector !== MC) || repeating) flags |= RF
    if (deliver(cpu, vector, EXCEPTION, error, hasError, i32[EIP >> 2]!, flags)) break
    const second = i32[FAULT >> 2]! - 1
    if (monitor && interruptedBy(cpu, second, vector, false, hasError ? error : undefined)) return
    if (second === PF) i32[CR2 >> 2] = i32[FAULT_LINEAR >> 2]!
    if (vector === DF) {
      i32[FAULT >> 2] = 0
      cpu.shutdown = true
      return
    }
    if (makesDoubleFault(vector, second)) {
      vector = DF
      error = 0
      hasError = true
    } else {
      vector = second
      error = i32[FAULT_ERROR >> 2]!
      hasError = i32[FAULT_HAS_ERROR >> 2] !== 0
    }
    cpu.exceptionCounts[vector]!++
  }
  if (vector === DB) i32[(DR >> 2) + 7] = i32[(DR >> 2) + 7]! & ~0x2000
}

/** Delivers the trap #DB after an instruction; EIP is that of the next one. DR6 has been set. */
export function deliverTrap(cpu: Cpu, vector: number) {
  deliverFault(cpu, vector, 0, hasErrorCode(vector))
}

/**
 * Delivers an external interrupt, or NMI (vector 2), at an instruction boundary; EIP is that of the next instruction.
 * After an NMI the NMI_BLOCKED cell is set until IRET: the caller holds back the next one (SDM vol. 3, 6.7.1).
 */
export function deliverInterrupt(cpu: Cpu, vector: number) {
  const { i32 } = cpu
  const repeating = betweenIterations(cpu)
  cpu.interruptCounts[vector]!++
  i32[SHADOW_KIND >> 2] = 0
  if (vector === NMI) i32[NMI_BLOCKED >> 2] = 1
  const flags = repeating ? eflags(cpu) | RF : eflags(cpu)
  if (deliver(cpu, vector, EXTERNAL, 0, false, i32[EIP >> 2]!, flags)) return
  if (cpu.monitor && interruptedBy(cpu, i32[FAULT >> 2]! - 1, vector, true, undefined)) return
  cpu.deliverRaised()
}

/** Whether the monitor takes an exception raised while something else was being delivered. */
function interruptedBy(cpu: Cpu, raised: number, vector: number, external: boolean, error: number | undefined) {
  const { i32 } = cpu
  const interrupted = { vector, external, error }
  const taken = cpu.monitor!.takes(raised, i32[FAULT_ERROR >> 2]!, i32[FAULT_HAS_ERROR >> 2] !== 0, interrupted)
  if (taken) cpu.exceptionCounts[raised]!++
  return taken
}

/**
 * INT n (kind 0), INT3 (1), INTO (2) and INT1 (3); `nextEip` is the address behind the instruction. False when an
 * exception was raised, which belongs to the instruction itself.
 */
export function softwareInterrupt(cpu: Cpu, vector: number, kind: number, nextEip: number): boolean {
  const { i32 } = cpu
  // Virtual-8086 mode lets INT n pass only with IOPL 3 (SDM vol. 3, 20.3.3); INT3, INTO and INT1 are not sensitive.
  if (kind === 0 && (i32[FLAGS >> 2]! & 0x23000) !== 0x23000 && (i32[FLAGS >> 2]! & 0x20000) !== 0)
    return cpu.raise(GP, 0)
  cpu.taskSwitched = false
  if (kind === 3) joinHeld(cpu)
  if (deliver(cpu, vector, kind === 3 ? EXCEPTION : SOFTWARE, 0, false, nextEip, eflags(cpu) & ~RF)) {
    cpu.softwareCounts[vector]!++
    return true
  }
  if (!cpu.taskSwitched) return false
  cpu.deliverRaised()
  return true
}
