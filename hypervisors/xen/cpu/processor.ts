// The processor as one domain has it: descriptor tables in the hypervisor's area, page-directory pointers in a frame of its
// own (the entries of a guest's table may have bits that those of 32-bit paging reserve), and control registers.

import type { Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { GDT, GDT_LIMIT, IDT, LDT, LDT_SELECTOR, RING1_CODE, RING1_DATA, TASK, TSS, TSS_LIMIT } from '../layout.js'
import type { TranslationCache } from '../memory/context.js'
import type { FrameTable } from '../memory/frame-table.js'
import type { HypervisorArea } from '../memory/hypervisor-area.js'
import type { MachineMemory } from '../memory/machine-memory.js'
import { EBP, EBX, ECX, EDI, EDX, ESI, LDTR } from './registers.js'

const CR0 = 0x80050033
/** PAE, and the two that let a guest use SSE. */
const CR4 = 0x620
const FLAGS_AT_START = 0x202
const PRESENT = 1
const POINTER_BITS = 0xfffff001
const IDT_LIMIT = 0x7ff
const FLAT_LIMIT = 0xffffffff
const CODE_RIGHTS = 0xc0bb
const DATA_RIGHTS = 0xc0b3
const TASK_RIGHTS = 0x8b
const LDT_RIGHTS = 0x82
const UNUSABLE = 0x10000
const GATE_PRESENT = 0x8e00
const TRAP_GATE = 0x8f00
const VECTORS = 256
const HYPERCALL = 0x82
/** Vectors that ring 3 may call: INT3, INTO and the system call. */
const CALLABLE = new Set([3, 4, 0x80])
export const SYSTEM_CALL = 0x80
const EXCEPTIONS = 32

export class Processor implements TranslationCache {
  /** Set once the domain is there. */
  domain: Domain | undefined
  private started = false
  private direct: { selector: number; address: number } | undefined

  constructor(
    private readonly vcpu: Vcpu,
    private readonly memory: MachineMemory,
    private readonly frames: FrameTable,
    private readonly area: HypervisorArea,
    /** Machine address of the page-directory pointers in force. */
    readonly pointers: number,
  ) {}

  flush() {
    this.frames.flushes++
    this.vcpu.flush()
  }
  invalidate(linear: number) {
    this.vcpu.invalidate(linear >>> 0)
  }
  /** Copies the four pointers, without bits that are reserved in them, and loads them. */
  baseChanged() {
    const { u32 } = this.memory
    const from = this.domain!.base * 1024
    for (let slot = 0; slot < 4; slot++) {
      const low = u32[from + 2 * slot]!
      u32[(this.pointers >>> 2) + 2 * slot] = (low & PRESENT) !== 0 ? low & POINTER_BITS : 0
      u32[(this.pointers >>> 2) + 2 * slot + 1] = u32[from + 2 * slot + 1]!
    }
    this.frames.flushes++
    if (this.started) this.vcpu.controls = { ...this.vcpu.controls, cr3: this.pointers }
  }
  gdtChanged() {
    const { entries } = this.domain!.ldt
    const rights = entries === 0 ? UNUSABLE : LDT_RIGHTS
    const selector = entries === 0 ? 0 : LDT_SELECTOR
    this.vcpu.setSegment(LDTR, { selector, base: LDT, limit: Math.max(entries * 8 - 1, 0), rights })
    this.flush()
  }

  /** Leaves the processor at the first instruction of the domain. */
  start(entry: number, stack: number, startInfo: number) {
    const { vcpu } = this
    const code = { selector: RING1_CODE, base: 0, limit: FLAT_LIMIT, rights: CODE_RIGHTS }
    const data = { selector: RING1_DATA, base: 0, limit: FLAT_LIMIT, rights: DATA_RIGHTS }
    const at = { eax: 0, ecx: 0, edx: 0, ebx: 0, ebp: 0, edi: 0, esi: startInfo, esp: stack, eip: entry }
    vcpu.set({
      cr0: CR0,
      cr3: this.pointers,
      cr4: CR4,
      eflags: FLAGS_AT_START,
      gdtr: { base: GDT, limit: GDT_LIMIT },
      idtr: { base: IDT, limit: IDT_LIMIT },
      tr: { selector: TASK, base: TSS, limit: TSS_LIMIT, rights: TASK_RIGHTS },
      ldtr: { selector: 0, base: 0, limit: 0, rights: UNUSABLE },
      cs: code,
      ds: data,
      es: data,
      fs: data,
      gs: data,
      ss: data,
      x87: { cw: 0x37f },
      mxcsr: 0x1f80,
      ...at,
    })
    this.started = true
    this.setGates(undefined)
  }
  /** Takes the processor's exceptions and interrupts, whichever domain runs. */
  static attach(vcpu: Vcpu) {
    vcpu.setMonitorExceptions(Array.from({ length: EXCEPTIONS }, (_, vector) => vector))
    vcpu.monitorInterrupts = true
  }

  /** Gates of all vectors are the hypervisor's, but for one of the guest's own for system calls. */
  setGates(direct: { selector: number; address: number } | undefined) {
    this.direct = direct
    for (let vector = 0; vector < VECTORS; vector++) {
      const dpl = vector === HYPERCALL ? 1 : CALLABLE.has(vector) ? 3 : 0
      this.area.setGate(vector, 0, GATE_PRESENT | (dpl << 13))
    }
    if (direct) {
      const { selector, address } = direct
      const low = ((selector << 16) | (address & 0xffff)) >>> 0
      this.area.setGate(SYSTEM_CALL, low, ((address & 0xffff0000) | TRAP_GATE | (3 << 13)) >>> 0)
    }
    this.takeOver()
  }
  /** The processor has this domain's registers: its gates come to the hypervisor. */
  takeOver() {
    this.started = true
    const vectors = Array.from({ length: VECTORS }, (_, vector) => vector)
    this.vcpu.setMonitorGates(this.direct ? vectors.filter(vector => vector !== SYSTEM_CALL) : vectors)
  }
  /** The ring-1 stack for a gate of the guest's own. */
  setKernelStack({ selector, esp }: { selector: number; esp: number }) {
    this.area.setRing1Stack(selector, esp)
  }

  /** EBX, ECX, EDX, ESI, EDI, EBP: the arguments of a hypercall. */
  arguments(): [number, number, number, number, number, number] {
    const { vcpu } = this
    return [
      vcpu.register(EBX),
      vcpu.register(ECX),
      vcpu.register(EDX),
      vcpu.register(ESI),
      vcpu.register(EDI),
      vcpu.register(EBP),
    ]
  }
}
