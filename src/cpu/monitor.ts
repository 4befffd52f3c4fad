// What a monitor below the guest asks of the CPU: gates that lead to it, exceptions that reach it before the IDT is looked
// at, external interrupts, and control registers that show the guest's values (as the exception bitmap, interrupt exits
// and read shadows of VT-x, SDM vol. 3, 25.6). Whatever leads to it waits in `pending` until the engine has been left.

import type { Cpu } from './cpu.js'
import { EXCEPTION, EXTERNAL } from './delivery.js'
import { DF, hasErrorCode, makesDoubleFault, PF } from './exceptions.js'
import * as L from './layout.js'

/** An event that was on its way through the IDT when an exception came in between; to be delivered again. */
export interface InterruptedDelivery {
  readonly vector: number
  readonly external: boolean
  readonly error: number | undefined
}

/** Why the CPU turns to the monitor. Nothing has been pushed, and no register but EIP and CR2 has changed. */
export type CpuTrap =
  /**
   * A gate marked as the monitor's was found usable: EIP is the address to return to (behind INT n). For #PF, CR2 is set.
   */
  | {
      readonly kind: 'gate'
      readonly vector: number
      readonly source: 'software' | 'exception' | 'external'
      readonly error: number | undefined
    }
  /** An exception that the monitor wants to see first; CR2 is not set, `linear` is the address of a #PF. */
  | {
      readonly kind: 'exception'
      readonly vector: number
      readonly error: number | undefined
      readonly linear: number
      readonly interrupted: InterruptedDelivery | undefined
    }
  /** An external interrupt can be taken; it has not been acknowledged. */
  | { readonly kind: 'interrupt' }

/** What MOV from CR0, CR3 and CR4 shows: of CR0 and CR4 the bits that the monitor owns, the others are the processor's. */
export interface ControlShadow {
  readonly cr0: number
  readonly cr0Owned: number
  readonly cr3: number
  readonly cr4: number
  readonly cr4Owned: number
}

export class Monitor {
  /** By vector: 1 where the gate in the IDT is the monitor's. */
  readonly gates = new Uint8Array(256)
  /** By vector: 1 where the exception comes to the monitor before the IDT is looked at. */
  readonly exceptions = new Uint8Array(32)
  /** External interrupts come to the monitor before they are acknowledged. */
  interrupts = false
  /** In the place of what the control registers hold. */
  controls: ControlShadow | undefined
  /** CR0, CR3 and CR4 as the program sees them. */
  get shown(): { cr0: number; cr3: number; cr4: number } {
    const { u32 } = this.cpu
    const [cr0, cr3, cr4] = [u32[L.CR0 >> 2]!, u32[L.CR3 >> 2]!, u32[L.CR4 >> 2]!]
    const { controls } = this
    if (!controls) return { cr0, cr3, cr4 }
    const mix = (real: number, shown: number, owned: number) => ((real & ~owned) | (shown & owned)) >>> 0
    return {
      cr0: mix(cr0, controls.cr0, controls.cr0Owned),
      cr3: controls.cr3 >>> 0,
      cr4: mix(cr4, controls.cr4, controls.cr4Owned),
    }
  }
  /** In the order in which they are to be handled. */
  readonly pending: CpuTrap[] = []
  /** Traps so far, as the CPU counts them. */
  readonly counts = { gate: 0, exception: 0, interrupt: 0 }
  /** What is being delivered comes from the monitor: it was counted when it was raised. */
  injecting = false

  constructor(private readonly cpu: Cpu) {
    cpu.monitor = this
    cpu.monitorGate = (vector, source, error) => {
      if (this.gates[vector] === 0) return false
      const name = source === EXCEPTION ? 'exception' : source === EXTERNAL ? 'external' : 'software'
      const known = source === EXCEPTION && hasErrorCode(vector)
      this.push({ kind: 'gate', vector, source: name, error: known ? error : undefined })
      return true
    }
  }

  /**
   * Asked in the midst of an access that faults, where a task switch cannot be begun again: true when the tables have been
   * changed so that it does not any more.
   */
  repair: ((linear: number, error: number) => boolean) | undefined
  /** See `repair`; counted as an exception. */
  repairs(linear: number, error: number): boolean {
    if (!this.repair?.(linear >>> 0, error)) return false
    this.counts.exception++
    this.cpu.exceptionCounts[PF]!++
    return true
  }
  /** Asked for each exception before it is delivered; true takes it. */
  takes(vector: number, error: number, hasError: boolean, interrupted?: InterruptedDelivery): boolean {
    if (this.exceptions[vector] === 0 || (this.injecting && !interrupted)) return false
    const { i32, u32 } = this.cpu
    i32[L.FAULT >> 2] = 0
    const known = hasError ? error : undefined
    this.push({ kind: 'exception', vector, error: known, linear: u32[L.FAULT_LINEAR >> 2]!, interrupted })
    return true
  }
  /** Asked before an external interrupt is acknowledged; true takes it. */
  takesInterrupt(): boolean {
    if (this.interrupts) this.push({ kind: 'interrupt' })
    return this.interrupts
  }
  private push(trap: CpuTrap) {
    this.counts[trap.kind]++
    this.pending.push(trap)
    this.cpu.i32[L.ATTENTION >> 2] = 1
  }

  /**
   * Delivers an exception through the IDT in IDTR, past `exceptions`. `linear` is the address of a #PF; with what it
   * has interrupted it may become a double fault, or shut the processor down.
   */
  inject(vector: number, error: number | undefined, linear: number, interrupted?: InterruptedDelivery) {
    const { cpu } = this
    if (vector === PF) cpu.i32[L.FAULT_LINEAR >> 2] = linear
    const first = interrupted && !interrupted.external ? interrupted.vector : -1
    const double = first >= 0 && (first === DF || makesDoubleFault(first, vector))
    if (double && vector === PF) cpu.i32[L.CR2 >> 2] = linear
    if (first === DF) {
      cpu.shutdown = true
      return
    }
    this.injecting = true
    if (double) cpu.exceptionCounts[DF]!++
    if (double) cpu.deliverFault(DF, 0)
    else cpu.deliverFault(vector, error)
    this.injecting = false
  }
  /** Delivers again what an exception had interrupted. */
  resume({ vector, external, error }: InterruptedDelivery) {
    const { cpu } = this
    if (external) {
      cpu.interruptCounts[vector]!--
      cpu.deliverInterrupt(vector)
    } else this.inject(vector, error, cpu.u32[L.CR2 >> 2]!)
  }
}
